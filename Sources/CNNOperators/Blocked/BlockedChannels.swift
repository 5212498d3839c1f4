// What is done to each channel of a blocked array alone: sums, factors, and channels put behind others.
import CNNCore
import Microkernels

extension BlockedArray {
  /// Pixels from the first of a plane to the last, in one run with those of the halo that lie between rows: a call for each row would take
  /// as long as a short row. Sums do not see the zeros there; whoever writes them clears the halo.
  var planeRun: Int { H == 0 || W == 0 ? 0 : (H &- 1) &* (W &+ 2 &* halo) &+ W }

  /// This = x * scale[c] + shift[c] + residual, limited; scale and shift in whole blocks, zeros behind the last channel. residual has
  /// this layout. x and residual may be this.
  @_specialize(where T == Float) @_specialize(where T == Double)
  func fill(
    _ x: BlockedArray, scale: UnsafePointer<T>, shift: UnsafePointer<T>, residual: BlockedArray? = nil,
    limits: (low: T, high: T)? = nil
  ) throws(CNNError) {
    let lanes = BlockedArray.lanes, kernels = T.kernels.blocked
    try forEachBlock(.elements(count)) { n, block in
      let from = UnsafePointer(x.inside(n, block)), to = inside(n, block), first = block &* lanes
      let added = residual.map { UnsafePointer($0.inside(n, block)) }
      forEachRun(x) { fromOffset, toOffset, pixels in
        kernels.scaleShift(
          from + fromOffset, scale + first, shift + first, added.map { $0 + toOffset }, limits, to + toOffset, pixels)
      }
      clearHalo(n, block)
    }
  }
  /// Runs of pixels that lie together in both arrays, or `planeRun`.
  private func forEachRun(_ x: BlockedArray, _ body: (_ from: Int, _ to: Int, _ pixels: Int) -> Void) {
    if halo == x.halo { return body(0, 0, planeRun) }
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
      forEachRun(x) { fromOffset, toOffset, pixels in
        T.kernels.blocked.scaleShift(from + fromOffset, scale, zeros, nil, nil, to + toOffset, pixels)
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
      T.kernels.blocked.sum(from, to, x.planeRun)
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
      T.kernels.blocked.repeatPixel(share, to, planeRun)
      clearHalo(n, block)
    }
  }

  /// This = channels of x from a whole block on.
  func fillChannels(_ x: BlockedArray, fromBlock first: Int) throws(CNNError) {
    let lanes = BlockedArray.lanes
    try forEachBlock(.elements(count)) { n, block in
      let from = UnsafePointer(x.inside(n, first &+ block)), to = inside(n, block)
      forEachRun(x) { fromOffset, toOffset, pixels in copy(from + fromOffset, to: to + toOffset, pixels &* lanes) }
      clearHalo(n, block)
    }
  }

  /// So many parts of the images, whose sums are added in their order, whatever the number of threads.
  private var imageParts: Int { max(1, min(N, 16)) }

  /// Sums over the pixels of all images, of which `add` continues some for the run of a plane: offset of the run's first lane, the number of
  /// the block, where its sums are, how many pixels. sums[count][c], c in whole blocks.
  func sumOverImages(
    _ sums: UnsafeMutablePointer<T>, count: Int, passes: Int,
    _ add: (_ offset: Int, _ block: Int, _ sums: (Int) -> UnsafeMutablePointer<T>, _ pixels: Int) -> Void
  ) throws(CNNError) {
    let lanes = BlockedArray.lanes, blocks = blocks, all = blocks &* lanes, parts = imageParts
    let partial = try Scratch<T>(parts &* count &* all), partialData = partial.data
    parallel(parts &* blocks, width: try parallelWidth(parts &* blocks, .elements(self.count, passes))) { task, _ in
      let (n, images) = part(task / blocks, of: parts, N), block = task % blocks
      let first = partialData + (task / blocks &* count &* all &+ block &* lanes)
      for i in 0..<count { zero(first + i &* all, lanes) }
      for image in n..<n &+ images {
        add(inside(image, block) - data, block, { first + $0 &* all }, planeRun)
      }
    }
    for i in 0..<count &* all {
      var total: T = 0
      for p in 0..<parts { total += partialData[p &* count &* all &+ i] }
      sums[i] = total
    }
  }

