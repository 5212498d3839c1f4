// The way back of max pooling of one plane, a row of windows at a time: a vector of cells asks every window that reaches it whether it has won
// there. What later rows of windows add to is handed on to them, so that no cell is read, and none is written twice.

/// Of the windows of a MaxPlane, of 2 x 2 or 3 x 3 cells and as far apart along both axes, whose x and y are the gradients here: x = the sum of y
/// of the windows that each cell won.
public struct MaxPlaneGradient<T> {
  public var windows: MaxPlane<T>
  /// Of each window the row-major place of the cell that won, or -1.
  public var winners: UnsafePointer<Int32>

  @inlinable
  public init(_ windows: MaxPlane<T>, winners: UnsafePointer<Int32>) { (self.windows, self.winners) = (windows, winners) }

  /// Elements of a row of cells of one kind that is handed on, as far as a row of x reaches: left + W.
  @inlinable
  static func rowCells(reach: Int, stride: Int, lanes: Int) -> Int { reach / stride &+ 1 &+ lanes }
  /// Elements of `room` that the kernel needs, where vectors have so many lanes: for the cells that are handed on, and a row outside of x.
  @inlinable
  public static func roomCells(K: Int, reach: Int, stride: Int, lanes: Int) -> Int {
    (K &- stride &+ 1) &* stride &* rowCells(reach: reach, stride: stride, lanes: lanes)
  }
}

/// The windows' size and distance, and whether their padding is odd, are constants where the loops are compiled.
@inlinable @inline(never)
public func maxPlaneGradient<V: Vector>(_: V.Type, _ o: MaxPlaneGradient<V.Scalar>, _ room: UnsafeMutablePointer<V.Scalar>) {
  let zero = InlineArray<0, V>.self, one = InlineArray<1, V>.self, two = InlineArray<2, V>.self, three = InlineArray<3, V>.self
  switch (o.windows.KW, o.windows.columnStride, o.windows.left % 2) {
  case (2, 1, _): maxPlaneGradient(two, one, zero, o, room)
  case (2, _, 0): maxPlaneGradient(two, two, zero, o, room)
  case (2, _, _): maxPlaneGradient(two, two, one, o, room)
  case (3, 1, _): maxPlaneGradient(three, one, zero, o, room)
  case (3, _, 0): maxPlaneGradient(three, two, zero, o, room)
  default: maxPlaneGradient(three, two, one, o, room)
  }
}

@inlinable @inline(__always)
func maxPlaneGradient<V: Vector, let K: Int, let Stride: Int, let Odd: Int>(
  _: InlineArray<K, V>.Type, _: InlineArray<Stride, V>.Type, _: InlineArray<Odd, V>.Type, _ o: MaxPlaneGradient<V.Scalar>,
  _ room: UnsafeMutablePointer<V.Scalar>
) {
  let w = o.windows, OW = w.OW, zero = V.repeating(0)
  let rowCells = MaxPlaneGradient<V.Scalar>.rowCells(reach: w.left &+ w.W, stride: Stride, lanes: V.count)
  let handed = room, outside = room + (K &- Stride) &* Stride &* rowCells
  forEachVector(V.self, outside - room) { i, n in store(zero, room + i, n) }
  // Columns 0, 2, ... of windows two apart meet cells of one kind, those in between the others: the first cell is of the second kind where `left`
  // is odd. From a cell's number among its kind, and of cells of padding, to the window whose column j it is:
  func toWindow(_ j: Int) -> Int { Stride == 1 ? 0 &- j : (j % 2 == 0 ? Odd : 0) &- j / 2 }
  let left = w.left / Stride
  var before = 0, behind = 0
  for j in 0..<K { (before, behind) = (max(before, 0 &- left &- toWindow(j)), max(behind, left &+ toWindow(j))) }
  var rows = InlineArray<Stride, UnsafeMutablePointer<V.Scalar>>(repeating: outside)
  for r in 0..<w.OH {
    // The rows of cells that these windows are the last to reach.
    let h = r &* Stride &- w.top
    for i in 0..<Stride {
      rows[i] = h &+ i >= 0 && h &+ i < w.H ? UnsafeMutablePointer(mutating: w.x) + (h &+ i) &* w.W : outside
    }
    let spread = MaxRowSpread<V, K, Stride, Odd>(rows: rows, ahead: Stride &* w.W, handed: handed, rowCells: rowCells)
    let from = r &* OW
    var m = 0
    while Stride &* m < w.W {
      while m >= before && m &+ behind &+ V.count <= OW && Stride &* (m &+ V.count) <= w.W {
        spread.run(m, Stride &* V.count) { j in
          let window = from &+ left &+ m &+ toWindow(j)
          return (V.loadInt32(o.winners + window, first: V.count), V.load(w.y + window))
        }
        m &+= V.count
      }
      if Stride &* m >= w.W { break }
      // What the windows outside of the row would have won is 0.
      spread.run(m, w.W &- Stride &* m) { j in
        let window = left &+ m &+ toWindow(j), inside = V.lanes(0 &- window, min(V.count, OW &- window))
        return (V.loadInt32(o.winners + (from &+ window), where: inside), V.load(w.y + (from &+ window), where: inside))
      }
      m &+= V.count
    }
  }
  // What the last row of windows handed on, and the rows behind it.
  let end = w.OH &* Stride &- w.top
  for i in 0..<K &- Stride where end &+ i >= 0 && end &+ i < w.H {
    var column = 0, from = handed + i &* Stride &* rowCells
    while column < w.W {
      let even = V.load(from), odd = V.load(from + rowCells &* (Stride &- 1)), to = (end &+ i) &* w.W &+ column
      storeCells(even, odd, stride: Stride, isOdd: Odd == 1, UnsafeMutablePointer(mutating: w.x) + to, w.W &- column)
      column &+= Stride &* V.count
      from += V.count
    }
  }
  let rest = min(w.H, max(0, end &+ K &- Stride)) &* w.W
  forEachVector(V.self, w.H &* w.W &- rest) { i, n in store(zero, UnsafeMutablePointer(mutating: w.x) + (rest &+ i), n) }
}

