// RMSprop (Hinton's lecture 6e): v = alpha * v + (1 - alpha) * g², p -= rate * g / (sqrt(v) + eps); centered, less the square of
// the running mean of g; with momentum, a running sum of that step.
import CNNCore
import CNNOperators
import Microkernels

final class RMSprop<T: Element>: Optimizer<T> {
  private let alpha: Double, epsilon: Double, momentum: Double
  private let centered: Bool

  init(_ attributes: Attributes) throws(CNNError) {
    alpha = try attributes.atLeastZero("alpha", default: 0.99)
    epsilon = try attributes.atLeastZero("eps", default: 1e-8)
    momentum = try attributes.atLeastZero("momentum", default: 0)
    centered = try attributes.flag("centered", default: false)
    try super.init(attributes, rate: 0.01)
  }
  override var states: Int { 1 + (centered ? 1 : 0) + (momentum == 0 ? 0 : 1) }

  override func update(_ run: OptimizerArrays<T>, rate: Double, weightDecay: Double, step: Int) throws(CNNError) {
    let numbers = RMSpropStep(
      rate: T(rate), decay: T(weightDecay), alpha: T(alpha), epsilon: T(epsilon), momentum: T(momentum), isCentered: centered,
      hasMomentum: momentum != 0)
    try forEachPiece(of: run) { T.kernels.rmsprop(numbers, $0) }
  }
}
