// The register tile of convolutions on channel-blocked arrays: pixels (rows, broadcast) x output channels (columns, in vectors). It
// differs from MatrixTile in where things lie: a pixel's channels are neighbours, pixels are a constant distance apart, and the two
// vectors of a pixel's result are in different blocks. What follows a convolution is done before the sums are stored.

/// So many terms of a tile's sum, whose first elements of `a` lie at an offset; and the offset of elements that will soon be needed. Blocks
/// of channels are far apart, so that no processor guesses where the next run begins.
public struct TileRun: BitwiseCopyable {
  public var offset: Int, count: Int, soon: Int
  @inlinable
  public init(offset: Int, count: Int, soon: Int? = nil) {
    (self.offset, self.count, self.soon) = (offset, count, soon ?? offset)
  }
}

/// What a row of tiles asks for, of which a line of the caches comes nearer with each term, `step` elements from one to the next, and
/// `tile` elements from a tile to the next. Any address will do.
public struct LinesAhead<T> {
  public var first: UnsafePointer<T>, step = 0, tile = 0
  @inlinable
  public init(_ first: UnsafePointer<T>, step: Int = 0, tile: Int = 0) {
    (self.first, self.step, self.tile) = (first, step, tile)
  }
}

/// The operands of a row of tiles, for pixels m and vectors v of output channels (one or two):
///   c[v][m] = limited(start[v][m] + residual[v][m] + sum over runs, i < count of a[offset + i*aStep + m*aPixel] * b[..., v])
/// where b goes on through all runs, in the order of the terms; every run has a term. Within a tile the step between pixels in `a` is
/// the tile's own, and must be aPixel, but in listed tiles; in c and residual pixels are cStep apart. The next tile is `aTile` elements
/// on in a, and so in the others.
public struct BlockedTileOperands<T> {
  public var a: UnsafePointer<T>, aStep: Int, aPixel: Int
  /// What will soon be needed: while a panel of filters is multiplied, the next comes from memory.
  public var soon: LinesAhead<T>
  /// So many tiles: beside each other, of the same b; or of one product after the other (see BlockedTiles).
  public var tiles = 1, aTile = 0, bTile = 0, cTile = 0
  public var runs: UnsafePointer<TileRun>, runCount: Int
  public var b: UnsafePointer<T>
  public var c: UnsafeMutablePointer<T>, cStep: Int, cBlock: Int
  /// What the sums start from: c itself, to go on with it; or one vector of biases for each v; or 0.
  public var continues: Bool
  public var bias: UnsafePointer<T>?
  public var residual: UnsafePointer<T>?, residualBlock: Int
  /// nil: no limits. (low, high): what is below or above becomes these; NaN stays NaN.
  public var limits: (low: T, high: T)?

  @inlinable
  public init(
    a: UnsafePointer<T>, aStep: Int, aPixel: Int, runs: UnsafePointer<TileRun>, runCount: Int, b: UnsafePointer<T>,
    soon: LinesAhead<T>? = nil, c: UnsafeMutablePointer<T>, cStep: Int, cBlock: Int,
    continues: Bool = false, bias: UnsafePointer<T>? = nil,
    residual: UnsafePointer<T>? = nil, residualBlock: Int = 0, limits: (low: T, high: T)? = nil
  ) {
    (self.a, self.aStep, self.aPixel, self.runs, self.runCount, self.b) = (a, aStep, aPixel, runs, runCount, b)
    self.soon = soon ?? LinesAhead(b)
    (self.c, self.cStep, self.cBlock, self.continues, self.bias) = (c, cStep, cBlock, continues, bias)
    (self.residual, self.residualBlock, self.limits) = (residual, residualBlock, limits)
  }
}

extension BlockedTileOperands {
  /// Of so many tiles of some rows beside each other.
  @inlinable @inline(__always)
  func beside(_ tiles: Int, rows: Int) -> Self {
    var operands = self
    (operands.tiles, operands.aTile, operands.cTile) = (tiles, rows &* aPixel, rows &* cStep)
    return operands
  }
  /// Of the pixel behind the last one.
  @inlinable @inline(__always)
  var behind: Self {
    var operands = self
    operands.a += tiles &* aTile
    operands.c += tiles &* cTile
    operands.soon.first += tiles &* soon.tile
    operands.residual = residual.map { $0 + tiles &* cTile }
    return operands
  }
}

