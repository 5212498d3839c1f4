// The gradients of a convolution's filters and biases on channel-blocked arrays: sums over the pixels of all images, in registers.
import CNNCore
import Microkernels

extension Convolution.Sizes {
  /// What a task does is cut by shape alone: so many parts of the images, whose sums are added in their order.
  func parts(_ tasks: Int) -> Int { min(N, max(1, (15 &+ tasks) / tasks)) }

  func directWeightGradient(
    _ x: BlockedArray<T>, _ gradY: BlockedArray<T>, _ gradWeight: UnsafeMutablePointer<T>
  ) throws(CNNError) {
    let lanes = T.lanes, tiles = T.kernels.blocked.weightTiles, window = planes.window
    let packing = BlockedFilters<T>(self, planar: false), blocks = (C &+ lanes &- 1) / lanes, panels = packing.panels
    let perPart = packing.weights
    let tasks = G &* panels &* blocks, images = parts(tasks)
    let sums = try Scratch<T>(images &* perPart), sumData = sums.data
    let first = (x.halo &- window.pads[0]) &* x.rowStep &+ (x.halo &- window.pads[1]) &* lanes
    let aRow = window.strides[0] &* x.rowStep, aStep = window.strides[1] &* lanes
    // So many rows at a time as are in the first cache, of x and of grad_y, while tap after tap goes over them.
    let rowBytes = (window.strides[0] &* x.rowStep &+ 2 &* gradY.rowStep) &* MemoryLayout<T>.stride
    let height = max(1, min(OH, 40_960 / rowBytes))

    parallel(images &* tasks, width: try parallelWidth(images &* tasks, work)) { task, _ in
      let (n, count) = part(task / tasks, of: images, N), g = task % tasks / (panels &* blocks)
      let panel = task / blocks % panels, block = task % blocks, vectors = packing.vectors(panel), width = vectors &* lanes
      let to = sumData + task / tasks &* perPart, kBlock = g &* packing.blocks &+ 2 &* panel
      let channels = min(lanes, C &- block &* lanes)
      let (groups, _) = balanced(channels, most: vectors == 2 ? tiles.channels2 : tiles.channels1)
      let gradients = to + (packing.panel(g, panel) &+ block &* lanes &* taps &* width)
      for image in n..<n &+ count {
        let a = UnsafePointer(x.data) + (image &* x.imageStep &+ (g &* blocks &+ block) &* x.blockStep &+ first)
        let b = UnsafePointer(gradY.inside(image, kBlock))
        for row in stride(from: 0, to: OH, by: height) {
          let rows = min(height, OH &- row)
          for t in 0..<taps {
            let i = t / window.kernel[1] &* window.dilations[0], j = t % window.kernel[1] &* window.dilations[1]
            for group in 0..<groups {
              let (c, size) = part(group, of: groups, channels)
              tiles.run(
                vectors: vectors, channels: size,
                BlockedWeightOperands(
                  a: a + (row &* aRow &+ i &* x.rowStep &+ j &* lanes &+ c), aStep: aStep, aRow: aRow,
                  b: b + row &* gradY.rowStep, bRow: gradY.rowStep, bBlock: gradY.blockStep, rows: rows, columns: OW,
                  c: gradients + (t &* channels &+ c) &* width, cStep: width, adds: image > n || row > 0))
            }
          }
        }
      }
    }
    try addParts(sumData, images, perPart)
    try packing.unpack(sumData, gradWeight)
  }

  /// The first of `parts` arrays becomes the sum of all, in their order.
  func addParts(_ sums: UnsafeMutablePointer<T>, _ parts: Int, _ count: Int) throws(CNNError) {
    if parts == 1 { return }
    try forEachPiece(count) { start, size in
      for i in 1..<parts { T.kernels.addTo(sums + start, UnsafePointer(sums) + (i &* count &+ start), size) }
    }
  }

  func depthwiseWeightGradient(
    _ x: BlockedArray<T>, _ gradY: BlockedArray<T>, _ gradWeight: UnsafeMutablePointer<T>?, _ gradBias: UnsafeMutablePointer<T>?
  ) throws(CNNError) {
    let lanes = T.lanes, blocks = channelBlocks, perPart = depthwiseCount, taps = taps
    let offsets = try Scratch<Int>(taps), offsetData = offsets.data
    for t in 0..<taps { offsetData[t] = depthwiseOffset(t, x) }
    let images = parts(blocks), sums = try Scratch<T>(images &* perPart), sumData = sums.data
    parallel(images &* blocks, width: try parallelWidth(images &* blocks, work)) { task, _ in
      let (n, count) = part(task / blocks, of: images, N), block = task % blocks, to = sumData + task / blocks &* perPart
      let gradients = to + block &* taps &* lanes, biases = to + (blocks &* taps &+ block) &* lanes
      zero(gradients, taps &* lanes)
      zero(biases, lanes)
      for image in n..<n &+ count { addDepthwise(x, gradY, image, block, offsetData, gradients, biases) }
    }
    try addParts(sumData, images, perPart)
    unpackDepthwise(UnsafePointer(sumData), gradWeight, gradBias)
  }

  /// gradients[taps][B] and biases[B] += those of an image's block of channels.
  func addDepthwise(
    _ x: BlockedArray<T>, _ gradY: BlockedArray<T>, _ image: Int, _ block: Int, _ offsets: UnsafePointer<Int>,
    _ gradients: UnsafeMutablePointer<T>, _ biases: UnsafeMutablePointer<T>
  ) {
    let lanes = T.lanes, window = planes.window, kernels = T.kernels.blocked
    let from = UnsafePointer(x.inside(image, block)) - (window.pads[0] &* x.rowStep &+ window.pads[1] &* lanes)
    for row in 0..<OH {
      let windows = BlockedWindowOperands(
        x: from + row &* window.strides[0] &* x.rowStep, offsets: offsets, taps: taps,
        y: gradY.inside(image, block) + row &* gradY.rowStep, yStep: lanes, pixels: OW, divisor: 1)
      withUnsafePointer(to: windows) { kernels.depthwiseWeights($0, window.strides[1] &* lanes, gradients) }
      kernels.sum(windows.y, biases, OW)
    }
  }

  /// gradWeight[G][taps] and gradBias[G] of sums as `packDepthwise` packs filters.
  func unpackDepthwise(
    _ sums: UnsafePointer<T>, _ gradWeight: UnsafeMutablePointer<T>?, _ gradBias: UnsafeMutablePointer<T>?
  ) {
    let lanes = T.lanes, blocks = channelBlocks
    if let gradBias { copy(sums + blocks &* taps &* lanes, to: gradBias, G) }
    guard let gradWeight else { return }
    for block in 0..<blocks {
      T.kernels.transpose(
        sums + block &* taps &* lanes, lanes, taps, min(lanes, G &- block &* lanes), gradWeight + block &* lanes &* taps, taps,
        false)
    }
  }
}
