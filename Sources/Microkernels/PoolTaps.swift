// Pooling: y[r][i] is taken over the cells x[r*rowStep + i*columnStep + offsets[t]] of all taps t.

/// Rows of windows over one channel, all of whose cells are in memory.
public struct PoolWindows<T> {
  public var x: UnsafePointer<T>, offsets: UnsafePointer<Int>
  public var taps: Int, rows: Int, columns: Int
  /// From window to window; a column step of 1 or 2.
  public var rowStep: Int, columnStep: Int

  @inlinable
  public init(
    x: UnsafePointer<T>, offsets: UnsafePointer<Int>, taps: Int, rows: Int, columns: Int, rowStep: Int, columnStep: Int
  ) {
    self.x = x
    self.offsets = offsets
    self.taps = taps
    self.rows = rows
    self.columns = columns
    self.rowStep = rowStep
    self.columnStep = columnStep
  }
}

/// y[r][i] = the largest tap, positions[r][i] = which; the first of equals, and the first NaN.
@inlinable @inline(never)
public func maxTaps<V: Vector>(
  _: V.Type, _ o: PoolWindows<V.Scalar>, _ y: UnsafeMutablePointer<V.Scalar>, _ positions: UnsafeMutablePointer<Int32>?
) {
  if o.columnStep == 2 {
    maxTaps(V.self, o, y, positions) { loadEven($0, $1) }
  } else {
    maxTaps(V.self, o, y, positions) { load($0, $1) }
  }
}

@inlinable @inline(__always)
func maxTaps<V: Vector>(
  _: V.Type, _ o: PoolWindows<V.Scalar>, _ y: UnsafeMutablePointer<V.Scalar>, _ positions: UnsafeMutablePointer<Int32>?,
  _ tap: (_ p: UnsafePointer<V.Scalar>, _ n: Int) -> V
) {
  forEachWindowVector(V.self, o) { x, i, n in
    var best = tap(x + o.offsets[0], n), place = V.integers(0), t = 1
    while t < o.taps {
      let v = tap(x + o.offsets[t], n)
      let wins = V.and(V.not(V.isLessOrEqual(v, best)), V.not(V.isNaN(best)))
      best = V.select(wins, v, best)
      place = V.select(wins, V.integers(Int32(truncatingIfNeeded: t)), place)
      t &+= 1
    }
    store(best, y + i, n)
    if let positions { V.storeInt32(place, positions + i, first: n) }
  }
}

/// y[r][i] = the sum of the taps, in their order.
@inlinable @inline(never)
public func sumTaps<V: Vector>(_: V.Type, _ o: PoolWindows<V.Scalar>, _ y: UnsafeMutablePointer<V.Scalar>) {
  forEachWindowVector(V.self, o) { x, i, n in
    var total = V.repeating(0)
    for t in 0..<o.taps {
      total = total + (o.columnStep == 2 ? loadEven(x + o.offsets[t], n) : load(x + o.offsets[t], n))
    }
    store(total, y + i, n)
  }
}

/// Each gradient goes back to the cell that won, for windows of two columns, two apart, that do not overlap: x is overwritten, the cells of each window's `height`
/// rows, rowWidth elements from row to row.
@inlinable @inline(never)
public func spreadWinners<V: Vector>(
  _: V.Type, _ gradY: UnsafePointer<V.Scalar>, _ positions: UnsafePointer<Int32>, _ o: PoolWindows<V.Scalar>, _ height: Int,
  _ rowWidth: Int
) {
  let zero = V.repeating(0)
  forEachWindowVector(V.self, o) { x, i, n in
    let gradient: V = load(gradY + i, n), place = V.loadInt32(positions + i, first: n)
    for row in 0..<height {
      let to = UnsafeMutablePointer(mutating: x) + row &* rowWidth
      // A store waits for its line.
      V.prefetchNear(UnsafePointer(to) + 512)
      let tap = Int32(truncatingIfNeeded: 2 &* row)
      let even = V.select(V.isEqual(place, V.integers(tap)), gradient, zero)
      let odd = V.select(V.isEqual(place, V.integers(tap &+ 1)), gradient, zero)
      store(V.interleavedLow(even, odd), to, min(V.count, 2 &* n))
      if 2 &* n > V.count { store(V.interleavedHigh(even, odd), to + V.count, 2 &* n &- V.count) }
    }
  }
}

/// Whether all positions are from `low` to `high` - 1, or -1; 0 <= low <= high. By the signs of integers, of which the compiler makes vectors
/// where comparisons would become branches.
@inlinable @inline(never)
public func arePositions<V: Vector>(
  _: V.Type, _ positions: UnsafePointer<Int32>, _ count: Int, from low: Int, to high: Int
) -> Bool {
  let first = Int32(truncatingIfNeeded: low), last = Int32(truncatingIfNeeded: high &- low &- 1)
  var signs: Int32 = 0
  for i in 0..<count {
    let place = positions[i] &- first, isOutside = place | (last &- place)
    let other = ~positions[i], isAny = other | (0 &- other)
    signs |= isOutside & isAny
  }
  return signs >= 0
}

/// x[r][i] of every tap += gradY[r][i]. The columns' step is 1 here.
@inlinable @inline(never)
public func scatterShares<V: Vector>(_: V.Type, _ gradY: UnsafePointer<V.Scalar>, _ o: PoolWindows<V.Scalar>) {
  for r in 0..<o.rows {
    let x = UnsafeMutablePointer(mutating: o.x) + r &* o.rowStep, gradY = gradY + r &* o.columns
    forEachVector(V.self, o.columns) { i, n in
      let gradient: V = load(gradY + i, n)
      for t in 0..<o.taps { store(load(x + (o.offsets[t] &+ i), n) + gradient, x + (o.offsets[t] &+ i), n) }
    }
  }
}

/// Calls body(first cell of the first window, its place in y, how many windows) for vectors of windows, some of them twice.
@inlinable @inline(__always)
func forEachWindowVector<V: Vector>(
  _: V.Type, _ o: PoolWindows<V.Scalar>, _ body: (_ x: UnsafePointer<V.Scalar>, _ i: Int, _ n: Int) -> Void
) {
  for r in 0..<o.rows {
    let x = o.x + r &* o.rowStep, y = r &* o.columns
    forEachWholeVector(V.self, o.columns) { i, n in body(x + i &* o.columnStep, y &+ i, n) }
  }
}
