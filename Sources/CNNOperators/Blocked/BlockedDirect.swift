// The direct convolution into a channel-blocked array, from a blocked one or, where there are few input channels, from a planar one.
import CNNCore
import Microkernels

/// How the tiles of a convolution find their cells in x.
private struct ConvolutionSource {
  /// Of the tiles: what pixels are apart (see BlockedTiles), and elements from a term of a run to the next.
  let step: Int, aStep: Int
  /// All terms of a sum, for a window at offset 0; slices of them are the runs of so many blocks of channels.
  let runs: UnsafePointer<TileRun>, runCount: Int, runsPerBlock: Int
  let columnStep: Int
  /// Windows further apart than tiles know are done one by one.
  let oneByOne: Bool
}

extension Convolution.Sizes {
  /// The largest padding: what halo a blocked x must have at least.
  var neededHalo: Int {
    let pads = planes.window.pads
    return max(max(pads[0], pads[1]), max(pads[2], pads[3]))
  }
  /// Whether the blocks of channels of each group are its own.
  var groupsAreWholeBlocks: Bool {
    let lanes = T.kernels.lanes
    return G == 1 || C % lanes == 0 && K % lanes == 0
  }

  /// y = x * filters, x and y blocked. `filters`: as BlockedFilters packs them.
  func directForward(
    _ x: BlockedArray<T>, _ packing: BlockedFilters<T>, _ filters: UnsafePointer<T>, _ y: BlockedArray<T>,
    _ epilogue: Epilogue<T>
  ) throws(CNNError) {
    let lanes = T.kernels.lanes, window = planes.window, taps = taps
    let blocks = (C &+ lanes &- 1) / lanes
    let runs = try Scratch<TileRun>(blocks &* taps)
    for block in 0..<blocks {
      for t in 0..<taps {
        let row = t / window.kernel[1] &* window.dilations[0], column = t % window.kernel[1] &* window.dilations[1]
        runs.data[block &* taps &+ t] = TileRun(
          offset: block &* x.blockStep &+ row &* x.rowStep &+ column &* lanes, count: min(lanes, C &- block &* lanes))
      }
    }
    // Where rows follow each other without a gap in x, y and residual, pixels are one row, cut where tiles end.
    let isFlat = isPointwise && x.halo == 0 && y.halo == 0 && (epilogue.residual?.halo ?? 0) == 0
    let most = T.kernels.blocked.tiles.rows2
    let columns = isFlat ? min(pixels, 8 &* most) : OW, rows = isFlat ? (pixels &+ columns &- 1) / columns : OH
    let rowStep = isFlat ? columns &* lanes : window.strides[0] &* x.rowStep
    let source = ConvolutionSource(
      step: window.strides[1] <= 2 ? window.strides[1] : 0, aStep: 1, runs: runs.data, runCount: blocks &* taps,
      runsPerBlock: taps, columnStep: window.strides[1] &* lanes, oneByOne: window.strides[1] > 2)
    let first = (x.halo &- window.pads[0]) &* x.rowStep &+ (x.halo &- window.pads[1]) &* lanes
    let xStart = UnsafePointer(x.data) + first, (imageStep, groupStep) = (x.imageStep, blocks &* x.blockStep)

    // A block of rows, of several images maybe, whose pixels stay in the second cache while panel after panel of the filters goes over
    // them; but so small that there are tasks for several threads.
    let rowBytes = max(1, rowStep &* blocks &* MemoryLayout<T>.stride), panels = packing.panels
    let shared = (N &* rows &* G &* panels &+ 15) / 16
    let height = max(1, min(min(N &* rows, 393_216 / rowBytes), shared)), bands = (N &* rows &+ height &- 1) / height
    let tasks = bands &* G &* panels
    parallel(tasks, width: try parallelWidth(tasks, work)) { task, _ in
      let band = task / (G &* panels), g = task / panels % G, panel = task % panels
      forEachSlice(packing, source) { slice in
        for row in band &* height..<min(N &* rows, (band &+ 1) &* height) {
          let n = row / rows, r = row % rows
          let count = isFlat ? min(columns, pixels &- r &* columns) : OW
          tileRow(
            source, xStart + (n &* imageStep &+ g &* groupStep &+ r &* rowStep), packing, filters, y, epilogue, n: n, g: g,
            panel: panel, place: isFlat ? (0, r &* columns) : (r, 0), count, slice)
        }
      }
    }
  }

