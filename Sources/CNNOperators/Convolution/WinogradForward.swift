// y = x * weight + bias by Winograd's algorithm: how the blocks of tiles are shared among threads.
import CNNCore
import Microkernels

extension Winograd {
  /// So many tiles that the transformed x, products and strips of a block fit the second cache.
  static var tilesPerBlock: Int { 28 }
  /// As many as that where windows are 2 apart, of which a whole image of 28 x 28: filters weigh more there.
  static var tilesPerStridedBlock: Int { 49 }
  /// Where filters are transformed in place: the most tiles.
  static var tilesInPlace: Int { 64 }
  /// Filters of so many bytes stay in the third cache from run to run, beside those of other layers; larger ones come from memory.
  static var heldInThirdCache: Int { 1 << 22 }

  /// y may be planar and x blocked, or the other way round; a residual is for a blocked y.
  @_specialize(where T == Float) @_specialize(where T == Double)
  func forward(
    _ x: ImageArray<T>, _ prepared: UnsafePointer<T>, _ epilogue: Epilogue<T>, _ y: ImageArray<T>
  ) throws(CNNError) {
    try forward(x, .prepared(prepared), bias: biases(prepared), epilogue, y)
  }
  /// The same with filters that are used once.
  @_specialize(where T == Float) @_specialize(where T == Double)
  func forward(
    _ x: ImageArray<T>, weight: UnsafePointer<T>, turned: Bool = false, bias: UnsafePointer<T>?, _ epilogue: Epilogue<T>,
    _ y: ImageArray<T>
  ) throws(CNNError) {
    if transformsInPlace {
      let biases = try Scratch<T>(filters.blocks &* lanes)
      copyBiases(bias, biases.data)
      return try forward(x, .weight(weight, turned: turned), bias: biases.data, epilogue, y)
    }
    let prepared = try Scratch<T>(preparedCount)
    try prepare(weight, turned: turned, bias: bias, prepared.data)
    try forward(x, .prepared(prepared.data), bias: biases(prepared.data), epilogue, y)
  }

  private func forward(
    _ x: ImageArray<T>, _ source: WinogradFilters<T>.Source, bias: UnsafePointer<T>, _ epilogue: Epilogue<T>, _ y: ImageArray<T>
  ) throws(CNNError) {
    let width = try parallelWidth(blocks.count &* filters.panels, work)
    let blocks = width > 1 && blocks.count > 1 ? tiling.blocks(tilesOfBlock, threads: width) : blocks
    // The most tiles of a block.
    let lanes = lanes, tiles = blocks.reduce(0) { max($0, tiling.tiles(of: $1)) }, runData = try Scratch<TileRun>(channelBlocks)
    for b in 0..<channelBlocks {
      runData.data[b] = TileRun(offset: b &* tiles &* lanes, count: min(lanes, C &- b &* lanes))
    }
    // A few blocks do not come out even among several threads, or are fewer than these.
    if blocks.count > 1 && (width == 1 || blocks.count >= 4 &* width), case .prepared(let prepared) = source {
      try forwardByBlocks(blocks, tiles: tiles, x, runData.data, prepared, bias, epilogue, y)
    } else {
      try forwardTogether(blocks, tiles: tiles, x, runData.data, source, bias, epilogue, y)
    }
  }

  /// All products of a block's tiles and a panel of transformed filters.
  private func multiplyPrepared(
    _ x: UnsafePointer<T>, _ block: WinogradBlock, tiles: Int, runs: UnsafePointer<TileRun>, _ transformed: UnsafePointer<T>,
    panel: Int, _ to: UnsafeMutablePointer<T>
  ) {
    let planeStep = filters.planeStep(channels: C, panel: panel), u = transformed + filters.panelStart(panel)
    for row in 0..<tiling.rows.points {
      multiply(
        row: row, x, block, tiles: tiles, runs: runs, runCount: channelBlocks,
        u + tiling.rows.filterPoint(row) &* filters.columnPoints &* planeStep,
        planeStep: planeStep, vectors: filters.vectors(panel), continues: false, to)
    }
  }

  /// The same of filters that are transformed on the way, some channels and a row of planes at a time.
  private func multiplyInPlace(
    _ x: UnsafePointer<T>, _ block: WinogradBlock, tiles: Int, runs: UnsafePointer<TileRun>,
    _ source: WinogradFilters<T>.Source, panel: Int, _ to: UnsafeMutablePointer<T>, _ work: UnsafeMutablePointer<T>
  ) {
    let filters = filters, channels = channelsInPlace, vectors = filters.vectors(panel)
    let taps = work + filters.columnPoints &* filters.planeStep(channels: channels, panel: 0)
    for channel in stride(from: 0, to: C, by: channels) {
      let count = min(channels, C &- channel), planeStep = filters.planeStep(channels: count, panel: panel)
      let taps = filters.taps(source, panel: panel, firstChannel: channel, channels: count, taps)
      // What the next round reads; behind the last channel that is of the next panel.
      let isLast = channel &+ count == C, nextPanel = isLast ? min(panel &+ 1, filters.panels &- 1) : panel
      for row in 0..<filters.rowPoints {
        filters.evaluate(row: row, taps, channels: count, panel: panel, work, planeStep: planeStep)
        for i in 0..<tiling.rows.points where tiling.rows.filterPoint(i) == row {
          multiply(
            row: i, x, block, tiles: tiles, runs: runs + channel / lanes, runCount: (count &+ lanes &- 1) / lanes,
            UnsafePointer(work), planeStep: planeStep, vectors: vectors, continues: channel > 0,
            ahead: filters.ahead(
              source, panel: nextPanel, firstChannel: isLast ? 0 : channel &+ count, channels: count, row: i,
              of: (tiling.rows.points, tiling.columns.points)), to)
        }
      }
    }
  }
  /// So many channels at a time that a panel's taps and a row of its planes fit the first cache.
  private var channelsInPlace: Int {
    let perChannel = 2 &* (9 &+ 6) &* lanes &* MemoryLayout<T>.stride
    return min(C, max(lanes, 32_768 / perChannel / lanes &* lanes))
  }
  /// Scratch of `multiplyInPlace`.
  private var inPlaceCount: Int {
    if !transformsInPlace { return 0 }
    return filters.columnPoints &* filters.planeStep(channels: channelsInPlace, panel: 0) &+ 2 &* channelsInPlace &* 9 &* lanes
  }

