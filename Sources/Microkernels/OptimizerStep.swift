// Steps of optimizers over flat arrays: one pass, where memory is the limit. Each is a struct of numbers, the same for all
// parameters, and a line of arithmetic in the template's loop.

/// Parameters that are treated alike, side by side, with their gradients and what an optimizer carries of each.
public struct OptimizerArrays<T> {
  public var parameters: UnsafeMutablePointer<T>, gradients: UnsafePointer<T>
  public var states: InlineArray<3, UnsafeMutablePointer<T>>
  public var count: Int

  @inlinable
  public init(
    parameters: UnsafeMutablePointer<T>, gradients: UnsafePointer<T>, states: InlineArray<3, UnsafeMutablePointer<T>>,
    count: Int
  ) {
    (self.parameters, self.gradients, self.states, self.count) = (parameters, gradients, states, count)
  }
}

/// The template: p = step(p, g), where g is the gradient + decay * p, and i and n say where the step finds its states.
@inlinable @inline(__always)
func forEachParameter<V: Vector>(
  _ o: OptimizerArrays<V.Scalar>, decay: V.Scalar, _ step: (_ p: V, _ g: V, _ i: Int, _ n: Int) -> V
) {
  let decay = V.repeating(decay)
  forEachVector(V.self, o.count) { i, n in
    let p: V = load(o.parameters + i, n)
    store(step(p, V.multiplyAdd(decay, p, load(o.gradients + i, n)), i, n), o.parameters + i, n)
  }
}

/// p -= rate * g.
public struct SGDStep<T> {
  public var rate: T, decay: T
  @inlinable public init(rate: T, decay: T) { (self.rate, self.decay) = (rate, decay) }
}
@inlinable @inline(never)
public func sgd<V: Vector>(_: V.Type, _ s: SGDStep<V.Scalar>, _ o: OptimizerArrays<V.Scalar>) {
  let minusRate = V.repeating(-s.rate)
  forEachParameter(o, decay: s.decay) { p, g, _, _ in V.multiplyAdd(minusRate, g, p) }
}

/// v = momentum * v + share * g, p -= rate * (ofGradient * g + ofSum * v).
public struct MomentumStep<T> {
  public var rate: T, decay: T, momentum: T, share: T, ofGradient: T, ofSum: T
  @inlinable
  public init(rate: T, decay: T, momentum: T, share: T, ofGradient: T, ofSum: T) {
    (self.rate, self.decay, self.momentum, self.share) = (rate, decay, momentum, share)
    (self.ofGradient, self.ofSum) = (ofGradient, ofSum)
  }
}
@inlinable @inline(never)
public func momentum<V: Vector>(_: V.Type, _ s: MomentumStep<V.Scalar>, _ o: OptimizerArrays<V.Scalar>) {
  let (momentum, share, v) = (V.repeating(s.momentum), V.repeating(s.share), o.states[0])
  let (ofGradient, ofSum) = (V.repeating(-s.rate * s.ofGradient), V.repeating(-s.rate * s.ofSum))
  forEachParameter(o, decay: s.decay) { p, g, i, n in
    let sum = V.multiplyAdd(momentum, load(v + i, n), share * g)
    store(sum, v + i, n)
    return V.multiplyAdd(ofSum, sum, V.multiplyAdd(ofGradient, g, p))
  }
}

/// h += g², p -= rate * g / (sqrt(h) + epsilon).
public struct AdagradStep<T> {
  public var rate: T, decay: T, epsilon: T
  @inlinable
  public init(rate: T, decay: T, epsilon: T) { (self.rate, self.decay, self.epsilon) = (rate, decay, epsilon) }
}
@inlinable @inline(never)
public func adagrad<V: Vector>(_: V.Type, _ s: AdagradStep<V.Scalar>, _ o: OptimizerArrays<V.Scalar>) {
  let (rate, epsilon, h) = (V.repeating(s.rate), V.repeating(s.epsilon), o.states[0])
  forEachParameter(o, decay: s.decay) { p, g, i, n in
    let sum = V.multiplyAdd(g, g, load(h + i, n))
    store(sum, h + i, n)
    return p - rate * g / (V.squareRoot(sum) + epsilon)
  }
}

