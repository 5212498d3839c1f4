// Local response normalization (Krizhevsky et al. 2012; ONNX LRN) of x[N][C] or x[N][C][...]: each element is divided by a power of
// the squares around it, over `size` neighbouring channels.
//   y = x * s^-beta,  s[c] = bias + alpha / size * sum of x[j]² for j from c - (size - 1) / 2 to c + size / 2
import CNNCore

struct LocalResponseNormalization {
  let alpha: Double, beta: Double, bias: Double
  let size: Int

  /// Strips of an image: all C channels of up to `width` neighbouring pixels; a row of a strip is one channel's.
  private struct Strips {
    let C: Int, area: Int
    let width: Int, perImage: Int, count: Int

    init(_ x: Shape) throws(CNNError) {
      guard x.rank >= 2 else { throw .shape("x: wanted [N][C] or [N][C][...], got shape \(x.description)") }
      var area = 1
      for axis in 2..<x.rank { area *= x[axis] }
      C = x[1]
      self.area = area
      width = max(1, min(area, 512))
      perImage = (area + width - 1) / width
      count = C == 0 ? 0 : x[0] * perImage
    }

    /// Calls body(place of the strip's first element, pixels, scratch[arrays][C][width]).
    func forEach<T: Element>(
      arrays: Int, _ body: (_ place: Int, _ pixels: Int, _ scratch: UnsafeMutablePointer<T>) -> Void
    ) throws(CNNError) {
      if count == 0 { return }
      let workers = try parallelWidth(count, .elements(count, C, width, 10)), each = arrays &* C &* width
      let scratch = try Scratch<T>(workers &* each)
      let data = scratch.data
      parallel(count, width: workers) { task, worker in
        let first = task % perImage &* width
        body(task / perImage &* C &* area &+ first, min(width, area &- first), data + worker &* each)
      }
    }
  }

  func check(_ x: Shape) throws(CNNError) { _ = try Strips(x) }

  @_specialize(where T == Float) @_specialize(where T == Double)
  func forward<T: Element>(_ x: Input<T>, _ y: Output<T>) throws(CNNError) {
    let strips = try Strips(x.shape), beta = T(beta)
    try strips.forEach(arrays: 1) { (place: Int, pixels: Int, s: UnsafeMutablePointer<T>) in
      squares(x.data + place, strips, pixels, s)
      for c in 0..<strips.C {
        let x = x.data + (place &+ c &* strips.area), y = y.data + (place &+ c &* strips.area), s = s + c &* strips.width
        for i in 0..<pixels { y[i] = x[i] * pow(s[i], -beta) }
      }
    }
  }

  /// grad_x[c] = grad_y[c] * s[c]^-beta - 2 alpha beta / size * x[c] * the sum of grad_y[j] * x[j] * s[j]^(-beta-1) over the j
  /// whose neighbour c is.
  @_specialize(where T == Float) @_specialize(where T == Double)
  func backward<T: Element>(_ x: Input<T>, _ gradY: Input<T>, _ gradX: Output<T>) throws(CNNError) {
    let strips = try Strips(x.shape), beta = T(beta), factor = T(-2 * alpha * self.beta / Double(size))
    try strips.forEach(arrays: 2) { (place: Int, pixels: Int, s: UnsafeMutablePointer<T>) in
      let shares = s + strips.C &* strips.width
      squares(x.data + place, strips, pixels, s)
      for c in 0..<strips.C {
        let run = place &+ c &* strips.area, row = c &* strips.width
        for i in 0..<pixels {
          let power = pow(s[row &+ i], -beta), g = gradY.data[run &+ i]
          shares[row &+ i] = g * x.data[run &+ i] * power / s[row &+ i]
          gradX.data[run &+ i] = g * power
        }
      }
      for c in 0..<strips.C {
        let run = place &+ c &* strips.area
        for j in max(0, c &- size / 2)...min(strips.C &- 1, c &+ (size &- 1) / 2) {
          let shares = shares + j &* strips.width
          for i in 0..<pixels { gradX.data[run &+ i] += factor * x.data[run &+ i] * shares[i] }
        }
      }
    }
  }

  /// s[C][width] of a strip that begins at x.
  @inline(__always)
  private func squares<T: Element>(
    _ x: UnsafePointer<T>, _ strips: Strips, _ pixels: Int, _ s: UnsafeMutablePointer<T>
  ) {
    let factor = T(alpha / Double(size))
    for c in 0..<strips.C {
      let s = s + c &* strips.width
      for i in 0..<pixels { s[i] = T(bias) }
      for j in max(0, c &- (size &- 1) / 2)...min(strips.C &- 1, c &+ size / 2) {
        let x = x + j &* strips.area
        for i in 0..<pixels { s[i] += factor * x[i] * x[i] }
      }
    }
  }
}
