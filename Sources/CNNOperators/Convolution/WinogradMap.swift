// Images on their way into Winograd's products: x by its overlapping tiles, grad_y by those of y.
import CNNCore
import Microkernels

/// How images[channels][height][width] become tiles.
struct WinogradMap<T: Element> {
  let tiling: WinogradTiling
  let kind: WinogradKernels<T>.Kind
  let channels: Int, height: Int, width: Int
  /// How many cells belong to one of y, and how many more a tile has; and where cell (0, 0) of the first tile lies: `top` rows above.
  let stride: Int, overlap: Int, top: Int, left: Int
  /// Of the transformed tiles: elements from a plane to the next.
  let planeStep: Int

  private var lanes: Int { T.lanes }
  /// Columns of all tiles.
  private var stripWidth: Int { stride &* tiling.columns.extent &+ overlap }
  var blocks: Int { (channels &+ lanes &- 1) / lanes }
  private func bandRows(_ block: WinogradBlock) -> Int {
    stride &* (tiling.rows.start(block.firstRow &+ block.rows) &- tiling.rows.start(block.firstRow)) &+ overlap
  }
  /// Scratch of `transform` for blocks of tiles like these. It begins with `stripCount` elements that are zeros before the first call.
  func workCount(_ blocks: [WinogradBlock]) -> Int {
    stripCount &+ blocks.reduce(0) { max($0, bandRows($1)) } &* width &* lanes
  }
  var stripCount: Int { tiling.rows.points &* stripWidth &* lanes }

  /// A block of channels of an image of a block of tiles; `to` is that of tile 0, the next one a step behind.
  func transform(
    _ x: ImageArray<T>, _ block: WinogradBlock, image: Int, channelBlock: Int, _ to: UnsafeMutablePointer<T>,
    tileStep: Int, _ work: UnsafeMutablePointer<T>
  ) {
    let kernels = T.kernels, lanes = lanes, columns = tiling.columns, stripRow = stripWidth &* lanes
    let line = 64 / MemoryLayout<T>.stride
    let firstRow = stride &* tiling.rows.start(block.firstRow) &- top, n = block.firstImage &+ image
    // The first cell that is read of the rows that the block has, and where it lies in a strip of transformed columns.
    let from: UnsafePointer<T>, rowStep: Int, count: Int, first: Int
    switch x {
    case .blocked(let x):
      from = UnsafePointer(x.inside(n, channelBlock)) + (firstRow &* x.rowStep &- left &* lanes)
      (rowStep, count, first) = (x.rowStep, stripWidth, 0)
    case .planar(let x):
      let band = work + stripCount, rows = bandRows(block), above = min(rows, max(0, 0 &- firstRow))
      let inside = max(0, min(rows, height &- firstRow) &- above), channel = channelBlock &* lanes
      (rowStep, count, first) = (width &* lanes, max(0, min(width, stripWidth &- left)), left)
      zero(band, above &* rowStep)
      let plane = x + (n &* channels &+ channel) &* height &* width
      kernels.transpose(
        plane + (firstRow &+ above) &* width, height &* width, min(lanes, channels &- channel), inside &* width,
        band + above &* rowStep, lanes, true)
      zero(band + (above &+ inside) &* rowStep, (rows &- above &- inside) &* rowStep)
      from = UnsafePointer(band)
    }
    for row in block.firstRow..<block.firstRow &+ block.rows {
      let tile = tiling.rows.size(row), numbers = tiling.numbers(block, image: image, row: row)
      let start = stride &* (tiling.rows.start(row) &- tiling.rows.start(block.firstRow))
      var lines = WinogradLines(
        from: from + start &* rowStep, point: rowStep, step: lanes, to: work + first &* lanes, point: stripRow, step: lanes,
        count: count)
      // The rows behind those of this strip, where x lies in memory: mostly what the next strip reads.
      if case .blocked = x { (lines.soon, lines.soonStep) = (lines.from + (stride &* tile &+ overlap) &* rowStep, 2 &* line) }
      kernels.winograd.run(kind, tile: tile, lines)
      func transformColumns(_ width: Int, _ first: Int, _ count: Int, _ number: Int) {
        kernels.winograd.run(
          kind, tile: width,
          WinogradLines(
            from: UnsafePointer(work) + stride &* columns.start(first) &* lanes, point: lanes, step: stride &* width &* lanes,
            row: stripRow, to: to + number &* tileStep, point: planeStep, step: tileStep, row: columns.points &* planeStep,
            count: count, rows: tiling.rows.span(tile)))
      }
      transformColumns(columns.large, 0, columns.largeCount, numbers.large)
      if columns.smallCount > 0 { transformColumns(columns.small, columns.largeCount, columns.smallCount, numbers.small) }
    }
  }
}
