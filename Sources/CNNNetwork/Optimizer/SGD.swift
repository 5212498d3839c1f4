// Stochastic gradient descent: p -= rate * v, where v is the gradient g + weight_decay * p, or with momentum a running sum of it.
import CNNCore
import CNNOperators
import Microkernels

final class SGD<T: Element>: Optimizer<T> {
  private let momentum: Double, dampening: Double
  private let nesterov: Bool

  init(_ attributes: Attributes) throws(CNNError) {
    momentum = try attributes.atLeastZero("momentum", default: 0)
    dampening = try attributes.float("dampening", default: 0)
    nesterov = try attributes.flag("nesterov", default: false)
    if nesterov && (momentum == 0 || dampening != 0) {
      throw attributes.wrong("nesterov", "momentum above 0 and dampening 0, got \(momentum) and \(dampening)")
    }
    try super.init(attributes, rate: 1e-3)
  }
  override var states: Int { momentum == 0 ? 0 : 1 }

  override func update(_ run: OptimizerArrays<T>, rate: Double, weightDecay: Double, step: Int) throws(CNNError) {
    if momentum == 0 {
      let numbers = SGDStep(rate: T(rate), decay: T(weightDecay))
      return try forEachPiece(of: run) { T.kernels.sgd(numbers, $0) }
    }
    // The first sum is the gradient itself, whatever the dampening. Nesterov's step is by the gradient + momentum * the sum.
    let numbers = MomentumStep(
      rate: T(rate), decay: T(weightDecay), momentum: T(momentum), share: step == 1 ? 1 : T(1 - dampening),
      ofGradient: nesterov ? 1 : 0, ofSum: nesterov ? T(momentum) : 1)
    try forEachPiece(of: run) { T.kernels.momentum(numbers, $0) }
  }
}
