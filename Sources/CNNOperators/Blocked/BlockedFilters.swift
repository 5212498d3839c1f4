// The filters of a direct convolution as its tiles read them, and the folding of a normalization into them.
import CNNCore
import Microkernels

/// [group][panel][term][k of the panel]: a panel is two blocks of output channels, or the last one of an odd number. Terms are in the order
/// in which a tile adds them up: [block of input channels][tap][channel], or [tap][channel] where x is planar. Filters behind the last are
/// zeros. Behind all of them stand the biases, zeros up to a whole block.
struct BlockedFilters<T: Element> {
  let G: Int, K: Int, C: Int, taps: Int
  let lanes = T.lanes
  /// Whether the convolution reads a planar x.
  let planar: Bool

  init(_ sizes: Convolution.Sizes<T>, planar: Bool) {
    (G, K, C, taps) = (sizes.G, sizes.K, sizes.C, sizes.taps)
    self.planar = planar
  }
  /// Of the way from the gradient of y to that of x, by so many of the taps: K and C change places.
  init(transposed sizes: Convolution.Sizes<T>, taps: Int) {
    (G, K, C, self.taps, planar) = (sizes.G, sizes.C, sizes.K, taps, false)
  }

  /// Of a group: blocks of output channels, and panels of them.
  var blocks: Int { (K &+ lanes &- 1) / lanes }
  var panels: Int { (blocks &+ 1) / 2 }
  var terms: Int { C &* taps }
  var weights: Int { G &* blocks &* lanes &* terms }
  /// Elements in memory.
  var count: Int { weights &+ G &* blocks &* lanes }
  func vectors(_ panel: Int) -> Int { min(2, blocks &- 2 &* panel) }
  /// Where a panel of a group begins, and, behind the weights, its biases.
  func bias(_ g: Int, _ panel: Int) -> Int { (g &* blocks &+ 2 &* panel) &* lanes }
  func panel(_ g: Int, _ panel: Int) -> Int { (g &* blocks &+ 2 &* panel) &* lanes &* terms }

  /// Results of a panel, whose blocks are `block` apart, for some pixels of planes y[N][G][K][area].
  func drain(
    _ from: UnsafePointer<T>, _ block: Int, n: Int, g: Int, panel: Int, first: Int, count: Int, _ y: UnsafePointer<T>,
    _ area: Int
  ) {
    for v in 0..<vectors(panel) {
      let k = (2 &* panel &+ v) &* lanes, plane = UnsafeMutablePointer(mutating: y) + ((n &* G &+ g) &* K &+ k) &* area
      T.kernels.transpose(from + v &* block, lanes, count, min(lanes, K &- k), plane + first, area, false)
    }
  }

  /// factor: what filter k is multiplied by, as a normalization behind the convolution wants it.
  func pack(
    _ weight: UnsafePointer<T>, factor: UnsafePointer<T>?, bias: UnsafePointer<T>?, _ to: UnsafeMutablePointer<T>
  ) throws(CNNError) {
    let kernels = T.kernels, lanes = lanes, tasks = G &* blocks
    let width = try parallelWidth(tasks, .elements(weights, 2))
    let scaled = try Scratch<T>(factor == nil ? 0 : width &* lanes &* terms), scaledData = scaled.data
    parallel(tasks, width: width) { task, worker in
      let g = task / blocks, block = task % blocks, panel = block / 2, count = min(lanes, K &- block &* lanes)
      let k = g &* K &+ block &* lanes, step = vectors(panel) &* lanes
      var from = weight + k &* terms
      if let factor {
        let own = scaledData + worker &* lanes &* terms
        for i in 0..<count { kernels.scaleShift(from + i &* terms, factor[k &+ i], 0, own + i &* terms, terms) }
        from = UnsafePointer(own)
      }
      let to = to + (self.panel(g, panel) &+ block % 2 &* lanes)
      if taps == 1 { return kernels.transpose(from, terms, count, terms, to, step, true) }
      let size = planar ? max(1, C) : lanes
      for first in stride(from: 0, to: C, by: size) {
        let channels = min(size, C &- first)
        for c in 0..<channels {
          kernels.transpose(
            from + (first &+ c) &* taps, terms, count, taps, to + (first &* taps &+ c) &* step, channels &* step, true)
        }
      }
    }
    zero(to + weights, G &* blocks &* lanes)
    if let bias { for g in 0..<G { copy(bias + g &* K, to: to + (weights &+ g &* blocks &* lanes), K) } }
  }

