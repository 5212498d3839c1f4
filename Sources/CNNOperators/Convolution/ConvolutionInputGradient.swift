// grad_x: every tap's share of grad_y goes back to the cells it was read from.
import CNNCore
import Microkernels

extension Convolution.Sizes {
  /// For a run of pixels in vectors, tiles of (channel, tap) rows: weightᵀ . grad_y, summed over output channels in registers,
  /// then added to the planes at each tap's offset. The planes hold grad_x; a tile's worth of columns is all that exists.
  func inputGradient(
    _ weight: UnsafePointer<T>, _ gradY: UnsafePointer<T>, _ gradX: UnsafeMutablePointer<T>
  ) throws(CNNError) {
    let kernels = T.kernels, lanes = kernels.lanes
    let (C, K, G, taps, panel, OH, OW, pixels) = (C, K, G, taps, panel, OH, OW, pixels)
    let planes = planes, imageCells = imageCells
    // A task is one image and group, and where these are few, a part of the input channels.
    let parts = N &* G >= 16 ? 1 : min(C, (16 &+ N &* G &- 1) / max(1, N &* G))
    let channels = (C &+ parts &- 1) / max(1, parts)
    let partCount = channels == 0 ? 0 : (C &+ channels &- 1) / channels
    let (blocks, rows) = balanced(channels &* taps, most: kernels.tallRows)
    let tasks = N &* G &* partCount
    if tasks == 0 { return zero(gradX, N &* G &* C &* imageCells) }
    let width = try parallelWidth(max(tasks, G &* partCount))

    // weight as [G][parts][blocks][K][rows]: rows are (channel, tap), as they lie in weight[K][C][taps].
    let packed = try Scratch<T>(G &* partCount &* blocks &* K &* rows)
    let weights = packed.data
    parallel(G &* partCount, width: width) { i, _ in
      let g = i / partCount, first = i % partCount &* channels
      let total = min(channels, C &- first) &* taps
      for block in 0..<blocks {
        let row = block &* rows, count = min(rows, total &- row)
        if count <= 0 { break }
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
    let step = (planes.run &+ panel &- 1) / panel &* panel
    let sumCells = channels &* planes.cells, spreadCells = K &* step
    let scratchCells = sumCells &+ spreadCells &+ rows &* panel &+ 4 &* panel
    let scratch = try Scratch<T>(width &* scratchCells)
    let scratchData = scratch.data

    parallel(tasks, width: width) { task, worker in
      let image = task / partCount, part = task % partCount, g = image % G
      let first = part &* channels, count = min(channels, C &- first)
      let sums = scratchData + worker &* scratchCells, spread = sums + sumCells, tile = spread + spreadCells
      // grad_y with the rows as far apart as in the planes, zeros between them.
      for k in 0..<K {
        let from = gradY + (image &* K &+ k) &* pixels, to = spread + k &* step
        for row in 0..<OH {
          kernels.copyStrided(from + row &* OW, 1, to + row &* planes.width, 1, OW)
          let end = row &* planes.width &+ OW
          (to + end).update(repeating: 0, count: (row &+ 1 < OH ? (row &+ 1) &* planes.width : step) &- end)
        }
      }
      zero(sums, sumCells)
      for p in stride(from: 0, to: planes.run, by: panel) {
        let left = min(panel, planes.run &- p)
        for block in 0..<blocks {
          let row = block &* rows, height = min(rows, count &* taps &- row)
          if height <= 0 { break }
          kernels.tile(
            rows: height, tall: left > lanes,
            TileOperands(
              a: UnsafePointer(weights) + ((g &* partCount &+ part) &* blocks &+ block) &* K &* rows,
              b: UnsafePointer(spread) + p, c: tile, aOffsets: noOffset, bOffsets: noOffset, taps: 1, inner: K, aStep: rows,
              bStep: step, cStep: panel, accumulate: false))
          kernels.scatterRows(UnsafePointer(tile), panel, sums + p, rowOffsets + row, height, left)
        }
      }
      for c in 0..<count {
        planes.drain(UnsafePointer(sums) + c &* planes.cells, gradX + (image &* C &+ first &+ c) &* imageCells)
      }
    }
  }
}
