// RMSprop (Hinton's lecture 6e): v = alpha * v + (1 - alpha) * g², p -= rate * g / (sqrt(v) + eps); centered, less the square of
// the running mean of g; with momentum, a running sum of that step.
import CNNCore
import CNNOperators

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
  override var states: Int { 3 }

  override func update(_ run: OptimizerRun<T>, rate: Double, weightDecay: Double, step: Int) throws(CNNError) {
    try rmsprop(
      run, rate: T(rate), decay: T(weightDecay), alpha: T(alpha), epsilon: T(epsilon), momentum: T(momentum), centered: centered
    )
  }
}

@_specialize(where T == Float) @_specialize(where T == Double)
private func rmsprop<T: Element>(
  _ run: OptimizerRun<T>, rate: T, decay: T, alpha: T, epsilon: T, momentum: T, centered: Bool
) throws(CNNError) {
  try run.forEachPiece {
    step(
      $0.parameters, $0.gradients, $0.states[0], $0.states[1], $0.states[2], $0.count, rate, decay, alpha, epsilon, momentum,
      centered ? 1 : 0)
  }
}
private func step<T: Element>(
  _ p: UnsafeMutablePointer<T>, _ g: UnsafePointer<T>, _ squares: UnsafeMutablePointer<T>, _ means: UnsafeMutablePointer<T>,
  _ sums: UnsafeMutablePointer<T>, _ count: Int, _ rate: T, _ decay: T, _ alpha: T, _ epsilon: T, _ momentum: T, _ centered: T
) {
  for i in 0..<count {
    let slope = g[i] + decay * p[i]
    let square = alpha * squares[i] + (1 - alpha) * slope * slope, mean = means[i] + (1 - alpha) * (slope - means[i])
    let sum = momentum * sums[i] + slope / (squareRoot(square - centered * mean * mean) + epsilon)
    squares[i] = square
    means[i] = mean
    sums[i] = sum
    p[i] -= rate * sum
  }
}
