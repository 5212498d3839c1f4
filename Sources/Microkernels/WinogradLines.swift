// The one-dimensional transforms that Winograd's algorithm is made of (Lavin & Gray 2015, "Fast Algorithms for Convolutional Neural
// Networks"): a plane is transformed along its columns, then along its rows, by the same functions. Lanes are channels, so a cell of a
// plane is a vector.
//
// A line of `size` = m + 2 cells of x and a filter of 3 taps are the coefficients of polynomials, m results are coefficients of their
// product (transposed). Products are taken at the points 0, a, -a, infinity, b, -b, in this order, of which a smaller size uses the
// first: so lines of several sizes meet the same transformed filters. a = sqrt(1/2) and b = sqrt(2) err half as much as the usual 1 and
// 2, because their powers stay near 1; with b = 2a and ab = 1 many coefficients are simple.
//
// `input` evaluates, for each point, the polynomial that is 0 at all other points; it is not divided by its value at its own point.
// What goes along m cells is: `sumTile` and `evaluateTile` have the quotients.

/// `count` lines in each of `rows` rows. A line's cells are a `point` apart.
public struct WinogradLines<T> {
  public var from: UnsafePointer<T>, fromPoint: Int, fromStep: Int, fromRow: Int
  public var to: UnsafeMutablePointer<T>, toPoint: Int, toStep: Int, toRow: Int
  public var count: Int, rows: Int
  /// What will soon be needed, of which two lines of the caches come nearer with each line of a row: any address will do.
  public var soon: UnsafePointer<T>, soonStep = 0

  @inlinable
  public init(
    from: UnsafePointer<T>, point fromPoint: Int, step fromStep: Int, row fromRow: Int = 0, to: UnsafeMutablePointer<T>,
    point toPoint: Int, step toStep: Int, row toRow: Int = 0, count: Int, rows: Int = 1
  ) {
    (self.from, self.fromPoint, self.fromStep, self.fromRow) = (from, fromPoint, fromStep, fromRow)
    (self.to, self.toPoint, self.toStep, self.toRow) = (to, toPoint, toStep, toRow)
    (self.count, self.rows, self.soon) = (count, rows, from)
  }
}

/// What follows a convolution: a vector of biases, an array to add, limits (see BlockedTile).
public struct WinogradFinish<T> {
  public var bias: UnsafePointer<T>?
  /// The cell to add to the first of the first line, and its steps to the others.
  public var residual: UnsafePointer<T>?, residualPoint: Int, residualStep: Int
  public var limits: (low: T, high: T)?

  @inlinable
  public init(
    bias: UnsafePointer<T>?, residual: UnsafePointer<T>? = nil, residualPoint: Int = 0, residualStep: Int = 0,
    limits: (low: T, high: T)? = nil
  ) {
    (self.bias, self.limits) = (bias, limits)
    (self.residual, self.residualPoint, self.residualStep) = (residual, residualPoint, residualStep)
  }
}

/// forEachLine, of lines that come from images, which may be far.
@inlinable @inline(__always)
func forEachImageLine<V: Vector>(
  _: V.Type, _ o: UnsafePointer<WinogradLines<V.Scalar>>,
  _ body: (_ from: UnsafePointer<V.Scalar>, _ to: UnsafeMutablePointer<V.Scalar>) -> Void
) {
  var soon = o.pointee.soon
  let soonStep = o.pointee.soonStep
  forEachLine(o) { from, to in
    V.prefetchNear(soon)
    V.prefetchNear(soon + 64 / MemoryLayout<V.Scalar>.stride)
    soon += soonStep
    body(from, to)
  }
}

@inlinable @inline(__always)
func forEachLine<T>(
  _ o: UnsafePointer<WinogradLines<T>>, _ body: (_ from: UnsafePointer<T>, _ to: UnsafeMutablePointer<T>) -> Void
) {
  let (fromStep, fromRow, toStep, toRow, count) =
    (o.pointee.fromStep, o.pointee.fromRow, o.pointee.toStep, o.pointee.toRow, o.pointee.count)
  var from = o.pointee.from, to = o.pointee.to
  for _ in 0..<o.pointee.rows {
    var f = from, t = to
    for _ in 0..<count {
      body(f, t)
      f += fromStep
      t += toStep
    }
    from += fromRow
    to += toRow
  }
}

