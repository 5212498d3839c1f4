// y = x * weight + bias: by Winograd's algorithm, or by direct register tiles over the padded planes of an image.
import CNNCore
import Microkernels

extension Convolution.Sizes {
  func forward(
    _ x: UnsafePointer<T>, _ weight: UnsafePointer<T>, _ bias: UnsafePointer<T>?, _ y: UnsafeMutablePointer<T>,
    relu: Bool
  ) throws(CNNError) {
    if let winograd = try winograd() {
      let filters = try Scratch<T>(winograd.preparedCount)
      try winograd.prepare(weight, bias: bias, filters.data)
      try winograd.forward(.planar(x), filters.data, Epilogue(limits: relu ? (0, .infinity) : nil), .planar(UnsafePointer(y)))
    } else if isPointwise {
      try forwardPointwise(x, weight, bias, y, relu: relu)
    } else if channelsInLanes {
      try forwardChannelsInLanes(x, weight, bias, y, relu: relu)
    } else {
      try forwardPixelsInLanes(x, weight, bias, y, relu: relu)
    }
  }

  /// A filter of one cell that reads every pixel where it lies.
  var isPointwise: Bool {
    let w = planes.window
    return taps == 1 && w.strides[0] == 1 && w.strides[1] == 1 && pixels == imageCells
  }

  /// y[K][pixels] = weight[K][C] . x[C][pixels] of each image: no pixel moves but into its tile.
  private func forwardPointwise(
    _ x: UnsafePointer<T>, _ weight: UnsafePointer<T>, _ bias: UnsafePointer<T>?, _ y: UnsafeMutablePointer<T>,
    relu: Bool
  ) throws(CNNError) {
    let (C, K, G, pixels, panel) = (C, K, G, pixels, panel)
    // A task is one image and group, and where these are few, a part of the pixels.
    let units = (pixels &+ panel &- 1) / panel, parts = min(units, max(1, (16 &+ N &* G &- 1) / (N &* G)))
    let size = (units &+ parts &- 1) / parts &* panel, tasks = N &* G &* parts
    let cells = PackedProduct<T>(M: K, N: min(size, pixels)).cells
    let width = try parallelWidth(tasks, work), scratch = try Scratch<T>(width &* cells)
    let scratchData = scratch.data
    parallel(tasks, width: width) { task, worker in
      let image = task / parts, g = image % G, first = task % parts &* size, count = min(size, pixels &- first)
      if count <= 0 { return }
      PackedProduct<T>(M: K, N: count).run(
        MatrixView(data: weight + g &* K &* C, rowStep: C, columnStep: 1),
        .view(MatrixView(data: x + (image &* C &* pixels &+ first), rowStep: pixels, columnStep: 1)), C, start: nil,
        rowStart: bias.map { $0 + g &* K }, y + (image &* K &* pixels &+ first), pixels, scratchData + worker &* cells)
      if relu { self.relu(y + (image &* K &* pixels &+ first), K, count) }
    }
  }

