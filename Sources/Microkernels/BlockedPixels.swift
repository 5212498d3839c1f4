// Loops over the pixels of one block of channels, where lanes are channels: every pixel is a vector.

/// y = x * scale + shift, with a scale and a shift a lane, plus residual, if there is one, and limits (see BlockedTile). y may be x or
/// residual.
@inlinable @inline(never)
public func scaleShiftPixels<V: Vector>(
  _: V.Type, _ x: UnsafePointer<V.Scalar>, _ scale: UnsafePointer<V.Scalar>, _ shift: UnsafePointer<V.Scalar>,
  _ residual: UnsafePointer<V.Scalar>?, _ limits: (low: V.Scalar, high: V.Scalar)?, _ y: UnsafeMutablePointer<V.Scalar>,
  _ pixels: Int
) {
  let scale = V.load(scale), shift = V.load(shift), end = pixels &* V.count
  func forEach(_ finish: (Int, V) -> V) {
    var i = 0
    while i < end {
      V.store(finish(i, V.multiplyAdd(V.load(x + i), scale, shift)), y + i)
      i &+= V.count
    }
  }
  if let limits {
    let low = V.repeating(limits.low), high = V.repeating(limits.high)
    if let residual { return forEach { limited($1 + V.load(residual + $0), low, high) } }
    return forEach { limited($1, low, high) }
  }
  if let residual { return forEach { $1 + V.load(residual + $0) } }
  forEach { $1 }
}

/// sums[lane] += the sum of the lane's pixels, in a fixed order.
@inlinable @inline(never)
public func sumPixels<V: Vector>(
  _: V.Type, _ x: UnsafePointer<V.Scalar>, _ sums: UnsafeMutablePointer<V.Scalar>, _ pixels: Int
) {
  var s0 = V.load(sums), s1 = V.repeating(0), s2 = s1, s3 = s1
  var i = 0
  while i &+ 4 <= pixels {
    let from = x + i &* V.count
    s0 = s0 + V.load(from)
    s1 = s1 + V.load(from + V.count)
    s2 = s2 + V.load(from + 2 &* V.count)
    s3 = s3 + V.load(from + 3 &* V.count)
    i &+= 4
  }
  while i < pixels {
    s0 = s0 + V.load(x + i &* V.count)
    i &+= 1
  }
  V.store((s0 + s1) + (s2 + s3), sums)
}

/// sums[lane] += the sum of (x - mean) * (z - offset), with a mean and an offset a lane.
@inlinable @inline(never)
public func sumPixelProducts<V: Vector>(
  _: V.Type, _ x: UnsafePointer<V.Scalar>, _ mean: UnsafePointer<V.Scalar>, _ z: UnsafePointer<V.Scalar>,
  _ offset: UnsafePointer<V.Scalar>, _ sums: UnsafeMutablePointer<V.Scalar>, _ pixels: Int
) {
  let mean = V.load(mean), offset = V.load(offset)
  var s0 = V.load(sums), s1 = V.repeating(0), s2 = s1, s3 = s1
  var i = 0
  while i &+ 4 <= pixels {
    let x = x + i &* V.count, z = z + i &* V.count
    s0 = V.multiplyAdd(V.load(x) - mean, V.load(z) - offset, s0)
    s1 = V.multiplyAdd(V.load(x + V.count) - mean, V.load(z + V.count) - offset, s1)
    s2 = V.multiplyAdd(V.load(x + 2 &* V.count) - mean, V.load(z + 2 &* V.count) - offset, s2)
    s3 = V.multiplyAdd(V.load(x + 3 &* V.count) - mean, V.load(z + 3 &* V.count) - offset, s3)
    i &+= 4
  }
  while i < pixels {
    s0 = V.multiplyAdd(V.load(x + i &* V.count) - mean, V.load(z + i &* V.count) - offset, s0)
    i &+= 1
  }
  V.store((s0 + s1) + (s2 + s3), sums)
}

/// y = a*x + b*z + c, with factors a lane. y may be x or z.
@inlinable @inline(never)
public func combinePixels<V: Vector>(
  _: V.Type, _ x: UnsafePointer<V.Scalar>, _ a: UnsafePointer<V.Scalar>, _ z: UnsafePointer<V.Scalar>,
  _ b: UnsafePointer<V.Scalar>, _ c: UnsafePointer<V.Scalar>, _ y: UnsafeMutablePointer<V.Scalar>, _ pixels: Int
) {
  let a = V.load(a), b = V.load(b), c = V.load(c), end = pixels &* V.count
  var i = 0
  while i < end {
    V.store(V.multiplyAdd(V.load(x + i), a, V.multiplyAdd(V.load(z + i), b, c)), y + i)
    i &+= V.count
  }
}

// A normalization and the rectifier behind it, y = max(x * scale + shift, 0), as one: whether a gradient passes is asked of x again, which
// spares an array and the way through it.