  /// y = x * filters of a planar x of few channels, whose padded rows are made a band at a time.
  func directForward(
    planar x: UnsafePointer<T>, _ packing: BlockedFilters<T>, _ filters: UnsafePointer<T>, _ y: BlockedArray<T>,
    _ epilogue: Epilogue<T>
  ) throws(CNNError) {
    let window = planes.window
    // As it lies, or in planes where a tap is a shifted array.
    let inImage = !isPadded && window.strides[0] == 1 && window.strides[1] == 1
    let rowBytes = C &* taps &* planes.width &* MemoryLayout<T>.stride / max(1, window.kernel[1])
    let height = min(OH, max(4, min(98_304 / max(1, rowBytes), (N &* OH &+ 15) / 16))), bands = (OH &+ height &- 1) / height
    let band = try PhasePlanes(window, image: planes.image, output: (height, OW))
    let rowStep = inImage ? planes.image.1 : band.width, cells = inImage ? imageCells : band.cells
    let runs = try Scratch<TileRun>(taps)
    for t in 0..<taps {
      let (i, j) = (t / window.kernel[1], t % window.kernel[1])
      runs.data[t] = TileRun(
        offset: inImage ? i &* window.dilations[0] &* rowStep &+ j &* window.dilations[1] : band.offset(i, j), count: C)
    }
    let source = ConvolutionSource(
      step: 0, aStep: cells, runs: runs.data, runCount: taps, runsPerBlock: taps, columnStep: 1, oneByOne: false)
    let all = Slice(firstRun: 0, runs: taps, firstTerm: 0, isFirst: true, isLast: true)
    let tasks = N &* bands, perWorker = inImage ? 0 : G &* C &* cells &+ T.kernels.lanes
    let width = try parallelWidth(tasks, work), scratch = try Scratch<T>(width &* perWorker), scratchData = scratch.data
    parallel(tasks, width: width) { task, worker in
      let n = task / bands, first = task % bands &* height, image = x + n &* G &* C &* imageCells
      let own = scratchData + worker &* perWorker
      if !inImage {
        for c in 0..<G &* C { band.fill(own + c &* cells, image + c &* imageCells, padding: 0, firstRow: first) }
      }
      let from = inImage ? image + first &* rowStep : UnsafePointer(own)
      for g in 0..<G {
        for panel in 0..<packing.panels {
          for r in 0..<min(height, OH &- first) {
            tileRow(
              source, from + (g &* C &* cells &+ r &* rowStep), packing, filters, y, epilogue, n: n, g: g, panel: panel,
              place: (first &+ r, 0), OW, all)
          }
        }
      }
    }
  }
  private var isPadded: Bool {
    let pads = planes.window.pads
    return pads[0] > 0 || pads[1] > 0 || pads[2] > 0 || pads[3] > 0
  }

  /// A part of the terms of all sums.
  private struct Slice {
    let firstRun: Int, runs: Int, firstTerm: Int
    let isFirst: Bool, isLast: Bool
  }
  /// So many blocks of input channels at a time as have their part of a panel in the second cache, beside x.
  private func forEachSlice(_ packing: BlockedFilters<T>, _ source: ConvolutionSource, _ body: (Slice) -> Void) {
    let lanes = T.kernels.lanes, perBlock = source.runsPerBlock, blocks = source.runCount / perBlock
    let bytes = perBlock &* lanes &* 2 &* lanes &* MemoryLayout<T>.stride
    let (parts, _) = balanced(blocks, most: max(1, 196_608 / bytes))
    for i in 0..<parts {
      let (first, count) = part(i, of: parts, blocks)
      body(
        Slice(
          firstRun: first &* perBlock, runs: count &* perBlock, firstTerm: first &* lanes &* perBlock, isFirst: i == 0,
          isLast: i == parts &- 1))
    }
  }

  /// `count` pixels of y from `place` (row, column) on, of one panel of output channels.
  private func tileRow(
    _ source: ConvolutionSource, _ x: UnsafePointer<T>, _ packing: BlockedFilters<T>, _ filters: UnsafePointer<T>,
    _ y: BlockedArray<T>, _ epilogue: Epilogue<T>, n: Int, g: Int, panel: Int, place: (row: Int, column: Int), _ count: Int,
    _ slice: Slice
  ) {
    let lanes = T.kernels.lanes, tiles = T.kernels.blocked.tiles, vectors = packing.vectors(panel)
    let block = g &* packing.blocks &+ 2 &* panel, width = vectors &* lanes
    let to = y.inside(n, block) + (place.row &* y.rowStep &+ place.column &* lanes)
    let residual = slice.isLast ? epilogue.residual : nil
    let added = residual.map { UnsafePointer($0.inside(n, block)) + (place.row &* $0.rowStep &+ place.column &* lanes) }
    let most = source.oneByOne ? 1 : vectors == 2 ? tiles.rows2 : tiles.rows1
    let (parts, _) = balanced(count, most: most)
    for i in 0..<parts {
      let (m, rows) = part(i, of: parts, count)
      tiles.run(
        vectors: vectors, step: source.step, rows: rows,
        BlockedTileOperands(
          a: x + m &* source.columnStep, aStep: source.aStep, runs: source.runs + slice.firstRun, runCount: slice.runs,
          b: filters + (packing.panel(g, panel) &+ slice.firstTerm &* width), c: to + m &* lanes, cBlock: y.blockStep,
          continues: !slice.isFirst, bias: filters + (packing.weights &+ block &* lanes),
          residual: added.map { $0 + m &* lanes },
          residualBlock: residual?.blockStep ?? 0, limits: slice.isLast ? epilogue.limits : nil))
    }
  }
}