  /// A task is a block of tiles, with all its channels.
  private func forwardByBlocks(
    _ blocks: [WinogradBlock], tiles: Int, _ x: ImageArray<T>, _ runs: UnsafePointer<TileRun>, _ prepared: UnsafePointer<T>,
    _ bias: UnsafePointer<T>,
    _ epilogue: Epilogue<T>, _ y: ImageArray<T>
  ) throws(CNNError) {
    let lanes = lanes, map = inputMap(tiles: tiles), filters = filters
    let mapWork = map.workCount(blocks), inputCount = tiling.planes &* map.planeStep
    let productCount = tiling.planes &* odd(2 &* tiles)
    let perWorker = mapWork &+ outputWorkCount &+ inputCount &+ productCount
    let width = try parallelWidth(blocks.count, work), scratch = try Scratch<T>(width &* perWorker)
    let scratchData = scratch.data
    for worker in 0..<width { zero(scratchData + worker &* perWorker, map.stripCount) }
    parallel(blocks.count, width: width) { task, worker in
      let mapData = scratchData + worker &* perWorker, work = mapData + mapWork
      let inputs = work + outputWorkCount, products = inputs + inputCount, block = blocks[task]
      for image in 0..<block.images {
        for b in 0..<channelBlocks {
          map.transform(x, block, image: image, channelBlock: b, inputs + b &* tiles &* lanes, tileStep: lanes, mapData)
        }
      }
      for panel in 0..<filters.panels {
        multiplyPrepared(UnsafePointer(inputs), block, tiles: tiles, runs: runs, prepared, panel: panel, products)
        finish(products, block, tiles: tiles, panel: panel, bias, epilogue, y, work)
      }
    }
  }

  /// All tiles are transformed, by tasks of a block of channels of an image; then a task is a panel of output channels of a block of tiles.
  private func forwardTogether(
    _ blocks: [WinogradBlock], tiles: Int, _ x: ImageArray<T>, _ runs: UnsafePointer<TileRun>,
    _ source: WinogradFilters<T>.Source,
    _ bias: UnsafePointer<T>,
    _ epilogue: Epilogue<T>,
    _ y: ImageArray<T>
  ) throws(CNNError) {
    let lanes = lanes, map = inputMap(tiles: tiles), channelBlocks = channelBlocks
    let filters = filters, mapWork = map.workCount(blocks), productCount = tiling.planes &* odd(2 &* tiles)
    let inputCount = tiling.planes &* map.planeStep, images = blocks.reduce(0) { max($0, $1.images) }
    let perWorker = mapWork &+ outputWorkCount &+ productCount &+ inPlaceCount
    let transforms = blocks.count &* images &* channelBlocks, tasks = blocks.count &* filters.panels
    let width = try parallelWidth(max(transforms, tasks), work)
    let inputs = try Scratch<T>(blocks.count &* inputCount), scratch = try Scratch<T>(width &* perWorker)
    let (inputData, scratchData) = (inputs.data, scratch.data)
    for worker in 0..<width { zero(scratchData + worker &* perWorker, map.stripCount) }
    parallel(transforms, width: width) { task, worker in
      let i = task / (images &* channelBlocks), image = task / channelBlocks % images, b = task % channelBlocks
      if image >= blocks[i].images { return }
      map.transform(
        x, blocks[i], image: image, channelBlock: b, inputData + (i &* inputCount &+ b &* tiles &* lanes), tileStep: lanes,
        scratchData + worker &* perWorker)
    }
    // Filters that come from memory are read once, for one block after the other.
    let areFar = filters.transformedCount &* MemoryLayout<T>.stride > Winograd.heldInThirdCache
    parallel(tasks, width: width) { task, worker in
      let (i, panel) = areFar ? (task % blocks.count, task / blocks.count) : (task / filters.panels, task % filters.panels)
      let block = blocks[i]
      let work = scratchData + (worker &* perWorker &+ mapWork), products = work + outputWorkCount
      let inputs = UnsafePointer(inputData) + i &* inputCount
      if !transformsInPlace, case .prepared(let transformed) = source {
        multiplyPrepared(inputs, block, tiles: tiles, runs: runs, transformed, panel: panel, products)
      } else {
        multiplyInPlace(inputs, block, tiles: tiles, runs: runs, source, panel: panel, products, products + productCount)
      }
      finish(products, block, tiles: tiles, panel: panel, bias, epilogue, y, work)
    }
  }

  /// y of a block's tiles and a panel of output channels.
  private func finish(
    _ products: UnsafePointer<T>, _ block: WinogradBlock, tiles: Int, panel: Int, _ bias: UnsafePointer<T>,
    _ epilogue: Epilogue<T>, _ y: ImageArray<T>, _ work: UnsafeMutablePointer<T>
  ) {
    for v in 0..<filters.vectors(panel) {
      for image in 0..<block.images {
        transformOutput(
          products + v &* tiles &* lanes, block, tiles: tiles, image: image, outputBlock: 2 &* panel &+ v, bias: bias, epilogue,
          y, work)
      }
    }
  }
}
