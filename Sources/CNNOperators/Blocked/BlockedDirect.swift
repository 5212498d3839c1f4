// The direct convolution from a channel-blocked array into one.
import CNNCore
import Microkernels

extension Convolution.Sizes {
  /// The largest padding: what halo a blocked x must have at least.
  var neededHalo: Int {
    let pads = planes.window.pads
    return max(max(pads[0], pads[1]), max(pads[2], pads[3]))
  }
  /// Whether the blocks of channels of each group are its own.
  var groupsAreWholeBlocks: Bool {
    let lanes = T.lanes
    return G == 1 || C % lanes == 0 && K % lanes == 0
  }

  /// y = x * filters, x and y blocked. `filters`: as BlockedFilters packs them.
  func directForward(
    _ x: BlockedArray<T>, _ packing: BlockedFilters<T>, _ filters: UnsafePointer<T>, _ y: BlockedArray<T>,
    _ epilogue: Epilogue<T>
  ) throws(CNNError) {
    if isHaloGathered(x) || isStridedPointwise && y.halo == 0 && (epilogue.residual?.halo ?? 0) == 0 {
      return try gatheredForward(x, packing, filters, y, epilogue)
    }
    let lanes = T.lanes, window = planes.window, taps = taps
    let blocks = (C &+ lanes &- 1) / lanes
    let runs = try Scratch<TileRun>(blocks &* taps)
    for block in 0..<blocks {
      for t in 0..<taps {
        let row = t / window.kernel[1] &* window.dilations[0], column = t % window.kernel[1] &* window.dilations[1]
        runs.data[block &* taps &+ t] = TileRun(
          offset: block &* x.blockStep &+ row &* x.rowStep &+ column &* lanes, count: min(lanes, C &- block &* lanes))
      }
    }
    // Where rows follow each other without a gap in x and residual, pixels are one row, cut into equal parts of a few tiles.
    let isFlat = isPointwise && x.halo == 0 && (y.halo == 0 || isBetterScattered) && (epilogue.residual?.halo ?? 0) == 0
    let (rows, columns) = isFlat ? balanced(pixels, most: 8 &* T.kernels.blocked.tiles.rows2) : (OH, OW)
    let first = (x.halo &- window.pads[0]) &* x.rowStep &+ (x.halo &- window.pads[1]) &* lanes
    try DirectProduct<T>(
      packing: packing, filters: filters, bias: filters + packing.weights, step: window.strides[1] <= 2 ? window.strides[1] : 0,
      aStep: 1, runs: runs.data, runsPerBlock: taps, runCount: blocks &* taps, columnStep: window.strides[1] &* lanes,
      rowStep: isFlat ? columns &* lanes : window.strides[0] &* x.rowStep, oneByOne: window.strides[1] > 2,
      pixelStep: lanes, pixelRow: isFlat ? columns &* lanes : y.rowStep, isScattered: isFlat && y.halo > 0,
      writesHalo: y.halo > 0, epilogue: epilogue,
      residualRow: isFlat ? columns &* lanes : epilogue.residual?.rowStep ?? 0
    )
    .run(
      UnsafePointer(x.data) + first, imageStep: x.imageStep, groupStep: blocks &* x.blockStep, N: N, rows: rows,
      columns: columns, total: pixels, y, work)
  }

  /// Whether rows are too short to fall into whole register tiles: 7 pixels are 4 and 3, which take as long as 9 of a longer row. Those of 14,
  /// which are 5, 5 and 4, take no longer than with what it costs to have them otherwise.
  private var areRowsShort: Bool {
    let most = T.kernels.blocked.tiles.rows2
    return OW % most != 0 && OW < 2 &* most
  }
  /// Of a pointwise convolution with short rows, whether pixels are one row although y has a halo; and whether those of x come out of one
  /// first. The terms of a sum, and the sums of a term, must make up for it.
  private var isBetterScattered: Bool { areRowsShort && C >= 64 }
  private func isHaloGathered(_ x: BlockedArray<T>) -> Bool { isPointwise && x.halo > 0 && areRowsShort && K >= 64 }

  private var isStridedPointwise: Bool { taps == 1 && !isPointwise && !isPadded }
  /// Of a pointwise convolution with strides, or of an x with a halo: the pixels that it reads are gathered first, and are one row then. It
  /// reads them for each panel of filters, from rows that may be shorter than two tiles.
  private func gatheredForward(
    _ x: BlockedArray<T>, _ packing: BlockedFilters<T>, _ filters: UnsafePointer<T>, _ y: BlockedArray<T>,
    _ epilogue: Epilogue<T>
  ) throws(CNNError) {
    let lanes = T.lanes, strides = planes.window.strides, (OH, OW) = (OH, OW)
    let shape = try Shape("x", N, G * C, OH, OW), scratch = try Scratch<T>(BlockedArray<T>.extents(shape, 0).count)
    let gathered = try BlockedArray(shape, halo: 0, scratch.data)
    // Pixels that are neighbours are a piece.
    let (piece, pieces) = strides[1] == 1 ? (OW &* lanes, 1) : (lanes, OW)
    try gathered.forEachBlock(.elements(gathered.count)) { n, block in
      let from = UnsafePointer(x.inside(n, block)), to = gathered.inside(n, block)
      for row in 0..<OH {
        let from = from + row &* strides[0] &* x.rowStep, to = to + row &* OW &* lanes
        for i in 0..<pieces { copy(from + i &* strides[1] &* lanes, to: to + i &* lanes, piece) }
      }
    }
    let pointwise = try Convolution(strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: G)
    try pointwise.sizes(shape, Shape("weight", G * K, C, 1, 1), of: T.self).directForward(
      gathered, packing, filters, y, epilogue)
  }

  var isPadded: Bool {
    let pads = planes.window.pads
    return pads[0] > 0 || pads[1] > 0 || pads[2] > 0 || pads[3] > 0
  }
}
