// Steps of optimizers over flat arrays: one pass, where memory is the limit.

/// The numbers of a step of Adam, the same for all parameters:
///   m += share1 * (g - m), v = beta2 * v + share2 * g², p = p * keep - rate * m / (sqrt(v) * root + epsilon),
/// where g is the gradient + decay * p.
public struct AdamStep<T> {
  public var rate: T, root: T, keep: T, decay: T, share1: T, beta2: T, share2: T, epsilon: T

  @inlinable
  public init(rate: T, root: T, keep: T, decay: T, share1: T, beta2: T, share2: T, epsilon: T) {
    (self.rate, self.root, self.keep, self.decay) = (rate, root, keep, decay)
    (self.share1, self.beta2, self.share2, self.epsilon) = (share1, beta2, share2, epsilon)
  }
}

@inlinable @inline(never)
public func adam<V: Vector>(
  _: V.Type, _ o: AdamStep<V.Scalar>, _ p: UnsafeMutablePointer<V.Scalar>, _ gradients: UnsafePointer<V.Scalar>,
  _ m: UnsafeMutablePointer<V.Scalar>, _ v: UnsafeMutablePointer<V.Scalar>, _ count: Int
) {
  let (rate, root, keep, decay) = (V.repeating(o.rate), V.repeating(o.root), V.repeating(o.keep), V.repeating(o.decay))
  let (share1, beta2, share2) = (V.repeating(o.share1), V.repeating(o.beta2), V.repeating(o.share2))
  let epsilon = V.repeating(o.epsilon)
  forEachVector(V.self, count) { i, n in
    let old: V = load(p + i, n), g = V.multiplyAdd(decay, old, load(gradients + i, n)), mean: V = load(m + i, n)
    let m1 = V.multiplyAdd(share1, g - mean, mean), v1 = V.multiplyAdd(beta2, load(v + i, n), share2 * g * g)
    store(m1, m + i, n)
    store(v1, v + i, n)
    store(old * keep - rate * m1 / V.multiplyAdd(V.squareRoot(v1), root, epsilon), p + i, n)
  }
}
