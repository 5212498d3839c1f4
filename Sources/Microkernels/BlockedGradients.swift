// What the gradients of operators on channel-blocked arrays need: register tiles of a convolution's weight gradients, and the way back of
// maxima to the cells that won.

/// A tile of weight gradients, of rows of input channels and one or two vectors of output channels:
///   c[m*cStep + v] (+)= sum over rows r and columns i of a[r*aRow + i*aStep + m] * b[r*bRow + i*lanes + v*bBlock]
/// a is x, b the gradient of y.
public struct BlockedWeightOperands<T> {
  public var a: UnsafePointer<T>, aStep: Int, aRow: Int
  public var b: UnsafePointer<T>, bRow: Int, bBlock: Int
  public var rows: Int, columns: Int
  public var c: UnsafeMutablePointer<T>, cStep: Int
  /// Whether c is added to, or overwritten.
  public var adds: Bool

  @inlinable
  public init(
    a: UnsafePointer<T>, aStep: Int, aRow: Int, b: UnsafePointer<T>, bRow: Int, bBlock: Int, rows: Int, columns: Int,
    c: UnsafeMutablePointer<T>, cStep: Int, adds: Bool
  ) {
    (self.a, self.aStep, self.aRow) = (a, aStep, aRow)
    (self.b, self.bRow, self.bBlock) = (b, bRow, bBlock)
    (self.rows, self.columns) = (rows, columns)
    (self.c, self.cStep, self.adds) = (c, cStep, adds)
  }
}

public typealias BlockedWeightTile<T> = @Sendable (UnsafePointer<BlockedWeightOperands<T>>) -> Void

/// At least one row and column. As in MatrixTile, only the loop over channels has a constant bound.
@inlinable @inline(never)
public func blockedWeightTile2<V: Vector, let Channels: Int>(
  _: InlineArray<Channels, V>.Type, _ o: UnsafePointer<BlockedWeightOperands<V.Scalar>>
) {
  let c = o.pointee.c, cStep = o.pointee.cStep, aStep = o.pointee.aStep, bBlock = o.pointee.bBlock
  var left = InlineArray<Channels, V>(repeating: V.repeating(0)), right = left
  if o.pointee.adds {
    for m in 0..<Channels {
      left[m] = V.load(c + m &* cStep)
      right[m] = V.load(c + (m &* cStep &+ V.count))
    }
  }
  var aFirst = o.pointee.a, bFirst = o.pointee.b, row = o.pointee.rows
  repeat {
    var a = aFirst, b = bFirst
    let end = b + o.pointee.columns &* V.count
    repeat {
      let b0 = V.load(b), b1 = V.load(b + bBlock)
      for m in 0..<Channels {
        let x = V.repeating(a[m])
        left[m] = V.multiplyAdd(x, b0, left[m])
        right[m] = V.multiplyAdd(x, b1, right[m])
      }
      a += aStep
      b += V.count
    } while b != end
    aFirst += o.pointee.aRow
    bFirst += o.pointee.bRow
    row &-= 1
  } while row != 0
  for m in 0..<Channels {
    V.store(left[m], c + m &* cStep)
    V.store(right[m], c + (m &* cStep &+ V.count))
  }
}

@inlinable @inline(never)
public func blockedWeightTile1<V: Vector, let Channels: Int>(
  _: InlineArray<Channels, V>.Type, _ o: UnsafePointer<BlockedWeightOperands<V.Scalar>>
) {
  let c = o.pointee.c, cStep = o.pointee.cStep, aStep = o.pointee.aStep
  var sums = InlineArray<Channels, V>(repeating: V.repeating(0))
  if o.pointee.adds {
    for m in 0..<Channels { sums[m] = V.load(c + m &* cStep) }
  }
  var aFirst = o.pointee.a, bFirst = o.pointee.b, row = o.pointee.rows
  repeat {
    var a = aFirst, b = bFirst
    let end = b + o.pointee.columns &* V.count
    repeat {
      let b0 = V.load(b)
      for m in 0..<Channels { sums[m] = V.multiplyAdd(V.repeating(a[m]), b0, sums[m]) }
      a += aStep
      b += V.count
    } while b != end
    aFirst += o.pointee.aRow
    bFirst += o.pointee.bRow
    row &-= 1
  } while row != 0
  for m in 0..<Channels { V.store(sums[m], c + m &* cStep) }
}

