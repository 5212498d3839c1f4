// Between planar and channel-blocked arrays, and the zeros that a blocked array has around its planes and behind its channels.
package import CNNCore
import Microkernels

extension BlockedArray {
  /// How many channels a block has; the lanes behind are zeros.
  func channels(of block: Int) -> Int { min(BlockedArray.lanes, C &- block &* BlockedArray.lanes) }

  /// Calls body(image, block) for all blocks of channels, over threads.
  func forEachBlock(_ work: Work, _ body: (_ n: Int, _ block: Int) -> Void) throws(CNNError) {
    let blocks = blocks, tasks = N &* blocks
    parallel(tasks, width: try parallelWidth(tasks, work)) { task, _ in body(task / blocks, task % blocks) }
  }

  /// Writes the halo of one block of channels.
  func clearHalo(_ n: Int, _ block: Int) { clearHalo(n, block, rows: 0..<H) }
  /// The same of some rows of the image: what is beside them, and above the first and below the last of all.
  func clearHalo(_ n: Int, _ block: Int, rows: Range<Int>) { clearHalo(n, block, rows: rows, below: rows.upperBound == H) }
  /// The same of the rows that begin among these pixels.
  func clearHalo(_ n: Int, _ block: Int, besidePixels pixels: Range<Int>) {
    // The last one may end among others.
    clearHalo(
      n, block, rows: (pixels.lowerBound &+ W &- 1) / W..<(pixels.upperBound &+ W &- 1) / W, below: pixels.upperBound == H &* W)
  }
  private func clearHalo(_ n: Int, _ block: Int, rows: Range<Int>, below: Bool) {
    if halo == 0 { return }
    let side = halo &* BlockedArray.lanes, start = data + (n &* imageStep &+ block &* blockStep)
    // What is beside two rows that follow each other is in one piece.
    if rows.lowerBound == 0 { zero(start, halo &* rowStep &+ side) }
    T.kernels.copyRows(
      RowCopy(
        from: UnsafePointer(start), fromRow: 0, to: start + ((halo &+ rows.lowerBound &+ 1) &* rowStep &- side),
        toRow: rowStep, rows: max(0, min(rows.upperBound, H &- 1) &- rows.lowerBound), columns: 0, after: 2 &* side, fill: 0))
    if below { zero(start + ((halo &+ H) &* rowStep &- side), halo &* rowStep &+ side) }
  }
  func clearHalo() throws(CNNError) {
    if halo == 0 { return }
    let cells = 2 &* halo &* (H &+ W &+ 2 &* halo) &* BlockedArray.lanes
    try forEachBlock(.elements(N, blocks, cells)) { clearHalo($0, $1) }
  }

  /// Writes the lanes behind the last channel, after something that is not 0 of 0.
  func clearLanes(_ n: Int, _ block: Int) {
    let used = channels(of: block), lanes = BlockedArray.lanes
    if used == lanes { return }
    for row in 0..<H {
      let from = inside(n, block) + row &* rowStep
      for column in 0..<W { zero(from + (column &* lanes &+ used), lanes &- used) }
    }
  }

  /// Makes zeros of all that is neither in a plane nor a channel.
  func clearOutside() throws(CNNError) {
    try clearHalo()
    if C % BlockedArray.lanes == 0 { return }
    let last = blocks &- 1
    parallel(N, width: try parallelWidth(N, .elements(N, H, W))) { n, _ in clearLanes(n, last) }
  }

  /// Of one pixel without a halo, whose channels are in order already.
  private var isPixel: Bool { H == 1 && W == 1 && halo == 0 }
  private func forEachImage(_ body: (_ n: Int) -> Void) throws(CNNError) {
    parallel(N, width: try parallelWidth(N, .elements(count, 2))) { n, _ in body(n) }
  }

  /// From x[N][C][H][W], halo and lanes behind the channels too.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func fill(_ x: UnsafePointer<T>) throws(CNNError) {
    let area = H &* W, lanes = BlockedArray.lanes
    if isPixel {
      return try forEachImage { n in
        copy(x + n &* C, to: inside(n, 0), C)
        zero(inside(n, 0) + C, imageStep &- C)
      }
    }
    try forEachBlock(.elements(count, 2)) { n, block in
      fill(n, block, x + (n &* C &+ block &* lanes) &* area, channels: channels(of: block))
      clearHalo(n, block)
    }
  }
  /// One block, but for its halo, from the first of so many planes.
  func fill(_ n: Int, _ block: Int, _ from: UnsafePointer<T>, channels: Int) {
    let to = inside(n, block), lanes = BlockedArray.lanes
    if halo == 0 { return T.kernels.transpose(from, H &* W, channels, H &* W, to, lanes, true) }
    for row in 0..<H { T.kernels.transpose(from + row &* W, H &* W, channels, W, to + row &* rowStep, lanes, true) }
  }

  /// To x[N][C][H][W].
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func drain(_ x: UnsafeMutablePointer<T>) throws(CNNError) {
    let area = H &* W, lanes = BlockedArray.lanes
    if isPixel { return try forEachImage { n in copy(UnsafePointer(inside(n, 0)), to: x + n &* C, C) } }
    try forEachBlock(.elements(count, 2)) { n, block in
      let to = x + (n &* C &+ block &* lanes) &* area, from = UnsafePointer(inside(n, block)), used = channels(of: block)
      if halo == 0 { return T.kernels.transpose(from, lanes, area, used, to, area, false) }
      for row in 0..<H { T.kernels.transpose(from + row &* rowStep, lanes, W, used, to + row &* W, area, false) }
    }
  }

  /// Some pixels of a block, from one row without a halo that begins with the first of them.
  func scatter(_ from: UnsafePointer<T>, pixels: Range<Int>, _ n: Int, _ block: Int) {
    let lanes = BlockedArray.lanes, to = inside(n, block)
    func place(_ pixel: Int) -> UnsafeMutablePointer<T> { to + (pixel / W &* rowStep &+ pixel % W &* lanes) }
    // The end of a row, whole rows, the beginning of one.
    let first = min(pixels.upperBound, (pixels.lowerBound &+ W &- 1) / W &* W), last = max(first, pixels.upperBound / W &* W)
    copy(from, to: place(pixels.lowerBound), (first &- pixels.lowerBound) &* lanes)
    let rows = from + (first &- pixels.lowerBound) &* lanes
    T.kernels.copyRows(
      RowCopy(
        from: rows, fromRow: W &* lanes, to: place(first), toRow: rowStep, rows: (last &- first) / W, columns: W &* lanes,
        fill: 0))
    copy(rows + (last &- first) &* lanes, to: place(last), (pixels.upperBound &- last) &* lanes)
  }

  /// From the same array with another halo.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func fill(_ other: BlockedArray) throws(CNNError) {
    let lanes = BlockedArray.lanes
    try forEachBlock(.elements(count)) { n, block in
      for row in 0..<H {
        copy(UnsafePointer(other.inside(n, block)) + row &* other.rowStep, to: inside(n, block) + row &* rowStep, W &* lanes)
      }
      clearHalo(n, block)
    }
  }
}
