// y = x * weight + bias by Winograd's algorithm: how the blocks of tiles are shared among threads.
import CNNCore
import Microkernels

extension Winograd {
  /// So many tiles that the transformed x, products and strips of a block fit the second cache.
  static var tilesPerBlock: Int { 28 }
  /// Where filters are transformed in place: the most tiles, and how many channels at a time, so that their filters fit it too.
  static var tilesInPlace: Int { 64 }
  static var channelsInPlace: Int { 64 }
  /// Filters of so many bytes stay in the third cache from run to run, beside those of other layers; larger ones come from memory.
  static var heldInThirdCache: Int { 1 << 22 }

  /// y may be planar and x blocked, or the other way round; a residual is for a blocked y.
  @_specialize(where T == Float) @_specialize(where T == Double)
  func forward(
    _ x: ImageArray<T>, _ prepared: UnsafePointer<T>, _ epilogue: Epilogue<T>, _ y: ImageArray<T>
  ) throws(CNNError) {
    let lanes = lanes, tiles = blockTiles, runData = try Scratch<TileRun>(channelBlocks)
    for b in 0..<channelBlocks {
      runData.data[b] = TileRun(offset: b &* tiles &* lanes, count: min(lanes, C &- b &* lanes))
    }
    if blocks.count == 1 {
      try forwardOneBlock(x, runData.data, prepared, epilogue, y)
    } else {
      try forwardByBlocks(x, runData.data, prepared, epilogue, y)
    }
  }

  /// A task is a block of tiles, with all its channels.
  private func forwardByBlocks(
    _ x: ImageArray<T>, _ runs: UnsafePointer<TileRun>, _ prepared: UnsafePointer<T>, _ epilogue: Epilogue<T>,
    _ y: ImageArray<T>
  ) throws(CNNError) {
    let lanes = lanes, tiles = blockTiles, map = inputMap(tiles: tiles), bias = biases(prepared), filters = filters
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
        let vectors = filters.vectors(panel)
        multiply(
          UnsafePointer(inputs), block, tiles: tiles, runs: runs, runCount: channelBlocks,
          prepared + filters.panelStart(panel), planeStep: filters.planeStep(channels: C, panel: panel), vectors: vectors,
          continues: false, products)
        for v in 0..<vectors {
          for image in 0..<block.images {
            transformOutput(
              UnsafePointer(products) + v &* tiles &* lanes, block, tiles: tiles, image: image, outputBlock: 2 &* panel &+ v,
              bias: bias, epilogue, y, work)
          }
        }
      }
    }
  }

  /// All tiles are transformed, by tasks of a block of channels of an image; then a task is a panel of output channels.
  private func forwardOneBlock(
    _ x: ImageArray<T>, _ runs: UnsafePointer<TileRun>, _ prepared: UnsafePointer<T>, _ epilogue: Epilogue<T>,
    _ y: ImageArray<T>
  ) throws(CNNError) {
    let lanes = lanes, block = blocks[0], tiles = blockTiles, map = inputMap(tiles: tiles), bias = biases(prepared)
    let filters = filters, mapWork = map.workCount(blocks), productCount = tiling.planes &* odd(2 &* tiles)
    let channels = transformsInPlace ? min(C, max(lanes, Winograd.channelsInPlace / lanes &* lanes)) : C
    let filterCount = transformsInPlace ? filters.planes &* filters.planeStep(channels: channels, panel: 0) : 0
    let perWorker = mapWork &+ outputWorkCount &+ productCount &+ filterCount
    let width = try parallelWidth(max(channelBlocks &* block.images, filters.panels), work)
    let inputs = try Scratch<T>(tiling.planes &* map.planeStep), scratch = try Scratch<T>(width &* perWorker)
    let (inputData, scratchData) = (inputs.data, scratch.data)
    for worker in 0..<width { zero(scratchData + worker &* perWorker, map.stripCount) }
    parallel(channelBlocks &* block.images, width: width) { task, worker in
      let b = task % channelBlocks
      map.transform(
        x, block, image: task / channelBlocks, channelBlock: b, inputData + b &* tiles &* lanes, tileStep: lanes,
        scratchData + worker &* perWorker)
    }
    parallel(filters.panels, width: width) { panel, worker in
      let work = scratchData + (worker &* perWorker &+ mapWork), products = work + outputWorkCount
      let own = products + productCount, vectors = filters.vectors(panel)
      for channel in stride(from: 0, to: C, by: channels) {
        let count = min(channels, C &- channel), planeStep = filters.planeStep(channels: count, panel: panel)
        if transformsInPlace {
          filters.transform(prepared, panel: panel, firstChannel: channel, channels: count, own, planeStep: planeStep)
        }
        multiply(
          UnsafePointer(inputData), block, tiles: tiles, runs: runs + channel / lanes,
          runCount: (count &+ lanes &- 1) / lanes,
          transformsInPlace ? UnsafePointer(own) : prepared + filters.panelStart(panel), planeStep: planeStep,
          vectors: vectors, continues: channel > 0, products)
      }
      for v in 0..<vectors {
        for image in 0..<block.images {
          transformOutput(
            UnsafePointer(products) + v &* tiles &* lanes, block, tiles: tiles, image: image, outputBlock: 2 &* panel &+ v,
            bias: bias, epilogue, y, work)
        }
      }
    }
  }
}