public typealias BlockedTile<T> = @Sendable (UnsafePointer<BlockedTileOperands<T>>) -> Void

/// Tiles of Rows pixels x 2 vectors; Step is the type of as many vectors as pixels are apart in `a`, or of none where they are
/// neighbours; or of `BlockedTiles.listed` where every run is one term, as of few channels, and pixels are any step apart: runs as short
/// as these take a loop's beginning and end for two or three terms. Loops are as in MatrixTile: one has a constant bound, the others ask
/// at their end. A row of tiles is one call, because with few channels a call takes as long as a tile.
@inlinable @inline(never)
public func blockedTile2<V: Vector, let Rows: Int, let Step: Int>(
  _: InlineArray<Rows, V>.Type, _: InlineArray<Step, V>.Type, _ operands: UnsafePointer<BlockedTileOperands<V.Scalar>>
) {
  let isListed = Step == BlockedTiles<V.Scalar>.listed
  let step = Step == 0 || isListed ? 1 : Step &* V.count, cStep = operands.pointee.cStep
  let soonStep = operands.pointee.soon.step, line = 64 / MemoryLayout<V.Scalar>.stride
  var first = operands.pointee.a, c = operands.pointee.c, residual = operands.pointee.residual, tiles = operands.pointee.tiles
  var filters = operands.pointee.b, soon = operands.pointee.soon.first
  repeat {
    let d = c + operands.pointee.cBlock
    var left = InlineArray<Rows, V>(repeating: V.repeating(0)), right = InlineArray<Rows, V>(repeating: V.repeating(0))
    if operands.pointee.continues {
      for m in 0..<Rows {
        left[m] = V.load(c + m &* cStep)
        right[m] = V.load(d + m &* cStep)
      }
    } else if let bias = operands.pointee.bias {
      let first = V.load(bias), second = V.load(bias + V.count)
      for m in 0..<Rows {
        left[m] = first
        right[m] = second
      }
    }
    var run = operands.pointee.runs, b = filters, next = soon
    let last = run + operands.pointee.runCount, aStep = operands.pointee.aStep, aPixel = operands.pointee.aPixel
    if isListed {
      repeat {
        let a = first + run.pointee.offset, b0 = V.load(b), b1 = V.load(b + V.count)
        for m in 0..<Rows {
          let x = V.repeating(a[m &* aPixel])
          left[m] = V.multiplyAdd(x, b0, left[m])
          right[m] = V.multiplyAdd(x, b1, right[m])
        }
        b += 2 &* V.count
        run += 1
      } while run != last
    } else {
      repeat {
        var a = first + run.pointee.offset
        let end = b + run.pointee.count &* (2 &* V.count), pixels = first + run.pointee.soon
        if Step > 0 { for m in 0..<Rows where m &* step % line == 0 || step >= line { V.prefetchNear(pixels + m &* step) } }
        repeat {
          let b0 = V.load(b), b1 = V.load(b + V.count)
          V.prefetch(next)
          for m in 0..<Rows {
            let x = V.repeating(a[m &* step])
            left[m] = V.multiplyAdd(x, b0, left[m])
            right[m] = V.multiplyAdd(x, b1, right[m])
          }
          a += aStep
          b += 2 &* V.count
          next += soonStep
        } while b != end
        run += 1
      } while run != last
    }
    if let cells = residual {
      let other = cells + operands.pointee.residualBlock
      for m in 0..<Rows {
        left[m] = left[m] + V.load(cells + m &* cStep)
        right[m] = right[m] + V.load(other + m &* cStep)
      }
      residual = cells + operands.pointee.cTile
    }
    if let limits = operands.pointee.limits {
      let low = V.repeating(limits.low), high = V.repeating(limits.high)
      for m in 0..<Rows {
        left[m] = limited(left[m], low, high)
        right[m] = limited(right[m], low, high)
      }
    }
    for m in 0..<Rows {
      V.store(left[m], c + m &* cStep)
      V.store(right[m], d + m &* cStep)
    }
    first += operands.pointee.aTile
    filters += operands.pointee.bTile
    c += operands.pointee.cTile
    soon += operands.pointee.soon.tile
    tiles &-= 1
  } while tiles != 0
}

