// grad_x by taps: every tap's share of grad_y goes back to the cells that it was read from.
import CNNCore
import Microkernels

/// grad_x of one image: tiles of (channel, tap) rows, weightᵀ . grad_y, summed over output channels in registers, then added to
/// the planes at each tap's offset. The planes hold grad_x; a strip of columns of some blocks of rows is all that exists of the product.
struct TapProduct<T: Element>: ~Copyable {
  /// Elements of a row of spread grad_y, and scratch elements that `run` needs.
  let step: Int, cells: Int
  private let sizes: Convolution.Sizes<T>
  private let weights: Scratch<T>, offsets: Scratch<Int>
  private let blocks: Blocks
  /// So many blocks of rows use the columns of grad_y that a tile reads while these are in the first cache.
  private let blocksAtOnce: Int
  private let parts: Int, channels: Int
  private let strip: Int, reach: Int, stripStep: Int, shift: Int

  /// Rows of the product in tiles. The taps of a filter's row are shifted against each other by one distance, where its cells
  /// are neighbours: these are added together, so a tile has whole filter rows, or a part of one.
  private struct Blocks {
    let together: Int, rows: Int, count: Int
    private let neighbours: Int, partsOfRow: Int

    init(total: Int, neighbours: Int, most: Int) {
      let (parts, size) = balanced(neighbours, most: most)
      (self.neighbours, partsOfRow, together) = (neighbours, parts, size)
      let filterRows = total / neighbours, perTile = max(1, most / size)
      rows = parts > 1 ? size : min(perTile &* size, total)
      count = parts > 1 ? filterRows &* parts : (filterRows &+ perTile &- 1) / perTile
    }
    /// The first row of a block, and how many of the first `total` rows it has.
    func range(_ block: Int, _ total: Int) -> (first: Int, count: Int) {
      if partsOfRow == 1 { return (block &* rows, max(0, min(rows, total &- block &* rows))) }
      let part = block % partsOfRow &* together, row = block / partsOfRow &* neighbours &+ part
      return (row, row < total ? min(together, neighbours &- part) : 0)
    }
  }

  /// For `parts` equal parts of the input channels, which `run` makes one at a time.
  init(_ sizes: Convolution.Sizes<T>, _ weight: UnsafePointer<T>, parts: Int, wanted: Bool = true) throws(CNNError) {
    let planes = sizes.planes, panel = sizes.panel, window = planes.window
    let (C, K, G, taps) = (sizes.C, sizes.K, sizes.G, sizes.taps)
    let channels = (C &+ parts &- 1) / parts, step = sizes.spreadStep
    let blocks = Blocks(
      total: channels &* taps, neighbours: window.strides[1] == 1 ? window.kernel[1] : 1, most: T.kernels.tallRows)
    // weight as [G][parts][blocks][K][rows]: rows are (channel, tap), as they lie in weight[K][C][taps].
    let weights = try Scratch<T>(wanted ? G &* parts &* blocks.count &* K &* blocks.rows : 0)
    let offsets = try Scratch<Int>(channels &* taps &+ 1)
    for c in 0..<channels {
      planes.tapOffsets(offsets.data + c &* taps)
      for t in 0..<taps { offsets.data[c &* taps &+ t] += c &* planes.cells }
    }
    offsets.data[channels &* taps] = 0
    let weightData = weights.data
    parallel(wanted ? G &* parts : 0, width: try parallelWidth(G &* parts, .elements(G, C, K, taps))) { i, _ in
      let g = i / parts, first = i % parts &* channels, total = min(channels, C &- first) &* taps
      for block in 0..<blocks.count {
        let (row, count) = blocks.range(block, total)
        if count == 0 { break }
        for k in 0..<K {
          let from = weight + ((g &* K &+ k) &* C &+ first) &* taps
          let to = weightData + ((i &* blocks.count &+ block) &* K &+ k) &* blocks.rows
          copy(from + row, to: to, count)
        }
      }
    }
    self.sizes = sizes
    self.weights = weights
    self.offsets = offsets
    self.blocks = blocks
    self.parts = parts
    self.channels = channels
    self.step = step
    shift = window.dilations[1]
    // A strip: so many columns of the rows of blocks, between zeros as wide as the shifts reach; in the second cache.
    let room = 98_304 / MemoryLayout<T>.stride, most = room / max(1, blocks.count &* blocks.rows)
    strip = min(step, max(256, most / panel &* panel))
    reach = (blocks.together &- 1) &* shift
    stripStep = strip &+ 2 &* reach
    blocksAtOnce = max(1, min(blocks.count, room / (blocks.rows &* stripStep)))
    cells =
      wanted ? channels &* planes.cells &+ panel &+ K &* panel &+ blocksAtOnce &* blocks.rows &* stripStep &+ 2 &* panel : 0
  }

