// exp of numbers that are not positive, in vectors, and what is made of it: sigmoid, tanh, softmax.

@inlinable @inline(__always)
func loadPartial<V: Vector>(_ p: UnsafePointer<V.Scalar>, _ count: Int, fill: V.Scalar) -> V {
  if count >= V.scalarCount { return load(p) }
  var v = V(repeating: fill)
  withUnsafeMutableBytes(of: &v) { bytes in
    for i in 0..<count { bytes.storeBytes(of: p[i], toByteOffset: i &* MemoryLayout<V.Scalar>.stride, as: V.Scalar.self) }
  }
  return v
}
@inlinable @inline(__always)
func storePartial<V: Vector>(_ v: V, _ p: UnsafeMutablePointer<V.Scalar>, _ count: Int) {
  if count >= V.scalarCount { return store(v, p) }
  withUnsafeBytes(of: v) { bytes in
    for i in 0..<count { p[i] = bytes.loadUnaligned(fromByteOffset: i &* MemoryLayout<V.Scalar>.stride, as: V.Scalar.self) }
  }
}

/// exp(x) and exp(x) - 1 for x <= 0, each to about one unit in its last place. x = n ln 2 + r with |r| <= ln 2 / 2; e^r - 1 by
/// its series, long enough for the type (8 terms leave 5e-9, 14 leave 4e-18); 2^n by the exponent's bits. NaN stays NaN, and
/// what is below the smallest normal number becomes 0.
@inlinable @inline(__always)
func exponential<V: Vector>(_ x: V) -> (V, V) {
  let single = MemoryLayout<V.Scalar>.size == 4
  let smallest = V(repeating: single ? -87 : -708)
  let magic = V(repeating: single ? 12_582_912 : 6_755_399_441_055_744)  // 1.5 * 2^mantissa: adding it rounds to an integer
  let clamped = x.replacing(with: smallest, where: x .< smallest)
  let shifted = clamped * V(repeating: 1.4426950408889634) + magic
  let n = shifted - magic
  // ln 2 in two parts, the first short enough that n times it is exact.
  let high = V(repeating: single ? 0.693359375 : 0.6931471803691238)
  let low = V(repeating: single ? -2.12194440e-4 : 1.9082149292705877e-10)
  let r = (clamped - n * high) - n * low
  var series = V(repeating: 1)
  let one = V(repeating: 1)
  var k = single ? 8 : 14
  while k > 1 {
    series = one + series * r * V(repeating: 1 / V.Scalar(k))
    k &-= 1
  }
  let bits = unsafeBitCast(shifted, to: V.MaskStorage.self)
  let mantissa = V.MaskStorage.Scalar(truncatingIfNeeded: V.Scalar.significandBitCount)
  let power = unsafeBitCast(
    (bits &<< V.MaskStorage(repeating: mantissa)) &+ unsafeBitCast(one, to: V.MaskStorage.self), to: V.self)
  let minusOne = power * (series * r) + (power - one)
  let tiny = x .< smallest
  return (
    (power * (series * r) + power).replacing(with: V(repeating: 0), where: tiny).replacing(with: x, where: x .!= x),
    minusOne.replacing(with: -one, where: tiny).replacing(with: x, where: x .!= x)
  )
}

@inlinable @inline(__always)
func mapVectors<V: Vector>(_ x: UnsafePointer<V.Scalar>, _ y: UnsafeMutablePointer<V.Scalar>, _ count: Int, _ f: (V) -> V) {
  var i = 0
  while i < count {
    storePartial(f(loadPartial(x + i, count &- i, fill: 0)), y + i, count &- i)
    i &+= V.scalarCount
  }
}

/// y = 1 / (1 + exp(-x)), by exp(-|x|), which cannot overflow.
@inlinable @inline(__always)
public func sigmoid<V: Vector>(_: V.Type, _ x: UnsafePointer<V.Scalar>, _ y: UnsafeMutablePointer<V.Scalar>, _ count: Int) {
  mapVectors(x, y, count) { (v: V) in
    let zero = V(repeating: 0), one = V(repeating: 1)
    let e = exponential(v.replacing(with: zero - v, where: v .> zero)).0
    return one.replacing(with: e, where: v .< zero) / (one + e)
  }
}

/// y = tanh(x) = -m / (2 + m) for x >= 0 with m = exp(-2x) - 1; odd.
@inlinable @inline(__always)
public func hyperbolicTangent<V: Vector>(
  _: V.Type, _ x: UnsafePointer<V.Scalar>, _ y: UnsafeMutablePointer<V.Scalar>, _ count: Int
) {
  mapVectors(x, y, count) { (v: V) in
    let zero = V(repeating: 0), two = V(repeating: 2)
    let m = exponential(two * v.replacing(with: zero - v, where: v .> zero)).1
    let t = m / (two + m)
    return t.replacing(with: zero - t, where: v .> zero)
  }
}

/// y[row] = softmax(x[row]); logarithms[row], if wanted, = max, sums[row] = sum of exp(x - max).
@inlinable @inline(__always)
public func softmaxRow<V: Vector>(
  _: V.Type, _ x: UnsafePointer<V.Scalar>, _ y: UnsafeMutablePointer<V.Scalar>, _ count: Int
) -> (largest: V.Scalar, sum: V.Scalar) {
  var largest = x[0]
  for i in 1..<max(count, 1) { largest = x[i] > largest || x[i] != x[i] ? x[i] : largest }
  let shift = V(repeating: largest)
  var i = 0
  while i < count {
    let v: V = loadPartial(x + i, count &- i, fill: largest)
    storePartial(exponential(v - shift).0, y + i, count &- i)
    i &+= V.scalarCount
  }
  let total = sum(V.self, y, count)
  for i in 0..<count { y[i] /= total }
  return (largest, total)
}