  /// Tiles of pixels (rows, broadcast) x output channels (columns, in vectors). The tiles of a few output rows are collected
  /// as [pixel][channel], then transposed into the planes of y.
  func forwardChannelsInLanes(
    _ x: UnsafePointer<T>, _ weight: UnsafePointer<T>, _ bias: UnsafePointer<T>?, _ y: UnsafeMutablePointer<T>,
    relu: Bool
  ) throws(CNNError) {
    let kernels = T.kernels, lanes = kernels.lanes, planes = planes
    let (N, C, K, G, taps, panel, panels) = (N, C, K, G, taps, panel, panels)
    let (OH, OW, pixels, imageCells) = (OH, OW, pixels, imageCells)

    // weight as [G][panels][taps][C][panel], zeros behind the last channel.
    let packed = try Scratch<T>(G &* panels &* taps &* C &* panel)
    let weights = packed.data
    parallel(G &* panels, width: try parallelWidth(G &* panels, .elements(G, K, C, taps))) { i, _ in
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
    planes.tapOffsets(aOffsets)
    for t in 0..<taps { bOffsets[t] = t &* C &* panel }

    // A chunk of output rows, whose tiles fit the first cache, of whole vectors where that can be.
    var chunk = max(1, 160 / OW)
    for rows in stride(from: chunk, to: 0, by: -1) where rows &* OW % lanes == 0 {
      chunk = rows
      break
    }
    chunk = min(chunk, OH)
    let chunks = (OH &+ chunk &- 1) / chunk, (parts, _) = balanced(OW, most: kernels.tallRows)
    // Sums run over so many input channels at a time as have their window rows in the first cache.
    let rowBytes = planes.window.kernel[0] &* planes.width &* MemoryLayout<T>.stride
    let (blocks, _) = balanced(C, most: max(16, 24_576 / rowBytes))

    // As many images at a time as have their planes in the second cache; planes of whole pages would all fall into the same
    // sets of the first.
    let channelCells = planes.cells &+ 16, planeCells = C &* channelCells
    let batch = max(1, min(N, (1 << 20) / (G &* planeCells &* MemoryLayout<T>.stride)))
    let tasks = batch &* G &* panels &* chunks
    let width = try parallelWidth(tasks, work)
    let filled = try Scratch<T>(batch &* G &* planeCells), tiles = try Scratch<T>(width &* chunk &* OW &* panel)
    let (planeData, tileData) = (filled.data, tiles.data)

    for firstImage in stride(from: 0, to: N, by: batch) {
      let images = min(batch, N &- firstImage) &* G, from = firstImage &* G
      let group = 8, groups = (C &+ group &- 1) / group
      parallel(images &* groups, width: width) { task, _ in
        let image = task / groups
        for c in task % groups &* group..<min(C, (task % groups &+ 1) &* group) {
          planes.fill(
            planeData + (image &* planeCells &+ c &* channelCells), x + ((from &+ image) &* C &+ c) &* imageCells, padding: 0)
        }
      }
      parallel(images &* panels &* chunks, width: width) { task, worker in
        let image = task / (panels &* chunks), p = task / chunks % panels, row = task % chunks &* chunk
        let height = min(chunk, OH &- row), channels = min(panel, K &- p &* panel)
        let g = (from &+ image) % G, k = g &* K &+ p &* panel
        let tile = tileData + worker &* chunk &* OW &* panel, cells = UnsafePointer(planeData) + image &* planeCells
        let b = UnsafePointer(weights) + (g &* panels &+ p) &* taps &* C &* panel
        for block in 0..<blocks {
          let (c, depth) = part(block, of: blocks, C)
          for r in 0..<height {
            for i in 0..<parts {
              let (column, count) = part(i, of: parts, OW), to = tile + (r &* OW &+ column) &* panel
              kernels.tile(
                rows: count,
                TileOperands(
                  a: cells + (c &* channelCells &+ (row &+ r) &* planes.width &+ column), b: b + c &* panel, c: to,
                  initial: c > 0 ? UnsafePointer(to) : bias.map { $0 + k }, initialStep: c > 0 ? panel : 0,
                  aOffsets: aOffsets, bOffsets: bOffsets, taps: taps, inner: depth, aStep: channelCells, bStep: panel,
                  cStep: panel, columns: channels))
            }
          }
        }
        let to = y + (((from &+ image) &* K &+ p &* panel) &* pixels &+ row &* OW)
        kernels.transpose(UnsafePointer(tile), panel, height &* OW, channels, to, pixels, false)
        if relu { self.relu(to, channels, height &* OW) }
      }
    }
  }

  /// Tiles of output channels (rows, broadcast) x pixels (columns, in vectors), for few channels a group: depthwise, and the
  /// last layers of image-to-image networks. Rows of windows are one flat run; the cells between them are dropped.
  func forwardPixelsInLanes(
    _ x: UnsafePointer<T>, _ weight: UnsafePointer<T>, _ bias: UnsafePointer<T>?, _ y: UnsafeMutablePointer<T>,
    relu: Bool
  ) throws(CNNError) {
    let kernels = T.kernels
    let (C, K, G, taps, panel, OH, OW, pixels) = (C, K, G, taps, panel, OH, OW, pixels)
    let band = planes
    let (blocks, rows) = balanced(K, most: kernels.tallRows)
    let tasks = N &* G
    let width = try parallelWidth(tasks, work)
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
          if relu { kernels.relu(to, to, nil, pixels) }
        }
      }
    }
  }

  /// Of what has just been stored and is still in the caches: so many elements of each channel's plane.
  private func relu(_ y: UnsafeMutablePointer<T>, _ channels: Int, _ count: Int) {
    for k in 0..<channels { T.kernels.relu(y + k &* pixels, y + k &* pixels, nil, count) }
  }
}
