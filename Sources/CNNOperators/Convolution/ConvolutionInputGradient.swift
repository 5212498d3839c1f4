// grad_x: every tap's share of grad_y goes back to the cells it was read from.
import CNNCore
import Microkernels

extension Convolution.Sizes {
  func inputGradient(
    _ weight: UnsafePointer<T>, _ gradY: UnsafePointer<T>, _ gradX: UnsafeMutablePointer<T>
  ) throws(CNNError) {
    if N &* G &* C &* imageCells == 0 { return }
    if K == 0 || pixels == 0 { return zero(gradX, N &* G &* C &* imageCells) }
    if let transposed = try transposed(), transposed.channelsInLanes {
      try transposed.forwardFlipped(weight, gradY, gradX)
    } else {
      try inputGradientByTaps(weight, gradY, gradX)
    }
  }

  /// With stride 1, grad_x is a convolution of grad_y by the flipped filters, padded by what the window's span leaves of the
  /// pads: of K channels to C. nil where a pad is larger than the span.
  private func transposed() throws(CNNError) -> Self? {
    let w = planes.window
    guard w.strides[0] == 1 && w.strides[1] == 1 else { return nil }
    let rows = (w.kernel[0] - 1) * w.dilations[0], columns = (w.kernel[1] - 1) * w.dilations[1]
    let pads: InlineArray<4, Int> = [rows - w.pads[0], columns - w.pads[1], rows - w.pads[2], columns - w.pads[3]]
    for i in 0..<4 where pads[i] < 0 { return nil }
    let window = try Window(kernel: w.kernel, strides: [1, 1], pads: pads, dilations: w.dilations)
    let image = planes.image
    let flipped = try PhasePlanes(window, image: planes.output, output: image)
    return Self(N: N, G: G, C: K, K: C, planes: flipped, y: try Shape("grad_x", N, G &* C, image.0, image.1))
  }

  /// The forward convolution by weight[G][C][K][taps] (the letters are those of self), whose channels change places and whose
  /// taps run backwards.
  private func forwardFlipped(
    _ weight: UnsafePointer<T>, _ gradY: UnsafePointer<T>, _ gradX: UnsafeMutablePointer<T>
  ) throws(CNNError) {
    let (C, K, taps) = (C, K, taps)
    let flipped = try Scratch<T>(G &* C &* K &* taps)
    let data = flipped.data
    parallel(G &* K, width: try parallelWidth(G &* K)) { i, _ in
      let g = i / K, k = i % K
      for c in 0..<C {
        let from = weight + ((g &* C &+ c) &* K &+ k) &* taps, to = data + (i &* C &+ c) &* taps
        for t in 0..<taps { to[t] = from[taps &- 1 &- t] }
      }
    }
    try forwardChannelsInLanes(gradY, UnsafePointer(data), nil, gradX)
  }

