// Windows over one block of channels: a depthwise convolution, or the largest or the sum of a window's cells. Lanes are channels, so
// there is one vector for each cell, and rows of pixels are done in registers.

/// Rows of windows, each of the cells x[row*xRow + offsets[t] + m*step]; the step is the kernel's own.
public struct BlockedWindowOperands<T> {
  public var x: UnsafePointer<T>, offsets: UnsafePointer<Int>, taps: Int
  /// y's pixels are yStep elements apart, and so are the residual's.
  public var y: UnsafeMutablePointer<T>, yStep: Int, pixels: Int
  /// So many rows, so far apart: a call for each would take as long as a short row.
  public var rows = 1, xRow = 0, yRow = 0, residualRow = 0
  /// Of a convolution: one vector a tap; what the sums start from; what is added to them, and their limits (see BlockedTile).
  public var weight: UnsafePointer<T>?, bias: UnsafePointer<T>?
  public var residual: UnsafePointer<T>?, limits: (low: T, high: T)?
  /// Of a mean: what sums are divided by.
  public var divisor: T
  /// Of a maximum's gradient: whether x is overwritten, not added to, as may be where no two windows share a cell.
  public var replaces = false

  @inlinable
  public init(
    x: UnsafePointer<T>, offsets: UnsafePointer<Int>, taps: Int, y: UnsafeMutablePointer<T>, yStep: Int, pixels: Int,
    weight: UnsafePointer<T>? = nil, bias: UnsafePointer<T>? = nil, residual: UnsafePointer<T>? = nil,
    limits: (low: T, high: T)? = nil, divisor: T
  ) {
    (self.x, self.offsets, self.taps) = (x, offsets, taps)
    (self.y, self.yStep, self.pixels) = (y, yStep, pixels)
    (self.weight, self.bias, self.residual, self.limits, self.divisor) = (weight, bias, residual, limits, divisor)
  }
}

/// What is made of a window's cells.
public protocol WindowSum {
  associatedtype V: Vector
  init(_ o: UnsafePointer<BlockedWindowOperands<V.Scalar>>)
  /// Before the first cell, which has been read already where sums start from it.
  func start(_ first: V) -> V
  /// For tap t, whatever all pixels share.
  func factor(_ t: Int) -> V
  func add(_ sum: V, _ cell: V, _ factor: V) -> V
  func finish(_ sum: V) -> V
  /// What sums are kept between, after a residual was added.
  var limits: (low: V, high: V)? { get }
  /// Whether `start` takes the first cell as it is.
  static var startsFromFirst: Bool { get }
}

extension WindowSum {
  @inlinable @inline(__always) public func finish(_ sum: V) -> V { sum }
  @inlinable @inline(__always) public var limits: (low: V, high: V)? { nil }
}

/// y = the sum of weight * cell, with a convolution's start and end.
public struct DepthwiseSum<V: Vector>: WindowSum {
  @usableFromInline let weight: UnsafePointer<V.Scalar>, bias: V
  public let limits: (low: V, high: V)?

  @inlinable @inline(__always)
  public init(_ o: UnsafePointer<BlockedWindowOperands<V.Scalar>>) {
    weight = o.pointee.weight ?? o.pointee.x
    bias = if let bias = o.pointee.bias { V.load(bias) } else { V.repeating(0) }
    limits = o.pointee.limits.map { (V.repeating($0.low), V.repeating($0.high)) }
  }
  @inlinable public static var startsFromFirst: Bool { false }
  @inlinable @inline(__always) public func start(_ first: V) -> V { bias }
  @inlinable @inline(__always) public func factor(_ t: Int) -> V { V.load(weight + t &* V.count) }
  @inlinable @inline(__always) public func add(_ sum: V, _ cell: V, _ factor: V) -> V { V.multiplyAdd(cell, factor, sum) }
}

