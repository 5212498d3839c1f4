// Winograd's algorithm (Lavin & Gray 2015, "Fast Algorithms for Convolutional Neural Networks") for filters of 3 x 3: tiles of
// 4 x 4 pixels of y from 6 x 6 of x by 36 products instead of 144; or, where windows are 2 apart, from 9 x 9 by 81. For each of these,
// the transformed tiles are the rows of a matrix product over the channels.
//
// Tiles are worked on in blocks that leave the transformed x and the products in the second cache (Gelashvili, Shavit & Zlateski 2019,
// "L3 Fusion: Fast Transformed Convolutions on CPUs"). Arrays of a block, of T tiles:
//   transformed x[planes][blocks of C][T][B], products[planes][2][T][B], planes an odd number of vectors apart
import CNNCore
import Microkernels

/// A convolution by Winograd's algorithm: sizes, and the steps that forward and the gradients are made of.
struct Winograd<T: Element> {
  let N: Int, C: Int, H: Int, W: Int, K: Int, OH: Int, OW: Int
  /// Rows above, columns to the left.
  let top: Int, left: Int
  let tiling: WinogradTiling
  private var stride: Int { tiling.stride }
  /// Whether it is the way back of windows that are 2 apart: from the gradient of y, K channels in the letters of there, to that of x.
  let givesGradient: Bool
  typealias Kind = WinogradKernels<T>.Kind
  /// As many tiles as are worth having in a block.
  let tilesOfBlock: Int
  let blocks: [WinogradBlock]
  let filters: WinogradFilters<T>
  let kernels = T.kernels.blocked.tiles
  let lanes = T.lanes

  /// Whether filters are transformed as they are used. It takes longer than to read them from the third cache, but less than from memory;
  /// and where they are used for one call, less than to write and read them.
  let transformsInPlace: Bool

  /// nil where y is too small to be cut. `reused`: filters are prepared for many calls.
  init?(
    N: Int, C: Int, K: Int, image: (Int, Int), output: (Int, Int), stride: Int, givesGradient: Bool = false, top: Int,
    left: Int, reused: Bool
  ) {
    let scale = givesGradient ? 2 : 1
    guard
      let tiling = WinogradTiling(images: N, height: output.0 / scale, width: output.1 / scale, stride: stride)
    else { return nil }
    (self.N, self.C, self.K, self.top, self.left, self.tiling) = (N, C, K, top, left, tiling)
    self.givesGradient = givesGradient
    (H, W) = image
    (OH, OW) = output
    filters = WinogradFilters(C: C, K: K, tiling)
    let bytes = filters.transformedCount &* MemoryLayout<T>.stride
    // In place only once: for one block of tiles, which may be larger then.
    transformsInPlace = tiling.tiles <= Winograd.tilesInPlace && (!reused || bytes > Winograd.heldInThirdCache)
    tilesOfBlock =
      transformsInPlace ? Winograd.tilesInPlace : stride == 1 ? Winograd.tilesPerBlock : Winograd.tilesPerStridedBlock
    blocks = tiling.blocks(tilesOfBlock)
  }

  var channelBlocks: Int { (C &+ lanes &- 1) / lanes }

  /// An odd number of vectors, or planes would fall into the same sets of the first cache.
  func odd(_ vectors: Int) -> Int { (vectors | 1) &* lanes }
  /// x, transformed in blocks of so many tiles.
  func inputMap(tiles: Int) -> WinogradMap<T> {
    let kind: Kind = givesGradient ? .stridedGradient : stride == 1 ? .input : .stridedInput
    return WinogradMap(
      tiling: tiling, kind: kind, channels: C, height: H, width: W, stride: givesGradient ? 1 : stride, overlap: 3 &- stride,
      top: top, left: left, planeStep: odd(channelBlocks &* tiles))
  }
  var work: Work { .multiplyAdds(tiling.products, C, K) }

  /// Elements of the filters in the form that `forward` wants them in, and of whole blocks of biases.
  var preparedCount: Int { filterCount &+ filters.blocks &* lanes }
  /// Tells prepared filters apart whose elements are as many (see Prepared).
  var form: Int { transformsInPlace ? 2 : 64 &* stride &+ 8 &* filters.rowPoints &+ filters.columnPoints }
  private var filterCount: Int { transformsInPlace ? filters.packedCount : filters.transformedCount }

  /// The filters in that form, and the biases behind them; no bias: zeros. `turned`, `factor`: see WinogradFilters.
  @_specialize(where T == Float) @_specialize(where T == Double)
  func prepare(
    _ weight: UnsafePointer<T>, turned: Bool = false, factor: UnsafePointer<T>? = nil, bias: UnsafePointer<T>?,
    _ prepared: UnsafeMutablePointer<T>
  ) throws(CNNError) {
    copyBiases(bias, prepared + filterCount)
    if transformsInPlace { return try filters.pack(weight, turned: turned, factor: factor, prepared) }
    let packed = try Scratch<T>(filters.packedCount)
    try filters.pack(weight, turned: turned, factor: factor, packed.data)
    try filters.transform(packed.data, prepared)
  }
  func biases(_ prepared: UnsafePointer<T>) -> UnsafePointer<T> { prepared + filterCount }
  /// In whole blocks.
  func copyBiases(_ bias: UnsafePointer<T>?, _ to: UnsafeMutablePointer<T>) {
    zero(to, filters.blocks &* lanes)
    if let bias { copy(bias, to: to, K) }
  }

