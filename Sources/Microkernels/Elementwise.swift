// Loops over contiguous elements, where memory is the limit. An output may be an input.

/// y = x where x > 0 (or x is NaN), else 0; mask = 1 where x <= 0.
@inlinable @inline(never)
public func reluForward<V: Vector>(
  _: V.Type, _ x: UnsafePointer<V.Scalar>, _ y: UnsafeMutablePointer<V.Scalar>, _ mask: UnsafeMutablePointer<UInt8>?,
  _ count: Int
) {
  let zero = V.repeating(0)
  forEachVector(V.self, count) { i, n in
    let v: V = load(x + i, n), closed = V.isLessOrEqual(v, zero)
    store(V.select(closed, zero, v), y + i, n)
    if let mask { V.storeBytes(closed, mask + i, first: n) }
  }
}

/// The template of gradients through y = f(x) whose slope follows from y: grad_x = gradient(y, grad_y).
@inlinable @inline(__always)
func throughOutput<V: Vector>(
  _ y: UnsafePointer<V.Scalar>, _ gradY: UnsafePointer<V.Scalar>, _ gradX: UnsafeMutablePointer<V.Scalar>, _ count: Int,
  _ gradient: (_ y: V, _ gradY: V) -> V
) {
  forEachVector(V.self, count) { i, n in store(gradient(load(y + i, n), load(gradY + i, n)), gradX + i, n) }
}

/// grad_y where y = relu(x) is above 0 (or NaN), else 0.
@inlinable @inline(never)
public func reluBackward<V: Vector>(
  _: V.Type, _ y: UnsafePointer<V.Scalar>, _ gradY: UnsafePointer<V.Scalar>, _ gradX: UnsafeMutablePointer<V.Scalar>,
  _ count: Int
) {
  let zero = V.repeating(0)
  throughOutput(y, gradY, gradX, count) { y, g in V.select(V.isLessOrEqual(y, zero), zero, g) }
}
/// grad_y * y * (1 - y) of y = sigmoid(x).
@inlinable @inline(never)
public func sigmoidBackward<V: Vector>(
  _: V.Type, _ y: UnsafePointer<V.Scalar>, _ gradY: UnsafePointer<V.Scalar>, _ gradX: UnsafeMutablePointer<V.Scalar>,
  _ count: Int
) {
  let one = V.repeating(1)
  throughOutput(y, gradY, gradX, count) { y, g in g * (y * (one - y)) }
}
/// grad_y * (1 - y²) of y = tanh(x).
@inlinable @inline(never)
public func tanhBackward<V: Vector>(
  _: V.Type, _ y: UnsafePointer<V.Scalar>, _ gradY: UnsafePointer<V.Scalar>, _ gradX: UnsafeMutablePointer<V.Scalar>,
  _ count: Int
) {
  let one = V.repeating(1)
  throughOutput(y, gradY, gradX, count) { y, g in g * (one - y * y) }
}

/// y = x * scale where mask == keep, else 0: dropout, and the gradient of relu with a mask.
@inlinable @inline(never)
public func maskedScale<V: Vector>(
  _: V.Type, _ x: UnsafePointer<V.Scalar>, _ mask: UnsafePointer<UInt8>, keep: UInt8, scale: V.Scalar,
  _ y: UnsafeMutablePointer<V.Scalar>, _ count: Int
) {
  let scales = V.repeating(scale), zero = V.repeating(0)
  forEachVector(V.self, count) { i, n in
    store(V.select(V.areBytes(mask + i, keep, first: n), load(x + i, n) * scales, zero), y + i, n)
  }
}

/// The sum, in a fixed order: four vectors of partial sums, then their lanes.
@inlinable @inline(never)
public func sum<V: Vector>(_: V.Type, _ x: UnsafePointer<V.Scalar>, _ count: Int) -> V.Scalar {
  reduce(V.self, count) { load(x + $0, $1) }
}

/// The sum of (x - mean) * (z - offset).
@inlinable @inline(never)
public func sumOfProducts<V: Vector>(
  _: V.Type, _ x: UnsafePointer<V.Scalar>, minus mean: V.Scalar, _ z: UnsafePointer<V.Scalar>, minus offset: V.Scalar,
  _ count: Int
) -> V.Scalar {
  let means = V.repeating(mean), offsets = V.repeating(offset)
  let whole = count / V.count &* V.count
  var total = reduce(V.self, whole) { (load(x + $0, $1) - means) * (load(z + $0, $1) - offsets) }
  for i in whole..<count { total += (x[i] - mean) * (z[i] - offset) }
  return total
}

