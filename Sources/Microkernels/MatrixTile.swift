// The one loop where the time goes: a register tile of a batch-reduced matrix product (Georganas et al. 2019, "High-Performance
// Deep Learning via a Single Building Block"). Convolution, its gradients and the affine layer are all made of it.

/// The operands of one tile:
///   c[m][n] = limited(initial[m][n] + sum over t < taps, i < inner of a[aOffsets[t] + i*aStep + m] * b[bOffsets[t] + i*bStep + n])
/// or, where terms are listed (inner is 1), as those of windows of few channels are, since runs of three terms take long to begin and to end,
///   c[m][n] = limited(initialColumn[m] + sum over t < taps of a[t*aStep + m] * b[bOffsets[t] + n])
/// m counts the tile's rows, contiguous in a and broadcast; n its columns, contiguous in b, one or two vectors.
public struct TileOperands<T> {
  public var a: UnsafePointer<T>, b: UnsafePointer<T>, c: UnsafeMutablePointer<T>
  /// What the sums start from: nil is 0; c itself, to add to it; a row of biases for all rows, with a step of 0.
  public var initial: UnsafePointer<T>?, initialStep: Int
  /// Or a column of biases, one for each row.
  public var initialColumn: UnsafePointer<T>?
  public var aOffsets: UnsafePointer<Int>, bOffsets: UnsafePointer<Int>
  public var taps: Int, inner: Int, aStep: Int, bStep: Int, cStep: Int
  /// How many columns are stored and taken from `initial`; b is read in whole vectors.
  public var columns: Int
  /// So many tiles of the same a, whose b are so far apart, and whose c; `initial` goes with c.
  public var tiles = 1, bTile = 0, cTile = 0
  /// What each tile asks for meanwhile, into the second cache, since tiles wait for nothing: some lines of some rows, each tile those that follow.
  /// Where b is streamed, one line for each of the inner terms, `aheadStep` apart.
  public var ahead: UnsafePointer<T>, aheadRows = 0, aheadStep = 0, aheadLines = 0
  @inlinable
  public static var line: Int { 64 / MemoryLayout<T>.stride }
  /// See BlockedTileOperands.
  public var limits: (low: T, high: T)?

  @inlinable
  public init(
    a: UnsafePointer<T>, b: UnsafePointer<T>, c: UnsafeMutablePointer<T>, initial: UnsafePointer<T>? = nil,
    initialStep: Int = 0, initialColumn: UnsafePointer<T>? = nil, aOffsets: UnsafePointer<Int>, bOffsets: UnsafePointer<Int>,
    taps: Int, inner: Int, aStep: Int,
    bStep: Int, cStep: Int, columns: Int
  ) {
    self.a = a
    self.b = b
    self.c = c
    self.initial = initial
    self.initialStep = initialStep
    self.initialColumn = initialColumn
    self.aOffsets = aOffsets
    self.bOffsets = bOffsets
    self.taps = taps
    self.inner = inner
    self.aStep = aStep
    self.bStep = bStep
    self.cStep = cStep
    self.columns = columns
    ahead = b
  }
}

