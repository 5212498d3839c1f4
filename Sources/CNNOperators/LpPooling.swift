// Pooling by norm (ONNX LpPool, GlobalLpPool): y = (sum of |x|^p)^(1/p) over a window, or over an image.
import CNNCore
import Microkernels

/// The norm's parts, for one element.
struct LpNorm {
  let p: Int

  init(_ attributes: Attributes) throws(CNNError) {
    p = try attributes.int("p", default: 2)
    guard p >= 1 else { throw attributes.wrong("p", "1 or more, got \(p)") }
  }

  /// |x|^p.
  @inline(__always) func power<T: Element>(_ x: T) -> T {
    switch p {
    case 1: abs(x)
    case 2: x * x
    default: pow(abs(x), T(p))
    }
  }
  @inline(__always) func root<T: Element>(_ sum: T) -> T {
    switch p {
    case 1: sum
    case 2: sum.squareRoot()
    default: pow(sum, 1 / T(p))
    }
  }
  /// dy/dx = (|x| / y)^(p-1) * the sign of x: as what a window gives to all its elements, times what is each element's own. Where y
  /// is 0 the gradient is 0, one of many.
  @inline(__always) func share<T: Element>(_ gradY: T, _ y: T) -> T {
    if y == 0 { return 0 }
    return p == 1 ? gradY : p == 2 ? gradY / y : gradY * pow(y, T(1 - p))
  }
  @inline(__always) func own<T: Element>(_ x: T) -> T {
    switch p {
    case 1: x > 0 ? 1 : x < 0 ? -1 : 0
    case 2: x
    default: x < 0 ? -pow(-x, T(p - 1)) : pow(x, T(p - 1))
    }
  }
}

/// Over windows of x[N][C][H][W]. What lies outside an image counts as 0.
extension Pooling {
  @_specialize(where T == Float) @_specialize(where T == Double)
  func lpForward<T: Element>(_ norm: LpNorm, _ x: Input<T>, _ y: Output<T>) throws(CNNError) {
    let shape = try outputShape(x.shape)
    let pixels = shape[2] &* shape[3], area = x.shape[2] &* x.shape[3]
    let channels = try Channels<T>(window, x.shape, shape)
    try channels.forEachPlanes(and: area) { channel, cells, windows in
      let x = x.data + channel &* area, y = y.data + channel &* pixels, powers = cells + channels.planes.cells
      for i in 0..<area { powers[i] = norm.power(x[i]) }
      channels.planes.fill(cells, UnsafePointer(powers), padding: 0)
      T.kernels.sumTaps(windows, y)
      for i in 0..<pixels { y[i] = norm.root(y[i]) }
    }
  }

  @_specialize(where T == Float) @_specialize(where T == Double)
  func lpBackward<T: Element>(
    _ norm: LpNorm, _ x: Input<T>, _ y: Input<T>, _ gradY: Input<T>, _ gradX: Output<T>
  ) throws(CNNError) {
    let shape = try outputShape(x.shape)
    let pixels = shape[2] &* shape[3], area = x.shape[2] &* x.shape[3]
    let channels = try Channels<T>(window, x.shape, shape)
    try channels.forEachPlanes(and: pixels) { channel, cells, windows in
      let x = x.data + channel &* area, gradX = gradX.data + channel &* area, shares = cells + channels.planes.cells
      let y = y.data + channel &* pixels, gradY = gradY.data + channel &* pixels
      for i in 0..<pixels { shares[i] = norm.share(gradY[i], y[i]) }
      zero(cells, channels.planes.cells)
      T.kernels.scatterShares(UnsafePointer(shares), windows)
      channels.planes.drain(UnsafePointer(cells), gradX)
      for i in 0..<area { gradX[i] *= norm.own(x[i]) }
    }
  }
}

/// Over all pixels of x[N][C][...]; an image is contiguous.
extension LpNorm {
  @_specialize(where T == Float) @_specialize(where T == Double)
  func globalForward<T: Element>(_ x: Input<T>, _ y: Output<T>) throws(CNNError) {
    let images = y.shape.count, area = x.shape.count / max(images, 1)
    let workers = try parallelWidth(images, .elements(x.shape.count))
    let scratch = try Scratch<T>(workers &* area)
    let data = scratch.data
    parallel(images, width: workers) { image, worker in
      let x = x.data + image &* area, powers = data + worker &* area
      for i in 0..<area { powers[i] = power(x[i]) }
      y.data[image] = root(T.kernels.sum(powers, area))
    }
  }

  @_specialize(where T == Float) @_specialize(where T == Double)
  func globalBackward<T: Element>(
    _ x: Input<T>, _ y: Input<T>, _ gradY: Input<T>, _ gradX: Output<T>
  ) throws(CNNError) {
    let images = y.shape.count, area = x.shape.count / max(images, 1)
    parallel(images, width: try parallelWidth(images, .elements(x.shape.count))) { image, _ in
      let x = x.data + image &* area, gradX = gradX.data + image &* area
      let share = share(gradY.data[image], y.data[image])
      for i in 0..<area { gradX[i] = share * own(x[i]) }
    }
  }
}
