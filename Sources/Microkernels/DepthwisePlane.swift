// Depthwise convolution of one plane by 3 x 3 taps, with pixels in the lanes, straight from the image: planar arrays need neither be blocked for
// it nor padded. Most loads cross lines of the caches, so what is loaded serves all three rows of windows that it lies in.

/// Rows of windows of 3 x 3 cells, one apart, the first of which begins at (-top, -left) of x[H][W]; cells outside are 0:
///   y[r][c] = limited(bias + sum over i, j < 3 of weights[i][j] * x[r - top + i][c - left + j])
/// Every window has a column of the image: at most two columns of padding are to the left, and to the right.
public struct DepthwisePlane<T> {
  public var x: UnsafePointer<T>, H: Int, W: Int
  public var weights: UnsafePointer<T>
  public var y: UnsafeMutablePointer<T>, rows: Int, columns: Int
  /// Of rows that follow others in the same image, `top` is what is left of the padding: less than 0.
  public var top: Int, left: Int
  public var bias: T
  /// See BlockedTile.
  public var limits: (low: T, high: T)?

  @inlinable
  public init(
    x: UnsafePointer<T>, H: Int, W: Int, weights: UnsafePointer<T>, y: UnsafeMutablePointer<T>, rows: Int, columns: Int,
    top: Int, left: Int, bias: T, limits: (low: T, high: T)? = nil
  ) {
    (self.x, self.H, self.W, self.weights) = (x, H, W, weights)
    (self.y, self.rows, self.columns, self.top, self.left) = (y, rows, columns, top, left)
    (self.bias, self.limits) = (bias, limits)
  }

  /// Of the vector of windows from a column on, the lanes up to `count` whose tap of column j lies in the image, for each j.
  @inlinable @inline(__always)
  func inside<V: Vector>(_: V.Type, _ column: Int, count: Int) -> InlineArray<3, V.Integers> {
    let first = column &- left
    return [
      V.lanes(0 &- first, min(count, W &- first)), V.lanes(-1 &- first, min(count, W &- 1 &- first)),
      V.lanes(-2 &- first, min(count, W &- 2 &- first)),
    ]
  }
  /// The columns at which whole vectors begin all of whose taps lie in the image, and so do those of the vectors in between.
  @inlinable @inline(__always)
  func innerColumns(lanes: Int) -> Range<Int> {
    let from = (left &+ lanes &- 1) / lanes &* lanes, last = min(columns, W &- 2 &+ left) &- lanes
    return last < from ? from..<from : from..<(last &- from) / lanes &* lanes &+ from &+ lanes
  }
}

/// Of at least a vector of columns. `zeros`: as many as x has columns, in place of the rows above and below it.
@inlinable @inline(never)
public func depthwisePlane<V: Vector>(
  _: V.Type, _ o: UnsafePointer<DepthwisePlane<V.Scalar>>, _ zeros: UnsafePointer<V.Scalar>
) {
  // The vectors over the edges of the image: with two columns of padding, of two lanes and an odd number of columns, three. The last one
  // does some windows again where columns are no whole vectors.
  let inner = o.pointee.innerColumns(lanes: V.count), last = o.pointee.columns &- V.count
  var edges = DepthwiseEdges<V>(), column = 0
  repeat {
    if !inner.contains(column) {
      let first = min(column, last)
      edges.columns[edges.count] = first
      edges.inside[edges.count] = o.pointee.inside(V.self, first, count: V.count)
      edges.count &+= 1
    }
    column &+= V.count
  } while column < o.pointee.columns
  var row = 0
  while row &+ 4 <= o.pointee.rows {
    depthwiseRows(InlineArray<4, V>.self, o, row, zeros, inner, edges)
    row &+= 4
  }
  while row < o.pointee.rows {
    depthwiseRows(InlineArray<1, V>.self, o, row, zeros, inner, edges)
    row &+= 1
  }
}