// The points, and quotients of their powers.
extension Vector {
  @inlinable @inline(__always) static func constant(_ x: Double) -> Self { .repeating(Scalar(x)) }
  @inlinable @inline(__always) static var a: Self { .constant(0.70710678118654752440) }
  @inlinable @inline(__always) static var b: Self { .constant(1.41421356237309504880) }
  /// x + c*y
  @inlinable @inline(__always) static func add(_ x: Self, _ c: Double, _ y: Self) -> Self { .multiplyAdd(.constant(c), y, x) }
  @inlinable @inline(__always) static func add(_ x: Self, _ c: Self, _ y: Self) -> Self { .multiplyAdd(c, y, x) }
  @inlinable @inline(__always) static func subtract(_ x: Self, _ c: Self, _ y: Self) -> Self {
    .multiplyAdd(.repeating(0) - c, y, x)
  }
}

// x of a line to the points: a polynomial's coefficients are what its cells are multiplied by.

/// x^2 - 1/2, x^2 + ax, x^2 - ax, x^3 - x/2.
@inlinable @inline(never)
public func winogradInput4<V: Vector>(_: V.Type, _ o: UnsafePointer<WinogradLines<V.Scalar>>) {
  let p = o.pointee.fromPoint, q = o.pointee.toPoint, a = V.a
  forEachImageLine(V.self, o) { from, to in
    let d0 = V.load(from), d1 = V.load(from + p), d2 = V.load(from + 2 &* p), d3 = V.load(from + 3 &* p)
    V.store(.add(d2, -0.5, d0), to)
    V.store(.add(d2, a, d1), to + q)
    V.store(.subtract(d2, a, d1), to + 2 &* q)
    V.store(.add(d3, -0.5, d1), to + 3 &* q)
  }
}

/// Those of size 4 times x - b; and x^3 - x/2 at b.
@inlinable @inline(never)
public func winogradInput5<V: Vector>(_: V.Type, _ o: UnsafePointer<WinogradLines<V.Scalar>>) {
  let p = o.pointee.fromPoint, q = o.pointee.toPoint, a = V.a, b = V.b
  forEachImageLine(V.self, o) { from, to in
    let d0 = V.load(from), d1 = V.load(from + p), d2 = V.load(from + 2 &* p), d3 = V.load(from + 3 &* p)
    let d4 = V.load(from + 4 &* p)
    let f0 = V.subtract(d1, b, d0), f1 = V.subtract(d2, b, d1), f2 = V.subtract(d3, b, d2), f3 = V.subtract(d4, b, d3)
    V.store(.add(f2, -0.5, f0), to)
    V.store(.add(f2, a, f1), to + q)
    V.store(.subtract(f2, a, f1), to + 2 &* q)
    V.store(.add(f3, -0.5, f1), to + 3 &* q)
    V.store(.add(d3, -0.5, d1), to + 4 &* q)
  }
}

/// x^4 - 5/2 x^2 + 1, x^4 - 2x^2 +- a(x^3 - 2x), x^5 - 5/2 x^3 + x, x^4 - x^2/2 +- b(x^3 - x/2).
@inlinable @inline(never)
public func winogradInput6<V: Vector>(_: V.Type, _ o: UnsafePointer<WinogradLines<V.Scalar>>) {
  let p = o.pointee.fromPoint, q = o.pointee.toPoint, a = V.a, b = V.b
  forEachImageLine(V.self, o) { from, to in
    let d0 = V.load(from), d1 = V.load(from + p), d2 = V.load(from + 2 &* p), d3 = V.load(from + 3 &* p)
    let d4 = V.load(from + 4 &* p), d5 = V.load(from + 5 &* p)
    let even2 = V.add(d4, -2, d2), odd2 = V.add(d3, -2, d1), even1 = V.add(d4, -0.5, d2), odd1 = V.add(d3, -0.5, d1)
    V.store(.add(d0 + d4, -2.5, d2), to)
    V.store(.add(even2, a, odd2), to + q)
    V.store(.subtract(even2, a, odd2), to + 2 &* q)
    V.store(.add(d1 + d5, -2.5, d3), to + 3 &* q)
    V.store(.add(even1, b, odd1), to + 4 &* q)
    V.store(.subtract(even1, b, odd1), to + 5 &* q)
  }
}

// The values at the points of a polynomial of 3 coefficients, and the way back: the coefficients of what was multiplied there.

