// Adagrad (Duchi et al. 2011): h += g², p -= rate * g / (sqrt(h) + eps).
import CNNCore
import CNNOperators

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

  override func update(_ run: OptimizerRun<T>, rate: Double, weightDecay: Double, step: Int) throws(CNNError) {
    try adagrad(run, rate: T(rate / (1 + Double(step - 1) * rateDecay)), decay: T(weightDecay), epsilon: T(epsilon))
  }
}

@_specialize(where T == Float) @_specialize(where T == Double)
private func adagrad<T: Element>(_ run: OptimizerRun<T>, rate: T, decay: T, epsilon: T) throws(CNNError) {
  try run.forEachPiece { step($0.parameters, $0.gradients, $0.states[0], $0.count, rate, decay, epsilon) }
}
private func step<T: Element>(
  _ p: UnsafeMutablePointer<T>, _ g: UnsafePointer<T>, _ h: UnsafeMutablePointer<T>, _ count: Int, _ rate: T, _ decay: T,
  _ epsilon: T
) {
  for i in 0..<count {
    let slope = g[i] + decay * p[i], sum = h[i] + slope * slope
    h[i] = sum
    p[i] -= rate * slope / (squareRoot(sum) + epsilon)
  }
}
