// Depthwise convolution of one plane by 3 x 3 taps, with pixels in the lanes: planar arrays need not be blocked for it and brought back.
// Most loads cross lines of the caches, so what is loaded serves all three rows of windows that it lies in.

/// Windows at all cells but the last two of the rows and columns of x:
///   y[r][c] = limited(bias + sum over i, j < 3 of weights[i][j] * x[r + i][c + j]), rows of x and y so far apart
/// Of `columns` windows in a row there is at least a vector.
public struct DepthwisePlane<T> {
  public var x: UnsafePointer<T>, xRow: Int
  public var weights: UnsafePointer<T>
  public var y: UnsafeMutablePointer<T>, yRow: Int
  public var rows: Int, columns: Int
  public var bias: T
  /// See BlockedTile.
  public var limits: (low: T, high: T)?

  @inlinable
  public init(
    x: UnsafePointer<T>, xRow: Int, weights: UnsafePointer<T>, y: UnsafeMutablePointer<T>, yRow: Int, rows: Int, columns: Int,
    bias: T, limits: (low: T, high: T)? = nil
  ) {
    (self.x, self.xRow, self.weights, self.y, self.yRow) = (x, xRow, weights, y, yRow)
    (self.rows, self.columns, self.bias, self.limits) = (rows, columns, bias, limits)
  }
}

@inlinable @inline(never)
public func depthwisePlane<V: Vector>(_: V.Type, _ o: UnsafePointer<DepthwisePlane<V.Scalar>>) {
  var row = 0
  while row &+ 4 <= o.pointee.rows {
    depthwiseRows(InlineArray<4, V>.self, o, row)
    row &+= 4
  }
  while row < o.pointee.rows {
    depthwiseRows(InlineArray<1, V>.self, o, row)
    row &+= 1
  }
}

/// Rows of windows, a vector of each at a time. The last vector does some windows again where columns are no whole vectors.
@inlinable @inline(__always)
func depthwiseRows<V: Vector, let Rows: Int>(
  _: InlineArray<Rows, V>.Type, _ o: UnsafePointer<DepthwisePlane<V.Scalar>>, _ row: Int
) {
  let xRow = o.pointee.xRow, yRow = o.pointee.yRow, last = o.pointee.columns &- V.count, bias = V.repeating(o.pointee.bias)
  let x = o.pointee.x + row &* xRow, y = o.pointee.y + row &* yRow
  let low = V.repeating(o.pointee.limits?.low ?? 0), high = V.repeating(o.pointee.limits?.high ?? 0)
  var weights = InlineArray<9, V>(repeating: bias)
  for t in 0..<9 { weights[t] = V.repeating(o.pointee.weights[t]) }
  var column = 0
  repeat {
    let first = min(column, last), from = x + first, to = y + first
    var sums = InlineArray<Rows, V>(repeating: bias)
    for i in 0..<Rows &+ 2 {
      for j in 0..<3 {
        let cells = V.load(from + (i &* xRow &+ j))
        for r in 0..<Rows where i >= r && i < r &+ 3 { sums[r] = V.multiplyAdd(cells, weights[(i &- r) &* 3 &+ j], sums[r]) }
      }
    }
    if o.pointee.limits != nil { for r in 0..<Rows { sums[r] = limited(sums[r], low, high) } }
    for r in 0..<Rows { V.store(sums[r], to + r &* yRow) }
    column &+= V.count
  } while column <= last &+ V.count &- 1
}

/// sums[i][j] += the sum over all windows of y[r][c] * x[r + i][c + j], where y is its gradient, which is only read: that of the weight.
/// Columns may be less than a vector.
@inlinable @inline(never)
public func depthwisePlaneGradient<V: Vector>(
  _: V.Type, _ o: UnsafePointer<DepthwisePlane<V.Scalar>>, _ sums: UnsafeMutablePointer<V.Scalar>
) {
  var totals = InlineArray<9, V>(repeating: V.repeating(0))
  let columns = o.pointee.columns, whole = columns / V.count &* V.count
  var column = 0
  while column < whole {
    addDepthwiseGradient(o, column, &totals) { V.load($0) }
    column &+= V.count
  }
  // What lies behind a row is no cell of it, and may be no number.
  if column < columns { addDepthwiseGradient(o, column, &totals) { V.load($0, first: columns &- column) } }
  for t in 0..<9 {
    var total: V.Scalar = 0
    for lane in 0..<V.count { total += V.lane(totals[t], lane) }
    sums[t] += total
  }
}

/// A vector of columns, from the first row of x to the last; grad_y of the two rows before is still there. The first two and the last two
/// rows of x lie in fewer windows, and may be no numbers.
@inlinable @inline(__always)
func addDepthwiseGradient<V: Vector>(
  _ o: UnsafePointer<DepthwisePlane<V.Scalar>>, _ column: Int, _ totals: inout InlineArray<9, V>,
  _ load: (UnsafePointer<V.Scalar>) -> V
) {
  let rows = o.pointee.rows, xRow = o.pointee.xRow, yRow = o.pointee.yRow
  let x = o.pointee.x + column, y = UnsafePointer(o.pointee.y) + column
  var gradients = InlineArray<3, V>(repeating: V.repeating(0))
  for row in 0..<rows &+ 2 {
    gradients[2] = gradients[1]
    gradients[1] = gradients[0]
    if row < rows { gradients[0] = load(y + row &* yRow) }
    let from = x + row &* xRow, isInner = row >= 2 && row < rows
    for j in 0..<3 {
      let cells = load(from + j)
      for i in 0..<3 where isInner || i <= row && row &- i < rows {
        totals[i &* 3 &+ j] = V.multiplyAdd(gradients[i], cells, totals[i &* 3 &+ j])
      }
    }
  }
}
