// grad_x by taps: every tap's share of grad_y goes back to the cells that it was read from.
import CNNCore
import Microkernels

/// grad_x of one image: tiles of (channel, tap) rows, weightᵀ . grad_y, summed over output channels in registers, then added to
/// the planes at each tap's offset. The planes hold grad_x; a strip of columns of some blocks of rows is all that exists of the product.
struct TapProduct<T: Element>: ~Copyable {
  /// Scratch elements that an image needs.
  let cells: Int
  private let sizes: Convolution.Sizes<T>
  private let gradY: GradientRows
  private let weights: Scratch<T>, offsets: Scratch<Int>
  private let blocks: Blocks
  /// So many blocks of rows use so many columns of grad_y while these are in the first cache.
  private let blocksAtOnce: Int, columnsAtOnce: Int
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
      let filterRows = total / neighbours, (tiles, perTile) = balanced(filterRows, most: max(1, most / size))
      rows = parts > 1 ? size : perTile &* size
      count = parts > 1 ? filterRows &* parts : tiles
    }
    /// The first row of a block, and how many of the first `total` rows it has.
    func range(_ block: Int, _ total: Int) -> (first: Int, count: Int) {
      if partsOfRow == 1 { return (block &* rows, max(0, min(rows, total &- block &* rows))) }
      let part = block % partsOfRow &* together, row = block / partsOfRow &* neighbours &+ part
      return (row, row < total ? min(together, neighbours &- part) : 0)
    }
  }

  /// For `parts` equal parts of the input channels, which are made one at a time.
  init(
    _ sizes: Convolution.Sizes<T>, _ gradY: GradientRows, _ weight: UnsafePointer<T>, parts: Int, wanted: Bool = true
  ) throws(CNNError) {
    let planes = sizes.planes, panel = sizes.panel, window = planes.window
    let (C, K, G, taps) = (sizes.C, sizes.K, sizes.G, sizes.taps)
    let channels = (C &+ parts &- 1) / parts
    // Taps are added together where rows have zeros between them.
    let blocks = Blocks(
      total: channels &* taps, neighbours: gradY.form == .spread && window.strides[1] == 1 ? window.kernel[1] : 1,
      most: T.kernels.tallRows)
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
    self.gradY = gradY
    self.weights = weights
    self.offsets = offsets
    self.blocks = blocks
    self.parts = parts
    self.channels = channels
    shift = window.dilations[1]
    // A strip: so many columns, or whole rows, of the rows of blocks, between zeros as wide as the shifts reach; in the second cache.
    let room = 98_304 / MemoryLayout<T>.stride, most = max(256, room / max(1, blocks.count &* blocks.rows) / panel &* panel)
    // Rows as they lie are cut where whole vectors begin.
    let together = max(1, T.lanes / (gradY.width & -gradY.width)),
      rowsAtOnce = max(1, most / (gradY.width &* together)) &* together
    strip = gradY.form == .spread ? min(gradY.step, most) : min(gradY.rows, rowsAtOnce) &* gradY.width
    reach = (blocks.together &- 1) &* shift
    stripStep = (strip &+ panel &- 1) / panel &* panel &+ 2 &* reach
    blocksAtOnce = max(1, min(blocks.count, room / (blocks.rows &* stripStep)))
    columnsAtOnce = max(1, 16_384 / (MemoryLayout<T>.stride &* K &* panel)) &* panel
    cells =
      wanted
      ? channels &* planes.cells &+ panel &+ K &* columnsAtOnce &+ blocksAtOnce &* blocks.rows &* stripStep &+ 2 &* panel : 0
  }

  /// Once, before `work[cells]` is used.
  func prepare(_ work: UnsafeMutablePointer<T>) { zero(work, cells) }

  private func channels(of part: Int) -> Int { min(channels, sizes.C &- part &* channels) }

  /// Before the rows of an image.
  func begin(_ part: Int, _ work: UnsafeMutablePointer<T>) { zero(work, channels(of: part) &* sizes.planes.cells) }

  /// After them: gradX[channels][H][W] of a part.
  func end(_ part: Int, _ work: UnsafeMutablePointer<T>, _ gradX: UnsafeMutablePointer<T>) {
    let planes = sizes.planes
    for c in 0..<channels(of: part) {
      planes.drain(UnsafePointer(work) + c &* planes.cells, gradX + c &* sizes.imageCells)
    }
  }

  /// What some rows of grad_y of an image give a part of group g. next: how far from them those are that follow; nil where they are near.
  func add(
    _ g: Int, _ part: Int, _ from: UnsafePointer<T>, rows: Range<Int>, next: Int? = nil, _ work: UnsafeMutablePointer<T>
  ) {
    let kernels = T.kernels, lanes = T.lanes, (planes, panel, K) = (sizes.planes, sizes.panel, sizes.K)
    let total = channels(of: part) &* sizes.taps
    let copied = work + (channels &* planes.cells &+ panel), strips = copied + K &* columnsAtOnce
    let filters = UnsafePointer(weights.data) + (g &* parts &+ part) &* blocks.count &* K &* blocks.rows
    let (first, end) = (rows.lowerBound &* gradY.width, rows.upperBound &* gradY.width)
    for p in stride(from: first, to: end, by: strip) {
      let left = min(strip, end &- p)
      for b in stride(from: 0, to: blocks.count, by: blocksAtOnce) {
        let group = b..<min(blocks.count, b &+ blocksAtOnce)
        for q in stride(from: 0, to: left, by: columnsAtOnce) {
          let count = min(columnsAtOnce, left &- q), ahead = next.map { from + (p &+ q &+ $0) }
          // The rows of grad_y are pages apart, so that many tiles are better off with a copy.
          var (columns, columnStep) = (from + (p &+ q), gradY.step)
          if group.count >= 8 {
            let vectors = (count &+ lanes &- 1) / lanes &* lanes
            kernels.copyRows(
              RowCopy(from: columns, fromRow: columnStep, to: copied, toRow: columnsAtOnce, rows: K, columns: vectors, fill: 0))
            (columns, columnStep) = (UnsafePointer(copied), columnsAtOnce)
          }
          for block in group {
            let height = blocks.range(block, total).count
            if height == 0 { break }
            multiply(
              filters + block &* K &* blocks.rows, height, columns, columnStep, count, ahead.map { share(block, of: $0) },
              to: strips + ((block &- b) &* blocks.rows &* stripStep &+ reach &+ q))
          }
        }
        addTaps(group, total, strips, at: p, left, to: work)
      }
    }
  }

  /// A block's share of the rows of grad_y from `ahead` on: its tiles ask for so many, each for its columns.
  private func share(_ block: Int, of ahead: UnsafePointer<T>) -> (first: UnsafePointer<T>, rows: Int) {
    let size = (sizes.K &+ blocks.count &- 1) / blocks.count
    return (ahead + block &* size &* gradY.step, max(0, min(size, sizes.K &- block &* size)))
  }

  /// to[height][count] = filtersᵀ . columns: all whole tiles of columns in one call.
  private func multiply(
    _ filters: UnsafePointer<T>, _ height: Int, _ columns: UnsafePointer<T>, _ columnStep: Int, _ count: Int,
    _ ahead: (first: UnsafePointer<T>, rows: Int)?, to: UnsafeMutablePointer<T>
  ) {
    let panel = sizes.panel, whole = count / panel, noOffset = UnsafePointer(offsets.data + channels &* sizes.taps)
    var operands = TileOperands(
      a: filters, b: columns, c: to, aOffsets: noOffset, bOffsets: noOffset, taps: 1, inner: sizes.K, aStep: blocks.rows,
      bStep: columnStep, cStep: stripStep, columns: panel)
    if whole > 0 {
      (operands.tiles, operands.bTile, operands.cTile) = (whole, panel, panel)
      if let ahead {
        (operands.ahead, operands.aheadRows, operands.aheadStep) = (ahead.first, ahead.rows, gradY.step)
        operands.aheadLines = panel / TileOperands<T>.line
      }
      T.kernels.tile(rows: height, operands)
    }
    if whole &* panel < count {
      operands.b += whole &* panel
      operands.c += whole &* panel
      (operands.tiles, operands.columns) = (1, count &- whole &* panel)
      T.kernels.tile(rows: height, operands)
    }
  }

  /// Adds a strip of a group of blocks, the columns from p on, to the planes.
  private func addTaps(
    _ group: Range<Int>, _ total: Int, _ strips: UnsafeMutablePointer<T>, at p: Int, _ count: Int,
    to planes: UnsafeMutablePointer<T>
  ) {
    // Blocks are the inner loop: taps that lie side by side would wait for each other's stores.
    for m in stride(from: 0, to: blocks.rows, by: blocks.together) {
      for block in group {
        let (row, height) = blocks.range(block, total), n = min(blocks.together, height &- m)
        if n <= 0 { continue }
        let own = strips + (((block &- group.lowerBound) &* blocks.rows &+ m) &* stripStep &+ reach)
        // Behind a short last strip there may be what a longer one has left.
        if reach > 0 && count < strip { for i in 0..<n { zero(own + (i &* stripStep &+ count), reach) } }
        let to = planes + offsets.data[row &+ m]
        var sum = ShiftedRows(
          from: UnsafePointer(own), step: stripStep, shift: shift, terms: n, to: to + p, count: count &+ (n &- 1) &* shift)
        if gradY.form != .spread {
          sum.to = to + p / gradY.width &* sizes.planes.width
          (sum.count, sum.rows) = (gradY.width, count / gradY.width)
          (sum.fromRow, sum.toRow) = (gradY.width, sizes.planes.width)
        }
        T.kernels.addShiftedRows(sum)
      }
    }
  }
}