  /// For a run of pixels in vectors, tiles of (channel, tap) rows: weightᵀ . grad_y, summed over output channels in registers,
  /// then added to the planes at each tap's offset. The planes hold grad_x; a strip of columns is all that exists.
  private func inputGradientByTaps(
    _ weight: UnsafePointer<T>, _ gradY: UnsafePointer<T>, _ gradX: UnsafeMutablePointer<T>
  ) throws(CNNError) {
    let kernels = T.kernels
    let (C, K, G, taps, panel, OH, OW, pixels) = (C, K, G, taps, panel, OH, OW, pixels)
    let planes = planes, imageCells = imageCells
    // A task is one image and group, and where these are few, a part of the input channels.
    let parts = N &* G >= 16 ? 1 : min(C, (16 &+ N &* G &- 1) / (N &* G))
    let channels = (C &+ parts &- 1) / parts
    let partCount = (C &+ channels &- 1) / channels
    let tasks = N &* G &* partCount
    let width = try parallelWidth(max(tasks, G &* partCount))

    // Rows that are shifted against each other by one distance: the taps of a filter's row, where its cells are neighbours.
    let neighbours = planes.window.strides[1] == 1 ? planes.window.kernel[1] : 1, shift = planes.window.dilations[1]
    let (partsOfRow, together) = balanced(neighbours, most: kernels.tallRows)
    let runs = partsOfRow > 1 ? 1 : max(1, kernels.tallRows / together)  // such rows in a tile
    let rows = partsOfRow > 1 ? together : min(runs &* together, channels &* taps)
    let groups = channels &* taps / neighbours  // filter rows
    let blocks = partsOfRow > 1 ? groups &* partsOfRow : (groups &+ runs &- 1) / runs
    let firstRow = { (block: Int) -> Int in
      partsOfRow > 1 ? block / partsOfRow &* neighbours &+ block % partsOfRow &* together : block &* rows
    }
    let rowCount = { (block: Int, total: Int) -> Int in
      partsOfRow > 1 ? min(together, neighbours &- block % partsOfRow &* together) : min(rows, total &- block &* rows)
    }

    // weight as [G][parts][blocks][K][rows]: rows are (channel, tap), as they lie in weight[K][C][taps].
    let packed = try Scratch<T>(G &* partCount &* blocks &* K &* rows)
    let weights = packed.data
    parallel(G &* partCount, width: width) { i, _ in
      let g = i / partCount, first = i % partCount &* channels
      let total = min(channels, C &- first) &* taps
      for block in 0..<blocks {
        let row = firstRow(block)
        if row >= total { break }
        let count = rowCount(block, total)
        for k in 0..<K {
          let from = weight + ((g &* K &+ k) &* C &+ first) &* taps
          copy(from + row, to: weights + ((i &* blocks &+ block) &* K &+ k) &* rows, count)
        }
      }
    }

    let offsets = try Scratch<Int>(channels &* taps &+ 1)
    let rowOffsets = offsets.data
    for c in 0..<channels {
      planes.tapOffsets(rowOffsets + c &* taps)
      for t in 0..<taps { rowOffsets[c &* taps &+ t] += c &* planes.cells }
    }
    rowOffsets[channels &* taps] = 0
    let noOffset = UnsafePointer(rowOffsets + channels &* taps)
    let step = (OH &* planes.width &+ panel &- 1) / panel &* panel
    // A strip: so many columns of a tile's rows, between zeros as wide as the shifts reach.
    let strip = min(step, 1024), reach = (together &- 1) &* shift
    let stripStep = strip &+ 2 &* reach
    let sumCells = channels &* planes.cells &+ panel, spreadCells = K &* step
    let scratchCells = sumCells &+ spreadCells &+ rows &* stripStep &+ 4 &* panel
    let scratch = try Scratch<T>(width &* scratchCells)
    let scratchData = scratch.data

    parallel(tasks, width: width) { task, worker in
      let image = task / partCount, part = task % partCount, g = image % G
      let first = part &* channels, count = min(channels, C &- first)
      let sums = scratchData + worker &* scratchCells, spread = sums + sumCells, strips = spread + spreadCells
      // grad_y with the rows as far apart as in the planes, zeros between them.
      for k in 0..<K {
        let to = spread + k &* step
        kernels.copyRows(
          RowCopy(
            from: gradY + (image &* K &+ k) &* pixels, fromRow: OW, to: to, toRow: planes.width, rows: OH, columns: OW,
            after: planes.width &- OW, fill: 0))
        zero(to + OH &* planes.width, step &- OH &* planes.width)
      }
      zero(sums, sumCells)
      zero(strips, rows &* stripStep)
      for p in stride(from: 0, to: planes.run, by: strip) {
        let left = min(strip, planes.run &- p)
        for block in 0..<blocks {
          let row = firstRow(block)
          if row >= count &* taps { break }
          let height = rowCount(block, count &* taps)
          for q in stride(from: 0, to: left, by: panel) {
            kernels.tile(
              rows: height,
              TileOperands(
                a: UnsafePointer(weights) + ((g &* partCount &+ part) &* blocks &+ block) &* K &* rows,
                b: UnsafePointer(spread) + (p &+ q), c: strips + (reach &+ q), aOffsets: noOffset, bOffsets: noOffset,
                taps: 1, inner: K, aStep: rows, bStep: step, cStep: stripStep, columns: min(panel, left &- q)))
          }
          // Behind a short last strip there may be what a longer one has left.
          if left < strip { for m in 0..<height { zero(strips + (m &* stripStep &+ reach &+ left), reach) } }
          for m in stride(from: 0, to: height, by: together) {
            let n = min(together, height &- m)
            kernels.addShiftedRows(
              UnsafePointer(strips) + (m &* stripStep &+ reach), stripStep, shift, n, sums + (p &+ rowOffsets[row &+ m]),
              left &+ (n &- 1) &* shift)
          }
        }
      }
      for c in 0..<count {
        planes.drain(UnsafePointer(sums) + c &* planes.cells, gradX + (image &* C &+ first &+ c) &* imageCells)
      }
    }
  }
}
