// y = x * weight + bias of planar arrays: by Winograd's algorithm, or by direct register tiles.
import CNNCore
import Microkernels

extension Convolution.Sizes {
  func forward(
    _ x: UnsafePointer<T>, _ weight: UnsafePointer<T>, _ bias: UnsafePointer<T>?, _ y: UnsafeMutablePointer<T>,
    relu: Bool
  ) throws(CNNError) {
    if let winograd = try winograd() {
      try winograd.forward(
        .planar(x), weight: weight, bias: bias, Epilogue(limits: relu ? (0, .infinity) : nil), .planar(UnsafePointer(y)))
    } else if C > 0 && (isDepthwise || channelsInLanes) {
      try forwardDirect(x, weight, bias, y, limits: relu ? (0, .infinity) : nil)
    } else {
      try forwardPixelsInLanes(x, weight, bias, y, relu: relu)
    }
  }

  /// By the tiles of channel-blocked arrays, with filters that are packed for this call.
  private func forwardDirect(
    _ x: UnsafePointer<T>, _ weight: UnsafePointer<T>, _ bias: UnsafePointer<T>?, _ y: UnsafeMutablePointer<T>,
    limits: (low: T, high: T)?
  ) throws(CNNError) {
    let packing = BlockedFilters<T>(self, planar: G == 1 && C <= Convolution.planarChannels), y = UnsafePointer(y)
    let filters = try Scratch<T>(isDepthwise ? depthwiseCount : packing.count), packed = UnsafePointer(filters.data)
    if isDepthwise {
      packDepthwise(weight, factor: nil, bias: bias, filters.data)
      return try depthwiseForward(planar: x, packed, planar: y, limits: limits)
    }
    try packing.pack(weight, factor: nil, bias: bias, filters.data)
    if packing.planar { return try directForward(fewChannels: x, packing, packed, .planar(y), Epilogue(limits: limits)) }
    try directForward(planar: x, packing, packed, planar: y, limits: limits)
  }

  /// A filter of one cell that reads every pixel where it lies.
  var isPointwise: Bool {
    let w = planes.window
    return taps == 1 && w.strides[0] == 1 && w.strides[1] == 1 && pixels == imageCells
  }

  /// Tiles of output channels (rows, broadcast) x pixels (columns, in vectors), for few channels a group, as the last layers
  /// of image-to-image networks have. Rows of windows are one flat run; the cells between them are dropped.
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
}
