// GridSample: y[N][C][…] of x[N][C][D…], whose elements are x's at the places that grid[N][…][axes] gives, from -1 to 1 along each axis of x, the last
// axis first: nearest, (multi-)linear or cubic (Jaderberg et al. 2015). Two or three axes of pixels.
import CNNCore

final class GridSampleOperator<T: Element>: Operator<T> {
  private let sampler: Sampler<T>

  init(_ attributes: Attributes) throws(CNNError) {
    let mode = try attributes.string("mode", default: "linear"),
      padding = try attributes.string("padding_mode", default: "zeros")
    let modes: [(StaticString, Sampler<T>.Mode)] = [
      ("linear", .linear), ("bilinear", .linear), ("nearest", .nearest), ("cubic", .cubic), ("bicubic", .cubic),
    ]
    let paddings: [(StaticString, Sampler<T>.Padding)] = [("zeros", .zeros), ("border", .border), ("reflection", .reflection)]
    guard let mode = modes.first(where: { mode.is($0.0) }) else {
      throw attributes.wrong("mode", "linear, nearest or cubic, got \(mode)")
    }
    guard let padding = paddings.first(where: { padding.is($0.0) }) else {
      throw attributes.wrong("padding_mode", "zeros, border or reflection, got \(padding)")
    }
    sampler = Sampler(mode: mode.1, padding: padding.1, alignsCorners: try attributes.flag("align_corners", default: false))
    super.init(try Signature(attributes, inputs: ["X", "grid"]))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let (x, grid) = (inputs[0], inputs[1])
    guard x.rank == 4 || x.rank == 5 else { throw .shape("X: wanted [N][C] and two or three axes, got \(x.description)") }
    guard grid.rank == x.rank, grid[0] == x[0], grid[grid.rank - 1] == x.rank - 2 else {
      throw .shape("grid: wanted [\(x[0])][…][\(x.rank - 2)] of \(x.rank) axes, got shape \(grid.description)")
    }
    return [try Shape("Y", extents: [x[0], x[1]] + grid.extents[1..<grid.rank - 1])]
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    try sampler.sample(arrays.input(0), arrays.input(1), arrays.output())
  }
}

struct Sampler<T: Element> {
  enum Mode { case nearest, linear, cubic }
  enum Padding { case zeros, border, reflection }
  let mode: Mode, padding: Padding
  let alignsCorners: Bool

  @_specialize(where T == Float) @_specialize(where T == Double)
  func sample(_ x: Input<T>, _ grid: Input<T>, _ y: Output<T>) throws(CNNError) {
    let axes = x.shape.rank - 2, C = x.shape[1], points = grid.shape.count / max(1, axes), ofImage = points / max(1, x.shape[0])
    let (D, H, W) = axes == 3 ? (x.shape[2], x.shape[3], x.shape[4]) : (1, x.shape[2], x.shape[3])
    if D * H * W == 0 { return zero(y.data, y.shape.count) }
    let taps = mode == .nearest ? 1 : mode == .linear ? 2 : 4
    try forEachPiece(points) { start, count in
      for point in start..<start &+ count {
        let image = point / ofImage, place = grid.data + point &* axes
        let columns = axis(place[0], W), rows = axis(place[1], H)
        let planes = axes == 3 ? axis(place[2], D) : Taps(first: 0, weights: [1, 0, 0, 0], count: 1)
        for c in 0..<C {
          let from = x.data + (image &* C &+ c) &* D &* H &* W
          var sum: T = 0
          for d in 0..<planes.count {
            guard let plane = inside(planes.first &+ d, D) else { continue }
            for i in 0..<taps {
              guard let row = inside(rows.first &+ i, H) else { continue }
              var line: T = 0
              for j in 0..<taps {
                guard let column = inside(columns.first &+ j, W) else { continue }
                line += columns.weights[j] * from[(plane &* H &+ row) &* W &+ column]
              }
              sum += planes.weights[d] * rows.weights[i] * line
            }
          }
          y.data[(image &* C &+ c) &* ofImage &+ point % ofImage] = sum
        }
      }
    }
  }

  /// The elements along an axis that a place is between, and how much each counts.
  private struct Taps {
    let first: Int
    let weights: InlineArray<4, T>, count: Int
  }
  @inline(__always) private func axis(_ place: T, _ n: Int) -> Taps {
    var x = alignsCorners ? (place + 1) / 2 * T(n - 1) : ((place + 1) * T(n) - 1) / 2
    if mode == .nearest { x = x.rounded(.toNearestOrEven) }
    let low: T = alignsCorners ? 0 : -0.5, high = alignsCorners ? T(n - 1) : T(n) - 0.5
    if x < low || x > high {
      switch padding {
      case .zeros: break
      case .border: x = min(max(x, 0), T(n - 1))
      case .reflection: x = reflect(x, low, high)
      }
    }
    // As far outside as this there is nothing, and NaN is nowhere.
    let whole = x >= -8 && x <= T(n) + 8 ? x.rounded(.down) : -8, first = Int(whole), t = x - whole
    switch mode {
    case .nearest: return Taps(first: first, weights: [1, 0, 0, 0], count: 1)
    case .linear: return Taps(first: first, weights: [1 - t, t, 0, 0], count: 2)
    case .cubic: return Taps(first: first - 1, weights: [far(1 + t), near(t), near(1 - t), far(2 - t)], count: 4)
    }
  }
  /// The element that stands for number i; nil: 0 does.
  @inline(__always) private func inside(_ i: Int, _ n: Int) -> Int? {
    if i >= 0 && i < n { return i }
    switch padding {
    case .zeros: return nil
    case .border: return min(max(i, 0), n - 1)
    case .reflection:
      return min(max(Int(reflect(T(i), alignsCorners ? 0 : -0.5, alignsCorners ? T(n - 1) : T(n) - 0.5)), 0), n - 1)
    }
  }
  private func reflect(_ x: T, _ low: T, _ high: T) -> T {
    let range = high - low
    if !(range > 0) || !x.isFinite { return low }
    let distance = x < low ? low - x : x > high ? x - high : 0, turns = (distance / range).rounded(.down)
    if distance == 0 { return x }
    let rest = distance - turns * range, isEven = turns.truncatingRemainder(dividingBy: 2) == 0
    return (x < low) == isEven ? low + rest : high - rest
  }

  // Keys' cubic with a = -0.75.
  @inline(__always) private func near(_ d: T) -> T { (1.25 * d - 2.25) * d * d + 1 }
  @inline(__always) private func far(_ d: T) -> T { ((-0.75 * d + 3.75) * d - 6) * d + 3 }
}