  /// Once, before `run` uses work[cells].
  func prepare(_ work: UnsafeMutablePointer<T>) { zero(work, cells) }

  /// gradX[channels][H][W] of a part of one image of group g, from its grad_y spread[K][step].
  func run(
    _ g: Int, _ part: Int, _ spread: UnsafePointer<T>, _ work: UnsafeMutablePointer<T>, _ gradX: UnsafeMutablePointer<T>
  ) {
    let kernels = T.kernels, planes = sizes.planes, panel = sizes.panel, K = sizes.K
    let count = min(channels, sizes.C &- part &* channels), total = count &* sizes.taps
    let sums = work, copied = work + (channels &* planes.cells &+ panel), strips = copied + K &* panel
    let noOffset = UnsafePointer(offsets.data + channels &* sizes.taps)
    zero(sums, count &* planes.cells)
    for p in stride(from: 0, to: planes.run, by: strip) {
      let left = min(strip, planes.run &- p)
      for first in stride(from: 0, to: blocks.count, by: blocksAtOnce) {
        let group = first..<min(blocks.count, first &+ blocksAtOnce)
        for q in stride(from: 0, to: left, by: panel) {
          // The rows of grad_y are pages apart, so that many tiles are better off with a copy.
          var (columns, columnStep) = (spread + (p &+ q), step)
          if group.count >= 8 {
            kernels.copyRows(
              RowCopy(from: columns, fromRow: step, to: copied, toRow: panel, rows: K, columns: panel, fill: 0))
            (columns, columnStep) = (UnsafePointer(copied), panel)
          }
          for block in group {
            let (_, height) = blocks.range(block, total)
            if height == 0 { break }
            kernels.tile(
              rows: height,
              TileOperands(
                a: UnsafePointer(weights.data) + ((g &* parts &+ part) &* blocks.count &+ block) &* K &* blocks.rows,
                b: columns, c: strips + ((block &- first) &* blocks.rows &* stripStep &+ reach &+ q),
                aOffsets: noOffset, bOffsets: noOffset, taps: 1, inner: K,
                aStep: blocks.rows, bStep: columnStep, cStep: stripStep, columns: min(panel, left &- q)))
          }
        }
        for block in group {
          let (row, height) = blocks.range(block, total), own = strips + (block &- first) &* blocks.rows &* stripStep
          // Behind a short last strip there may be what a longer one has left.
          if left < strip { for m in 0..<height { zero(own + (m &* stripStep &+ reach &+ left), reach) } }
          for m in stride(from: 0, to: height, by: blocks.together) {
            let n = min(blocks.together, height &- m)
            kernels.addShiftedRows(
              UnsafePointer(own) + (m &* stripStep &+ reach), stripStep, shift, n, sums + (p &+ offsets.data[row &+ m]),
              left &+ (n &- 1) &* shift)
          }
        }
      }
    }
    for c in 0..<count { planes.drain(UnsafePointer(sums) + c &* planes.cells, gradX + c &* sizes.imageCells) }
  }
}

extension Convolution.Sizes {
  /// Elements of a row of spread grad_y: whole tiles of columns, an odd number, or all rows would fall into the same sets of the first
  /// cache.
  var spreadStep: Int { ((OH &* planes.width &+ panel &- 1) / panel | 1) &* panel }

  /// grad_y[K][OH][OW] of an image with the rows as far apart as in the planes of x, zeros between and behind them.
  func spread(_ gradY: UnsafePointer<T>, to: UnsafeMutablePointer<T>, _ step: Int) {
    for k in 0..<K {
      var copy = RowCopy(
        from: gradY + k &* pixels, fromRow: OW, to: to + k &* step, toRow: planes.width, rows: OH, columns: OW,
        after: planes.width &- OW, fill: 0)
      copy.ahead = RowCopy<T>.twoPages
      T.kernels.copyRows(copy)
      zero(to + (k &* step &+ OH &* planes.width), step &- OH &* planes.width)
    }
  }
}