/// Tiles of up to 8 channels, for two vectors as many as registers hold the sums of.
public struct BlockedWeightTiles<T>: @unchecked Sendable {
  /// The most channels, for two vectors and for one.
  public let channels2: Int, channels1: Int
  private let tiles: UnsafeMutablePointer<BlockedWeightTile<T>>

  @usableFromInline
  init(channels2: Int, channels1: Int, _ tiles: UnsafeMutablePointer<BlockedWeightTile<T>>) {
    (self.channels2, self.channels1, self.tiles) = (channels2, channels1, tiles)
  }
  public func run(vectors: Int, channels: Int, _ operands: BlockedWeightOperands<T>) {
    withUnsafePointer(to: operands) { tiles[vectors == 2 ? channels &- 1 : channels2 &+ channels &- 1]($0) }
  }
}

@inlinable @inline(__always)
public func blockedWeightTiles<V: Vector>(_: V.Type, channels2: Int, channels1: Int) -> BlockedWeightTiles<V.Scalar> {
  let tiles = UnsafeMutablePointer<BlockedWeightTile<V.Scalar>>.allocate(capacity: channels2 &+ channels1)
  let narrow = tiles + channels2
  if channels2 >= 1 { (tiles + 0).initialize(to: { blockedWeightTile2(InlineArray<1, V>.self, $0) }) }
  if channels2 >= 2 { (tiles + 1).initialize(to: { blockedWeightTile2(InlineArray<2, V>.self, $0) }) }
  if channels2 >= 3 { (tiles + 2).initialize(to: { blockedWeightTile2(InlineArray<3, V>.self, $0) }) }
  if channels2 >= 4 { (tiles + 3).initialize(to: { blockedWeightTile2(InlineArray<4, V>.self, $0) }) }
  if channels2 >= 5 { (tiles + 4).initialize(to: { blockedWeightTile2(InlineArray<5, V>.self, $0) }) }
  if channels2 >= 6 { (tiles + 5).initialize(to: { blockedWeightTile2(InlineArray<6, V>.self, $0) }) }
  if channels2 >= 7 { (tiles + 6).initialize(to: { blockedWeightTile2(InlineArray<7, V>.self, $0) }) }
  if channels2 >= 8 { (tiles + 7).initialize(to: { blockedWeightTile2(InlineArray<8, V>.self, $0) }) }
  if channels1 >= 1 { (narrow + 0).initialize(to: { blockedWeightTile1(InlineArray<1, V>.self, $0) }) }
  if channels1 >= 2 { (narrow + 1).initialize(to: { blockedWeightTile1(InlineArray<2, V>.self, $0) }) }
  if channels1 >= 3 { (narrow + 2).initialize(to: { blockedWeightTile1(InlineArray<3, V>.self, $0) }) }
  if channels1 >= 4 { (narrow + 3).initialize(to: { blockedWeightTile1(InlineArray<4, V>.self, $0) }) }
  if channels1 >= 5 { (narrow + 4).initialize(to: { blockedWeightTile1(InlineArray<5, V>.self, $0) }) }
  if channels1 >= 6 { (narrow + 5).initialize(to: { blockedWeightTile1(InlineArray<6, V>.self, $0) }) }
  if channels1 >= 7 { (narrow + 6).initialize(to: { blockedWeightTile1(InlineArray<7, V>.self, $0) }) }
  if channels1 >= 8 { (narrow + 7).initialize(to: { blockedWeightTile1(InlineArray<8, V>.self, $0) }) }
  return BlockedWeightTiles(channels2: channels2, channels1: channels1, tiles)
}