/// y = the largest cell; a NaN wins.
public struct WindowMaximum<V: Vector>: WindowSum {
  @inlinable @inline(__always) public init(_ o: UnsafePointer<BlockedWindowOperands<V.Scalar>>) {}
  @inlinable public static var startsFromFirst: Bool { true }
  @inlinable @inline(__always) public func start(_ first: V) -> V { first }
  @inlinable @inline(__always) public func factor(_ t: Int) -> V { V.repeating(0) }
  @inlinable @inline(__always) public func add(_ sum: V, _ cell: V, _ factor: V) -> V {
    largest(sum, cell)
  }
}

/// y = the sum of the cells / divisor.
public struct WindowMean<V: Vector>: WindowSum {
  @usableFromInline let divisor: V
  @inlinable @inline(__always) public init(_ o: UnsafePointer<BlockedWindowOperands<V.Scalar>>) {
    divisor = V.repeating(o.pointee.divisor)
  }
  @inlinable public static var startsFromFirst: Bool { true }
  @inlinable @inline(__always) public func start(_ first: V) -> V { first }
  @inlinable @inline(__always) public func factor(_ t: Int) -> V { V.repeating(0) }
  @inlinable @inline(__always) public func add(_ sum: V, _ cell: V, _ factor: V) -> V { sum + cell }
  @inlinable @inline(__always) public func finish(_ sum: V) -> V { sum / divisor }
}

/// Count windows beside each other, from the pointers on.
@inlinable @inline(__always)
func windowTile<S: WindowSum, let Count: Int>(
  _ s: S, _: InlineArray<Count, S.V>.Type, _ o: UnsafePointer<BlockedWindowOperands<S.V.Scalar>>, _ step: Int,
  _ x: UnsafePointer<S.V.Scalar>, _ y: UnsafeMutablePointer<S.V.Scalar>, _ residual: UnsafePointer<S.V.Scalar>?
) {
  var sums = InlineArray<Count, S.V>(repeating: s.start(S.V.repeating(0)))
  var t = 0
  if S.startsFromFirst {
    let from = x + o.pointee.offsets[0]
    for m in 0..<Count { sums[m] = S.V.load(from + m &* step) }
    t = 1
  }
  while t < o.pointee.taps {
    let from = x + o.pointee.offsets[t], factor = s.factor(t)
    for m in 0..<Count { sums[m] = s.add(sums[m], S.V.load(from + m &* step), factor) }
    t &+= 1
  }
  let yStep = o.pointee.yStep
  if var residual {
    for m in 0..<Count {
      sums[m] = sums[m] + S.V.load(residual)
      residual += yStep
    }
  }
  if let (low, high) = s.limits {
    for m in 0..<Count { sums[m] = limited(sums[m], low, high) }
  }
  var to = y
  for m in 0..<Count {
    S.V.store(s.finish(sums[m]), to)
    to += yStep
  }
}

/// Rows of windows, Step vectors apart in x (0: any number, `step` elements; slow). `wide`: registers hold 14 sums.
@inlinable @inline(never)
public func windowRow<S: WindowSum, let Step: Int>(
  _: S.Type, _: InlineArray<Step, S.V>.Type, wide: Bool, _ o: UnsafePointer<BlockedWindowOperands<S.V.Scalar>>, _ anyStep: Int
) {
  let s = S(o), yStep = o.pointee.yStep, step = Step > 0 ? Step &* S.V.count : anyStep
  for row in 0..<o.pointee.rows {
    var x = o.pointee.x + row &* o.pointee.xRow, y = o.pointee.y + row &* o.pointee.yRow, left = o.pointee.pixels
    var residual = o.pointee.residual.map { $0 + row &* o.pointee.residualRow }
    func advance(_ count: Int) {
      x += count &* step
      y += count &* yStep
      residual = residual.map { $0 + count &* yStep }
      left &-= count
    }
    if Step > 0 {
      if wide {
        while left >= 14 {
          windowTile(s, InlineArray<14, S.V>.self, o, step, x, y, residual)
          advance(14)
        }
      }
      while left >= 7 {
        windowTile(s, InlineArray<7, S.V>.self, o, step, x, y, residual)
        advance(7)
      }
      while left >= 2 {
        windowTile(s, InlineArray<2, S.V>.self, o, step, x, y, residual)
        advance(2)
      }
    }
    while left > 0 {
      windowTile(s, InlineArray<1, S.V>.self, o, step, x, y, residual)
      advance(1)
    }
  }
}

