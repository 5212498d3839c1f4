// What direct convolutions on channel-blocked arrays come down to: windows at even distances, times packed filters, into every pixel of
// y, or into every other one of its rows and columns.
import CNNCore
import Microkernels

struct DirectProduct<T: Element> {
  let packing: BlockedFilters<T>, filters: UnsafePointer<T>
  /// At hand, because a look at the table of kernels counts its references, which takes as long as a small tile.
  private let tiles = T.kernels.blocked.tiles
  /// Whole blocks of them, or none.
  var bias: UnsafePointer<T>?

  // Where x lies

  /// Of the tiles: what pixels are apart (see BlockedTiles), and elements from a term of a run to the next.
  let step: Int, aStep: Int
  /// All terms of a sum, for a window at offset 0; the runs of a block of channels stand together.
  let runs: UnsafeMutablePointer<TileRun>, runsPerBlock: Int, runCount: Int
  /// From window to window, and from a row of windows to the next.
  let columnStep: Int, rowStep: Int
  /// Windows further apart than tiles know are done one by one.
  var oneByOne = false

  // Where y lies

  /// From y's pixel (0, 0) to the first that is written; from one to the next, and from a row to the next.
  var first = 0
  let pixelStep: Int, pixelRow: Int
  /// Whether pixels are one row, cut into parts, but y has a halo: the worker's memory takes a panel's results first.
  var isScattered = false
  /// Whether these are all of y's pixels: then its halo is written too, while the cells beside it are in the worker's caches.
  var writesHalo = false
  /// Whether sums go on from what is there; without a bias.
  var adds = false
  var epilogue = Epilogue<T>(), residualRow = 0

  /// A part of the terms of all sums.
  struct Slice {
    let firstRun: Int, runs: Int, firstTerm: Int
    let isFirst: Bool, isLast: Bool
  }
  var all: Slice { Slice(firstRun: 0, runs: runCount, firstTerm: 0, isFirst: true, isLast: true) }

  /// Windows of `rows` rows of x, `columns` in each, `total` in all, for each of N images; x is the first window of the first image.
  func run(
    _ x: UnsafePointer<T>, imageStep: Int, groupStep: Int, N: Int, rows: Int, columns: Int, total: Int,
    _ y: BlockedArray<T>, _ work: Work
  ) throws(CNNError) {
    let G = packing.G, panels = packing.panels, allRows = N &* rows
    // A block of rows, of several images maybe, whose slice of channels stays in the second cache while panel after panel of the filters
    // goes over it; but so small that there are tasks for several threads, which come out even.
    let width = try parallelWidth(allRows &* G &* panels, work), wanted = 8 &* width
    let rowBytes = max(1, rowStep &* slices.size &* MemoryLayout<T>.stride)
    let shared = (allRows &* G &* panels &+ 2 &* wanted &- 1) / (2 &* wanted)
    let (bands, _) = balanced(allRows, most: max(1, min(131_072 / rowBytes, shared)))
    // Panels that a slice of x goes through while it is in the caches.
    let (groups, _) = balanced(panels, most: max(1, bands &* G &* panels / wanted))
    lookAhead()
    let rowCells = columns &* packing.lanes, panelBlock = (allRows &+ bands &- 1) / bands &* rowCells
    let perWorker = isScattered ? (panels &+ groups &- 1) / groups &* 2 &* panelBlock : 0
    let scratch = try Scratch<T>(width &* perWorker), scratchData = scratch.data
    parallel(bands &* G &* groups, width: width) { task, worker in
      let (firstRow, rowCount) = part(task / (G &* groups), of: bands, allRows), g = task / groups % G
      let (firstPanel, panelCount) = part(task % groups, of: groups, panels)
      forEachSlice { slice in
        for panel in firstPanel..<firstPanel &+ panelCount {
          let own = scratchData + (worker &* perWorker &+ (panel &- firstPanel) &* (isScattered ? 2 &* panelBlock : 0))
          for row in firstRow..<firstRow &+ rowCount {
            let n = row / rows, r = row % rows
            tileRow(
              x + (n &* imageStep &+ g &* groupStep &+ r &* rowStep), g: g, panel: panel, row: r, y, image: n,
              min(columns, total &- r &* columns), slice,
              elsewhere: isScattered ? (own + (row &- firstRow) &* rowCells, panelBlock) : nil)
          }
          if !slice.isLast || !isScattered && !writesHalo { continue }
          for n in firstRow / rows..<(firstRow &+ rowCount &+ rows &- 1) / rows {
            let first = max(firstRow, n &* rows), last = min(firstRow &+ rowCount, (n &+ 1) &* rows)
            let pixels = (first &- n &* rows) &* columns..<min(total, (last &- n &* rows) &* columns)
            for v in 0..<packing.vectors(panel) {
              let block = g &* packing.blocks &+ 2 &* panel &+ v
              if isScattered {
                y.scatter(UnsafePointer(own) + (v &* panelBlock &+ (first &- firstRow) &* rowCells), pixels: pixels, n, block)
              }
              if writesHalo { y.clearHalo(n, block, besidePixels: pixels) }
            }
          }
        }
      }
    }
  }

