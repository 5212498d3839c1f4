// The way back of max pooling of one plane, row by row of x: a vector of cells asks every window that reaches it whether it has won there. No
// cell is read before it is written, and none is written twice.

/// Of the windows of a MaxPlane, whose x and y are the gradients here: x = the sum of y of the windows that each cell won.
public struct MaxPlaneGradient<T> {
  public var windows: MaxPlane<T>
  /// Of each window the row-major place of the cell that won, or -1.
  public var winners: UnsafePointer<Int32>

  @inlinable
  public init(_ windows: MaxPlane<T>, winners: UnsafePointer<Int32>) { (self.windows, self.winners) = (windows, winners) }

  /// Elements of a copied row of windows, with room for those before the first and behind the last, as far as a row of x reaches: left + W.
  @inlinable
  static func rowCells(KW: Int, OW: Int, reach: Int, columnStride: Int, lanes: Int) -> Int {
    KW &+ max(OW, reach / columnStride &+ 1) &+ lanes
  }
  /// Elements of `room` that the kernel needs, where vectors have so many lanes.
  @inlinable
  public static func roomCells(KH: Int, KW: Int, OW: Int, reach: Int, columnStride: Int, lanes: Int) -> Int {
    2 &* KH &* rowCells(KW: KW, OW: OW, reach: reach, columnStride: columnStride, lanes: lanes)
  }
}

/// Of windows of 2 or 3 columns: which and how far apart are constants where the loops are compiled.
@inlinable @inline(never)
public func maxPlaneGradient<V: Vector>(_: V.Type, _ o: MaxPlaneGradient<V.Scalar>, _ room: UnsafeMutablePointer<V.Scalar>) {
  switch (o.windows.KW, o.windows.columnStride) {
  case (2, 1): maxPlaneGradient(InlineArray<2, V>.self, InlineArray<1, V>.self, o, room)
  case (2, _): maxPlaneGradient(InlineArray<2, V>.self, InlineArray<2, V>.self, o, room)
  case (3, 1): maxPlaneGradient(InlineArray<3, V>.self, InlineArray<1, V>.self, o, room)
  default: maxPlaneGradient(InlineArray<3, V>.self, InlineArray<2, V>.self, o, room)
  }
}

@inlinable @inline(__always)
func maxPlaneGradient<V: Vector, let KW: Int, let Stride: Int>(
  _: InlineArray<KW, V>.Type, _: InlineArray<Stride, V>.Type, _ o: MaxPlaneGradient<V.Scalar>,
  _ room: UnsafeMutablePointer<V.Scalar>
) {
  let w = o.windows
  let rowCells = MaxPlaneGradient<V.Scalar>.rowCells(
    KW: KW, OW: w.OW, reach: w.left &+ w.W, columnStride: Stride, lanes: V.count)
  // Copies of the last KH rows of windows, winners first (an element is no smaller than an Int32).
  let copies = w.KH &* rowCells, gradients = room + (copies &+ KW)
  // Columns 0, 2, ... of windows two apart meet cells of one kind, those in between the others: the first cell is of the second kind where `left`
  // is odd. From a cell's number among its kind to the window whose first such column it is.
  let isOdd = Stride == 2 && w.left % 2 == 1, first = Stride == 2 ? (w.left &+ 1) / 2 : w.left, second = w.left / 2
  UnsafeMutableRawPointer(room).withMemoryRebound(to: Int32.self, capacity: copies) { room in
    let places = room + KW, nowhere = V.integers(-1)
    forEachVector(V.self, copies) { i, n in V.storeInt32(nowhere, room + i, first: n) }
    forEachVector(V.self, copies) { i, n in store(V.repeating(0), gradients + (i &- KW), n) }
    // Rows of windows: the first and the last that reach this row of cells, the cell's row in the first one, and where copies of them are. (All
    // by steps: a division takes as long as a vector of cells.)
    var firstRow = 0, last = -1, cellRow = w.top, slot = 0, nextSlot = 0
    for h in 0..<w.H {
      while last < w.OH &- 1 && (last &+ 1) &* w.rowStride <= h &+ w.top {
        last &+= 1
        let from = last &* w.OW, to = nextSlot &* rowCells
        forEachVector(V.self, w.OW) { i, n in
          store(load(w.y + (from &+ i), n, V.self), gradients + (to &+ i), n)
          V.storeInt32(V.loadInt32(o.winners + (from &+ i), first: n), places + (to &+ i), first: n)
        }
        nextSlot = nextSlot == w.KH &- 1 ? 0 : nextSlot &+ 1
      }
      while cellRow >= w.KH && firstRow <= last {
        firstRow &+= 1
        slot = slot == w.KH &- 1 ? 0 : slot &+ 1
        cellRow &-= w.rowStride
      }
      defer { cellRow &+= 1 }
      let x = UnsafeMutablePointer(mutating: w.x) + h &* w.W
      if firstRow > last {
        forEachVector(V.self, w.W) { i, n in store(V.repeating(0), x + i, n) }
        continue
      }
      let tap = cellRow &* KW
      var column = 0, m = slot &* rowCells
      while column < w.W {
        var even = V.repeating(0), odd = even, place = places + m, gradient = gradients + m
        var tap = tap, left = last &- firstRow, untilEnd = w.KH &- 1 &- slot
        repeat {
          for j in 0..<KW {
            let window = Stride == 1 ? first &- j : j % 2 == 0 ? first &- j / 2 : second &- j / 2
            let wins = V.isEqual(
              V.loadInt32(place + window, first: V.count), V.integers(Int32(truncatingIfNeeded: tap &+ j)))
            let share = V.select(wins, V.load(gradient + window), V.repeating(0))
            if Stride == 2 && j % 2 == 1 { odd = odd + share } else { even = even + share }
          }
          tap &-= w.rowStride &* KW
          left &-= 1
          let step = untilEnd == 0 ? rowCells &- copies : rowCells
          untilEnd &-= 1
          place += step
          gradient += step
        } while left >= 0
        let n = w.W &- column
        if Stride == 1 {
          store(even, x + column, min(V.count, n))
        } else {
          let a = isOdd ? odd : even, b = isOdd ? even : odd
          store(V.interleavedLow(a, b), x + column, min(V.count, n))
          if n > V.count { store(V.interleavedHigh(a, b), x + (column &+ V.count), min(V.count, n &- V.count)) }
        }
        column &+= Stride &* V.count
        m &+= V.count
      }
    }
  }
}
