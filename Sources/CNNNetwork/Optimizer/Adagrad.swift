// Adagrad (Duchi et al. 2011): h += g², p -= rate * g / (sqrt(h) + eps).
import CNNCore
import CNNOperators
import Microkernels

final class Adagrad<T: Element>: Optimizer<T> {
  private let rateDecay: Double, initial: Double, epsilon: Double

  init(_ attributes: Attributes) throws(CNNError) {
    rateDecay = try attributes.atLeastZero("lr_decay", default: 0)
    initial = try attributes.atLeastZero("initial_accumulator_value", default: 0)
    epsilon = try attributes.atLeastZero("eps", default: 1e-10)
    try super.init(attributes, rate: 0.01)
  }
  override var states: Int { 1 }
  override var initialState: Double { initial }

  override func update(_ run: OptimizerArrays<T>, rate: Double, weightDecay: Double, step: Int) throws(CNNError) {
    let numbers = AdagradStep(
      rate: T(rate / (1 + Double(step - 1) * rateDecay)), decay: T(weightDecay), epsilon: T(epsilon))
    try forEachPiece(of: run) { T.kernels.adagrad(numbers, $0) }
  }
}