  /// means[c] over the pixels of all images, and squares[c], the sums of squared distances from them; both in whole blocks. Each plane has
  /// its own, while it is in the caches, and they are joined (Chan, Golub & LeVeque 1979, "Updating Formulae and a Pairwise Algorithm for
  /// Computing Sample Variances").
  func statistics(_ means: UnsafeMutablePointer<T>, squares: UnsafeMutablePointer<T>) throws(CNNError) {
    let lanes = BlockedArray.lanes, blocks = blocks, all = blocks &* lanes, parts = imageParts, kernels = T.kernels.blocked
    let partial = try Scratch<T>(2 &* parts &* all), partialData = partial.data
    let width = try parallelWidth(parts &* blocks, .elements(count, 2)), own = try Scratch<T>(width &* 2 &* lanes)
    let ownData = own.data, from = UnsafePointer(data), area = H &* W
    parallel(parts &* blocks, width: width) { task, worker in
      let (n, images) = part(task / blocks, of: parts, N), to = partialData + 2 &* task &* lanes
      let mean = ownData + worker &* 2 &* lanes, square = mean + lanes
      zero(to, 2 &* lanes)
      for image in n..<n &+ images {
        let plane = from + (inside(image, task % blocks) - data)
        zero(mean, 2 &* lanes)
        kernels.sum(plane, mean, planeRun)
        for lane in 0..<lanes { mean[lane] /= T(area) }
        // Without the halo, which is not the mean.
        for row in 0..<(halo == 0 ? 1 : H) {
          let row = plane + row &* rowStep
          kernels.sumProducts(row, mean, row, mean, square, halo == 0 ? area : W)
        }
        join(to, (image &- n) &* area, mean, area)
      }
    }
    zero(means, all)
    zero(squares, all)
    let joined = ownData
    for block in 0..<blocks {
      zero(joined, 2 &* lanes)
      for p in 0..<parts {
        let (n, images) = part(p, of: parts, N)
        join(joined, n &* area, partialData + 2 &* (p &* blocks &+ block) &* lanes, images &* area)
      }
      copy(UnsafePointer(joined), to: means + block &* lanes, lanes)
      copy(UnsafePointer(joined) + lanes, to: squares + block &* lanes, lanes)
    }
  }
  /// Means and squares of `others` pixels into those of `count`.
  private func join(_ to: UnsafeMutablePointer<T>, _ count: Int, _ other: UnsafePointer<T>, _ others: Int) {
    let lanes = BlockedArray.lanes, share = T(others) / T(count &+ others)
    for lane in 0..<lanes {
      let distance = other[lane] - to[lane]
      to[lane] += distance * share
      to[lanes &+ lane] += other[lanes &+ lane] + distance * distance * share * T(count)
    }
  }

  /// sums[c] over the pixels of all images.
  @_specialize(where T == Float) @_specialize(where T == Double)
  func sumChannels(_ sums: UnsafeMutablePointer<T>) throws(CNNError) {
    let kernels = T.kernels.blocked, from = UnsafePointer(data), totals = try Scratch<T>(blocks &* BlockedArray.lanes)
    try sumOverImages(totals.data, count: 1, passes: 1) { offset, _, sums, pixels in
      kernels.sum(from + offset, sums(0), pixels)
    }
    copy(UnsafePointer(totals.data), to: sums, C)
  }

  /// This, a gradient, becomes 0 where y, which was rectified and has this layout, is 0; sums[c] of what is left.
  @_specialize(where T == Float) @_specialize(where T == Double)
  func pass(rectified y: BlockedArray, sums: UnsafeMutablePointer<T>?) throws(CNNError) {
    let kernels = T.kernels.blocked, y = UnsafePointer(y.data), own = data, all = blocks &* BlockedArray.lanes
    let totals = try Scratch<T>(all)
    try sumOverImages(totals.data, count: 1, passes: 2) { offset, _, sums, pixels in
      kernels.sumPassed(y + offset, UnsafePointer(own) + offset, own + offset, sums(0), nil, pixels)
    }
    if let sums { copy(UnsafePointer(totals.data), to: sums, C) }
  }

  /// The channels of x become those of this from a whole block on.
  func copyChannels(_ x: BlockedArray, toBlock first: Int) throws(CNNError) {
    let lanes = BlockedArray.lanes
    try x.forEachBlock(.elements(x.count)) { n, block in
      let from = UnsafePointer(x.inside(n, block)), to = inside(n, first &+ block)
      forEachRun(x) { fromOffset, toOffset, pixels in copy(from + fromOffset, to: to + toOffset, pixels &* lanes) }
      clearHalo(n, first &+ block)
    }
  }
}