/// A tile of Rows x 2 vectors, whose terms are listed if Form is 1, and whose b is streamed from memory if it is 2. Its sums are registers, because the loop over rows is the only one
/// with a constant bound, and because the other loops ask at their end: a way around one would need a second set of registers for the sums.
@inlinable @inline(never)
public func tallTile<V: Vector, let Rows: Int, let Form: Int>(
  _: InlineArray<Rows, V>.Type, _: InlineArray<Form, V>.Type, _ operands: UnsafePointer<TileOperands<V.Scalar>>
) {
  let o = operands.pointee
  let rest = o.columns &- V.count
  var first = o.b, c = o.c, start = o.initial, tiles = o.tiles, ahead = o.ahead
  repeat {
    if Form == 0 {
      for row in 0..<o.aheadRows {
        for i in 0..<o.aheadLines { V.prefetch(ahead + (row &* o.aheadStep &+ i &* TileOperands<V.Scalar>.line)) }
      }
      ahead += o.aheadLines &* TileOperands<V.Scalar>.line
    }
    // Rows of c may be far apart in memory: what the stores will wait for comes near while terms are added up, if there are a few.
    if o.taps &* o.inner > 8 { for m in 0..<Rows { V.prefetchNear(UnsafePointer(c) + m &* o.cStep) } }
    var left = InlineArray<Rows, V>(repeating: V.repeating(0)), right = InlineArray<Rows, V>(repeating: V.repeating(0))
    if Form != 1, let initial = start {
      if rest == V.count {
        for m in 0..<Rows {
          left[m] = V.load(initial + m &* o.initialStep)
          right[m] = V.load(initial + (m &* o.initialStep &+ V.count))
        }
      } else {
        for m in 0..<Rows {
          left[m] = V.load(initial + m &* o.initialStep)
          right[m] = V.load(initial + (m &* o.initialStep &+ V.count), first: rest)
        }
      }
      start = initial + o.cTile
    } else if let column = o.initialColumn {
      for m in 0..<Rows {
        left[m] = V.repeating(column[m])
        right[m] = left[m]
      }
    }
    if Form == 1 {
      var a = o.a, offset = o.bOffsets
      let end = offset + o.taps
      if offset != end {
        repeat {
          let b = first + offset.pointee, b0 = V.load(b), b1 = V.load(b + V.count)
          for m in 0..<Rows {
            let x = V.repeating(a[m])
            left[m] = V.multiplyAdd(x, b0, left[m])
            right[m] = V.multiplyAdd(x, b1, right[m])
          }
          a += o.aStep
          offset += 1
        } while offset != end
      }
    } else if o.taps > 0 && o.inner > 0 {
      var t = 0
      repeat {
        var a = o.a + o.aOffsets[t], b = first + o.bOffsets[t]
        let end = b + o.inner &* o.bStep
        repeat {
          if Form == 2 {
            V.prefetch(ahead)
            ahead += o.aheadStep
          }
          let b0 = V.load(b), b1 = V.load(b + V.count)
          for m in 0..<Rows {
            let x = V.repeating(a[m])
            left[m] = V.multiplyAdd(x, b0, left[m])
            right[m] = V.multiplyAdd(x, b1, right[m])
          }
          a += o.aStep
          b += o.bStep
        } while b != end
        t &+= 1
      } while t < o.taps
    }
    if let limits = o.limits {
      let low = V.repeating(limits.low), high = V.repeating(limits.high)
      for m in 0..<Rows {
        left[m] = limited(left[m], low, high)
        right[m] = limited(right[m], low, high)
      }
    }
    if rest == V.count {
      for m in 0..<Rows {
        V.store(left[m], c + m &* o.cStep)
        V.store(right[m], c + (m &* o.cStep &+ V.count))
      }
    } else {
      for m in 0..<Rows {
        V.store(left[m], c + m &* o.cStep)
        V.store(right[m], c + (m &* o.cStep &+ V.count), first: rest)
      }
    }
    first += o.bTile
    c += o.cTile
    tiles &-= 1
  } while tiles != 0
}

/// A tile of Rows x 1 vectors.
@inlinable @inline(never)
public func narrowTile<V: Vector, let Rows: Int, let Listed: Int>(
  _: InlineArray<Rows, V>.Type, _: InlineArray<Listed, V>.Type, _ operands: UnsafePointer<TileOperands<V.Scalar>>
) {
  let o = operands.pointee
  var first = o.b, c = o.c, start = o.initial, tiles = o.tiles
  repeat {
    var sums = InlineArray<Rows, V>(repeating: V.repeating(0))
    if Listed == 0, let initial = start {
      for m in 0..<Rows { sums[m] = V.load(initial + m &* o.initialStep, first: o.columns) }
      start = initial + o.cTile
    } else if let column = o.initialColumn {
      for m in 0..<Rows { sums[m] = V.repeating(column[m]) }
    }
    if Listed == 1 {
      var a = o.a, offset = o.bOffsets
      let end = offset + o.taps
      if offset != end {
        repeat {
          let b0 = V.load(first + offset.pointee)
          for m in 0..<Rows { sums[m] = V.multiplyAdd(V.repeating(a[m]), b0, sums[m]) }
          a += o.aStep
          offset += 1
        } while offset != end
      }
    } else if o.taps > 0 && o.inner > 0 {
      var t = 0
      repeat {
        var a = o.a + o.aOffsets[t], b = first + o.bOffsets[t]
        let end = b + o.inner &* o.bStep
        repeat {
          let b0 = V.load(b)
          for m in 0..<Rows { sums[m] = V.multiplyAdd(V.repeating(a[m]), b0, sums[m]) }
          a += o.aStep
          b += o.bStep
        } while b != end
        t &+= 1
      } while t < o.taps
    }
    if let limits = o.limits {
      let low = V.repeating(limits.low), high = V.repeating(limits.high)
      for m in 0..<Rows { sums[m] = limited(sums[m], low, high) }
    }
    if o.columns == V.count {
      for m in 0..<Rows { V.store(sums[m], c + m &* o.cStep) }
    } else {
      for m in 0..<Rows { V.store(sums[m], c + m &* o.cStep, first: o.columns) }
    }
    first += o.bTile
    c += o.cTile
    tiles &-= 1
  } while tiles != 0
}

public typealias Tile<T> = @Sendable (UnsafePointer<TileOperands<T>>) -> Void

/// Tiles of two vectors and as many rows as registers hold, up to 14: 28 sums, for the 32 registers of AVX-512. In memory that is never
/// freed, as tables live as long as the process; to take one out of an InlineArray would copy, and count, them all.
@inlinable @inline(__always)
public func tallTiles<V: Vector, let Form: Int>(_: V.Type, _: InlineArray<Form, V>.Type, rows: Int) -> UnsafePointer<
  Tile<V.Scalar>
