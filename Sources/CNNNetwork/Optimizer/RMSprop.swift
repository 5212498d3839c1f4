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
  try run.forEachPiece { run in
    let (p, gradients) = (run.parameters, run.gradients)
    let (squares, means, sums) = (run.states[0], run.states[1], run.states[2])
    for i in 0..<run.count {
      let g = gradients[i] + decay * p[i]
      squares[i] = alpha * squares[i] + (1 - alpha) * g * g
      var variance = squares[i]
      if centered {
        means[i] += (1 - alpha) * (g - means[i])
        // Rounding may leave a trifle below 0.
        variance = max(0, variance - means[i] * means[i])
      }
      sums[i] = momentum * sums[i] + g / (variance.squareRoot() + epsilon)
      p[i] -= rate * sums[i]
    }
  }
}
