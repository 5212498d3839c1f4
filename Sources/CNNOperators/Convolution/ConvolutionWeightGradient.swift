// grad_weight: sums over the pixels of all images of grad_y[k][pixel] * x[c][pixel + tap]; and grad_bias, of grad_y[k][pixel].
import CNNCore
import Microkernels

/// Rows of a weight-gradient tile: channels at one tap.
private struct TileRows {
  let offset: Int  // of the first row, in the packed image
  let index: Int  // (c, tap) of the first row
  let count: Int
  let indexStep: Int  // from row to row
}

extension Convolution.Sizes {
  /// Images are packed a few at a time, grad_y as [panel][pixel][channel] and x as planes of blocks of 16 channels. Then every tile of grad_weight runs over their pixels, image after image: no partial sums to
  /// add, and the same order for any number of threads.
  func weightGradient(
    _ x: UnsafePointer<T>, _ gradY: UnsafePointer<T>, _ gradWeight: UnsafeMutablePointer<T>,
    _ gradBias: UnsafeMutablePointer<T>?
  ) throws(CNNError) {
    let kernels = T.kernels
    let (N, C, K, G, taps, panel, panels, OH, OW, pixels) = (N, C, K, G, taps, panel, panels, OH, OW, pixels)
    let planes = planes, imageCells = imageCells
    if let gradBias { zero(gradBias, G &* K) }
    if N &* pixels == 0 || G &* C &* K &* taps == 0 { return zero(gradWeight, G &* K &* C &* taps) }
    let block = 16
    let channelBlocks = (C &+ block &- 1) / block
    let imagePlanes = channelBlocks &* planes.cells &* block
    let imageGradients = panels &* pixels &* panel
    let rows = channelTiles(block)

    // As many images at a time as fit the second cache, by shape alone.
    let perImage = G &* (imagePlanes &+ imageGradients)
    let batch = max(1, min(N, (1 << 20) / max(1, perImage &* MemoryLayout<T>.stride)))
    let width = try parallelWidth(max(batch &* G, G &* panels &* rows.count), work)
    let packed = try Scratch<T>(batch &* perImage &+ 2 &* panel)
    let staging = try Scratch<T>(width &* block &* planes.cells)
    let sums = try Scratch<T>(G &* panels &* C &* taps &* panel)
    let (packedData, stagingData, sumData) = (packed.data, staging.data, sums.data)
    let offsets = try Scratch<Int>(2 &* OH)
    let (aOffsets, bOffsets) = (offsets.data, offsets.data + OH)
    for row in 0..<OH {
      aOffsets[row] = row &* planes.width &* block
      bOffsets[row] = row &* OW &* panel
    }

    for firstImage in stride(from: 0, to: N, by: batch) {
      let images = min(batch, N &- firstImage)
      parallel(images &* G, width: width) { i, worker in
        let image = firstImage &* G &+ i
        let to = packedData + i &* (imagePlanes &+ imageGradients)
        let stage = stagingData + worker &* block &* planes.cells
        for b in 0..<channelBlocks {
          let count = min(block, C &- b &* block)
          for c in 0..<count {
            planes.fill(stage + c &* planes.cells, x + (image &* C &+ b &* block &+ c) &* imageCells, padding: 0)
          }
          kernels.transpose(
            UnsafePointer(stage), planes.cells, count, planes.cells, to + b &* planes.cells &* block, block, false)
        }
        for p in 0..<panels {
          let k = p &* panel
          kernels.transpose(
            gradY + (image &* K &+ k) &* pixels, pixels, min(panel, K &- k), pixels,
            to + (imagePlanes &+ p &* pixels &* panel), panel, true)
        }
      }
      // A task is a tile of a panel; one more for each panel sums its channels.
      let perPanel = rows.count &+ (gradBias == nil ? 0 : 1)
      parallel(G &* panels &* perPanel, width: width) { task, _ in
        let i = task % perPanel, p = task / perPanel % panels, g = task / perPanel / panels
        let columns = min(panel, K &- p &* panel)
        let images = (0..<images).lazy.map {
          UnsafePointer(packedData) + ($0 &* G &+ g) &* (imagePlanes &+ imageGradients)
        }
        let gradient = imagePlanes &+ p &* pixels &* panel
        if i == rows.count {
          guard let gradBias else { return }
          for from in images { kernels.addRows(from + gradient, panel, pixels, gradBias + (g &* K &+ p &* panel), columns) }
          return
        }
        let r = rows[i], c = sumData + ((g &* panels &+ p) &* C &* taps &+ r.index) &* panel
        var isFirst = firstImage == 0
        for from in images {
          kernels.tile(
            rows: r.count,
            TileOperands(
              a: from + r.offset, b: from + gradient, c: c, initial: isFirst ? nil : UnsafePointer(c),
              initialStep: r.indexStep &* panel, aOffsets: aOffsets, bOffsets: bOffsets, taps: OH, inner: OW, aStep: block,
              bStep: panel, cStep: r.indexStep &* panel, columns: columns))
          isFirst = false
        }
      }
    }
    // [panel][(c, tap)][channel] to weight's [k][(c, tap)].
    parallel(G &* panels, width: width) { i, _ in
      let k = i % panels &* panel
      kernels.transpose(
        UnsafePointer(sumData) + i &* C &* taps &* panel, panel, C &* taps, min(panel, K &- k),
        gradWeight + (i / panels &* K &+ k) &* C &* taps, C &* taps, false)
    }
  }

  private func channelTiles(_ block: Int) -> [TileRows] {
    var tiles: [TileRows] = []
    for first in stride(from: 0, to: C, by: block) {
      let channels = min(block, C &- first)
      let (_, size) = balanced(channels, most: T.kernels.tallRows)
      for c in stride(from: 0, to: channels, by: size) {
        for t in 0..<taps {
          let i = t / planes.window.kernel[1], j = t % planes.window.kernel[1]
          tiles.append(
            TileRows(
              offset: (first / block &* planes.cells &+ planes.offset(i, j)) &* block &+ c, index: (first &+ c) &* taps &+ t,
              count: min(size, channels &- c), indexStep: taps))
        }
      }
    }
    return tiles
  }
}
