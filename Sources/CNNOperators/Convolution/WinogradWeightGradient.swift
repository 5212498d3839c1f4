// grad_weight by Winograd's algorithm: the forward's products, transposed. Transformed tiles of x and of grad_y are multiplied for each pair
// of channels and summed over all tiles; what comes of the 36 planes is transformed into 3 x 3 taps.
import CNNCore
import Microkernels

extension Winograd {
  /// Tiles are summed in their order, whatever the number of threads.
  func weightGradient(
    _ x: ImageArray<T>, _ gradY: ImageArray<T>, _ gradWeight: UnsafeMutablePointer<T>
  ) throws(CNNError) {
    let lanes = lanes, (C, K) = (C, K), planes = tiling.planes, columnPoints = tiling.columns.filterPoints
    let blocks = tiling.blocks(Winograd.tilesPerSum)
    let tiles = blocks.reduce(0) { max($0, tiling.tiles(of: $1)) }
    // Transformed x[planes][pairs of blocks of C][T][2][B] and grad_y[planes][panels][T][2][B]; a task's sums, of the filters'
    // points: [planes][2][channels][B].
    let panels = filters.panels, inputs = inputMap(tiles: tiles)
    let channelBlocks = channelBlocks
    func vectors(_ pair: Int) -> Int { min(2, channelBlocks &- 2 &* pair) }
    let gradients = WinogradMap<T>(
      tiling: tiling, kind: tiling.stride == 1 ? .evaluateTile : .stridedEvaluateTile, channels: K, height: OH, width: OW,
      stride: 1, overlap: 0, top: 0, left: 0,
      planeStep: odd(panels &* tiles &* 2))
    let group = min(channelBlocks, 2), groups = (channelBlocks &+ group &- 1) / group, tasks = panels &* groups
    let width = try parallelWidth(max(tasks, blocks[0].images &* (channelBlocks &+ filters.blocks)), work)
    // Few pairs of channels are too few tasks for several threads: then each row of the filters' points is one.
    let parts = width > 1 && tasks < 4 &* width ? tiling.rows.filterPoints : 1
    let inputData = try Scratch<T>(planes &* inputs.planeStep), gradientData = try Scratch<T>(planes &* gradients.planeStep)
    let sumStep = odd(2 &* group &* lanes), sumCount = tiling.filterPlanes &* sumStep
    let isSummedAtOnce = blocks.count == 1 && parts == 1, sumData = try Scratch<T>(sumCount &* (isSummedAtOnce ? width : tasks))
    let workCount = max(inputs.workCount(blocks), gradients.workCount(blocks), lanes &* (3 &* columnPoints &+ 9) &* lanes)
    let scratch = try Scratch<T>(width &* 2 &* workCount)
    let (x0, y0, sums, work) = (inputData.data, gradientData.data, sumData.data, scratch.data)

    for (b, block) in blocks.enumerated() {
      // The strips of both maps begin with zeros, and each has its own.
      for worker in 0..<width {
        zero(work + 2 &* worker &* workCount, inputs.stripCount)
        zero(work + (2 &* worker &+ 1) &* workCount, gradients.stripCount)
      }
      let perImage = channelBlocks &+ filters.blocks
      parallel(block.images &* perImage, width: width) { task, worker in
        let image = task / perImage, i = task % perImage, k = i &- channelBlocks, own = work + 2 &* worker &* workCount
        if k < 0 {
          let to = x0 + (i / 2 &* tiles &* 2 &+ i % 2) &* lanes
          inputs.transform(x, block, image: image, channelBlock: i, to, tileStep: vectors(i / 2) &* lanes, own)
        } else {
          let to = y0 + (k / 2 &* tiles &* 2 &+ k % 2) &* lanes
          gradients.transform(
            gradY, block, image: image, channelBlock: k, to, tileStep: filters.vectors(k / 2) &* lanes, own + workCount)
        }
      }
      // Neighbours in a row of grad_weight come one after another: lines of the caches that they share are written once.
      func finish(_ task: Int, _ worker: Int) {
        let panel = task / groups, first = task % groups &* group, own = sums + (isSummedAtOnce ? worker : task) &* sumCount
        for v in 0..<filters.vectors(panel) {
          for block in 0..<min(group, channelBlocks &- first) {
            let c = (first &+ block) &* lanes, k = (2 &* panel &+ v) &* lanes
            transformSums(
              UnsafePointer(own) + (v &* group &+ block) &* lanes &* lanes, sumStep, channels: min(lanes, C &- c),
              filters: min(lanes, K &- k), gradWeight + (k &* C &+ c) &* 9, work + 2 &* worker &* workCount)
          }
        }
      }
      let isLast = b == blocks.count &- 1
      parallel(tasks &* parts, width: width) { i, worker in
        let task = i / parts, panel = task / groups, first = task % groups &* group, count = min(group, channelBlocks &- first)
        multiply(
          UnsafePointer(x0) + first &* tiles &* lanes, xStep: inputs.planeStep, tileStep: count &* lanes,
          UnsafePointer(y0) + panel &* tiles &* 2 &* lanes, yStep: gradients.planeStep, block,
          row: parts == 1 ? nil : i % parts, channels: min(count &* lanes, C &- first &* lanes),
          vectors: filters.vectors(panel),
          continues: b > 0, sums + (isSummedAtOnce ? worker : task) &* sumCount, sumStep: sumStep,
          sumBlock: group &* lanes &* lanes)
        if isLast && parts == 1 { finish(task, worker) }
      }
      if isLast && parts > 1 { parallel(tasks, width: width, finish) }
    }
  }
  static var tilesPerSum: Int { 128 }

