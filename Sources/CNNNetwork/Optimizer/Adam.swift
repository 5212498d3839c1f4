// Adam (Kingma and Ba 2015): running means m of g and v of g², made up for having begun at 0.
import CNNCore
import CNNOperators
import Microkernels

final class Adam<T: Element>: Optimizer<T> {
  enum Variant {
    /// PyTorch's Adam: weight decay is part of the gradient.
    case coupled
    /// AdamW (Loshchilov and Hutter 2019): p *= 1 - rate * weight_decay.
    case decoupled
    /// That of "Deep Learning from Scratch": the correction is in the rate alone, so eps (1e-7) is added to the uncorrected root.
    case book
  }
  private let variant: Variant
  private let beta1: Double, beta2: Double, epsilon: Double

  init(_ attributes: Attributes, _ variant: Variant) throws(CNNError) {
    let betas = try attributes.floats("betas") ?? [0.9, 0.999]
    guard betas.count == 2, betas[0] >= 0 && betas[0] < 1 && betas[1] >= 0 && betas[1] < 1 else {
      throw attributes.wrong("betas", "two numbers from 0 to less than 1")
    }
    (beta1, beta2) = (betas[0], betas[1])
    epsilon = try attributes.atLeastZero("eps", default: variant == .book ? 1e-7 : 1e-8)
    self.variant = variant
    try super.init(attributes, rate: 1e-3, weightDecay: variant == .decoupled ? 0.01 : 0)
  }
  override var states: Int { 2 }

  override func update(_ run: OptimizerArrays<T>, rate: Double, weightDecay: Double, step: Int) throws(CNNError) {
    let (correction1, correction2) = (1 - power(beta1, step), 1 - power(beta2, step))
    let isBook = variant == .book, isDecoupled = variant == .decoupled
    let numbers = AdamStep(
      rate: T(isBook ? rate * correction2.squareRoot() / correction1 : rate / correction1),
      root: isBook ? 1 : T(1 / correction2.squareRoot()), keep: isDecoupled ? T(1 - rate * weightDecay) : 1,
      decay: isDecoupled ? 0 : T(weightDecay), share1: T(1 - beta1), beta2: T(beta2), share2: T(1 - beta2), epsilon: T(epsilon))
    try forEachPiece(of: run) { T.kernels.adam(numbers, $0) }
  }
}