/// The sum of vectors term(i, n); lanes behind the first n must be 0.
@inlinable @inline(__always)
func reduce<V: Vector>(_: V.Type, _ count: Int, _ term: (_ i: Int, _ n: Int) -> V) -> V.Scalar {
  let lanes = V.count
  var s0 = V.repeating(0), s1 = s0, s2 = s0, s3 = s0
  var i = 0
  while i &+ 4 &* lanes <= count {
    s0 = s0 + term(i, lanes)
    s1 = s1 + term(i &+ lanes, lanes)
    s2 = s2 + term(i &+ 2 &* lanes, lanes)
    s3 = s3 + term(i &+ 3 &* lanes, lanes)
    i &+= 4 &* lanes
  }
  while i &+ lanes <= count {
    s0 = s0 + term(i, lanes)
    i &+= lanes
  }
  if i < count { s1 = s1 + term(i, count &- i) }
  let s = (s0 + s1) + (s2 + s3)
  var total: V.Scalar = 0
  for lane in 0..<lanes { total += V.lane(s, lane) }
  return total
}

/// destination += source.
@inlinable @inline(never)
public func addTo<V: Vector>(
  _: V.Type, _ destination: UnsafeMutablePointer<V.Scalar>, _ source: UnsafePointer<V.Scalar>, _ count: Int
) {
  forEachVector(V.self, count) { store(load(destination + $0, $1, V.self) + load(source + $0, $1), destination + $0, $1) }
}

/// to[n] += the sum over rows r of source[r][n]: four partial sums, of every fourth row, then these.
@inlinable @inline(never)
public func addRows<V: Vector>(
  _: V.Type, _ source: UnsafePointer<V.Scalar>, _ step: Int, _ rows: Int, _ to: UnsafeMutablePointer<V.Scalar>, _ columns: Int
) {
  forEachVector(V.self, columns) { i, n in
    var s0: V = load(to + i, n), s1 = V.repeating(0), s2 = s1, s3 = s1
    var row = source + i, r = 0
    while r &+ 4 <= rows {
      s0 = s0 + load(row, n)
      s1 = s1 + load(row + step, n)
      s2 = s2 + load(row + 2 &* step, n)
      s3 = s3 + load(row + 3 &* step, n)
      row += 4 &* step
      r &+= 4
    }
    while r < rows {
      s0 = s0 + load(row, n)
      row += step
      r &+= 1
    }
    store((s0 + s1) + (s2 + s3), to + i, n)
  }
}

/// y = x * scale + shift.
@inlinable @inline(never)
public func scaleShift<V: Vector>(
  _: V.Type, _ x: UnsafePointer<V.Scalar>, scale: V.Scalar, shift: V.Scalar, _ y: UnsafeMutablePointer<V.Scalar>, _ count: Int
) {
  let scales = V.repeating(scale), shifts = V.repeating(shift)
  forEachVector(V.self, count) { store(V.multiplyAdd(load(x + $0, $1), scales, shifts), y + $0, $1) }
}

/// y = a * x + b * z + c.
@inlinable @inline(never)
public func combine<V: Vector>(
  _: V.Type, _ x: UnsafePointer<V.Scalar>, a: V.Scalar, _ z: UnsafePointer<V.Scalar>, b: V.Scalar, c: V.Scalar,
  _ y: UnsafeMutablePointer<V.Scalar>, _ count: Int
) {
  let (a, b, c) = (V.repeating(a), V.repeating(b), V.repeating(c))
  forEachVector(V.self, count) { store(V.multiplyAdd(load(x + $0, $1), a, V.multiplyAdd(load(z + $0, $1), b, c)), y + $0, $1) }
}

/// What a binary kernel does with a and b, each an array or one number for all.
public enum Arithmetic: Sendable { case sum, difference, product, quotient }

/// y = a ∘ b.
@inlinable @inline(never)
public func arithmetic<V: Vector>(
  _: V.Type, _ kind: Arithmetic, _ a: UnsafePointer<V.Scalar>, isOneA: Bool, _ b: UnsafePointer<V.Scalar>, isOneB: Bool,
  _ y: UnsafeMutablePointer<V.Scalar>, _ count: Int
) {
  switch kind {
  case .sum: forEachPair(a, isOneA, b, isOneB, y, count) { (a: V, b: V) in a + b }
  case .difference: forEachPair(a, isOneA, b, isOneB, y, count) { (a: V, b: V) in a - b }
  case .product: forEachPair(a, isOneA, b, isOneB, y, count) { (a: V, b: V) in a * b }
  case .quotient: forEachPair(a, isOneA, b, isOneB, y, count) { (a: V, b: V) in a / b }
  }
}
@inlinable @inline(__always)
func forEachPair<V: Vector>(
  _ a: UnsafePointer<V.Scalar>, _ isOneA: Bool, _ b: UnsafePointer<V.Scalar>, _ isOneB: Bool,
  _ y: UnsafeMutablePointer<V.Scalar>, _ count: Int, _ f: (V, V) -> V
) {
  if count == 0 { return }
  let first = V.repeating(a[0]), second = V.repeating(b[0])
  switch (isOneA, isOneB) {
  case (false, false): forEachVector(V.self, count) { store(f(load(a + $0, $1), load(b + $0, $1)), y + $0, $1) }
  case (true, false): forEachVector(V.self, count) { store(f(first, load(b + $0, $1)), y + $0, $1) }
  case (false, true): forEachVector(V.self, count) { store(f(load(a + $0, $1), second), y + $0, $1) }
  case (true, true): forEachVector(V.self, count) { store(f(first, second), y + $0, $1) }
  }
}
