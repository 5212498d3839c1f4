// y = x * weight + bias, by direct register tiles over the padded planes of an image.
import CNNCore
import Microkernels

extension Convolution.Sizes {
  /// Tiles of pixels (rows, broadcast) x output channels (columns, in vectors). The tiles of a few output rows are collected
  /// as [pixel][channel], then transposed into the planes of y.
  func forwardChannelsInLanes(
    _ x: UnsafePointer<T>, _ weight: UnsafePointer<T>, _ bias: UnsafePointer<T>?, _ y: UnsafeMutablePointer<T>
  ) throws(CNNError) {
    let kernels = T.kernels, lanes = kernels.lanes
    let (C, K, taps, panel, panels, OW, pixels) = (C, K, taps, panel, panels, OW, pixels)
    let (bandCount, bandRows) = bands
    let band = try PhasePlanes(planes.window, image: planes.image, output: (bandRows, OW))
    let tasks = N &* G &* bandCount
    let width = try parallelWidth(max(tasks, panels &* G))

    // weight as [G][panels][taps][C][panel], zeros behind the last channel.
    let packed = try Scratch<T>(G &* panels &* taps &* C &* panel)
    let weights = packed.data
    parallel(G &* panels, width: width) { i, _ in
      let first = i % panels &* panel, count = min(panel, K &- first)
      let from = weight + (i / panels &* K &+ first) &* C &* taps, to = weights + i &* taps &* C &* panel
      if count < panel { zero(to, taps &* C &* panel) }
      for c in 0..<(taps == 1 ? min(C, 1) : C) {
        kernels.transpose(
          from + c &* taps, C &* taps, count, taps == 1 ? C : taps, to + c &* panel, taps == 1 ? panel : C &* panel, false)
      }
    }

    let offsets = try Scratch<Int>(2 &* taps)
    let (aOffsets, bOffsets) = (offsets.data, offsets.data + taps)
    band.tapOffsets(aOffsets)
    for t in 0..<taps { bOffsets[t] = t &* C &* panel }

    // A chunk of output rows, small enough for the first cache, of whole vectors where that can be.
    var chunk = max(1, 160 / OW)
    for rows in stride(from: chunk, to: 0, by: -1) where rows &* OW % lanes == 0 {
      chunk = rows
      break
    }
    chunk = min(chunk, bandRows)
    let (parts, rows) = balanced(OW, most: kernels.tallRows)
    let channelCells = band.cells &+ 16  // planes of whole pages would all fall into the same cache sets
    let planeCells = C &* channelCells
    let tileCells = chunk &* OW &* panel
    let scratch = try Scratch<T>(width &* (planeCells &+ tileCells &+ 2 &* panel))
    let scratchData = scratch.data
    let (G, OH, imageCells) = (G, OH, imageCells)

    parallel(tasks, width: width) { task, worker in
      let image = task / bandCount, firstRow = task % bandCount &* bandRows, g = image % G
      let planes = scratchData + worker &* (planeCells &+ tileCells &+ 2 &* panel), tile = planes + planeCells
      for c in 0..<C {
        band.fill(planes + c &* channelCells, x + (image &* C &+ c) &* imageCells, padding: 0, firstRow: firstRow)
      }
      for p in 0..<panels {
        let b = weights + (g &* panels &+ p) &* taps &* C &* panel
        let channels = min(panel, K &- p &* panel)
        let k = g &* K &+ p &* panel
        for row in stride(from: 0, to: min(bandRows, OH &- firstRow), by: chunk) {
          let height = min(chunk, min(bandRows, OH &- firstRow) &- row)
          for r in 0..<height {
            for part in 0..<parts {
              let column = part &* rows, count = min(rows, OW &- column)
              if count <= 0 { break }
              kernels.tile(
                rows: count,
                TileOperands(
                  a: UnsafePointer(planes) + ((row &+ r) &* band.width &+ column), b: b,
                  c: tile + (r &* OW &+ column) &* panel, initial: bias.map { $0 + k }, aOffsets: aOffsets,
                  bOffsets: bOffsets, taps: taps, inner: C, aStep: channelCells, bStep: panel, cStep: panel,
                  columns: channels))
            }
          }
          let n = image / G, to = y + ((n &* G &* K &+ k) &* pixels &+ (firstRow &+ row) &* OW)
          kernels.transpose(UnsafePointer(tile), panel, height &* OW, channels, to, pixels, false)
        }
      }
    }
  }

  /// Tiles of output channels (rows, broadcast) x pixels (columns, in vectors), for few channels a group: depthwise, and the
  /// last layers of image-to-image networks. Rows of windows are one flat run; the cells between them are dropped.
  func forwardPixelsInLanes(
    _ x: UnsafePointer<T>, _ weight: UnsafePointer<T>, _ bias: UnsafePointer<T>?, _ y: UnsafeMutablePointer<T>
  ) throws(CNNError) {
    let kernels = T.kernels
    let (C, K, G, taps, panel, OH, OW, pixels) = (C, K, G, taps, panel, OH, OW, pixels)
    let band = planes
    let (blocks, rows) = balanced(K, most: kernels.tallRows)
    let tasks = N &* G
    let width = try parallelWidth(tasks)
    let step = (band.run &+ panel &- 1) / panel &* panel
    let planeCells = C &* band.cells &+ 2 &* panel
    let weightCells = blocks &* taps &* C &* rows
    let scratch = try Scratch<T>(width &* (planeCells &+ weightCells &+ rows &* step &+ 2 &* panel))
    let scratchData = scratch.data, scratchCells = planeCells &+ weightCells &+ rows &* step &+ 2 &* panel
    let offsets = try Scratch<Int>(2 &* taps)
    let (aOffsets, bOffsets) = (offsets.data, offsets.data + taps)
    band.tapOffsets(bOffsets)
    for t in 0..<taps { aOffsets[t] = t &* C &* rows }
    let imageCells = imageCells

    parallel(tasks, width: width) { image, worker in
      let g = image % G
      let planes = scratchData + worker &* scratchCells, weights = planes + planeCells, tile = weights + weightCells
      for c in 0..<C { band.fill(planes + c &* band.cells, x + (image &* C &+ c) &* imageCells, padding: 0) }
      zero(planes + C &* band.cells, 2 &* panel)
      // weight of the group as [blocks][taps][C][rows].
      for k in 0..<K {
        let from = weight + (g &* K &+ k) &* C &* taps, to = weights + (k / rows &* taps &* C &* rows &+ k % rows)
        for c in 0..<C { for t in 0..<taps { to[(t &* C &+ c) &* rows] = from[c &* taps &+ t] } }
      }
      for block in 0..<blocks {
        let count = min(rows, K &- block &* rows)
        if count <= 0 { break }
        for p in stride(from: 0, to: band.run, by: panel) {
          kernels.tile(
            rows: count,
            TileOperands(
              a: UnsafePointer(weights) + block &* taps &* C &* rows, b: UnsafePointer(planes) + p, c: tile + p,
              aOffsets: aOffsets, bOffsets: bOffsets, taps: taps, inner: C, aStep: rows, bStep: band.cells, cStep: step,
              columns: min(panel, band.run &- p)))
        }
        for m in 0..<count {
          let k = block &* rows &+ m, to = y + (image &* K &+ k) &* pixels
          let shift = bias.map { $0[g &* K &+ k] } ?? 0
          for row in 0..<OH {
            kernels.scaleShift(UnsafePointer(tile) + (m &* step &+ row &* band.width), 1, shift, to + row &* OW, OW)
          }
        }
      }
    }
  }
}