/// Tiles of Rows pixels x 1 vector, for the last of an odd number of blocks.
@inlinable @inline(never)
public func blockedTile1<V: Vector, let Rows: Int, let Step: Int>(
  _: InlineArray<Rows, V>.Type, _: InlineArray<Step, V>.Type, _ operands: UnsafePointer<BlockedTileOperands<V.Scalar>>
) {
  let isListed = Step == BlockedTiles<V.Scalar>.listed
  let step = Step == 0 || isListed ? 1 : Step &* V.count, cStep = operands.pointee.cStep
  let soonStep = operands.pointee.soon.step
  var first = operands.pointee.a, c = operands.pointee.c, residual = operands.pointee.residual, tiles = operands.pointee.tiles
  var filters = operands.pointee.b, soon = operands.pointee.soon.first
  repeat {
    var sums = InlineArray<Rows, V>(repeating: V.repeating(0))
    if operands.pointee.continues {
      for m in 0..<Rows { sums[m] = V.load(c + m &* cStep) }
    } else if let bias = operands.pointee.bias {
      let first = V.load(bias)
      for m in 0..<Rows { sums[m] = first }
    }
    var run = operands.pointee.runs, b = filters, next = soon
    let last = run + operands.pointee.runCount, aStep = operands.pointee.aStep, aPixel = operands.pointee.aPixel
    if isListed {
      repeat {
        let a = first + run.pointee.offset, b0 = V.load(b)
        for m in 0..<Rows { sums[m] = V.multiplyAdd(V.repeating(a[m &* aPixel]), b0, sums[m]) }
        b += V.count
        run += 1
      } while run != last
    } else {
      repeat {
        var a = first + run.pointee.offset
        let end = b + run.pointee.count &* V.count
        repeat {
          let b0 = V.load(b)
          V.prefetch(next)
          for m in 0..<Rows { sums[m] = V.multiplyAdd(V.repeating(a[m &* step]), b0, sums[m]) }
          a += aStep
          b += V.count
          next += soonStep
        } while b != end
        run += 1
      } while run != last
    }
    if let cells = residual {
      for m in 0..<Rows { sums[m] = sums[m] + V.load(cells + m &* cStep) }
      residual = cells + operands.pointee.cTile
    }
    if let limits = operands.pointee.limits {
      let low = V.repeating(limits.low), high = V.repeating(limits.high)
      for m in 0..<Rows { sums[m] = limited(sums[m], low, high) }
    }
    for m in 0..<Rows { V.store(sums[m], c + m &* cStep) }
    first += operands.pointee.aTile
    filters += operands.pointee.bTile
    c += operands.pointee.cTile
    soon += operands.pointee.soon.tile
    tiles &-= 1
  } while tiles != 0
}

/// x, but not below low and not above high; NaN stays NaN.
@inlinable @inline(__always)
func limited<V: Vector>(_ x: V, _ low: V, _ high: V) -> V {
  let y = V.select(V.isLess(x, low), low, x)
  return V.select(V.isLess(high, y), high, y)
}

/// The tiles of an instruction set by what its registers hold: [vectors - 1][step][rows - 1], steps of `blockedTile2`.
public struct BlockedTiles<T>: @unchecked Sendable {
  /// The most rows, for two vectors and for one.
  public let rows2: Int, rows1: Int
  private let tiles: UnsafeMutablePointer<BlockedTile<T>>
  /// Of pixels any step apart, where every run is one term.
  @inlinable
  public static var listed: Int { 3 }

