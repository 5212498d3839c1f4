// Filters for Winograd's algorithm: packed as vectors of output channels, and transformed.
import CNNCore
import Microkernels

/// The filters of a convolution of C channels to K, in two forms:
///   packed[blocks of K][C][3][3][B]
///   transformed[panels of 2 blocks][planes][C][2][B], planes a vector further apart than that; the last panel may be of one block.
/// Transformed ones are up to four times as many.
struct WinogradFilters<T: Element> {
  let C: Int, K: Int
  let rowPoints: Int, columnPoints: Int

  private var lanes: Int { T.kernels.lanes }
  var planes: Int { rowPoints &* columnPoints }
  var blocks: Int { (K &+ lanes &- 1) / lanes }
  var panels: Int { (blocks &+ 1) / 2 }
  /// Vectors of a panel.
  func vectors(_ panel: Int) -> Int { min(2, blocks &- 2 &* panel) }
  var packedCount: Int { blocks &* C &* 9 &* lanes }
  /// Elements from a plane to the next of so many channels: an odd number of vectors, or all planes would fall into the same sets of
  /// the first cache.
  func planeStep(channels: Int, panel: Int) -> Int { (channels &* vectors(panel) | 1) &* lanes }
  func panelStart(_ panel: Int) -> Int { panel &* planes &* planeStep(channels: C, panel: 0) }
  var transformedCount: Int { panels &* planes &* planeStep(channels: C, panel: 0) }

  /// packed of weight[K][C][3][3]; or, turned, of weight[C][K][3][3] with its taps backwards, as grad_x wants them. factor: what
  /// filter k is multiplied by, as a normalization behind the convolution wants it; not of turned ones.
  func pack(
    _ weight: UnsafePointer<T>, turned: Bool = false, factor: UnsafePointer<T>? = nil, _ packed: UnsafeMutablePointer<T>
  ) throws(CNNError) {
    if turned { return try packTurned(weight, packed) }
    let kernels = T.kernels, lanes = lanes, (C, K) = (C, K), blocks = blocks
    // A task is a block and some channels.
    let chunk = 64, chunks = (C &+ chunk &- 1) / chunk, own = lanes &* chunk &* 9
    let width = try parallelWidth(blocks &* chunks, .elements(C, K, 9)),
      scaled = try Scratch<T>(factor == nil ? 0 : width &* own)
    let scaledData = scaled.data
    parallel(blocks &* chunks, width: width) { task, worker in
      let block = task / chunks, first = task % chunks &* chunk, cells = min(chunk, C &- first) &* 9
      let k = block &* lanes, outputs = min(lanes, K &- k), to = packed + (block &* C &+ first) &* 9 &* lanes
      let from = weight + (k &* C &+ first) &* 9
      guard let factor else { return kernels.transpose(from, C &* 9, outputs, cells, to, lanes, true) }
      let scaled = scaledData + worker &* own
      for i in 0..<outputs { kernels.scaleShift(from + i &* C &* 9, factor[k &+ i], 0, scaled + i &* cells, cells) }
      kernels.transpose(UnsafePointer(scaled), cells, outputs, cells, to, lanes, true)
    }
  }

  /// A task is a channel, so that weight is read in its order.
  private func packTurned(_ weight: UnsafePointer<T>, _ packed: UnsafeMutablePointer<T>) throws(CNNError) {
    let kernels = T.kernels, lanes = lanes, (C, K) = (C, K), blocks = blocks
    parallel(C, width: try parallelWidth(C, .elements(C, K, 9))) { c, _ in
      for block in 0..<blocks {
        let from = weight + (c &* K &+ block &* lanes) &* 9, last = packed + ((block &* C &+ c) &* 9 &+ 8) &* lanes
        kernels.transpose(from, 9, min(lanes, K &- block &* lanes), 9, last, 0 &- lanes, true)
      }
    }
  }

  /// Some channels of a panel, at `to` and in planes so far apart.
  func transform(
    _ packed: UnsafePointer<T>, panel: Int, firstChannel: Int, channels: Int, _ to: UnsafeMutablePointer<T>, planeStep: Int
  ) {
    let lanes = lanes, vectors = vectors(panel)
    for v in 0..<vectors {
      T.kernels.winograd.evaluateFilters(
        rows: rowPoints, columns: columnPoints, packed + ((2 &* panel &+ v) &* C &+ firstChannel) &* 9 &* lanes, channels,
        to + v &* lanes, step: vectors &* lanes, plane: planeStep)
    }
  }

  /// All of them.
  func transform(_ packed: UnsafePointer<T>, _ transformed: UnsafeMutablePointer<T>) throws(CNNError) {
    // A task is a panel and some channels.
    let chunk = 64, chunks = (C &+ chunk &- 1) / chunk, tasks = panels &* chunks
    parallel(tasks, width: try parallelWidth(tasks, .elements(C, K, planes))) { task, _ in
      let panel = task / chunks, first = task % chunks &* chunk
      self.transform(
        packed, panel: panel, firstChannel: first, channels: min(chunk, self.C &- first),
        transformed + (self.panelStart(panel) &+ first &* self.vectors(panel) &* self.lanes),
        planeStep: self.planeStep(channels: self.C, panel: panel))
    }
  }
}