/// The same for any distance of windows, in elements.
@inlinable @inline(__always)
func windowRow<S: WindowSum>(_: S.Type, wide: Bool, _ o: UnsafePointer<BlockedWindowOperands<S.V.Scalar>>, _ step: Int) {
  if step == S.V.count {
    windowRow(S.self, InlineArray<1, S.V>.self, wide: wide, o, step)
  } else if step == 2 &* S.V.count {
    windowRow(S.self, InlineArray<2, S.V>.self, wide: wide, o, step)
  } else {
    windowRow(S.self, InlineArray<0, S.V>.self, wide: wide, o, step)
  }
}

/// Depthwise 3x3, one vector apart: each cell is read once for the three windows of a row that have it, from left to right; windows in
/// registers beside each other read it three times. Sums go column by column.
@inlinable @inline(never)
public func depthwise3x3<V: Vector>(_: V.Type, _ o: UnsafePointer<BlockedWindowOperands<V.Scalar>>) {
  let s = DepthwiseSum<V>(o), lanes = V.count, yStep = o.pointee.yStep, corner = o.pointee.offsets[0]
  let w = InlineArray<9, V> { s.factor($0) }, second = o.pointee.offsets[3] &- corner, third = o.pointee.offsets[6] &- corner
  for row in 0..<o.pointee.rows {
    var x = o.pointee.x + (row &* o.pointee.xRow &+ corner), y = o.pointee.y + row &* o.pointee.yRow
    var residual = o.pointee.residual.map { $0 + row &* o.pointee.residualRow }
    func column() -> (V, V, V) {
      defer { x += lanes }
      return (V.load(x), V.load(x + second), V.load(x + third))
    }
    func add(_ sum: inout V, _ cells: (V, V, V), _ column: Int) {
      sum = V.multiplyAdd(cells.0, w[column], sum)
      sum = V.multiplyAdd(cells.1, w[3 &+ column], sum)
      sum = V.multiplyAdd(cells.2, w[6 &+ column], sum)
    }
    var sum = s.bias, next = s.bias, cells = column()
    add(&sum, cells, 0)
    cells = column()
    add(&sum, cells, 1)
    add(&next, cells, 0)
    for _ in 0..<o.pointee.pixels {
      var last = s.bias
      cells = column()
      add(&sum, cells, 2)
      add(&next, cells, 1)
      add(&last, cells, 0)
      if let cell = residual {
        sum = sum + V.load(cell)
        residual = cell + yStep
      }
      if let (low, high) = s.limits { sum = limited(sum, low, high) }
      V.store(sum, y)
      y += yStep
      (sum, next) = (next, last)
    }
  }
}

/// Rows of depthwise windows, by the kernel that their form allows.
@inlinable @inline(__always)
func depthwiseRow<V: Vector>(_: V.Type, wide: Bool, _ o: UnsafePointer<BlockedWindowOperands<V.Scalar>>, _ step: Int) {
  /// Whether taps are three rows of three neighbours.
  func is3x3() -> Bool {
    guard o.pointee.taps == 9 && o.pointee.pixels > 0 else { return false }
    for t in 0..<9 where o.pointee.offsets[t] != o.pointee.offsets[t / 3 &* 3] &+ t % 3 &* V.count { return false }
    return true
  }
  if step == V.count && is3x3() {
    depthwise3x3(V.self, o)
  } else {
    windowRow(DepthwiseSum<V>.self, wide: wide, o, step)
  }
}