  /// sums[planes][2][channels][B], of one row of the filters' points or all, of some channels of x and a panel of grad_y: tiles of channels x
  /// a panel, over the tiles of the block.
  private func multiply(
    _ x: UnsafePointer<T>, xStep: Int, tileStep: Int, _ y: UnsafePointer<T>, yStep: Int, _ block: WinogradBlock,
    row: Int?, channels: Int, vectors: Int, continues: Bool, _ sums: UnsafeMutablePointer<T>, sumStep: Int,
    sumBlock: Int
  ) {
    let kernels = T.kernels.blocked.tiles, lanes = lanes, (rows, columns) = (tiling.rows, tiling.columns)
    for i in 0..<rows.points where row == nil || rows.filterPoint(i) == row {
      for part in 0..<2 {
        let range = columns.pointsAlike[part]
        for first in stride(from: range.lowerBound, to: range.upperBound, by: columns.productsInOrder) {
          let count = min(columns.productsInOrder, range.upperBound &- first), plane = i &* columns.points &+ first
          let to = sums + (rows.filterPoint(i) &* columns.filterPoints &+ columns.filterPoint(first)) &* sumStep
          let tiles = tiling.tiles(block, i, first), start = tiles.lowerBound
          // Whether these are the first products that have these points of the filters.
          let continues = continues || !rows.isFirst(i) || !columns.isFirst(first)
          // A block may have no tile in a plane: then there is nothing to add, and to begin with zeros.
          if tiles.isEmpty {
            if !continues { zero(to, count &* sumStep) }
            continue
          }
          let run = TileRun(offset: 0, count: tiles.count), b = y + (plane &* yStep &+ start &* vectors &* lanes)
          withUnsafePointer(to: run) { run in
            kernels.run(
              vectors: vectors, step: 0, pixels: channels, products: count, aProduct: xStep, bProduct: yStep,
              cProduct: sumStep, soonProduct: yStep,
              BlockedTileOperands(
                a: x + (plane &* xStep &+ start &* tileStep), aStep: tileStep, aPixel: 1, runs: run, runCount: 1, b: b, c: to,
                cStep: lanes, cBlock: sumBlock, continues: continues))
          }
        }
      }
    }
  }

  /// gradWeight[filters][channels][3][3] of sums[planes][channels][B].
  private func transformSums(
    _ sums: UnsafePointer<T>, _ sumStep: Int, channels: Int, filters: Int, _ gradWeight: UnsafeMutablePointer<T>,
    _ work: UnsafeMutablePointer<T>
  ) {
    let kernels = T.kernels, lanes = lanes, points = tiling.columns.filterPoints
    let taps = work + channels &* 3 &* points &* lanes, kind = tiling.stride == 1 ? Kind.sumFilter : .stridedSumFilter
    kernels.winograd.run(
      kind, tile: tiling.rows.large,
      WinogradLines(
        from: sums, point: points &* sumStep, step: sumStep, row: lanes, to: work, point: points &* lanes, step: lanes,
        row: 3 &* points &* lanes, count: points, rows: channels))
    kernels.winograd.run(
      kind, tile: tiling.columns.large,
      WinogradLines(
        from: UnsafePointer(work), point: lanes, step: points &* lanes, row: 3 &* points &* lanes, to: taps, point: lanes,
        step: 3 &* lanes, row: 9 &* lanes, count: 3, rows: channels))
    kernels.transpose(UnsafePointer(taps), lanes, channels &* 9, filters, gradWeight, C &* 9, false)
  }
}
