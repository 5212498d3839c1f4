// The transforms of WinogradLines.swift for filters that move by two cells. Taps 0 and 2 then read the even cells of a line and tap 1 the
// odd ones. So m results are the sums of two convolutions that move by one: of the even cells with a filter of two taps, which takes
// m + 1 products at the points 0, a, infinity, -a, b, and of the odd cells with tap 1, which takes m. These are 2m + 1 products where
// there were 3m, and as many as cells of x.
//
// They come in the order 0, a, infinity, odd, odd, -a, odd, b, odd, of which a smaller size uses the first. Those of odd cells all meet the
// same filter, so filters have m + 2 points, in the order 0, a, infinity, odd, -a, b.

/// x of a line to the points: x - a, x, x^2 - ax; x^2 - 1/2, x^2 +- ax, x^3 - x/2; or x^3 - bx^2 - x/2 + a, x^3 - ax^2 - x, x^3 - 3ax^2 + x,
/// x^3 - x/2, x^4 - bx^3 - x^2/2 + ax of even cells. Or, with Apart = 1, m + 1 cells of a gradient of y on their way to that of x, each of
/// which is both: see winogradStridedSumTile.
@inlinable @inline(never)
public func winogradStridedInput<V: Vector, let Tile: Int, let Apart: Int>(
  _: InlineArray<Tile, V>.Type, _: InlineArray<Apart, V>.Type, _ o: UnsafePointer<WinogradLines<V.Scalar>>
) {
  let p = o.pointee.fromPoint, q = o.pointee.toPoint, a = V.a, b = V.b
  forEachImageLine(V.self, o) { from, to in
    func even(_ i: Int) -> V { V.load(from + Apart &* i &* p) }
    func odd(_ i: Int) -> V { V.load(from + (Apart &* i &+ Apart &- 1) &* p) }
    let e0 = even(0), e1 = even(1), e2 = even(2)
    V.store(odd(0), to + 3 &* q)
    V.store(odd(1), to + 4 &* q)
    if Tile == 2 {
      V.store(.subtract(e1, a, e0), to)
      V.store(e1, to + q)
      V.store(.subtract(e2, a, e1), to + 2 &* q)
      return
    }
    let e3 = even(3)
    V.store(odd(2), to + 6 &* q)
    if Tile == 3 {
      V.store(.add(e2, -0.5, e0), to)
      V.store(.add(e2, a, e1), to + q)
      V.store(.add(e3, -0.5, e1), to + 2 &* q)
      V.store(.subtract(e2, a, e1), to + 5 &* q)
    } else {
      let far = V.add(e3, -0.5, e1)
      V.store(.subtract(far, b, .add(e2, -0.5, e0)), to)
      V.store(.subtract(e3 - e1, a, e2), to + q)
      V.store(.subtract(.add(even(4), -0.5, e2), b, far), to + 2 &* q)
      V.store(.subtract(e3 + e1, V.constant(3) * a, e2), to + 5 &* q)
      V.store(far, to + 7 &* q)
      V.store(odd(3), to + 8 &* q)
    }
  }
}

/// Taps to the points.
@inlinable @inline(__always)
func winogradStridedFilter<V: Vector>(_ g0: V, _ g1: V, _ g2: V, _ points: Int, _ store: (Int, V) -> Void) {
  store(0, g0)
  store(1, .add(g0, .a, g2))
  store(2, g2)
  store(3, g1)
  if points > 4 { store(4, .subtract(g0, .a, g2)) }
  if points > 5 { store(5, .add(g0, .b, g2)) }
}

/// The way back, of a line of Points.
@inlinable @inline(never)
public func winogradStridedSumFilter<V: Vector, let Points: Int>(
  _: InlineArray<Points, V>.Type, _ o: UnsafePointer<WinogradLines<V.Scalar>>
) {
  let p = o.pointee.fromPoint, q = o.pointee.toPoint, a = V.a, b = V.b
  forEachLine(o) { from, to in
    let v1 = V.load(from + p), other = Points > 4 ? V.load(from + 4 &* p) : V.repeating(0)
    var g0 = V.load(from) + v1 + other, g2 = V.add(V.load(from + 2 &* p), a, v1 - other)
    if Points > 5 {
      let v5 = V.load(from + 5 &* p)
      g0 = g0 + v5
      g2 = .add(g2, b, v5)
    }
    V.store(g0, to)
    V.store(V.load(from + 3 &* p), to + q)
    V.store(g2, to + 2 &* q)
  }
}

