// Losses of elements x and targets t of the same shape: MSELoss, L1Loss, HuberLoss, BCEWithLogitsLoss.
import CNNCore
import Microkernels

final class ElementLoss<T: Element>: Loss<T> {
  enum Kind {
    case squared, absolute, binaryCrossEntropy
    /// Squared up to this difference, then straight on.
    case huber(delta: Double)
  }
  private let kind: Kind

  init(_ kind: Kind, isMean: Bool) {
    self.kind = kind
    super.init(isMean: isMean)
  }

  override func check(_ x: Shape, _ target: Target<T>) throws(CNNError) {
    guard case .distribution(let t) = target else { throw .type("target: wanted numbers like the network's, got classes") }
    try t.wants(x)
    guard x.count > 0 else { throw .shape("output: wanted at least one element, got shape \(x.description)") }
  }
  override func value(_ x: Input<T>, _ target: Target<T>, gradient: Output<T>) throws(CNNError) -> Double {
    guard case .distribution(let t) = target else { return .nan }
    return try elementLoss(kind, x, t, gradient, factor: isMean ? 1 / Double(x.shape.count) : 1)
  }
}

@_specialize(where T == Float) @_specialize(where T == Double)
private func elementLoss<T: Element>(
  _ kind: ElementLoss<T>.Kind, _ x: Input<T>, _ t: Input<T>, _ gradient: Output<T>, factor: Double
) throws(CNNError) -> Double {
  switch kind {
  case .squared: return try sum(x, t, gradient, factor) { x, t in ((x - t) * (x - t), 2 * (x - t)) }
  case .absolute:
    // The slope at 0 is 0; of NaN, NaN.
    return try sum(x, t, gradient, factor) { x, t in (abs(x - t), x > t ? 1 : x < t ? -1 : x - t) }
  case .huber(let delta):
    let delta = T(delta)
    return try sum(x, t, gradient, factor) { x, t in
      let d = x - t
      return abs(d) <= delta ? (d * d / 2, d) : (delta * (abs(d) - delta / 2), d > 0 ? delta : d < 0 ? -delta : d)
    }
  case .binaryCrossEntropy:
    // max(x, 0) - x t + log(1 + exp(-|x|)) = max(x, 0) - x t - log(max(s, 1 - s)), with s = sigmoid(x), whose slope is s - t.
    try forEachPiece(x.shape.count) { T.kernels.sigmoid(x.data + $0, gradient.data + $0, $1) }
    let s = gradient.input
    return try sum(x, t, gradient, factor, s) { x, t, s in
      (max(x, 0) - x * t - T(logarithm(Double(max(s, 1 - s)))), s - t)
    }
  }
}

/// factor times the sum of losses: sums of runs of 64 Ki, then of these. gradient = factor * slope.
@inline(__always)
private func sum<T: Element>(
  _ x: Input<T>, _ t: Input<T>, _ gradient: Output<T>, _ factor: Double, _ s: Input<T>,
  _ term: (_ x: T, _ t: T, _ s: T) -> (loss: T, slope: T)
) throws(CNNError) -> Double {
  let sums = try Scratch<Double>(x.shape.count >> 16 &+ 1)
  let data = sums.data, scale = T(factor)
  try forEachPiece(x.shape.count) { start, count in
    var total = 0.0
    for i in start..<start &+ count {
      let (loss, slope) = term(x.data[i], t.data[i], s.data[i])
      total += Double(loss)
      gradient.data[i] = slope * scale
    }
    data[start >> 16] = total
  }
  var total = 0.0
  for i in 0..<(x.shape.count &+ 65535) >> 16 { total += data[i] }
  return total * factor
}
@inline(__always)
private func sum<T: Element>(
  _ x: Input<T>, _ t: Input<T>, _ gradient: Output<T>, _ factor: Double, _ term: (_ x: T, _ t: T) -> (loss: T, slope: T)
) throws(CNNError) -> Double {
  try sum(x, t, gradient, factor, x) { x, t, _ in term(x, t) }
}