/// A row of windows: to which rows of cells it is the last to give, where these go on in the next row, and the cells it hands on.
@usableFromInline
struct MaxRowSpread<V: Vector, let K: Int, let Stride: Int, let Odd: Int> {
  @usableFromInline let rows: InlineArray<Stride, UnsafeMutablePointer<V.Scalar>>, ahead: Int
  @usableFromInline let handed: UnsafeMutablePointer<V.Scalar>, rowCells: Int

  @inlinable @inline(__always)
  init(
    rows: InlineArray<Stride, UnsafeMutablePointer<V.Scalar>>, ahead: Int, handed: UnsafeMutablePointer<V.Scalar>, rowCells: Int
  ) { (self.rows, self.ahead, self.handed, self.rowCells) = (rows, ahead, handed, rowCells) }

  /// Of a vector of cells of each kind from cell m on, of which n are in the row; `windows`: who won, and what, in those whose column j they are.
  @inlinable @inline(__always)
  func run(_ m: Int, _ n: Int, _ windows: (_ j: Int) -> (winners: V.Integers, shares: V)) {
    let zero = V.repeating(0)
    var winners = InlineArray<K, V.Integers>(repeating: V.integers(0)), shares = InlineArray<K, V>(repeating: zero)
    for j in 0..<K { (winners[j], shares[j]) = windows(j) }
    // A store waits for its line.
    for i in 0..<Stride { V.prefetchNear(UnsafePointer(rows[i]) + (ahead &+ Stride &* m)) }
    for i in 0..<K {
      var even = zero, odd = zero
      for j in 0..<K {
        let wins = V.isEqual(winners[j], V.integers(Int32(truncatingIfNeeded: i &* K &+ j)))
        let share = V.select(wins, shares[j], zero)
        if Stride == 2 && j % 2 == 1 { odd = j == 1 ? share : odd + share } else { even = j == 0 ? share : even + share }
      }
      if i < K &- Stride {
        let from = handed + (i &* Stride &* rowCells &+ m)
        even = V.load(from) + even
        if Stride == 2 { odd = V.load(from + rowCells) + odd }
      }
      if i < Stride {
        storeCells(even, odd, stride: Stride, isOdd: Odd == 1, rows[i] + Stride &* m, n)
      } else {
        let next = handed + ((i &- Stride) &* Stride &* rowCells &+ m)
        V.store(even, next)
        if Stride == 2 { V.store(odd, next + rowCells) }
      }
    }
  }
}

/// At most n cells of a row, both kinds in turn; `isOdd`: the second kind comes first.
@inlinable @inline(__always)
func storeCells<V: Vector>(
  _ even: V, _ odd: V, stride: Int, isOdd: Bool, _ to: UnsafeMutablePointer<V.Scalar>, _ n: Int
) {
  if stride == 1 { return store(even, to, min(V.count, n)) }
  let a = isOdd ? odd : even, b = isOdd ? even : odd
  store(V.interleavedLow(a, b), to, min(V.count, n))
  if n > V.count { store(V.interleavedHigh(a, b), to + V.count, min(V.count, n &- V.count)) }
}