> {
  let tiles = UnsafeMutablePointer<Tile<V.Scalar>>.allocate(capacity: rows)
  if rows >= 1 { (tiles + 0).initialize(to: { tallTile(InlineArray<1, V>.self, InlineArray<Form, V>.self, $0) }) }
  if rows >= 2 { (tiles + 1).initialize(to: { tallTile(InlineArray<2, V>.self, InlineArray<Form, V>.self, $0) }) }
  if rows >= 3 { (tiles + 2).initialize(to: { tallTile(InlineArray<3, V>.self, InlineArray<Form, V>.self, $0) }) }
  if rows >= 4 { (tiles + 3).initialize(to: { tallTile(InlineArray<4, V>.self, InlineArray<Form, V>.self, $0) }) }
  if rows >= 5 { (tiles + 4).initialize(to: { tallTile(InlineArray<5, V>.self, InlineArray<Form, V>.self, $0) }) }
  if rows >= 6 { (tiles + 5).initialize(to: { tallTile(InlineArray<6, V>.self, InlineArray<Form, V>.self, $0) }) }
  if rows >= 7 { (tiles + 6).initialize(to: { tallTile(InlineArray<7, V>.self, InlineArray<Form, V>.self, $0) }) }
  if rows >= 8 { (tiles + 7).initialize(to: { tallTile(InlineArray<8, V>.self, InlineArray<Form, V>.self, $0) }) }
  if rows >= 9 { (tiles + 8).initialize(to: { tallTile(InlineArray<9, V>.self, InlineArray<Form, V>.self, $0) }) }
  if rows >= 10 { (tiles + 9).initialize(to: { tallTile(InlineArray<10, V>.self, InlineArray<Form, V>.self, $0) }) }
  if rows >= 11 { (tiles + 10).initialize(to: { tallTile(InlineArray<11, V>.self, InlineArray<Form, V>.self, $0) }) }
  if rows >= 12 { (tiles + 11).initialize(to: { tallTile(InlineArray<12, V>.self, InlineArray<Form, V>.self, $0) }) }
  if rows >= 13 { (tiles + 12).initialize(to: { tallTile(InlineArray<13, V>.self, InlineArray<Form, V>.self, $0) }) }
  if rows >= 14 { (tiles + 13).initialize(to: { tallTile(InlineArray<14, V>.self, InlineArray<Form, V>.self, $0) }) }
  return UnsafePointer(tiles)
}

/// Tiles of one vector, for the last columns, up to 14 rows.
@inlinable @inline(__always)
public func narrowTiles<V: Vector, let Listed: Int>(_: V.Type, _: InlineArray<Listed, V>.Type, rows: Int) -> UnsafePointer<
  Tile<V.Scalar>
> {
  let tiles = UnsafeMutablePointer<Tile<V.Scalar>>.allocate(capacity: rows)
  if rows >= 1 { (tiles + 0).initialize(to: { narrowTile(InlineArray<1, V>.self, InlineArray<Listed, V>.self, $0) }) }
  if rows >= 2 { (tiles + 1).initialize(to: { narrowTile(InlineArray<2, V>.self, InlineArray<Listed, V>.self, $0) }) }
  if rows >= 3 { (tiles + 2).initialize(to: { narrowTile(InlineArray<3, V>.self, InlineArray<Listed, V>.self, $0) }) }
  if rows >= 4 { (tiles + 3).initialize(to: { narrowTile(InlineArray<4, V>.self, InlineArray<Listed, V>.self, $0) }) }
  if rows >= 5 { (tiles + 4).initialize(to: { narrowTile(InlineArray<5, V>.self, InlineArray<Listed, V>.self, $0) }) }
  if rows >= 6 { (tiles + 5).initialize(to: { narrowTile(InlineArray<6, V>.self, InlineArray<Listed, V>.self, $0) }) }
  if rows >= 7 { (tiles + 6).initialize(to: { narrowTile(InlineArray<7, V>.self, InlineArray<Listed, V>.self, $0) }) }
  if rows >= 8 { (tiles + 7).initialize(to: { narrowTile(InlineArray<8, V>.self, InlineArray<Listed, V>.self, $0) }) }
  if rows >= 9 { (tiles + 8).initialize(to: { narrowTile(InlineArray<9, V>.self, InlineArray<Listed, V>.self, $0) }) }
  if rows >= 10 { (tiles + 9).initialize(to: { narrowTile(InlineArray<10, V>.self, InlineArray<Listed, V>.self, $0) }) }
  if rows >= 11 { (tiles + 10).initialize(to: { narrowTile(InlineArray<11, V>.self, InlineArray<Listed, V>.self, $0) }) }
  if rows >= 12 { (tiles + 11).initialize(to: { narrowTile(InlineArray<12, V>.self, InlineArray<Listed, V>.self, $0) }) }
  if rows >= 13 { (tiles + 12).initialize(to: { narrowTile(InlineArray<13, V>.self, InlineArray<Listed, V>.self, $0) }) }
  if rows >= 14 { (tiles + 13).initialize(to: { narrowTile(InlineArray<14, V>.self, InlineArray<Listed, V>.self, $0) }) }
  return UnsafePointer(tiles)
}
