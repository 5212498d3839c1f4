// How Resize finds the elements of an axis of another extent: where each comes from, and what is there between two elements.
// Places are computed in the type of the elements, as other runtimes do it: floor(n * scale) depends on it.
import CNNCore

struct Interpolation<T: Element> {
  enum Mode { case nearest(Rounding), linear, cubic(a: T) }
  enum Rounding { case preferFloor, preferCeil, floor, ceil }
  enum Coordinates { case halfPixel, halfPixelSymmetric, pytorchHalfPixel, alignCorners, asymmetric, cropAndResize }
  let mode: Mode
  let coordinates: Coordinates
  /// What lies outside of x does not count, instead of standing for the first or last element.
  var excludesOutside = false
  /// An axis that becomes shorter takes the mean over what an element of the result covers.
  var isAntialiased = false

  /// How an axis gets another extent; where a part of it is cropped, from which to which share of it.
  struct Change {
    let extent: Int, scale: T
    var crop: (start: T, end: T) = (0, 1)
  }

  /// By a factor; the extent is rounded down.
  /// `share`: of how much of the axis.
  static func change(_ n: Int, by scale: Double, of share: T = 1) throws(CNNError) -> Change {
    let factor = T(scale), extent = T(n) * factor * share
    guard factor > 0 && extent < 0x1p31 else {
      throw .argument("scales: wanted factors above 0, to at most 2^31, got \(scale)")
    }
    return Change(extent: factor == 1 && share == 1 ? n : Int(max(extent, 0)), scale: factor)
  }
  static func change(_ n: Int, to extent: Int) throws(CNNError) -> Change {
    guard extent >= 0 && extent < 1 << 31 else { throw .argument("sizes: wanted 0 to 2^31 - 1, got \(extent)") }
    return Change(extent: extent, scale: n == 0 ? 1 : T(extent) / T(n))
  }

  func resampling(_ x: Shape, _ changes: [Change]) -> Resampling<T> {
    Resampling(
      axes: changes.indices.map { i in
        changes[i].scale == 1 && changes[i].extent == x[i] && changes[i].crop == (0, 1) ? nil : axis(x[i], changes[i])
      })
  }
  func outputShape(_ x: Shape, _ changes: [Change]) throws(CNNError) -> Shape {
    for (i, change) in changes.enumerated() where x[i] == 0 && change.extent > 0 {
      throw .shape("x: axis \(i) has no element to make \(change.extent) of")
    }
    return try Shape("y", extents: changes.map { $0.extent })
  }

  private func axis(_ n: Int, _ change: Change) -> ResampledAxis<T> {
    var axis = ResampledAxis<T>(from: n)
    for o in 0..<change.extent {
      let place = place(T(o), n, change)
      if case .nearest(let rounding) = mode {
        axis.append(Int(min(max(round(place, rounding), 0), T(n))), [1])
        continue
      }
      // As far outside as this, all is the first or the last element.
      let bounded = min(max(place, -4), T(n) + 4)
      var (first, weights) = taps(bounded, isAntialiased ? min(change.scale, 1) : 1)
      if excludesOutside { for k in weights.indices where first + k < 0 || first + k >= n { weights[k] = 0 } }
      if excludesOutside || (isAntialiased && change.scale < 1) {
        let sum = weights.reduce(0, +)
        weights = weights.map { $0 / sum }
      }
      axis.append(first, weights)
    }
    return axis
  }

  /// The elements around a place and how much each counts; of a scale below 1 those that the wider kernel reaches.
  private func taps(_ place: T, _ scale: T) -> (first: Int, weights: [T]) {
    if scale == 1 {
      let whole = place.rounded(.down), i = Int(whole), t = place - whole
      if case .cubic(let a) = mode { return (i - 1, [kernel(1 + t, a), kernel(t, a), kernel(1 - t, a), kernel(2 - t, a)]) }
      return (i, [1 - t, t])
    }
    // Of an element that lies at the place, the one before counts as the first.
    let whole = place.rounded(.up) - 1, t = place - whole
    if case .cubic(let a) = mode {
      let begin = Int((-2 / scale).rounded(.down)) + 1
      return (Int(whole) + begin, (begin..<2 - begin).map { kernel(abs(scale * (T($0) - t)), a) })
    }
    let begin = Int((-1 / scale).rounded(.down)) + 1
    return (Int(whole) + begin, (begin..<2 - begin).map { max(0, 1 - abs(scale * (T($0) - t))) })
  }

  /// Where an axis is cropped beyond its ends: which elements of the result lie outside.
  func isOutside(_ o: Int, _ n: Int, _ change: Change) -> Bool {
    let place = place(T(o), n, change)
    return place < 0 || place > T(n - 1)
  }

  /// Where element o of the result is among the n of x.
  private func place(_ o: T, _ n: Int, _ change: Change) -> T {
    let (n, m, scale) = (T(n), T(change.extent), change.scale)
    let halfPixel = (o + 0.5) / scale - 0.5
    switch coordinates {
    case .halfPixel: return halfPixel
    case .pytorchHalfPixel: return m > 1 ? halfPixel : 0
    case .halfPixelSymmetric: return n / 2 * (1 - m / (scale * n)) + halfPixel
    case .alignCorners: return m > 1 ? o * (n - 1) / (m - 1) : 0
    case .asymmetric: return o / scale
    case .cropAndResize:
      let (start, end) = change.crop
      return m > 1 ? start * (n - 1) + o * (end - start) * (n - 1) / (m - 1) : (start + end) * (n - 1) / 2
    }
  }

  private func round(_ place: T, _ rounding: Rounding) -> T {
    switch rounding {
    case .preferFloor: (place - 0.5).rounded(.up)
    case .preferCeil: (place + 0.5).rounded(.down)
    case .floor: place.rounded(.down)
    case .ceil: place.rounded(.up)
    }
  }

  /// How much an element counts at distance d (Keys 1981, "Cubic convolution interpolation for digital image processing"), with the free
  /// parameter a.
  private func kernel(_ d: T, _ a: T) -> T {
    if d <= 1 { return ((a + 2) * d - (a + 3)) * d * d + 1 }
    return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0
  }
}