/// `count` filters of 3 x 3 taps, one behind another, at the points of one row, `columns` of them: a filter's points are a `plane` apart,
/// filters a `step`. What a row of planes takes of the first cache leaves room for the taps, which are read again for the next row.
@inlinable @inline(never)
public func winogradEvaluateFilters<V: Vector, let Row: Int, let Stride: Int>(
  _: InlineArray<Row, V>.Type, _: InlineArray<Stride, V>.Type, _ from: UnsafePointer<V.Scalar>, _ count: Int,
  _ to: UnsafeMutablePointer<V.Scalar>, step: Int, plane: Int, columns: Int
) {
  func evaluate(_ g0: V, _ g1: V, _ g2: V, _ points: Int, _ store: (Int, V) -> Void) {
    if Stride == 1 {
      winogradEvaluateFilter(g0, g1, g2, points, store)
    } else {
      winogradStridedFilter(g0, g1, g2, points, store)
    }
  }
  var from = from, to = to
  for _ in 0..<count {
    var values = InlineArray<3, V>(repeating: V.repeating(0))
    for j in 0..<3 {
      let tap = from + j &* V.count
      evaluate(V.load(tap), V.load(tap + 3 &* V.count), V.load(tap + 6 &* V.count), 6) {
        if $0 == Row { values[j] = $1 }
      }
    }
    evaluate(values[0], values[1], values[2], columns) { V.store($1, to + $0 &* plane) }
    from += 9 &* V.count
    to += step
  }
}

@inlinable @inline(__always)
func winogradEvaluateFilter<V: Vector>(_ g0: V, _ g1: V, _ g2: V, _ size: Int, _ store: (Int, V) -> Void) {
  let nearA = V.add(g0, 0.5, g2), nearB = V.add(g0, 2, g2)
  store(0, g0)
  store(1, .add(nearA, .a, g1))
  store(2, .subtract(nearA, .a, g1))
  store(3, g2)
  if size > 4 { store(4, .add(nearB, .b, g1)) }
  if size > 5 { store(5, .subtract(nearB, .b, g1)) }
}

@inlinable @inline(never)
public func winogradSumFilter<V: Vector, let Size: Int>(
  _: InlineArray<Size, V>.Type, _ o: UnsafePointer<WinogradLines<V.Scalar>>
) {
  let p = o.pointee.fromPoint, q = o.pointee.toPoint, a = V.a, b = V.b
  forEachLine(o) { from, to in
    let m0 = V.load(from), m1 = V.load(from + p), m2 = V.load(from + 2 &* p), last = V.load(from + 3 &* p)
    let sumA = m1 + m2
    var g0 = m0 + sumA, g1 = a * (m1 - m2), g2 = V.add(last, 0.5, sumA)
    if Size > 4 {
      let m4 = V.load(from + 4 &* p), m5 = Size > 5 ? V.load(from + 5 &* p) : V.repeating(0)
      let sumB = Size > 5 ? m4 + m5 : m4, differenceB = Size > 5 ? m4 - m5 : m4
      g0 = g0 + sumB
      g1 = .add(g1, b, differenceB)
      g2 = .add(g2, 2, sumB)
    }
    V.store(g0, to)
    V.store(g1, to + q)
    V.store(g2, to + 2 &* q)
  }
}

// The same for m coefficients, with the quotients.

@inlinable @inline(never)
public func winogradEvaluateTile<V: Vector, let Size: Int>(
  _: InlineArray<Size, V>.Type, _ o: UnsafePointer<WinogradLines<V.Scalar>>
) {
  let p = o.pointee.fromPoint, q = o.pointee.toPoint, a = V.a, b = V.b
  forEachImageLine(V.self, o) { from, to in
    let y0 = V.load(from), y1 = V.load(from + p)
    if Size == 4 {
      V.store(.constant(-2) * y0, to)
      V.store(.add(y0, a, y1), to + q)
      V.store(.subtract(y0, a, y1), to + 2 &* q)
      V.store(y1, to + 3 &* q)
    } else if Size == 5 {
      let y2 = V.load(from + 2 &* p)
      let even = V.add(y0, 0.5, y2), third = V.constant(1.41421356237309504880 / 3)
      V.store(b * y0, to)
      V.store((.repeating(0) - b) * V.add(even, a, y1), to + q)
      V.store((.repeating(0) - third) * V.subtract(even, a, y1), to + 2 &* q)
      V.store(y2, to + 3 &* q)
      V.store(third * V.add(.add(y0, 2, y2), b, y1), to + 4 &* q)
    } else {
      let y2 = V.load(from + 2 &* p), y3 = V.load(from + 3 &* p)
      let evenA = V.constant(-2.0 / 3) * V.add(y0, 0.5, y2), oddA = V.constant(-2.0 / 3) * V.add(y1, 0.5, y3)
      let evenB = V.constant(1.0 / 6) * V.add(y0, 2, y2), oddB = V.constant(1.0 / 6) * V.add(y1, 2, y3)
      V.store(y0, to)
      V.store(.add(evenA, a, oddA), to + q)
      V.store(.subtract(evenA, a, oddA), to + 2 &* q)
      V.store(y3, to + 3 &* q)
      V.store(.add(evenB, b, oddB), to + 4 &* q)
      V.store(.subtract(evenB, b, oddB), to + 5 &* q)
    }
  }
}