/// The first columns of vectors over the edges, and of each the lanes that are inside of the image.
@usableFromInline
struct DepthwiseEdges<V: Vector> {
  @usableFromInline var count = 0
  @usableFromInline var columns = InlineArray<3, Int>(repeating: 0)
  @usableFromInline var inside = InlineArray<3, InlineArray<3, V.Integers>>(repeating: .init(repeating: V.integers(0)))
  @inlinable @inline(__always) init() {}
}

/// Rows of windows, a vector of each at a time.
@inlinable @inline(__always)
func depthwiseRows<V: Vector, let Rows: Int>(
  _: InlineArray<Rows, V>.Type, _ o: UnsafePointer<DepthwisePlane<V.Scalar>>, _ row: Int, _ zeros: UnsafePointer<V.Scalar>,
  _ inner: Range<Int>, _ edges: borrowing DepthwiseEdges<V>
) {
  let W = o.pointee.W, columns = o.pointee.columns, bias = V.repeating(o.pointee.bias), y = o.pointee.y + row &* columns
  let low = V.repeating(o.pointee.limits?.low ?? 0), high = V.repeating(o.pointee.limits?.high ?? 0)
  let limits = o.pointee.limits != nil
  var weights = InlineArray<9, V>(repeating: bias)
  for t in 0..<9 { weights[t] = V.repeating(o.pointee.weights[t]) }
  // Where the windows' rows of x begin, padding and all (a generic array of Rows + 2 there is not).
  var from = InlineArray<6, UnsafePointer<V.Scalar>>(repeating: zeros)
  for i in 0..<Rows &+ 2 {
    let h = row &- o.pointee.top &+ i
    from[i] = (h >= 0 && h < o.pointee.H ? o.pointee.x + h &* W : zeros) - o.pointee.left
  }
  // What the rows after these will need.
  let next = o.pointee.x + (row &- o.pointee.top &+ Rows &+ 2) &* W
  for edge in 0..<edges.count {
    let column = edges.columns[edge], inside = edges.inside[edge]
    depthwiseColumns(InlineArray<Rows, V>.self, from, column, weights, bias, limits, low, high, y, columns, next) { cells, j in
      V.load(cells, where: inside[j])
    }
  }
  var column = inner.lowerBound
  while column < inner.upperBound {
    depthwiseColumns(InlineArray<Rows, V>.self, from, column, weights, bias, limits, low, high, y, columns, next) { cells, _ in
      V.load(cells)
    }
    column &+= V.count
  }
}

@inlinable @inline(__always)
func depthwiseColumns<V: Vector, let Rows: Int>(
  _: InlineArray<Rows, V>.Type, _ from: borrowing InlineArray<6, UnsafePointer<V.Scalar>>, _ column: Int,
  _ weights: borrowing InlineArray<9, V>, _ bias: V, _ limits: Bool, _ low: V, _ high: V, _ y: UnsafeMutablePointer<V.Scalar>,
  _ yRow: Int, _ next: UnsafePointer<V.Scalar>, _ load: (_ cells: UnsafePointer<V.Scalar>, _ j: Int) -> V
) {
  // A core does not see where several rows go on, and a store waits for its line. The next rows lie behind each other.
  for line in 0..<max(1, Rows &* MemoryLayout<V>.size / 64) {
    let cell = Rows &* column &+ line &* 64 / MemoryLayout<V.Scalar>.size
    V.prefetchNear(next + cell)
    V.prefetchNear(UnsafePointer(y) + (Rows &* yRow &+ cell))
  }
  var sums = InlineArray<Rows, V>(repeating: bias)
  for i in 0..<Rows &+ 2 {
    for j in 0..<3 {
      let cells = load(from[i] + (column &+ j), j)
      for r in 0..<Rows where i >= r && i < r &+ 3 { sums[r] = V.multiplyAdd(cells, weights[(i &- r) &* 3 &+ j], sums[r]) }
    }
  }
  if limits { for r in 0..<Rows { sums[r] = limited(sums[r], low, high) } }
  for r in 0..<Rows { V.store(sums[r], y + (r &* yRow &+ column)) }
}