/// v = alpha * v + (1 - alpha) * g², u = g / (sqrt(v) + epsilon), p -= rate * u. Centered, v less the square of m in the root,
/// where m += (1 - alpha) * (g - m); with momentum, u is b = momentum * b + u. The states are v, then m and b where they are used.
public struct RMSpropStep<T> {
  public var rate: T, decay: T, alpha: T, epsilon: T, momentum: T
  public var isCentered: Bool, hasMomentum: Bool
  @inlinable
  public init(rate: T, decay: T, alpha: T, epsilon: T, momentum: T, isCentered: Bool, hasMomentum: Bool) {
    (self.rate, self.decay, self.alpha, self.epsilon, self.momentum) = (rate, decay, alpha, epsilon, momentum)
    (self.isCentered, self.hasMomentum) = (isCentered, hasMomentum)
  }
}
@inlinable @inline(never)
public func rmsprop<V: Vector>(_: V.Type, _ s: RMSpropStep<V.Scalar>, _ o: OptimizerArrays<V.Scalar>) {
  let (rate, alpha, share) = (V.repeating(s.rate), V.repeating(s.alpha), V.repeating(1 - s.alpha))
  let (epsilon, momentum, zero) = (V.repeating(s.epsilon), V.repeating(s.momentum), V.repeating(0))
  let (v, m, b) = (o.states[0], o.states[1], s.isCentered ? o.states[2] : o.states[1])
  forEachParameter(o, decay: s.decay) { p, g, i, n in
    let square = V.multiplyAdd(alpha, load(v + i, n), share * g * g)
    store(square, v + i, n)
    var spread = square
    if s.isCentered {
      let mean: V = load(m + i, n), next = V.multiplyAdd(share, g - mean, mean)
      store(next, m + i, n)
      // Rounding may leave it below 0.
      let less = square - next * next
      spread = V.select(V.isLess(less, zero), zero, less)
    }
    var step = g / (V.squareRoot(spread) + epsilon)
    if s.hasMomentum {
      step = V.multiplyAdd(momentum, load(b + i, n), step)
      store(step, b + i, n)
    }
    return p - rate * step
  }
}

/// m += share1 * (g - m), v = beta2 * v + share2 * g², p = p * keep - rate * m / (sqrt(v) * root + epsilon).
public struct AdamStep<T> {
  public var rate: T, root: T, keep: T, decay: T, share1: T, beta2: T, share2: T, epsilon: T

  @inlinable
  public init(rate: T, root: T, keep: T, decay: T, share1: T, beta2: T, share2: T, epsilon: T) {
    (self.rate, self.root, self.keep, self.decay) = (rate, root, keep, decay)
    (self.share1, self.beta2, self.share2, self.epsilon) = (share1, beta2, share2, epsilon)
  }
}
@inlinable @inline(never)
public func adam<V: Vector>(_: V.Type, _ s: AdamStep<V.Scalar>, _ o: OptimizerArrays<V.Scalar>) {
  let (rate, root, keep, epsilon) = (V.repeating(s.rate), V.repeating(s.root), V.repeating(s.keep), V.repeating(s.epsilon))
  let (share1, beta2, share2) = (V.repeating(s.share1), V.repeating(s.beta2), V.repeating(s.share2))
  let (m, v) = (o.states[0], o.states[1])
  forEachParameter(o, decay: s.decay) { p, g, i, n in
    let mean: V = load(m + i, n)
    let m1 = V.multiplyAdd(share1, g - mean, mean), v1 = V.multiplyAdd(beta2, load(v + i, n), share2 * g * g)
    store(m1, m + i, n)
    store(v1, v + i, n)
    return p * keep - rate * m1 / V.multiplyAdd(V.squareRoot(v1), root, epsilon)
  }
}
