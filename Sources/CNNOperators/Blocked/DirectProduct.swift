// What direct convolutions on channel-blocked arrays come down to: windows at even distances, times packed filters, into every pixel of
// y, or into every other one of its rows and columns.
import CNNCore
import Microkernels

struct DirectProduct<T: Element> {
  let packing: BlockedFilters<T>, filters: UnsafePointer<T>
  /// Whole blocks of them, or none.
  var bias: UnsafePointer<T>?

  // Where x lies

  /// Of the tiles: what pixels are apart (see BlockedTiles), and elements from a term of a run to the next.
  let step: Int, aStep: Int
  /// All terms of a sum, for a window at offset 0; the runs of a block of channels stand together.
  let runs: UnsafePointer<TileRun>, runsPerBlock: Int, runCount: Int
  /// From window to window, and from a row of windows to the next.
  let columnStep: Int, rowStep: Int
  /// Windows further apart than tiles know are done one by one.
  var oneByOne = false

  // Where y lies

  let y: BlockedArray<T>
  /// From its pixel (0, 0) to the first that is written; from one to the next, and from a row to the next.
  var first = 0
  let pixelStep: Int, pixelRow: Int
  var epilogue = Epilogue<T>(), residualRow = 0

  /// A part of the terms of all sums.
  struct Slice {
    let firstRun: Int, runs: Int, firstTerm: Int
    let isFirst: Bool, isLast: Bool
  }
  var all: Slice { Slice(firstRun: 0, runs: runCount, firstTerm: 0, isFirst: true, isLast: true) }

  /// Windows of `rows` rows of x, `columns` in each, `total` in all, for each of N images; x is the first window of the first image.
  func run(
    _ x: UnsafePointer<T>, imageStep: Int, groupStep: Int, N: Int, rows: Int, columns: Int, total: Int, _ work: Work
  ) throws(CNNError) {
    let G = packing.G, panels = packing.panels, blocks = runCount / runsPerBlock
    // A block of rows, of several images maybe, whose pixels stay in the second cache while panel after panel of the filters goes over
    // them; but so small that there are tasks for several threads.
    let rowBytes = max(1, rowStep &* blocks &* MemoryLayout<T>.stride)
    let shared = (N &* rows &* G &* panels &+ 15) / 16
    let height = max(1, min(min(N &* rows, 393_216 / rowBytes), shared)), bands = (N &* rows &+ height &- 1) / height
    let tasks = bands &* G &* panels
    parallel(tasks, width: try parallelWidth(tasks, work)) { task, _ in
      let band = task / (G &* panels), g = task / panels % G, panel = task % panels
      forEachSlice { slice in
        for row in band &* height..<min(N &* rows, (band &+ 1) &* height) {
          let n = row / rows, r = row % rows
          tileRow(
            x + (n &* imageStep &+ g &* groupStep &+ r &* rowStep), n: n, g: g, panel: panel, row: r,
            min(columns, total &- r &* columns), slice)
        }
      }
    }
  }

  /// So many blocks of input channels at a time as have their part of a panel in the second cache, beside x.
  private func forEachSlice(_ body: (Slice) -> Void) {
    let lanes = T.kernels.lanes, blocks = runCount / runsPerBlock
    let bytes = runsPerBlock &* lanes &* 2 &* lanes &* MemoryLayout<T>.stride
    let (parts, _) = balanced(blocks, most: max(1, 196_608 / bytes))
    for i in 0..<parts {
      let (first, count) = part(i, of: parts, blocks)
      body(
        Slice(
          firstRun: first &* runsPerBlock, runs: count &* runsPerBlock, firstTerm: first &* lanes &* runsPerBlock,
          isFirst: i == 0, isLast: i == parts &- 1))
    }
  }

  /// `count` windows of a row, from `x` on, for one panel of output channels.
  func tileRow(_ x: UnsafePointer<T>, n: Int, g: Int, panel: Int, row: Int, _ count: Int, _ slice: Slice) {
    let lanes = T.kernels.lanes, tiles = T.kernels.blocked.tiles, vectors = packing.vectors(panel)
    let block = g &* packing.blocks &+ 2 &* panel, width = vectors &* lanes
    let to = y.inside(n, block) + (first &+ row &* pixelRow)
    let residual = slice.isLast ? epilogue.residual : nil
    let added = residual.map { UnsafePointer($0.inside(n, block)) + row &* residualRow }
    let most = oneByOne ? 1 : vectors == 2 ? tiles.rows2 : tiles.rows1
    let (parts, _) = balanced(count, most: most)
    for i in 0..<parts {
      let (m, rows) = part(i, of: parts, count)
      tiles.run(
        vectors: vectors, step: step, rows: rows,
        BlockedTileOperands(
          a: x + m &* columnStep, aStep: aStep, runs: runs + slice.firstRun, runCount: slice.runs,
          b: filters + (packing.panel(g, panel) &+ slice.firstTerm &* width), c: to + m &* pixelStep, cStep: pixelStep,
          cBlock: y.blockStep, continues: !slice.isFirst, bias: bias.map { $0 + block &* lanes },
          residual: added.map { $0 + m &* pixelStep }, residualBlock: residual?.blockStep ?? 0,
          limits: slice.isLast ? epilogue.limits : nil))
    }
  }
}