@inlinable @inline(never)
public func winogradSumTile<V: Vector, let Size: Int>(
  _: InlineArray<Size, V>.Type, _ o: UnsafePointer<WinogradLines<V.Scalar>>, _ finish: UnsafePointer<WinogradFinish<V.Scalar>>?
) {
  guard let finish else { return winogradSumTile(InlineArray<Size, V>.self, o) { y, to, _ in V.store(y, to) } }
  var finisher = WinogradFinisher<V>(finish, cells: Size &- 2)
  winogradSumTile(InlineArray<Size, V>.self, o) { finisher.store($0, $1, $2) }
}

/// Stores lines of `cells` one after another, finished.
@usableFromInline
struct WinogradFinisher<V: Vector> {
  @usableFromInline let bias: V, limits: (low: V, high: V)?, point: Int, step: Int, last: Int
  @usableFromInline var residual: UnsafePointer<V.Scalar>?

  @inlinable @inline(__always)
  init(_ finish: UnsafePointer<WinogradFinish<V.Scalar>>, cells: Int) {
    bias = finish.pointee.bias.map { V.load($0) } ?? V.repeating(0)
    limits = finish.pointee.limits.map { (V.repeating($0.low), V.repeating($0.high)) }
    (point, step, last) = (finish.pointee.residualPoint, finish.pointee.residualStep, cells &- 1)
    residual = finish.pointee.residual
  }
  /// Cell j of a line.
  @inlinable @inline(__always)
  mutating func store(_ sum: V, _ to: UnsafeMutablePointer<V.Scalar>, _ j: Int) {
    var y = sum + bias
    if let cell = residual {
      y = y + V.load(cell + j &* point)
      if j == last { residual = cell + step }
    }
    if let limits { y = limited(y, limits.low, limits.high) }
    V.store(y, to)
  }
}

@inlinable @inline(__always)
func winogradSumTile<V: Vector, let Size: Int>(
  _: InlineArray<Size, V>.Type, _ o: UnsafePointer<WinogradLines<V.Scalar>>,
  store: (V, UnsafeMutablePointer<V.Scalar>, Int) -> Void
) {
  let p = o.pointee.fromPoint, q = o.pointee.toPoint, a = V.a, b = V.b
  forEachLine(o) { from, to in
    let m0 = V.load(from), m1 = V.load(from + p), m2 = V.load(from + 2 &* p), last = V.load(from + 3 &* p)
    if Size == 4 {
      store(.add(m1 + m2, -2, m0), to, 0)
      store(.add(last, a, m1 - m2), to + q, 1)
    } else if Size == 5 {
      let third = V.constant(1.41421356237309504880 / 3)
      let plus = b * m1, minus = third * m2, other = third * V.load(from + 4 &* p)
      let sum = plus + minus, difference = plus - minus
      store(.add(other - sum, b, m0), to, 0)
      store(.subtract(b * other, a, difference), to + q, 1)
      store(.add(.add(last, 2, other), -0.5, sum), to + 2 &* q, 2)
    } else {
      let m4 = V.load(from + 4 &* p), m5 = V.load(from + 5 &* p)
      let sumA = m1 + m2, sumB = m4 + m5, differenceA = a * (m1 - m2), differenceB = b * (m4 - m5)
      store(.add(.add(m0, 1.0 / 6, sumB), -2.0 / 3, sumA), to, 0)
      store(.add(.constant(1.0 / 6) * differenceB, -2.0 / 3, differenceA), to + q, 1)
      store(.constant(1.0 / 3) * (sumB - sumA), to + 2 &* q, 2)
      store(.add(last, 1.0 / 3, differenceB - differenceA), to + 3 &* q, 3)
    }
  }
}
