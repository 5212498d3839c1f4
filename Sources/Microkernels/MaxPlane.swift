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

/// NaN where one is: the inner choice, which gives b where it cannot compare, is one instruction as long as no other shares its condition.
@inlinable @inline(__always)
func larger<V: Vector>(_ a: V, _ b: V) -> V {
  V.select(V.isNaN(a), V.repeating(.nan), V.select(V.isLess(b, a), a, b))
}

/// `row`: room for the largest cells of the columns, padding and all.
@inlinable @inline(never)
public func maxPlane<V: Vector>(_: V.Type, _ o: MaxPlane<V.Scalar>, _ row: UnsafeMutablePointer<V.Scalar>) {
  let nothing = V.repeating(-V.Scalar.infinity), cells = o.rowCells(lanes: V.count), inner = row + o.left
  forEachVector(V.self, cells) { i, n in store(nothing, row + i, n) }
  for r in 0..<o.OH {
    let first = r &* o.rowStride &- o.top, low = max(0, first), high = min(o.H, first &+ o.KH)
    if low >= high {
      forEachVector(V.self, o.W) { i, n in store(nothing, inner + i, n) }
    } else {
      let x = o.x + low &* o.W, rows = high &- low
      forEachVector(V.self, o.W) { i, n in
        var best: V = load(x + i, n), from = x + i
        // Two pages of memory at a time: by itself a core asks for the next one when it comes there.
        V.prefetchNear(x + (i &+ 1024))
        for _ in 1..<max(1, rows) {
          from += o.W
          best = larger(best, load(from, n))
        }
        store(best, inner + i, n)
      }
    }
    let y = o.y + r &* o.OW
    if o.columnStride == 1 {
      forEachVector(V.self, o.OW) { i, n in
        var best = V.load(row + i)
        for j in 1..<max(1, o.KW) { best = larger(best, V.load(row + (i &+ j))) }
        store(best, y + i, n)
      }
      continue
    }
    forEachVector(V.self, o.OW) { i, n in
      let from = row + 2 &* i
      let a = V.load(from), b = V.load(from + V.count)
      var best = V.even(a, b), j = 2
      if o.KW > 1 { best = larger(best, V.odd(a, b)) }
      while j < o.KW {
        let a = V.load(from + j), b = V.load(from + (j &+ V.count))
        best = larger(best, V.even(a, b))
        if j &+ 1 < o.KW { best = larger(best, V.odd(a, b)) }
        j &+= 2
      }
      store(best, y + i, n)
    }
  }
}
