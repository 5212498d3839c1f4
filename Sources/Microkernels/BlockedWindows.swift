// Windows over one block of channels: a depthwise convolution, or the largest or the sum of a window's cells. Lanes are channels, so
// there is one vector for each cell, and rows of pixels are done in registers.

/// A row of windows, each of the cells x[offsets[t] + m*step]; the step is the kernel's own.
public struct BlockedWindowOperands<T> {
  public var x: UnsafePointer<T>, offsets: UnsafePointer<Int>, taps: Int
  /// y's pixels are yStep elements apart, and so are the residual's.
  public var y: UnsafeMutablePointer<T>, yStep: Int, pixels: Int
  /// Of a convolution: one vector a tap; what the sums start from; what is added to them, and their limits (see BlockedTile).
  public var weight: UnsafePointer<T>?, bias: UnsafePointer<T>?
  public var residual: UnsafePointer<T>?, limits: (low: T, high: T)?
  /// Of a mean: what sums are divided by.
  public var divisor: T

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
  /// Of the pixel that is `place` elements behind the first.
  func finish(_ sum: V, _ place: Int) -> V
  /// Whether `start` takes the first cell as it is.
  static var startsFromFirst: Bool { get }
}

/// y = the sum of weight * cell, with a convolution's start and end.
public struct DepthwiseSum<V: Vector>: WindowSum {
  @usableFromInline let weight: UnsafePointer<V.Scalar>, bias: V
  @usableFromInline let residual: UnsafePointer<V.Scalar>?, limited: Bool, low: V, high: V

  @inlinable @inline(__always)
  public init(_ o: UnsafePointer<BlockedWindowOperands<V.Scalar>>) {
    weight = o.pointee.weight ?? o.pointee.x
    bias = if let bias = o.pointee.bias { V.load(bias) } else { V.repeating(0) }
    residual = o.pointee.residual
    limited = o.pointee.limits != nil
    low = V.repeating(o.pointee.limits?.low ?? 0)
    high = V.repeating(o.pointee.limits?.high ?? 0)
  }
  @inlinable public static var startsFromFirst: Bool { false }
  @inlinable @inline(__always) public func start(_ first: V) -> V { bias }
  @inlinable @inline(__always) public func factor(_ t: Int) -> V { V.load(weight + t &* V.count) }
  @inlinable @inline(__always) public func add(_ sum: V, _ cell: V, _ factor: V) -> V { V.multiplyAdd(cell, factor, sum) }
  @inlinable @inline(__always) public func finish(_ sum: V, _ place: Int) -> V {
    var y = sum
    if let residual { y = y + V.load(residual + place) }
    return limited ? Microkernels.limited(y, low, high) : y
  }
}

/// y = the largest cell; a NaN wins.
public struct WindowMaximum<V: Vector>: WindowSum {
  @inlinable @inline(__always) public init(_ o: UnsafePointer<BlockedWindowOperands<V.Scalar>>) {}
  @inlinable public static var startsFromFirst: Bool { true }
  @inlinable @inline(__always) public func start(_ first: V) -> V { first }
  @inlinable @inline(__always) public func factor(_ t: Int) -> V { V.repeating(0) }
  @inlinable @inline(__always) public func add(_ sum: V, _ cell: V, _ factor: V) -> V {
    V.select(V.isNaN(sum), sum, V.select(V.isLess(cell, sum), sum, cell))
  }
  @inlinable @inline(__always) public func finish(_ sum: V, _ place: Int) -> V { sum }
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
  @inlinable @inline(__always) public func finish(_ sum: V, _ place: Int) -> V { sum / divisor }
}

/// Rows windows beside each other, `first` the number of the first of them.
@inlinable @inline(__always)
func windowTile<S: WindowSum, let Rows: Int>(
  _ s: S, _: InlineArray<Rows, S.V>.Type, _ o: UnsafePointer<BlockedWindowOperands<S.V.Scalar>>, _ first: Int, _ step: Int
) {
  let x = o.pointee.x + first &* step, yStep = o.pointee.yStep, y = o.pointee.y + first &* yStep
  var sums = InlineArray<Rows, S.V>(repeating: s.start(S.V.repeating(0)))
  var t = 0
  if S.startsFromFirst {
    let from = x + o.pointee.offsets[0]
    for m in 0..<Rows { sums[m] = S.V.load(from + m &* step) }
    t = 1
  }
  while t < o.pointee.taps {
    let from = x + o.pointee.offsets[t], factor = s.factor(t)
    for m in 0..<Rows { sums[m] = s.add(sums[m], S.V.load(from + m &* step), factor) }
    t &+= 1
  }
  for m in 0..<Rows { S.V.store(s.finish(sums[m], (first &+ m) &* yStep), y + m &* yStep) }
}

/// The windows of a row, Step vectors apart in x (0: any number, `step` elements; slow). `wide`: registers hold 14 sums.
@inlinable @inline(never)
public func windowRow<S: WindowSum, let Step: Int>(
  _: S.Type, _: InlineArray<Step, S.V>.Type, wide: Bool, _ o: UnsafePointer<BlockedWindowOperands<S.V.Scalar>>, _ anyStep: Int
) {
  let s = S(o), pixels = o.pointee.pixels
  var m = 0
  if Step > 0 {
    let step = Step &* S.V.count
    if wide {
      while m &+ 14 <= pixels {
        windowTile(s, InlineArray<14, S.V>.self, o, m, step)
        m &+= 14
      }
    }
    while m &+ 7 <= pixels {
      windowTile(s, InlineArray<7, S.V>.self, o, m, step)
      m &+= 7
    }
    while m &+ 2 <= pixels {
      windowTile(s, InlineArray<2, S.V>.self, o, m, step)
      m &+= 2
    }
  }
  while m < pixels {
    windowTile(s, InlineArray<1, S.V>.self, o, m, anyStep)
    m &+= 1
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