/// sums[i][j] += the sum over all windows of y[r][c] * x[r - top + i][c - left + j], where y is its gradient, which is only read: that of the
/// weight. Columns may be less than a vector.
@inlinable @inline(never)
public func depthwisePlaneGradient<V: Vector>(
  _: V.Type, _ o: UnsafePointer<DepthwisePlane<V.Scalar>>, _ sums: UnsafeMutablePointer<V.Scalar>
) {
  var totals = InlineArray<9, V>(repeating: V.repeating(0))
  let inner = o.pointee.innerColumns(lanes: V.count), columns = o.pointee.columns
  addDepthwiseGradient(o, inner, &totals, { cells, _ in V.load(cells) }) { V.load($0) }
  var column = 0
  while column < columns {
    if column == inner.lowerBound { column = inner.upperBound }
    if column >= columns { break }
    // Neither what lies outside of the image nor behind a row of windows may get into a sum, even times 0: it may be no number.
    let lanes = min(V.count, columns &- column), inside = o.pointee.inside(V.self, column, count: lanes)
    addDepthwiseGradient(o, column..<column &+ 1, &totals, { cells, j in V.load(cells, where: inside[j]) }) {
      V.load($0, first: lanes)
    }
    column &+= V.count
  }
  for t in 0..<9 {
    var total: V.Scalar = 0
    for lane in 0..<V.count { total += V.lane(totals[t], lane) }
    sums[t] += total
  }
}

/// Of the vectors that begin in so many columns. A row of x is at a time, which is row i of the windows' cells for the row of windows i before the
/// last that reaches it: all in the order of memory.
@inlinable @inline(__always)
func addDepthwiseGradient<V: Vector>(
  _ o: UnsafePointer<DepthwisePlane<V.Scalar>>, _ vectors: Range<Int>, _ totals: inout InlineArray<9, V>,
  _ cells: (_ p: UnsafePointer<V.Scalar>, _ j: Int) -> V, _ gradients: (UnsafePointer<V.Scalar>) -> V
) {
  let W = o.pointee.W, columns = o.pointee.columns, rows = o.pointee.rows, top = o.pointee.top
  let x = o.pointee.x - o.pointee.left, y = UnsafePointer(o.pointee.y)
  var sums = totals
  for h in 0..<o.pointee.H {
    let last = h &+ top, xRow = x + h &* W, yRow = y + last &* columns
    if last < 0 || last &- 2 >= rows { continue }
    var column = vectors.lowerBound
    if last >= 2 && last < rows {
      while column < vectors.upperBound {
        // Planes follow each other: by itself a core asks for the next page when it comes there. Not into the first cache, where grad_y is.
        V.prefetch(xRow + (column &+ RowCopy<V.Scalar>.twoPages))
        let a = cells(xRow + column, 0), b = cells(xRow + (column &+ 1), 1), c = cells(xRow + (column &+ 2), 2)
        for i in 0..<3 {
          let gradient = gradients(yRow + (column &- i &* columns))
          sums[i &* 3] = V.multiplyAdd(gradient, a, sums[i &* 3])
          sums[i &* 3 &+ 1] = V.multiplyAdd(gradient, b, sums[i &* 3 &+ 1])
          sums[i &* 3 &+ 2] = V.multiplyAdd(gradient, c, sums[i &* 3 &+ 2])
        }
        column &+= V.count
      }
      continue
    }
    // The first and the last rows lie in fewer windows. (Sums that may be left alone would not stay in registers.)
    while column < vectors.upperBound {
      for i in 0..<3 {
        let isRow = last >= i && last &- i < rows
        let gradient = isRow ? gradients(yRow + (column &- i &* columns)) : V.repeating(0)
        for j in 0..<3 {
          let x = isRow ? cells(xRow + (column &+ j), j) : V.repeating(0)
          sums[i &* 3 &+ j] = V.multiplyAdd(gradient, x, sums[i &* 3 &+ j])
        }
      }
      column &+= V.count
    }
  }
  totals = sums
}