/// sums[t] += the sum over a row of pixels of gradY * x at tap t: the weight gradients of a depthwise convolution, lanes being channels.
@inlinable @inline(__always)
func depthwiseTaps<V: Vector, let Taps: Int>(
  _: InlineArray<Taps, V>.Type, _ o: UnsafePointer<BlockedWindowOperands<V.Scalar>>, _ first: Int, _ step: Int,
  _ gradients: UnsafeMutablePointer<V.Scalar>
) {
  let offsets = o.pointee.offsets + first, to = gradients + first &* V.count
  var sums = InlineArray<Taps, V>(repeating: V.repeating(0))
  for t in 0..<Taps { sums[t] = V.load(to + t &* V.count) }
  var x = o.pointee.x, gradY = UnsafePointer(o.pointee.y)
  for _ in 0..<o.pointee.pixels {
    let g = V.load(gradY)
    for t in 0..<Taps { sums[t] = V.multiplyAdd(g, V.load(x + offsets[t]), sums[t]) }
    x += step
    gradY += o.pointee.yStep
  }
  for t in 0..<Taps { V.store(sums[t], to + t &* V.count) }
}

/// The same for any number of taps; y of the operands is its gradient, and is only read.
@inlinable @inline(never)
public func depthwiseWeightRow<V: Vector>(
  _: V.Type, _ o: UnsafePointer<BlockedWindowOperands<V.Scalar>>, _ step: Int, _ gradients: UnsafeMutablePointer<V.Scalar>
) {
  var t = 0
  while t &+ 5 <= o.pointee.taps {
    depthwiseTaps(InlineArray<5, V>.self, o, t, step, gradients)
    t &+= 5
  }
  while t &+ 2 <= o.pointee.taps {
    depthwiseTaps(InlineArray<2, V>.self, o, t, step, gradients)
    t &+= 2
  }
  if t < o.pointee.taps { depthwiseTaps(InlineArray<1, V>.self, o, t, step, gradients) }
}

/// y = the largest cell, positions = which: the first of equals, and the first NaN. y's pixels and the positions lie without a gap.
@inlinable @inline(never)
public func maxWindowsWithPositions<V: Vector>(
  _: V.Type, _ o: UnsafePointer<BlockedWindowOperands<V.Scalar>>, _ step: Int, _ positions: UnsafeMutablePointer<Int32>
) {
  for m in 0..<o.pointee.pixels {
    let x = o.pointee.x + m &* step
    var best = V.load(x + o.pointee.offsets[0]), place = V.integers(0), t = 1
    while t < o.pointee.taps {
      let v = V.load(x + o.pointee.offsets[t])
      let wins = V.and(V.not(V.isLessOrEqual(v, best)), V.not(V.isNaN(best)))
      best = V.select(wins, v, best)
      place = V.select(wins, V.integers(Int32(truncatingIfNeeded: t)), place)
      t &+= 1
    }
    V.store(best, o.pointee.y + m &* V.count)
    V.storeInt32(place, positions + m &* V.count, first: V.count)
  }
}

/// x at the winning tap += gradY, the operands' y, which is only read; or = gradY, and 0 at the other taps.
@inlinable @inline(never)
public func scatterWinners<V: Vector>(
  _: V.Type, _ o: UnsafePointer<BlockedWindowOperands<V.Scalar>>, _ step: Int, _ positions: UnsafePointer<Int32>
) {
  let zero = V.repeating(0)
  if o.pointee.replaces {
    for m in 0..<o.pointee.pixels {
      let winner = V.loadInt32(positions + m &* V.count, first: V.count), gradient = V.load(o.pointee.y + m &* V.count)
      let x = UnsafeMutablePointer(mutating: o.pointee.x) + m &* step
      for t in 0..<o.pointee.taps {
        let wins = V.isEqual(winner, V.integers(Int32(truncatingIfNeeded: t)))
        V.store(V.select(wins, gradient, zero), x + o.pointee.offsets[t])
      }
    }
    return
  }
  for t in 0..<o.pointee.taps {
    let x = UnsafeMutablePointer(mutating: o.pointee.x) + o.pointee.offsets[t], tap = V.integers(Int32(truncatingIfNeeded: t))
    for m in 0..<o.pointee.pixels {
      let wins = V.isEqual(V.loadInt32(positions + m &* V.count, first: V.count), tap), to = x + m &* step
      V.store(V.load(to) + V.select(wins, V.load(o.pointee.y + m &* V.count), zero), to)
    }
  }
}
