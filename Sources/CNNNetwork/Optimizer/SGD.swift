// Stochastic gradient descent: p -= rate * v, where v is the gradient g + weight_decay * p, or with momentum a running sum of it.
import CNNCore
import CNNOperators

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

  override func update(_ run: OptimizerRun<T>, rate: Double, weightDecay: Double, step: Int) throws(CNNError) {
    // The first sum is the gradient itself, whatever the dampening.
    try sgd(
      run, rate: T(rate), decay: T(weightDecay), momentum: momentum == 0 ? nil : T(momentum),
      share: step == 1 ? 1 : T(1 - dampening), nesterov: nesterov)
  }
}

@_specialize(where T == Float) @_specialize(where T == Double)
private func sgd<T: Element>(
  _ run: OptimizerRun<T>, rate: T, decay: T, momentum: T?, share: T, nesterov: Bool
) throws(CNNError) {
  try run.forEachPiece { run in
    if let momentum {
      step(run.parameters, run.gradients, run.states[0], run.count, rate, decay, momentum, share, nesterov ? 1 : 0)
    } else {
      step(run.parameters, run.gradients, run.count, rate, decay)
    }
  }
}
private func step<T: Element>(_ p: UnsafeMutablePointer<T>, _ g: UnsafePointer<T>, _ count: Int, _ rate: T, _ decay: T) {
  for i in 0..<count { p[i] -= rate * (g[i] + decay * p[i]) }
}
private func step<T: Element>(
  _ p: UnsafeMutablePointer<T>, _ g: UnsafePointer<T>, _ v: UnsafeMutablePointer<T>, _ count: Int, _ rate: T, _ decay: T,
  _ momentum: T, _ share: T, _ ahead: T
) {
  // v, or of Nesterov's variant the gradient + momentum * v.
  let (ofGradient, ofSum) = (ahead, 1 - ahead + ahead * momentum)
  for i in 0..<count {
    let slope = g[i] + decay * p[i], sum = momentum * v[i] + share * slope
    v[i] = sum
    p[i] -= rate * (ofGradient * slope + ofSum * sum)
  }
}