  /// Each run asks for what the fourth behind it will read, the last ones of a slice for the first ones of the next tile: about as far
  /// ahead as memory that is in no cache of the core's own takes to come.
  private func lookAhead() {
    let distance = 4
    forEachSlice { slice in
      let end = slice.firstRun &+ slice.runs
      for i in slice.firstRun..<end {
        let next = i &+ distance
        runs[i].soon =
          next < end
          ? runs[next].offset
          : runs[min(slice.firstRun &+ next &- end, i)].offset &+ tiles.rows2 &* columnStep
      }
    }
  }

  /// So many blocks of input channels at a time as have their part of a panel in the first cache, beside x.
  private var slices: (parts: Int, size: Int) {
    let lanes = packing.lanes, bytes = runsPerBlock &* lanes &* 2 &* lanes &* MemoryLayout<T>.stride
    return balanced(runCount / runsPerBlock, most: max(1, 16_384 / bytes))
  }
  func forEachSlice(_ body: (Slice) -> Void) {
    let lanes = packing.lanes, blocks = runCount / runsPerBlock, parts = slices.parts
    for i in 0..<parts {
      let (first, count) = part(i, of: parts, blocks)
      body(
        Slice(
          firstRun: first &* runsPerBlock, runs: count &* runsPerBlock, firstTerm: first &* lanes &* runsPerBlock,
          isFirst: i == 0, isLast: i == parts &- 1))
    }
  }

  /// `count` windows from `x` on, for one panel of output channels, into a row of an image of y, or elsewhere, where its blocks are so far apart.
  func tileRow(
    _ x: UnsafePointer<T>, g: Int, panel: Int, row: Int, _ y: BlockedArray<T>, image: Int, _ count: Int, _ slice: Slice,
    elsewhere: (UnsafeMutablePointer<T>, block: Int)? = nil
  ) {
    let block = g &* packing.blocks &+ 2 &* panel, residual = slice.isLast ? epilogue.residual : nil
    tileRow(
      x, g: g, panel: panel, to: elsewhere?.0 ?? y.inside(image, block) + (first &+ row &* pixelRow),
      block: elsewhere?.block ?? y.blockStep,
      residual: residual.map { UnsafePointer($0.inside(image, block)) + row &* residualRow },
      residualBlock: residual?.blockStep ?? 0, count, slice)
  }

  /// The same from `to` on, where the two blocks of a panel are `block` apart.
  func tileRow(
    _ x: UnsafePointer<T>, g: Int, panel: Int, to: UnsafeMutablePointer<T>, block: Int, residual: UnsafePointer<T>? = nil,
    residualBlock: Int = 0, _ count: Int, _ slice: Slice
  ) {
    let vectors = packing.vectors(panel), width = vectors &* packing.lanes
    let b = filters + (packing.panel(g, panel) &+ slice.firstTerm &* width)
    tiles.run(
      vectors: vectors, step: step, pixels: count, most: oneByOne ? 1 : nil,
      BlockedTileOperands(
        a: x, aStep: aStep, aPixel: columnStep, runs: UnsafePointer(runs + slice.firstRun), runCount: slice.runs, b: b,
        soon: tiles.ahead(
          b + packing.terms &* width, vectors: vectors, pixels: count, terms: slice.runs &* packing.lanes, width: width),
        c: to, cStep: pixelStep, cBlock: block, continues: adds || !slice.isFirst,
        bias: bias.map { $0 + packing.bias(g, panel) }, residual: residual, residualBlock: residualBlock,
        limits: slice.isLast ? epilogue.limits : nil))
  }
}
