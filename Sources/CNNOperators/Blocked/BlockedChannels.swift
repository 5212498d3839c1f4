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
