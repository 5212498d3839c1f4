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
  private let stride: Int

  /// At hand, because a look at the table of kernels counts its references (so are those of Winograd).
  private let kernels = T.kernels.winograd
  private let lanes = T.lanes

  init(C: Int, K: Int, _ tiling: WinogradTiling) {
    (self.C, self.K) = (C, K)
    (rowPoints, columnPoints, stride) = (tiling.rows.filterPoints, tiling.columns.filterPoints, tiling.stride)
  }
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

  /// Where the filters of a call come from.
  enum Source {
    /// As `pack` or `transform` left them.
    case prepared(UnsafePointer<T>)
    /// As `pack` reads them, for this call only.
    case weight(UnsafePointer<T>, turned: Bool)
  }
  /// taps[vectors][channels][3][3][B], vectors a step apart.
  typealias Taps = (first: UnsafePointer<T>, step: Int)

  /// Those of some channels of a panel: where `pack` has put them, or packed into `work`.
  func taps(
    _ source: Source, panel: Int, firstChannel: Int, channels: Int, _ work: UnsafeMutablePointer<T>
  ) -> Taps {
    let lanes = lanes
    switch source {
    case .prepared(let packed): return (packed + (2 &* panel &* C &+ firstChannel) &* 9 &* lanes, C &* 9 &* lanes)
    case .weight(let weight, let turned):
      let kernels = T.kernels
      for v in 0..<vectors(panel) {
        let k = (2 &* panel &+ v) &* lanes, outputs = min(lanes, K &- k), to = work + v &* channels &* 9 &* lanes
        if turned {
          for c in 0..<channels {
            kernels.transpose(
              weight + ((firstChannel &+ c) &* K &+ k) &* 9, 9, outputs, 9, to + (c &* 9 &+ 8) &* lanes, 0 &- lanes, true)
          }
        } else {
          kernels.transpose(weight + (k &* C &+ firstChannel) &* 9, C &* 9, outputs, channels &* 9, to, lanes, true)
        }
      }
      return (UnsafePointer(work), channels &* 9 &* lanes)
    }
  }

  /// What the first product in a row of planes asks for, and how many elements further the next one does.
  typealias Ahead = (first: LinesAhead<T>, product: Int)

  /// Of everything that `taps` will read for some channels of a panel, the part of the products in a row of planes: a line of the caches with
  /// the term of each channel.
  func ahead(_ source: Source, panel: Int, firstChannel: Int, channels: Int, row: Int, of points: (Int, Int)) -> Ahead {
    let k = 2 &* panel &* lanes, vectors = vectors(panel)
    func share(_ count: Int, _ parts: Int) -> Int { (count &+ parts &- 1) / parts }
    switch source {
    case .prepared(let packed):
      // A vector's taps are one piece, of which every product takes a part.
      let rows = share(points.0, vectors), v = row / rows, step = share(9 &* lanes, rows &* points.1)
      let first = packed + ((2 &* panel &+ v) &* C &+ firstChannel) &* 9 &* lanes
      return (LinesAhead(first + row % rows &* points.1 &* channels &* step, step: step), channels &* step)
    case .weight(let weight, turned: true):
      // A channel's are one.
      let step = share(9 &* vectors &* lanes, points.0 &* points.1)
      return (LinesAhead(weight + ((firstChannel &* K &+ k) &* 9 &+ row &* points.1 &* step), step: K &* 9), step)
    case .weight(let weight, turned: false):
      // A filter's are; behind the last one nothing is left.
      let filter = row &* points.1
      if filter >= vectors &* lanes { return (LinesAhead(weight), 0) }
      return (LinesAhead(weight + ((k &+ filter) &* C &+ firstChannel) &* 9, step: 9), C &* 9)
    }
  }

  /// A row of planes of some channels of a panel, `planeStep` apart at `to`.
  func evaluate(
    row: Int, _ taps: Taps, channels: Int, panel: Int, _ to: UnsafeMutablePointer<T>, planeStep: Int
  ) {
    let lanes = lanes, vectors = vectors(panel)
    for v in 0..<vectors {
      kernels.evaluateFilters(
        stride: stride, row: row, columns: columnPoints, taps.first + v &* taps.step, channels, to + v &* lanes,
        step: vectors &* lanes, plane: planeStep)
    }
  }

  /// All of them.
  func transform(_ packed: UnsafePointer<T>, _ transformed: UnsafeMutablePointer<T>) throws(CNNError) {
    // A task is a panel and some channels.
    let chunk = 64, chunks = (C &+ chunk &- 1) / chunk, tasks = panels &* chunks
    parallel(tasks, width: try parallelWidth(tasks, .elements(C, K, planes))) { task, _ in
      let panel = task / chunks, first = task % chunks &* chunk, planeStep = self.planeStep(channels: C, panel: panel)
      let to = transformed + (self.panelStart(panel) &+ first &* self.vectors(panel) &* self.lanes)
      let channels = min(chunk, C &- first)
      let taps = taps(.prepared(packed), panel: panel, firstChannel: first, channels: channels, transformed)
      for row in 0..<rowPoints {
        evaluate(
          row: row, taps, channels: channels, panel: panel, to + row &* columnPoints &* planeStep, planeStep: planeStep)
      }
    }
  }
}
