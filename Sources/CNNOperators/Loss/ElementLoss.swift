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

/// What an element x, its target t and s (x itself, or its sigmoid) add to a loss, and the derivative by x. A type and not a
/// closure, so that the loop is compiled for it.
private protocol LossTerm {
  func of<T: Element>(_ x: T, _ t: T, _ s: T) -> (loss: T, slope: T)
}
private struct Squared: LossTerm {
  func of<T: Element>(_ x: T, _ t: T, _: T) -> (loss: T, slope: T) { ((x - t) * (x - t), 2 * (x - t)) }
}
/// The slope at 0 is 0; of NaN, NaN.
private struct Absolute: LossTerm {
  func of<T: Element>(_ x: T, _ t: T, _: T) -> (loss: T, slope: T) { (abs(x - t), x > t ? 1 : x < t ? -1 : x - t) }
}
private struct Huber: LossTerm {
  let delta: Double
  func of<T: Element>(_ x: T, _ t: T, _: T) -> (loss: T, slope: T) {
    let d = x - t, delta = T(delta)
    return abs(d) <= delta ? (d * d / 2, d) : (delta * (abs(d) - delta / 2), d > 0 ? delta : d < 0 ? -delta : d)
  }
}
/// max(x, 0) - x t + log(1 + exp(-|x|)) = max(x, 0) - x t - log(max(s, 1 - s)), with s = sigmoid(x), whose slope is s - t.
private struct BinaryCrossEntropy: LossTerm {
  func of<T: Element>(_ x: T, _ t: T, _ s: T) -> (loss: T, slope: T) {
    (max(x, 0) - x * t - T(logarithm(Double(max(s, 1 - s)))), s - t)
  }
}

@_specialize(where T == Float) @_specialize(where T == Double)
private func elementLoss<T: Element>(
  _ kind: ElementLoss<T>.Kind, _ x: Input<T>, _ t: Input<T>, _ gradient: Output<T>, factor: Double
) throws(CNNError) -> Double {
  switch kind {
  case .squared: return try sum(Squared(), x, t, x, gradient, factor)
  case .absolute: return try sum(Absolute(), x, t, x, gradient, factor)
  case .huber(let delta): return try sum(Huber(delta: delta), x, t, x, gradient, factor)
  case .binaryCrossEntropy:
    try forEachPiece(x.shape.count) { T.kernels.sigmoid(x.data + $0, gradient.data + $0, $1) }
    return try sum(BinaryCrossEntropy(), x, t, gradient.input, gradient, factor)
  }
}

/// factor times the sum of losses: sums of runs of 64 Ki, then of these. gradient = factor * slope.
private func sum<T: Element, L: LossTerm>(
  _ term: L, _ x: Input<T>, _ t: Input<T>, _ s: Input<T>, _ gradient: Output<T>, _ factor: Double
) throws(CNNError) -> Double {
  let sums = try Scratch<Double>(x.shape.count >> 16 &+ 1)
  let data = sums.data, scale = T(factor)
  try forEachPiece(x.shape.count) {
    data[$0 >> 16] = piece(term, x.data + $0, t.data + $0, s.data + $0, gradient.data + $0, scale, $1)
  }
  var total = 0.0
  for i in 0..<(x.shape.count &+ 65535) >> 16 { total += data[i] }
  return total * factor
}
private func piece<T: Element, L: LossTerm>(
  _ term: L, _ x: UnsafePointer<T>, _ t: UnsafePointer<T>, _ s: UnsafePointer<T>, _ gradient: UnsafeMutablePointer<T>,
  _ scale: T, _ count: Int
) -> Double {
  var total = 0.0
  for i in 0..<count {
    let (loss, slope) = term.of(x[i], t[i], s[i])
    total += Double(loss)
    gradient[i] = slope * scale
  }
  return total
}
