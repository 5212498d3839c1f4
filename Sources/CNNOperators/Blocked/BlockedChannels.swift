// What is done to each channel of a blocked array alone: sums, factors, and channels put behind others.
import CNNCore
import Microkernels

extension BlockedArray {
  /// Calls body(offset of the pixels' first lane in a block of channels, how many pixels) for runs of pixels.
  private func forEachRun(_ body: (_ offset: Int, _ pixels: Int) -> Void) {
    if halo == 0 { return body(0, H &* W) }
    for row in 0..<H { body(row &* rowStep, W) }
  }

  /// This = x * scale[c] + shift[c], limited; scale and shift in whole blocks, zeros behind the last channel. x may be this.
  @_specialize(where T == Float) @_specialize(where T == Double)
  func fill(
    _ x: BlockedArray, scale: UnsafePointer<T>, shift: UnsafePointer<T>, limits: (low: T, high: T)? = nil
  ) throws(CNNError) {
    let lanes = BlockedArray.lanes
    try forEachBlock(.elements(count)) { n, block in
      let from = UnsafePointer(x.inside(n, block)), to = inside(n, block), first = block &* lanes
      forEachRow(x) { fromOffset, toOffset, pixels in
        T.kernels.blocked.scaleShift(from + fromOffset, scale + first, shift + first, limits, to + toOffset, pixels)
      }
      clearHalo(n, block)
    }
  }
  /// Runs of pixels that lie together in both arrays.
  private func forEachRow(_ x: BlockedArray, _ body: (_ from: Int, _ to: Int, _ pixels: Int) -> Void) {
    if halo == 0 && x.halo == 0 { return body(0, 0, H &* W) }
    for row in 0..<H { body(row &* x.rowStep, row &* rowStep, W) }
  }

  /// This = x times b[n][c], whose planes are of one pixel.
  @_specialize(where T == Float) @_specialize(where T == Double)
  func fill(_ x: BlockedArray, timesChannels b: BlockedArray) throws(CNNError) {
    let none = try Scratch<T>(BlockedArray.lanes)
    none.zero(BlockedArray.lanes)
    let zeros = UnsafePointer(none.data)
    try forEachBlock(.elements(count)) { n, block in
      let from = UnsafePointer(x.inside(n, block)), to = inside(n, block), scale = UnsafePointer(b.inside(n, block))
      forEachRow(x) { fromOffset, toOffset, pixels in
        T.kernels.blocked.scaleShift(from + fromOffset, scale, zeros, nil, to + toOffset, pixels)
      }
      clearHalo(n, block)
    }
  }

  /// This, of planes of one pixel, = the means of the planes of x.
  @_specialize(where T == Float) @_specialize(where T == Double)
  func fillWithMeans(_ x: BlockedArray) throws(CNNError) {
    let lanes = BlockedArray.lanes, area = T(x.H &* x.W)
    try forEachBlock(.elements(x.count)) { n, block in
      let from = UnsafePointer(x.inside(n, block)), to = inside(n, block)
      zero(to, lanes)
      x.forEachRun { offset, pixels in T.kernels.blocked.sum(from + offset, to, pixels) }
      for lane in 0..<lanes { to[lane] /= area }
      clearHalo(n, block)
    }
  }

  /// This = value[n][c] / the area, of planes of one pixel: the gradient of means.
  @_specialize(where T == Float) @_specialize(where T == Double)
  func fillWithShares(_ value: BlockedArray) throws(CNNError) {
    let lanes = BlockedArray.lanes, area = T(H &* W), blocks = blocks
    let shares = try Scratch<T>(N &* blocks &* lanes), shareData = shares.data
    try forEachBlock(.elements(count)) { n, block in
      let share = shareData + (n &* blocks &+ block) &* lanes, from = value.inside(n, block), to = inside(n, block)
      for lane in 0..<lanes { share[lane] = from[lane] / area }
      forEachRun { offset, pixels in T.kernels.blocked.repeatPixel(share, to + offset, pixels) }
      clearHalo(n, block)
    }
  }

  /// This = channels of x from a whole block on.
  func fillChannels(_ x: BlockedArray, fromBlock first: Int) throws(CNNError) {
    let lanes = BlockedArray.lanes
    try forEachBlock(.elements(count)) { n, block in
      let from = UnsafePointer(x.inside(n, first &+ block)), to = inside(n, block)
      forEachRow(x) { fromOffset, toOffset, pixels in copy(from + fromOffset, to: to + toOffset, pixels &* lanes) }
      clearHalo(n, block)
    }
  }

  /// sums[c] of a sum over the pixels of all images that `add` continues for a run of pixels of a block: offset of the run's first lane,
  /// the number of the block, where the sums are, how many pixels. Images are cut into parts by their number alone; their sums are added in
  /// order. Sums are whole blocks.
  func sumOverImages(
    _ sums: UnsafeMutablePointer<T>, passes: Int = 1,
    _ add: (_ offset: Int, _ block: Int, _ sums: UnsafeMutablePointer<T>, _ pixels: Int) -> Void
  ) throws(CNNError) {
    let lanes = BlockedArray.lanes, blocks = blocks, all = blocks &* lanes, parts = max(1, min(N, 16))
    let partial = try Scratch<T>(parts &* all), partialData = partial.data
    parallel(parts &* blocks, width: try parallelWidth(parts &* blocks, .elements(count, passes))) { task, _ in
      let (n, images) = part(task / blocks, of: parts, N), block = task % blocks, to = partialData + task &* lanes
      zero(to, lanes)
      for image in n..<n &+ images {
        let start = inside(image, block) - data
        forEachRun { offset, pixels in add(start &+ offset, block, to, pixels) }
      }
    }
    for i in 0..<all {
      var total: T = 0
      for p in 0..<parts { total += partialData[p &* all &+ i] }
      sums[i] = total
    }
  }
  /// Calls body(offset of the first lane, block, pixels) for runs of pixels, over threads.
  func forEachRun(_ work: Work, _ body: (_ offset: Int, _ block: Int, _ pixels: Int) -> Void) throws(CNNError) {
    try forEachBlock(work) { n, block in
      let start = inside(n, block) - data
      forEachRun { offset, pixels in body(start &+ offset, block, pixels) }
    }
  }

  /// The channels of x become those of this from a whole block on.
  func copyChannels(_ x: BlockedArray, toBlock first: Int) throws(CNNError) {
    let lanes = BlockedArray.lanes
    try x.forEachBlock(.elements(x.count)) { n, block in
      let from = UnsafePointer(x.inside(n, block)), to = inside(n, first &+ block)
      forEachRow(x) { fromOffset, toOffset, pixels in copy(from + fromOffset, to: to + toOffset, pixels &* lanes) }
      clearHalo(n, first &+ block)
    }
  }
}
