// Images and the planes they are cut into: moves of many short rows in one call, and tiles that go back to their pixels.

/// Rows of `columns` elements, taken from every fromColumn-th of a row of `from`, between `before` and `after` elements of
/// `fill`.
public struct RowCopy<T> {
  public var from: UnsafePointer<T>, fromRow: Int, fromColumn: Int
  public var to: UnsafeMutablePointer<T>, toRow: Int
  public var rows: Int, columns: Int
  public var before: Int, after: Int, fill: T
  /// From what is copied to what will be soon: any address will do.
  public var ahead = 0
  /// A good distance where rows follow each other: by itself a core asks for the next page of memory when it comes there.
  @inlinable
  public static var twoPages: Int { 8192 / MemoryLayout<T>.stride }

  @inlinable
  public init(
    from: UnsafePointer<T>, fromRow: Int, fromColumn: Int = 1, to: UnsafeMutablePointer<T>, toRow: Int, rows: Int,
    columns: Int, before: Int = 0, after: Int = 0, fill: T
  ) {
    self.from = from
    self.fromRow = fromRow
    self.fromColumn = fromColumn
    self.to = to
    self.toRow = toRow
    self.rows = rows
    self.columns = columns
    self.before = before
    self.after = after
    self.fill = fill
  }
}

@inlinable @inline(never)
public func copyRows<V: Vector>(_: V.Type, _ o: RowCopy<V.Scalar>) {
  switch o.fromColumn {
  case 1 where o.columns == 2 &* V.count && o.before == 0 && o.after == 0:
    // Whole panels of a matrix product, of which there are so many that what other rows ask for would take longer than they. Behind a row
    // is often what is written next: each store would wait for its line.
    var from = o.from, to = o.to
    for _ in 0..<o.rows {
      V.prefetchNear(from + o.ahead)
      V.prefetchNear(UnsafePointer(to) + 2 &* V.count)
      let left = V.load(from), right = V.load(from + V.count)
      V.store(left, to)
      V.store(right, to + V.count)
      from += o.fromRow
      to += o.toRow
    }
  case 1: copyRows(V.self, o, whole: { V.load($0) }, some: { load($0, $1) })
  case 2: copyRows(V.self, o, whole: { V.even(V.load($0), V.load($0 + V.count)) }, some: { loadEven($0, $1) })
  default:
    for r in 0..<o.rows {
      let from = o.from + r &* o.fromRow, to = o.to + (r &* o.toRow &+ o.before)
      (to - o.before).update(repeating: o.fill, count: o.before)
      for i in 0..<o.columns { to[i] = from[i &* o.fromColumn] }
      (to + o.columns).update(repeating: o.fill, count: o.after)
    }
  }
}

/// n of every other element: 2n - 1 are read, since there need not be another one behind the last.
@inlinable @inline(__always)
func loadEven<V: Vector>(_ p: UnsafePointer<V.Scalar>, _ n: Int, _: V.Type = V.self) -> V {
  let last = 2 &* n &- 1
  return V.even(load(p, min(V.count, last)), V.load(p + V.count, first: max(0, last &- V.count)))
}

/// The same, with `whole` to gather a vector of a row, when more follow, and `some` for its first n lanes.
@inlinable @inline(__always)
func copyRows<V: Vector>(
  _: V.Type, _ o: RowCopy<V.Scalar>, whole: (UnsafePointer<V.Scalar>) -> V, some: (UnsafePointer<V.Scalar>, Int) -> V
) {
  let fill = V.repeating(o.fill)
  // What is behind the first lanes of a vector is 0, which is often all the fill a row needs.
  let joined = o.fill == 0 ? min(o.after, V.count &- 1) : 0
  var from = o.from, to = o.to
  for _ in 0..<o.rows {
    forEachVector(V.self, o.before) { store(fill, to + $0, $1) }
    let row = to + o.before
    var i = 0
    while i &+ V.count < o.columns {
      V.prefetchNear(from + (i &* o.fromColumn &+ o.ahead))
      V.store(whole(from + i &* o.fromColumn), row + i)
      i &+= V.count
    }
    let n = o.columns &- i, written = min(V.count, n &+ joined)
    if n > 0 { store(some(from + i &* o.fromColumn, n), row + i, written) }
    let end = n > 0 ? i &+ written : i
    forEachVector(V.self, o.columns &+ o.after &- end) { store(fill, row + (end &+ $0), $1) }
    from += o.fromRow
    to += o.toRow
  }
}

/// to[r][2i] = even[r][i] for i < (count + 1) / 2, to[r][2i + 1] = odd[r][i] for i < count / 2: two phases of a row become one.
@inlinable @inline(never)
public func mergeRows<V: Vector>(
  _: V.Type, _ even: UnsafePointer<V.Scalar>, _ odd: UnsafePointer<V.Scalar>, _ fromRow: Int,
  _ to: UnsafeMutablePointer<V.Scalar>, _ toRow: Int, _ rows: Int, _ count: Int
) {
  for r in 0..<rows {
    let even = even + r &* fromRow, odd = odd + r &* fromRow, to = to + r &* toRow
    var i = 0
    while i < count {
      let n = min(2 &* V.count, count &- i)
      let a: V = load(even + i / 2, (n &+ 1) / 2), b: V = load(odd + i / 2, n / 2)
      store(V.interleavedLow(a, b), to + i, min(n, V.count))
      if n > V.count { store(V.interleavedHigh(a, b), to + (i &+ V.count), n &- V.count) }
      i &+= 2 &* V.count
    }
  }
}

/// The operands of one sum of rows that are shifted against each other:
///   to[r*toRow + i] += the sum over m < terms of from[r*fromRow + m*step + i - m*shift], r < rows, i < count
public struct ShiftedRows<T> {
  public var from: UnsafePointer<T>, step: Int, shift: Int, terms: Int
  public var to: UnsafeMutablePointer<T>, count: Int
  public var rows = 1, fromRow = 0, toRow = 0

  @inlinable
  public init(from: UnsafePointer<T>, step: Int, shift: Int, terms: Int, to: UnsafeMutablePointer<T>, count: Int) {
    self.from = from
    self.step = step
    self.shift = shift
    self.terms = terms
    self.to = to
    self.count = count
  }
}

/// Terms are added in registers: through memory, each would have to wait for the one before.
@inlinable @inline(never)
public func addShiftedRows<V: Vector>(_: V.Type, _ o: ShiftedRows<V.Scalar>) {
  var row = o.from, to = o.to
  for _ in 0..<o.rows {
    forEachVector(V.self, o.count) { i, n in
      var total: V = load(to + i, n), from = row + i
      for _ in 0..<o.terms {
        total = total + load(from, n)
        from += o.step &- o.shift
      }
      store(total, to + i, n)
    }
    row += o.fromRow
    to += o.toRow
  }
}