/// Of a run of pixels: x, the gradient of y, and what a lane's y follows from.
public struct RectifiedPixels<T> {
  public let x: UnsafePointer<T>, gradY: UnsafePointer<T>, scale: UnsafePointer<T>, shift: UnsafePointer<T>
  @inlinable
  public init(x: UnsafePointer<T>, gradY: UnsafePointer<T>, scale: UnsafePointer<T>, shift: UnsafePointer<T>) {
    (self.x, self.gradY, self.scale, self.shift) = (x, gradY, scale, shift)
  }
}
extension RectifiedPixels {
  /// body(i, x, grad_y where y is above 0 or NaN, else 0) for each pixel, i elements from the first.
  @inlinable @inline(__always)
  func forEach<V: Vector>(_: V.Type, _ pixels: Int, _ body: (Int, V, V) -> Void) where V.Scalar == T {
    let scale = V.load(scale), shift = V.load(shift), zero = V.repeating(0), end = pixels &* V.count
    var i = 0
    while i < end {
      let x = V.load(x + i), closed = V.isLessOrEqual(V.multiplyAdd(x, scale, shift), zero)
      body(i, x, V.select(closed, zero, V.load(gradY + i)))
      i &+= V.count
    }
  }
}

/// sums[lane] += the sum of grad_y, products[lane] += that of (x - mean) * grad_y, where grad_y passes.
@inlinable @inline(never)
public func sumRectified<V: Vector>(
  _: V.Type, _ o: RectifiedPixels<V.Scalar>, _ mean: UnsafePointer<V.Scalar>, _ sums: UnsafeMutablePointer<V.Scalar>,
  _ products: UnsafeMutablePointer<V.Scalar>, _ pixels: Int
) {
  let mean = V.load(mean)
  // Two sums each, as additions wait for each other.
  var s0 = V.load(sums), s1 = V.repeating(0), p0 = V.load(products), p1 = s1
  o.forEach(V.self, pixels) { _, x, gradY in
    (s0, s1) = (s1, s0 + gradY)
    (p0, p1) = (p1, V.multiplyAdd(x - mean, gradY, p0))
  }
  V.store(s0 + s1, sums)
  V.store(p0 + p1, products)
}

/// gradX = a*grad_y + b*x + c, of grad_y where it passes; gradX may be gradY.
@inlinable @inline(never)
public func combineRectified<V: Vector>(
  _: V.Type, _ o: RectifiedPixels<V.Scalar>, _ a: UnsafePointer<V.Scalar>, _ b: UnsafePointer<V.Scalar>,
  _ c: UnsafePointer<V.Scalar>, _ gradX: UnsafeMutablePointer<V.Scalar>, _ pixels: Int
) {
  let a = V.load(a), b = V.load(b), c = V.load(c)
  o.forEach(V.self, pixels) { i, x, gradY in V.store(V.multiplyAdd(gradY, a, V.multiplyAdd(x, b, c)), gradX + i) }
}

/// What the gradient that passes is summed with: products[lane] += the sum of (x - mean) * passed.
public typealias PassedProducts<T> = (x: UnsafePointer<T>, mean: UnsafePointer<T>, products: UnsafeMutablePointer<T>)

/// passed = grad_y where y, which was rectified, is above 0 or NaN, else 0; sums[lane] += the sum of that. passed may be gradY.
@inlinable @inline(never)
public func sumPassed<V: Vector>(
  _: V.Type, _ y: UnsafePointer<V.Scalar>, _ gradY: UnsafePointer<V.Scalar>, _ passed: UnsafeMutablePointer<V.Scalar>,
  _ sums: UnsafeMutablePointer<V.Scalar>, _ products: PassedProducts<V.Scalar>?, _ pixels: Int
) {
  let zero = V.repeating(0), end = pixels &* V.count
  func forEach(_ body: (Int, V) -> Void) {
    var i = 0
    while i < end {
      let open = V.select(V.isLessOrEqual(V.load(y + i), zero), zero, V.load(gradY + i))
      V.store(open, passed + i)
      body(i, open)
      i &+= V.count
    }
  }
  var s0 = V.load(sums), s1 = zero
  if let products {
    let mean = V.load(products.mean), x = products.x
    var p0 = V.load(products.products), p1 = zero
    forEach { i, open in
      (s0, s1) = (s1, s0 + open)
      (p0, p1) = (p1, V.multiplyAdd(V.load(x + i) - mean, open, p0))
    }
    V.store(p0 + p1, products.products)
  } else {
    forEach { (s0, s1) = (s1, s0 + $1) }
  }
  V.store(s0 + s1, sums)
}

/// Every pixel of y = value.
@inlinable @inline(never)
public func repeatPixel<V: Vector>(
  _: V.Type, _ value: UnsafePointer<V.Scalar>, _ y: UnsafeMutablePointer<V.Scalar>, _ pixels: Int
) {
  let value = V.load(value)
  for i in 0..<pixels { V.store(value, y + i &* V.count) }
}