  /// The products in row i of the planes, of a block's tiles and some channels of a panel of filters, added to those that are there or not;
  /// u is the row of the filters' planes that it meets. ahead: what the products ask for; else that is the next plane of u.
  func multiply(
    row i: Int, _ x: UnsafePointer<T>, _ block: WinogradBlock, tiles: Int, runs: UnsafePointer<TileRun>, runCount: Int,
    _ u: UnsafePointer<T>, planeStep: Int, vectors: Int, continues: Bool, ahead: WinogradFilters<T>.Ahead? = nil,
    _ to: UnsafeMutablePointer<T>
  ) {
    let inputStep = odd(channelBlocks &* tiles), productStep = odd(2 &* tiles), width = vectors &* lanes
    let axis = tiling.columns
    for part in 0..<2 {
      let columns = axis.pointsAlike[part]
      if columns.isEmpty { continue }
      let range = tiling.tiles(block, i, columns.lowerBound), tile = range.lowerBound &* lanes
      if range.isEmpty { continue }
      let soon =
        ahead?.first ?? kernels.ahead(u, vectors: vectors, pixels: range.count, terms: planeStep / width, width: width)
      var operands = BlockedTileOperands(
        a: x + tile, aStep: 1, aPixel: lanes, runs: runs, runCount: runCount, b: u, soon: soon, c: to + tile, cStep: lanes,
        cBlock: tiles &* lanes, continues: continues)
      for column in Swift.stride(from: columns.lowerBound, to: columns.upperBound, by: axis.productsInOrder) {
        let plane = i &* axis.points &+ column
        operands.a = x + (plane &* inputStep &+ tile)
        operands.b = u + axis.filterPoint(column) &* planeStep
        operands.c = to + (plane &* productStep &+ tile)
        operands.soon.first = ahead.map { $0.first.first + column &* $0.product } ?? operands.b + planeStep
        kernels.run(
          vectors: vectors, step: 1, pixels: range.count, products: min(axis.productsInOrder, columns.upperBound &- column),
          aProduct: inputStep, bProduct: planeStep, cProduct: productStep, soonProduct: ahead?.product ?? planeStep, operands)
      }
    }
  }

  /// Scratch of `transformOutput`.
  var outputWorkCount: Int { (tiling.rows.points &+ scale &* tiling.rows.large) &* OW &* lanes }
  /// Cells of the result, in either direction, for one of a tile.
  private var scale: Int { givesGradient ? 2 : 1 }

  /// y of a block of output channels of an image of a block of tiles; of a blocked one the halo too, while its rows are in the caches.
  func transformOutput(
    _ products: UnsafePointer<T>, _ block: WinogradBlock, tiles: Int, image: Int, outputBlock: Int, bias: UnsafePointer<T>,
    _ epilogue: Epilogue<T>, _ y: ImageArray<T>, _ work: UnsafeMutablePointer<T>
  ) {
    let kernels = T.kernels, lanes = lanes, columns = tiling.columns, stripRow = OW &* lanes, planeStep = odd(2 &* tiles)
    let n = block.firstImage &+ image,
      kind: WinogradKernels<T>.Sums = givesGradient ? .stridedGradient : stride == 1 ? .tile : .stridedTile
    for row in block.firstRow..<block.firstRow &+ block.rows {
      let tile = tiling.rows.size(row), points = tiling.rows.span(tile)
      let size = scale &* tile, start = scale &* tiling.rows.start(row)
      let numbers = tiling.numbers(block, image: image, row: row)
      func transformColumns(_ width: Int, _ first: Int, _ count: Int, _ number: Int) {
        kernels.winograd.sum(
          kind, tile: width,
          WinogradLines(
            from: products + number &* lanes, point: planeStep, step: lanes, row: columns.points &* planeStep,
            to: work + scale &* columns.start(first) &* lanes, point: lanes, step: scale &* width &* lanes, row: stripRow,
            count: count,
            rows: points))
      }
      transformColumns(columns.large, 0, columns.largeCount, numbers.large)
      if columns.smallCount > 0 { transformColumns(columns.small, columns.largeCount, columns.smallCount, numbers.small) }
      var finish = WinogradFinish(bias: bias + outputBlock &* lanes, limits: epilogue.limits)
      if let residual = epilogue.residual {
        finish.residual = UnsafePointer(residual.inside(n, outputBlock)) + start &* residual.rowStep
        (finish.residualPoint, finish.residualStep) = (residual.rowStep, lanes)
      }
      let to: UnsafeMutablePointer<T>, rowStep: Int
      switch y {
      case .blocked(let y): (to, rowStep) = (y.inside(n, outputBlock) + start &* y.rowStep, y.rowStep)
      case .planar: (to, rowStep) = (work + points &* stripRow, stripRow)
      }
      kernels.winograd.sum(
        kind, tile: tile,
        WinogradLines(from: UnsafePointer(work), point: stripRow, step: lanes, to: to, point: rowStep, step: lanes, count: OW),
        finish)
      if case .planar(let y) = y {
        let k = outputBlock &* lanes, plane = UnsafeMutablePointer(mutating: y) + (n &* K &+ k) &* OH &* OW
        kernels.transpose(UnsafePointer(to), lanes, size &* OW, min(lanes, K &- k), plane + start &* OW, OH &* OW, false)
      }
    }
    if case .blocked(let y) = y {
      let first = scale &* tiling.rows.start(block.firstRow), end = scale &* tiling.rows.start(block.firstRow &+ block.rows)
      y.clearHalo(n, outputBlock, rows: first..<end)
    }
  }
}
