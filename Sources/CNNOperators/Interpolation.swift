// How Resize finds the elements of an axis of another extent: where each comes from, and what is there between two elements.
// Places are computed in the type of the elements, as other runtimes do it: floor(n * scale) depends on it.
import CNNCore

struct Interpolation<T: Element> {
  enum Mode { case nearest(Rounding), linear, cubic(a: T, excludesOutside: Bool) }
  enum Rounding { case preferFloor, preferCeil, floor, ceil }
  enum Coordinates { case halfPixel, halfPixelSymmetric, pytorchHalfPixel, alignCorners, asymmetric }
  let mode: Mode
  let coordinates: Coordinates

  /// How an axis gets another extent.
  struct Change { let extent: Int, scale: T }

  /// By a factor; the extent is rounded down.
  static func change(_ n: Int, by scale: Double) throws(CNNError) -> Change {
    let factor = T(scale), extent = T(n) * factor
    guard factor > 0 && extent < 0x1p31 else {
      throw .argument("scales: wanted factors above 0, to at most 2^31, got \(scale)")
    }
    return Change(extent: factor == 1 ? n : Int(extent), scale: factor)
  }
  static func change(_ n: Int, to extent: Int) throws(CNNError) -> Change {
    guard extent >= 0 && extent < 1 << 31 else { throw .argument("sizes: wanted 0 to 2^31 - 1, got \(extent)") }
    return Change(extent: extent, scale: n == 0 ? 1 : T(extent) / T(n))
  }

  func resampling(_ x: Shape, _ changes: [Change]) -> Resampling<T> {
    Resampling(
      axes: changes.indices.map { i in
        changes[i].scale == 1 && changes[i].extent == x[i] ? nil : axis(x[i], changes[i])
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
      // As far outside as this, all is the first or the last element.
      let whole = min(max(place.rounded(.down), -4), T(n) + 4), i = Int(whole), fraction = place - whole
      switch mode {
      case .nearest(let rounding): axis.append(Int(min(max(round(place, rounding), 0), T(n))), [1])
      case .linear: axis.append(i, [1 - fraction, fraction])
      case .cubic(let a, let excludesOutside):
        var weights = cubic(fraction, a)
        if excludesOutside {
          for k in 0..<4 where i - 1 + k < 0 || i - 1 + k >= n { weights[k] = 0 }
          let sum = weights.reduce(0, +)
          weights = weights.map { $0 / sum }
        }
        axis.append(i - 1, weights)
      }
    }
    return axis
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

  /// The weights of the four elements around, t behind the second (Keys 1981, "Cubic convolution interpolation for digital image
  /// processing"), with the free parameter a.
  private func cubic(_ t: T, _ a: T) -> [T] {
    func near(_ d: T) -> T { ((a + 2) * d - (a + 3)) * d * d + 1 }
    func far(_ d: T) -> T { ((a * d - 5 * a) * d + 8 * a) * d - 4 * a }
    return [far(1 + t), near(t), near(1 - t), far(2 - t)]
  }
}