/// The values at the points of m coefficients, with the quotients.
@inlinable @inline(never)
public func winogradStridedEvaluateTile<V: Vector, let Tile: Int>(
  _: InlineArray<Tile, V>.Type, _ o: UnsafePointer<WinogradLines<V.Scalar>>
) {
  let p = o.pointee.fromPoint, q = o.pointee.toPoint, a = V.a, b = V.b
  forEachImageLine(V.self, o) { from, to in
    let y0 = V.load(from), y1 = V.load(from + p)
    V.store(y0, to + 3 &* q)
    V.store(y1, to + 4 &* q)
    if Tile == 2 {
      V.store((.repeating(0) - b) * y0, to)
      V.store(.add(y1, b, y0), to + q)
      V.store(y1, to + 2 &* q)
      return
    }
    let y2 = V.load(from + 2 &* p)
    V.store(y2, to + 6 &* q)
    if Tile == 3 {
      let even = V.add(y0, 0.5, y2)
      V.store(V.constant(-2) * y0, to)
      V.store(.add(even, a, y1), to + q)
      V.store(y2, to + 2 &* q)
      V.store(.subtract(even, a, y1), to + 5 &* q)
    } else {
      let y3 = V.load(from + 3 &* p), third = V.constant(1.0 / 3)
      let first = b * y0, even = V.add(first, a, y2), odd = V.add(y1, 0.5, y3)
      V.store(first, to)
      V.store(.repeating(0) - even - odd, to + q)
      V.store(y3, to + 2 &* q)
      V.store(third * (odd - even), to + 5 &* q)
      V.store(third * .add(.add(first, V.constant(2) * b, y2), 2, .add(y1, 2, y3)), to + 7 &* q)
      V.store(y3, to + 8 &* q)
    }
  }
}

/// m results of products at the points, with the quotients: the sum of what even and odd cells of x give. Or, with Apart = 2, 2m cells of the
/// gradient of x, where those which tap 1 reads and those which taps 0 and 2 read take turns.
@inlinable @inline(never)
public func winogradStridedSumTile<V: Vector, let Tile: Int, let Apart: Int>(
  _: InlineArray<Tile, V>.Type, _: InlineArray<Apart, V>.Type, _ o: UnsafePointer<WinogradLines<V.Scalar>>,
  _ finish: UnsafePointer<WinogradFinish<V.Scalar>>?
) {
  guard let finish else {
    return winogradStridedSumTile(InlineArray<Tile, V>.self, InlineArray<Apart, V>.self, o) { y, to, _ in V.store(y, to) }
  }
  var finisher = WinogradFinisher<V>(finish, cells: Apart &* Tile)
  winogradStridedSumTile(InlineArray<Tile, V>.self, InlineArray<Apart, V>.self, o) { finisher.store($0, $1, $2) }
}

@inlinable @inline(__always)
func winogradStridedSumTile<V: Vector, let Tile: Int, let Apart: Int>(
  _: InlineArray<Tile, V>.Type, _: InlineArray<Apart, V>.Type, _ o: UnsafePointer<WinogradLines<V.Scalar>>,
  store: (V, UnsafeMutablePointer<V.Scalar>, Int) -> Void
) {
  let p = o.pointee.fromPoint, q = o.pointee.toPoint, a = V.a, b = V.b
  forEachLine(o) { from, to in
    func put(_ j: Int, _ even: V, _ oddPoint: Int) {
      let odd = V.load(from + oddPoint &* p)
      if Apart == 1 { return store(even + odd, to + j &* q, j) }
      store(odd, to + 2 &* j &* q, 2 &* j)
      store(even, to + (2 &* j &+ 1) &* q, 2 &* j &+ 1)
    }
    let v0 = V.load(from), v1 = V.load(from + p), infinity = V.load(from + 2 &* p)
    if Tile == 2 {
      put(0, b * (v1 - v0), 3)
      put(1, v1 + infinity, 4)
      return
    }
    let other = V.load(from + 5 &* p)
    if Tile == 3 {
      let sum = v1 + other
      put(0, .add(sum, -2, v0), 3)
      put(1, a * (v1 - other), 4)
      put(2, .add(infinity, 0.5, sum), 6)
    } else {
      let third = V.constant(1.0 / 3), minus = third * other, far = third * V.load(from + 7 &* p)
      let sum = v1 + minus, difference = minus - v1
      put(0, b * (v0 - sum + far), 3)
      put(1, .add(difference, 2, far), 4)
      put(2, .subtract(V.constant(2) * b * far, a, sum), 6)
      put(3, .add(.add(infinity, 0.5, difference), 4, far), 8)
    }
  }
}
