// exp of numbers that are not positive, in vectors, and what is made of it: sigmoid, tanh, softmax.

/// exp(x) and exp(x) - 1 for x <= 0, each to about one unit in its last place. x = n ln 2 + r with |r| <= ln 2 / 2; e^r - 1 by
/// its series, long enough for the type (8 terms leave 2e-10, 14 leave 1e-19); 2^n by the exponent's bits. NaN stays NaN, and
/// under -87, in float64 -708, where exp nears the smallest normal number, it is 0.
@inlinable @inline(__always)
func exponential<V: Vector>(_ x: V) -> (V, V) {
  let single = MemoryLayout<V.Scalar>.size == 4
  let smallest = V.repeating(single ? -87 : -708), one = V.repeating(1)
  let magic = V.repeating(single ? 12_582_912 : 6_755_399_441_055_744)  // 1.5 * 2^mantissa: adding it rounds to an integer
  let tiny = V.isLess(x, smallest)
  let clamped = V.select(tiny, smallest, x)
  let shifted = V.multiplyAdd(clamped, V.repeating(1.4426950408889634), magic)
  let n = shifted - magic
  // ln 2 in two parts, the first short enough that n times it is exact.
  let high = V.repeating(single ? 0.693359375 : 0.6931471803691238)
  let low = V.repeating(single ? -2.12194440e-4 : 1.9082149292705877e-10)
  let r = (clamped - n * high) - n * low
  var series = one
  var k = single ? 8 : 14
  while k > 1 {
    series = V.multiplyAdd(series * r, V.repeating(1 / V.Scalar(k)), one)
    k &-= 1
  }
  let power = V.powerOfTwo(shifted), difference = series * r, isNaN = V.isNaN(x)
  let whole = V.select(tiny, V.repeating(0), V.multiplyAdd(power, difference, power))
  let minusOne = V.select(tiny, V.repeating(-1), V.multiplyAdd(power, difference, power - one))
  return (V.select(isNaN, x, whole), V.select(isNaN, x, minusOne))
}

/// -|v|; NaN stays NaN.
@inlinable @inline(__always)
func minusAbsolute<V: Vector>(_ v: V) -> V {
  let zero = V.repeating(0)
  return V.select(V.isLess(zero, v), zero - v, v)
}

/// y = 1 / (1 + exp(-x)), by exp(-|x|), which cannot overflow.
@inlinable @inline(never)
public func sigmoid<V: Vector>(_: V.Type, _ x: UnsafePointer<V.Scalar>, _ y: UnsafeMutablePointer<V.Scalar>, _ count: Int) {
  forEachVector(V.self, count) { i, n in
    let v: V = load(x + i, n), one = V.repeating(1)
    let e = exponential(minusAbsolute(v)).0
    store(V.select(V.isLess(v, V.repeating(0)), e, one) / (one + e), y + i, n)
  }
}

/// y = tanh(x) = -m / (2 + m) for x >= 0 with m = exp(-2x) - 1; odd.
@inlinable @inline(never)
public func hyperbolicTangent<V: Vector>(
  _: V.Type, _ x: UnsafePointer<V.Scalar>, _ y: UnsafeMutablePointer<V.Scalar>, _ count: Int
) {
  forEachVector(V.self, count) { i, n in
    let v: V = load(x + i, n), two = V.repeating(2), zero = V.repeating(0)
    let m = exponential(two * minusAbsolute(v)).1
    let t = m / (two + m)
    store(V.select(V.isLess(zero, v), zero - t, t), y + i, n)
  }
}

/// y = softmax(x). Returns the largest x (or a NaN, if there is one) and the sum of exp(x - largest).
@inlinable @inline(never)
public func softmaxRow<V: Vector>(
  _: V.Type, _ x: UnsafePointer<V.Scalar>, _ y: UnsafeMutablePointer<V.Scalar>, _ count: Int
) -> (largest: V.Scalar, sum: V.Scalar) {
  var largest = x[0]
  for i in 1..<max(count, 1) { largest = x[i] > largest || x[i] != x[i] ? x[i] : largest }
  let shift = V.repeating(largest)
  forEachVector(V.self, count) { store(exponential(load(x + $0, $1, V.self) - shift).0, y + $0, $1) }
  let total = sum(V.self, y, count), totals = V.repeating(total)
  forEachVector(V.self, count) { store(load(y + $0, $1, V.self) / totals, y + $0, $1) }
  return (largest, total)
}