  /// Of filters that go the other way, weight[G][C][K][allTaps] in the letters of here: those of the chosen taps. No biases.
  func packTransposed(
    _ weight: UnsafePointer<T>, _ chosen: [Int], of allTaps: Int, _ to: UnsafeMutablePointer<T>
  ) throws(CNNError) {
    // A task is a block of channels: so few that the processor sees that their filters are read in order.
    let kernels = T.kernels, lanes = lanes, channelBlocks = (C &+ lanes &- 1) / lanes, tasks = G &* channelBlocks
    let width = try parallelWidth(tasks, .elements(weights, 2))
    let scratch = try Scratch<T>(width &* allTaps &* lanes), scratchData = scratch.data
    parallel(tasks, width: width) { task, worker in
      let g = task / channelBlocks, first = task % channelBlocks &* lanes, channels = min(lanes, C &- first)
      let tile = scratchData + worker &* allTaps &* lanes
      for panel in 0..<panels {
        let k = 2 &* panel &* lanes, step = vectors(panel) &* lanes, to = to + self.panel(g, panel)
        if allTaps == 1 {
          packRows(weight, g: g, panel: panel, first: first, rows: channels, to + first &* step)
          continue
        }
        for c in first..<first &+ channels {
          for v in 0..<vectors(panel) {
            let k = k &+ v &* lanes
            // [k][tap] of one c becomes [tap][k].
            kernels.transpose(
              weight + ((g &* C &+ c) &* K &+ k) &* allTaps, allTaps, min(lanes, K &- k), allTaps, tile, lanes, true)
            for (i, t) in chosen.enumerated() {
              let term = first &* taps &+ i &* channels &+ c &- first
              copy(UnsafePointer(tile) + t &* lanes, to: to + (term &* step &+ v &* lanes), lanes)
            }
          }
        }
      }
    }
  }

  /// Of filters of one cell that go the other way, weight[G][C][K]: some terms of a panel. Those `ahead` of them are asked for meanwhile.
  func packRows(
    _ weight: UnsafePointer<T>, g: Int, panel: Int, first: Int, rows: Int, ahead: Int = 0, _ to: UnsafeMutablePointer<T>
  ) {
    let k = 2 &* panel &* lanes, step = vectors(panel) &* lanes, columns = min(step, K &- k)
    var copy = RowCopy(
      from: weight + ((g &* C &+ first) &* K &+ k), fromRow: K, to: to, toRow: step, rows: rows, columns: columns,
      after: step &- columns, fill: 0)
    copy.ahead = ahead &* K
    T.kernels.copyRows(copy)
  }

  /// weight[G][K][C][taps] of what is packed.
  func unpack(_ from: UnsafePointer<T>, _ weight: UnsafeMutablePointer<T>) throws(CNNError) {
    let lanes = lanes, tasks = G &* blocks
    parallel(tasks, width: try parallelWidth(tasks, .elements(weights, 2))) { task, _ in
      let g = task / blocks, block = task % blocks, panel = block / 2, count = min(lanes, K &- block &* lanes)
      let step = vectors(panel) &* lanes, from = from + (self.panel(g, panel) &+ block % 2 &* lanes)
      let to = weight + (g &* K &+ block &* lanes) &* terms
      for first in stride(from: 0, to: C, by: lanes) {
        let channels = min(lanes, C &- first)
        for c in 0..<channels {
          T.kernels.transpose(
            from + (first &* taps &+ c) &* step, channels &* step, taps, count, to + (first &+ c) &* taps, terms, false)
        }
      }
    }
  }
}