  @usableFromInline
  init(rows2: Int, rows1: Int, _ tiles: UnsafeMutablePointer<BlockedTile<T>>) {
    (self.rows2, self.rows1, self.tiles) = (rows2, rows1, tiles)
  }
  /// The tiles of a row of `pixels`, of at most `most`: nil is what registers hold.
  @inlinable @inline(__always)
  func count(vectors: Int, pixels: Int, most: Int? = nil) -> Int {
    let most = most ?? (vectors == 2 ? rows2 : rows1)
    return (pixels &+ most &- 1) / most
  }
  /// A row of `pixels` in tiles of at most `most` and as equal sizes as can be, so that none is left with one pixel; no pixels are no
  /// tiles. most: nil is what registers hold.
  @inlinable
  public func run(vectors: Int, step: Int, pixels: Int, most: Int? = nil, _ operands: BlockedTileOperands<T>) {
    let count = count(vectors: vectors, pixels: pixels, most: most)
    if count <= 0 { return }
    let small = pixels / count, large = pixels % count
    var operands = operands.beside(large, rows: small &+ 1)
    if large > 0 {
      withUnsafePointer(to: operands) { self[vectors, step, small &+ 1]($0) }
      operands = operands.behind
    }
    operands = operands.beside(count &- large, rows: small)
    withUnsafePointer(to: operands) { self[vectors, step, small]($0) }
  }
  /// With which a row of tiles asks for `terms` times `width` elements at `first`, each tile for its share: one that asked for all would
  /// wait for memory.
  @inlinable @inline(__always)
  public func ahead(_ first: UnsafePointer<T>, vectors: Int, pixels: Int, terms: Int, width: Int) -> LinesAhead<T> {
    let tiles = max(1, count(vectors: vectors, pixels: pixels)), step = (width &+ tiles &- 1) / tiles
    return LinesAhead(first, step: step, tile: terms &* step)
  }
  /// The same of several products, whose a, b, c and what they ask for are so far apart; there is at least one, and a pixel.
  @inlinable @inline(__always)
  public func run(
    vectors: Int, step: Int, pixels: Int, products: Int, aProduct: Int, bProduct: Int, cProduct: Int, soonProduct: Int,
    _ operands: BlockedTileOperands<T>
  ) {
    let count = count(vectors: vectors, pixels: pixels)
    let size = pixels / count, large = pixels % count
    // Once for all: a look at a closure counts its references.
    let small = self[vectors, step, size]
    if count == 1 {
      // A call takes as long as a small tile, so the products are one.
      var operands = operands
      (operands.tiles, operands.soon.tile) = (products, soonProduct)
      (operands.aTile, operands.bTile, operands.cTile) = (aProduct, bProduct, cProduct)
      return withUnsafePointer(to: operands) { small($0) }
    }
    let other = self[vectors, step, large > 0 ? size &+ 1 : size]
    var first = operands.beside(large, rows: size &+ 1),
      second = (large > 0 ? first.behind : operands).beside(count &- large, rows: size)
    withUnsafeMutablePointer(to: &first) { first in
      withUnsafeMutablePointer(to: &second) { second in
        func advance(_ o: UnsafeMutablePointer<BlockedTileOperands<T>>) {
          o.pointee.a += aProduct
          o.pointee.b += bProduct
          o.pointee.c += cProduct
          o.pointee.soon.first += soonProduct
        }
        for _ in 0..<products {
          if large > 0 {
            other(first)
            advance(first)
          }
          small(second)
          advance(second)
        }
      }
    }
  }
  @usableFromInline
  subscript(_ vectors: Int, _ step: Int, _ rows: Int) -> BlockedTile<T> {
    tiles[vectors == 2 ? step &* rows2 &+ rows &- 1 : 4 &* rows2 &+ step &* rows1 &+ rows &- 1]
  }
}

