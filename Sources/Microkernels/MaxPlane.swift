// Max pooling of one plane, rows first: the largest of KH cells of each column, then of KW of these along the row. So a window of 3 x 3
// takes six comparisons, not nine, and no cell is read by lanes that are apart but those of one row.

/// y[OH][OW] = the largest cell of each window of KH x KW cells, the first of which begins at (-top, -left) of x[H][W]; cells outside are
/// -infinity, and a NaN wins.
public struct MaxPlane<T> {
  public var x: UnsafePointer<T>, y: UnsafeMutablePointer<T>
  public var H: Int, W: Int, OH: Int, OW: Int
  /// KW and the column stride are 1 to any, and 1 or 2.
  public var KH: Int, KW: Int, rowStride: Int, columnStride: Int
  public var top: Int, left: Int

  @inlinable
  public init(
    x: UnsafePointer<T>, y: UnsafeMutablePointer<T>, H: Int, W: Int, OH: Int, OW: Int, KH: Int, KW: Int, rowStride: Int,
    columnStride: Int, top: Int, left: Int
  ) {
    (self.x, self.y, self.H, self.W, self.OH, self.OW) = (x, y, H, W, OH, OW)
    (self.KH, self.KW, self.rowStride, self.columnStride) = (KH, KW, rowStride, columnStride)
    (self.top, self.left) = (top, left)
  }

  /// Cells that the windows of a row reach over, from the first on.
  @inlinable
  public var reach: Int { (OW &- 1) &* columnStride &+ KW }
  /// Elements of `row` that the kernel needs, where vectors have so many lanes: read in whole vectors.
  @inlinable
  public func rowCells(lanes: Int) -> Int { max(reach, left &+ W) &+ 4 &* lanes }
}

/// The largest of two and of three, NaN where one of them is: a comparison whose second number is the one that stays where it cannot compare is
/// one instruction, so that only a NaN that comes before another number would be lost.
@inlinable @inline(__always)
func largest<V: Vector>(_ a: V, _ b: V) -> V {
  V.nan(where: V.isNaN(a), else: V.select(V.isLess(b, a), a, b))
}
@inlinable @inline(__always)
func largest<V: Vector>(_ a: V, _ b: V, _ c: V) -> V {
  let best = V.select(V.isLess(b, a), a, b)
  return V.nan(where: V.or(V.isNaN(a), V.isNaN(b)), else: V.select(V.isLess(c, best), best, c))
}

/// `row`: room for the largest cells of the columns, padding and all.
@inlinable @inline(never)
public func maxPlane<V: Vector>(_: V.Type, _ o: MaxPlane<V.Scalar>, _ row: UnsafeMutablePointer<V.Scalar>) {
  let nothing = V.repeating(-V.Scalar.infinity), cells = o.rowCells(lanes: V.count)
  forEachVector(V.self, cells) { i, n in store(nothing, row + i, n) }
  // Where pairs of columns share no cell, and none is padding, they go past the room.
  let arePairs = o.KW == 2 && o.columnStride == 2 && o.left == 0 && 2 &* o.OW <= o.W && o.OW >= V.count
  for r in 0..<o.OH {
    let first = r &* o.rowStride &- o.top, low = max(0, first), high = min(o.H, first &+ o.KH)
    let y = o.y + r &* o.OW
    if arePairs && high &- low == 2 {
      largestOfPairs(V.self, o.x + low &* o.W, o.W, y, o.OW)
    } else {
      largestOfColumns(V.self, o.x + low &* o.W, o.W, rows: high &- low, row + o.left)
      largestOfWindows(V.self, row, o, y)
    }
  }
}

/// Of windows of 2 x 2 cells, two apart.
@inlinable @inline(__always)
func largestOfPairs<V: Vector>(
  _: V.Type, _ x: UnsafePointer<V.Scalar>, _ W: Int, _ y: UnsafeMutablePointer<V.Scalar>, _ windows: Int
) {
  forEachWholeVector(V.self, windows) { i, _ in
    let cells = x + 2 &* i
    V.prefetchNear(x + (4 &* i &+ 1024))
    V.prefetchNear(x + (4 &* i &+ 2 &* V.count &+ 1024))
    let a = largest(V.load(cells), V.load(cells + W))
    let b = largest(V.load(cells + V.count), V.load(cells + (W &+ V.count)))
    V.store(largest(V.even(a, b), V.odd(a, b)), y + i)
  }
}

/// Of as many rows of x: 0 are nothing but padding.
@inlinable @inline(__always)
func largestOfColumns<V: Vector>(
  _: V.Type, _ x: UnsafePointer<V.Scalar>, _ W: Int, rows: Int, _ to: UnsafeMutablePointer<V.Scalar>
) {
  // Two rows of a later page of memory: by itself a core asks for the next one when it comes there.
  switch rows {
  case 2:
    forEachWholeVector(V.self, W) { i, n in
      V.prefetchNear(x + (2 &* i &+ 1024))
      let a: V = load(x + i, n), b: V = load(x + (W &+ i), n)
      store(largest(a, b), to + i, n)
    }
  case 3:
    forEachWholeVector(V.self, W) { i, n in
      V.prefetchNear(x + (2 &* i &+ 1024))
      let a: V = load(x + i, n), b: V = load(x + (W &+ i), n), c: V = load(x + (2 &* W &+ i), n)
      store(largest(a, b, c), to + i, n)
    }
  default:
    forEachWholeVector(V.self, W) { i, n in
      var best = V.repeating(-.infinity), from = x + i
      for _ in 0..<max(0, rows) {
        best = largest(best, load(from, n))
        from += W
      }
      store(best, to + i, n)
    }
  }
}

/// Of KW of the columns' largest cells.
@inlinable @inline(__always)
func largestOfWindows<V: Vector>(
  _: V.Type, _ row: UnsafePointer<V.Scalar>, _ o: MaxPlane<V.Scalar>, _ y: UnsafeMutablePointer<V.Scalar>
) {
  switch (o.columnStride, o.KW) {
  case (1, _):
    forEachWholeVector(V.self, o.OW) { i, n in
      var best = V.load(row + i)
      for j in 1..<max(1, o.KW) { best = largest(best, V.load(row + (i &+ j))) }
      store(best, y + i, n)
    }
  case (_, 3):
    forEachWholeVector(V.self, o.OW) { i, n in
      let from = row + 2 &* i
      let a = V.load(from), b = V.load(from + V.count), next = V.load(from + 2), last = V.load(from + (V.count &+ 2))
      store(largest(V.even(a, b), V.odd(a, b), V.even(next, last)), y + i, n)
    }
  default:
    forEachWholeVector(V.self, o.OW) { i, n in
      let from = row + 2 &* i
      let a = V.load(from), b = V.load(from + V.count)
      var best = V.even(a, b), j = 1
      while j < o.KW {
        let start = from + j / 2 &* 2
        let a = V.load(start), b = V.load(start + V.count)
        best = largest(best, j % 2 == 0 ? V.even(a, b) : V.odd(a, b))
        j &+= 1
      }
      store(best, y + i, n)
    }
  }
}