/// Only as many rows are instantiated as the registers hold: `rows2` and `rows1` are constants where this is inlined.
@inlinable @inline(__always)
public func blockedTiles<V: Vector>(_: V.Type, rows2: Int, rows1: Int) -> BlockedTiles<V.Scalar> {
  let tiles = UnsafeMutablePointer<BlockedTile<V.Scalar>>.allocate(capacity: 4 &* (rows2 &+ rows1))
  addTiles2(InlineArray<0, V>.self, tiles, rows2)
  addTiles2(InlineArray<1, V>.self, tiles + rows2, rows2)
  addTiles2(InlineArray<2, V>.self, tiles + 2 &* rows2, rows2)
  addTiles2(InlineArray<3, V>.self, tiles + 3 &* rows2, rows2)
  let narrow = tiles + 4 &* rows2
  addTiles1(InlineArray<0, V>.self, narrow, rows1)
  addTiles1(InlineArray<1, V>.self, narrow + rows1, rows1)
  addTiles1(InlineArray<2, V>.self, narrow + 2 &* rows1, rows1)
  addTiles1(InlineArray<3, V>.self, narrow + 3 &* rows1, rows1)
  return BlockedTiles(rows2: rows2, rows1: rows1, tiles)
}

@inlinable @inline(__always)
func addTiles2<V: Vector, let Step: Int>(
  _ step: InlineArray<Step, V>.Type, _ to: UnsafeMutablePointer<BlockedTile<V.Scalar>>, _ rows: Int
) {
  if rows >= 1 { (to + 0).initialize(to: { blockedTile2(InlineArray<1, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 2 { (to + 1).initialize(to: { blockedTile2(InlineArray<2, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 3 { (to + 2).initialize(to: { blockedTile2(InlineArray<3, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 4 { (to + 3).initialize(to: { blockedTile2(InlineArray<4, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 5 { (to + 4).initialize(to: { blockedTile2(InlineArray<5, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 6 { (to + 5).initialize(to: { blockedTile2(InlineArray<6, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 7 { (to + 6).initialize(to: { blockedTile2(InlineArray<7, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 8 { (to + 7).initialize(to: { blockedTile2(InlineArray<8, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 9 { (to + 8).initialize(to: { blockedTile2(InlineArray<9, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 10 { (to + 9).initialize(to: { blockedTile2(InlineArray<10, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 11 { (to + 10).initialize(to: { blockedTile2(InlineArray<11, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 12 { (to + 11).initialize(to: { blockedTile2(InlineArray<12, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 13 { (to + 12).initialize(to: { blockedTile2(InlineArray<13, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 14 { (to + 13).initialize(to: { blockedTile2(InlineArray<14, V>.self, InlineArray<Step, V>.self, $0) }) }
}
@inlinable @inline(__always)
func addTiles1<V: Vector, let Step: Int>(
  _ step: InlineArray<Step, V>.Type, _ to: UnsafeMutablePointer<BlockedTile<V.Scalar>>, _ rows: Int
) {
  if rows >= 1 { (to + 0).initialize(to: { blockedTile1(InlineArray<1, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 2 { (to + 1).initialize(to: { blockedTile1(InlineArray<2, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 3 { (to + 2).initialize(to: { blockedTile1(InlineArray<3, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 4 { (to + 3).initialize(to: { blockedTile1(InlineArray<4, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 5 { (to + 4).initialize(to: { blockedTile1(InlineArray<5, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 6 { (to + 5).initialize(to: { blockedTile1(InlineArray<6, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 7 { (to + 6).initialize(to: { blockedTile1(InlineArray<7, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 8 { (to + 7).initialize(to: { blockedTile1(InlineArray<8, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 9 { (to + 8).initialize(to: { blockedTile1(InlineArray<9, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 10 { (to + 9).initialize(to: { blockedTile1(InlineArray<10, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 11 { (to + 10).initialize(to: { blockedTile1(InlineArray<11, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 12 { (to + 11).initialize(to: { blockedTile1(InlineArray<12, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 13 { (to + 12).initialize(to: { blockedTile1(InlineArray<13, V>.self, InlineArray<Step, V>.self, $0) }) }
  if rows >= 14 { (to + 13).initialize(to: { blockedTile1(InlineArray<14, V>.self, InlineArray<Step, V>.self, $0) }) }
}
