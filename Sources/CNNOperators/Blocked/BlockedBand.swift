// From planar arrays to planar ones by the kernels of channel-blocked arrays: a band of rows is blocked in scratch memory, where it stays
// in the second cache, and what the kernels make of it goes back to planes.
import CNNCore
import Microkernels

/// The rows of x that a band of rows of windows reads, padding and all: [blocks of channels][rows][width][B].
struct BlockedBand<T: Element> {
  let window: Window, image: (Int, Int)
  /// Rows of windows.
  let height: Int
  let rows: Int, width: Int
  /// An odd number of vectors, or all blocks would fall into the same sets of the first cache.
  let blockStep: Int
  var rowStep: Int { width &* T.lanes }

  /// What a band may take of the second cache, beside filters and results.
  static var bytes: Int { 1 << 17 }

  /// A band of so many blocks that fits, and yet leaves some `tasks` of `others` times all rows of y.
  init(_ planes: PhasePlanes, blocks: Int, tasks: Int, others: Int, bytes: Int = bytes) throws(CNNError) {
    window = planes.window
    image = planes.image
    let (OH, lanes) = (planes.output.0, T.lanes)
    width = (planes.output.1 &- 1) &* window.strides[1] &+ (window.kernel[1] &- 1) &* window.dilations[1] &+ 1
    let rowBytes = window.strides[0] &* width &* blocks &* lanes &* MemoryLayout<T>.stride
    let most = min(bytes / max(1, rowBytes), (others &* OH &+ tasks &- 1) / tasks)
    height = balanced(OH, most: max(1, most)).size
    rows = (height &- 1) &* window.strides[0] &+ (window.kernel[0] &- 1) &* window.dilations[0] &+ 1
    // Factors are below 2^32, as extents and pads are.
    let cells = rows.multipliedReportingOverflow(by: width),
      all = (cells.partialValue | 1).multipliedReportingOverflow(by: blocks)
    guard !cells.overflow && !all.overflow && all.partialValue < Int.max >> 20 else {
      throw .shape("pads: the padded image's size overflows")
    }
    blockStep = (cells.partialValue | 1) &* lanes
  }
  /// Of a tap, from a window's first cell.
  func offset(_ tap: Int) -> Int {
    let row = tap / window.kernel[1] &* window.dilations[0], column = tap % window.kernel[1] &* window.dilations[1]
    return row &* rowStep &+ column &* T.lanes
  }

  /// One block of channels of an image, from its first plane on; windows from row `first` on. Cells outside the image become `padding`.
  func fill(_ to: UnsafeMutablePointer<T>, _ x: UnsafePointer<T>, channels: Int, first: Int, padding: T) {
    let (H, W) = image, lanes = T.lanes, kernels = T.kernels, area = H &* W
    let top = first &* window.strides[0] &- window.pads[0], above = min(rows, max(0, 0 &- top))
    let inside = max(0, min(rows, H &- top) &- above), from = x + (top &+ above) &* W
    let left = min(width, window.pads[1]), columns = min(W, width &- left), right = width &- left &- columns
    func pad(_ cell: Int, _ cells: Int) {
      let to = to + cell &* lanes
      if padding == 0 { zero(to, cells &* lanes) } else { to.update(repeating: padding, count: cells &* lanes) }
    }
    pad(0, above &* width)
    pad((above &+ inside) &* width, (rows &- above &- inside) &* width)
    if columns == width && W == width {
      return kernels.transpose(from, area, channels, inside &* W, to + above &* rowStep, lanes, true)
    }
    for r in 0..<inside {
      let cell = (above &+ r) &* width
      pad(cell, left)
      kernels.transpose(from + r &* W, area, channels, columns, to + (cell &+ left) &* lanes, lanes, true)
      pad(cell &+ left &+ columns, right)
    }
  }
}

extension Convolution.Sizes {
  /// y = limited(x * filters + bias), both planar. `filters`: as BlockedFilters packs them.
  func directForward(
    planar x: UnsafePointer<T>, _ packing: BlockedFilters<T>, _ filters: UnsafePointer<T>, planar y: UnsafePointer<T>,
    limits: (low: T, high: T)?
  ) throws(CNNError) {
    if arePlanesLong {
      return try pointwiseForward(planar: x, packing, filters, UnsafeMutablePointer(mutating: y), limits: limits)
    }
    let lanes = T.lanes, blocks = (C &+ lanes &- 1) / lanes, panels = packing.panels, taps = taps,
      window = planes.window
    // Large filters are read once for as many of its rows as can be, and shared among the threads, each of which has its own
    // copy of the band. So they are where there are few bands.
    let band = try BlockedBand<T>(
      planes, blocks: blocks, tasks: areFiltersLarge ? 1 : 16, others: N &* G,
      bytes: (areFiltersLarge ? 2 : 1) &* BlockedBand<T>.bytes)
    let bands = (OH &+ band.height &- 1) / band.height, others = N &* G &* bands
    var parts = max(1, min(panels / 4, 16 / others))
    if areFiltersLarge {
      let threads = try parallelWidth(panels, work)
      parts = threads > 1 ? max(1, min(panels, 4 &* threads / others)) : 1
    }
    let runs = try Scratch<TileRun>(blocks &* taps)
    for block in 0..<blocks {
      for t in 0..<taps {
        runs.data[block &* taps &+ t] = TileRun(
          offset: block &* band.blockStep &+ band.offset(t), count: min(lanes, C &- block &* lanes))
      }
    }
    let isFlat = isPointwise, cells = blocks &* band.blockStep, results = band.height &* OW &* lanes
    let product = DirectProduct<T>(
      packing: packing, filters: filters, bias: filters + packing.weights, step: window.strides[1] <= 2 ? window.strides[1] : 0,
      aStep: 1, runs: runs.data, runsPerBlock: taps, runCount: blocks &* taps, columnStep: window.strides[1] &* lanes,
      rowStep: window.strides[0] &* band.rowStep, oneByOne: window.strides[1] > 2, pixelStep: lanes, pixelRow: OW &* lanes,
      epilogue: Epilogue(limits: limits))
    let tasks = N &* G &* bands &* parts, width = try parallelWidth(tasks, work)
    let scratch = try Scratch<T>(width &* (cells &+ 2 &* results)), scratchData = scratch.data
    parallel(tasks, width: width) { task, worker in
      let own = scratchData + worker &* (cells &+ 2 &* results), panelData = own + cells
      let image = task / (bands &* parts), g = image % G, first = task / parts % bands &* band.height
      let height = min(band.height, OH &- first), (firstPanel, count) = part(task % parts, of: parts, panels)
      for block in 0..<blocks {
        band.fill(
          own + block &* band.blockStep, x + (image &* C &+ block &* lanes) &* imageCells,
          channels: min(lanes, C &- block &* lanes), first: first, padding: 0)
      }
      for panel in firstPanel..<firstPanel &+ count {
        product.forEachSlice { slice in
          for r in 0..<(isFlat ? 1 : height) {
            product.tileRow(
              UnsafePointer(own) + r &* product.rowStep, g: g, panel: panel, to: panelData + r &* product.pixelRow,
              block: results, isFlat ? height &* OW : OW, slice)
          }
        }
        packing.drain(
          panelData, results, n: image / G, g: g, panel: panel, first: first &* OW, count: height &* OW, y, pixels)
      }
    }
  }

  /// The same of a depthwise convolution, whose filters are as `packDepthwise` packs them.
  func depthwiseForward(
    planar x: UnsafePointer<T>, _ filters: UnsafePointer<T>, planar y: UnsafePointer<T>, limits: (low: T, high: T)?
  ) throws(CNNError) {
    if isDepthwisePlane {
      return try depthwisePlanesForward(x, filters, UnsafeMutablePointer(mutating: y), limits: limits)
    }
    let lanes = T.lanes, taps = taps, biases = filters + channelBlocks &* taps &* lanes
    try bandedWindows(planes, N: N, C: G, x, y, padding: 0, work) { windows, block, step in
      var windows = windows
      (windows.weight, windows.bias, windows.limits) = (filters + block &* taps &* lanes, biases + block &* lanes, limits)
      withUnsafePointer(to: windows) { T.kernels.blocked.depthwise($0, step) }
    }
  }
}

extension Pooling {
  /// y[N][C][OH][OW] = the largest cell of each window; a NaN wins.
  func bandedMaxForward<T: Element>(_ x: Input<T>, _ y: Output<T>) throws(CNNError) {
    let planes = try PhasePlanes(window, image: (x.shape[2], x.shape[3]), output: (y.shape[2], y.shape[3]))
    try bandedWindows(
      planes, N: y.shape[0], C: y.shape[1], x.data, UnsafePointer(y.data), padding: -.infinity,
      .elements(y.shape.count, window.taps)
    ) { windows, _, step in withUnsafePointer(to: windows) { T.kernels.blocked.maxWindows($0, step) } }
  }
}

/// Windows over each channel alone, y[N][C][OH][OW] of x[N][C][H][W]: `kernel` does those of a band of a block of channels, in blocked
/// form.
private func bandedWindows<T: Element>(
  _ planes: PhasePlanes, N: Int, C: Int, _ x: UnsafePointer<T>, _ y: UnsafePointer<T>, padding: T, _ work: Work,
  _ kernel: (_ windows: BlockedWindowOperands<T>, _ block: Int, _ step: Int) -> Void
) throws(CNNError) {
  let lanes = T.lanes, blocks = (C &+ lanes &- 1) / lanes, window = planes.window, taps = window.taps
  let (OH, OW) = planes.output, pixels = OH &* OW, area = planes.image.0 &* planes.image.1
  let band = try BlockedBand<T>(planes, blocks: 1, tasks: 16, others: N &* blocks),
    bands = (OH &+ band.height &- 1) / band.height
  let offsets = try Scratch<Int>(taps)
  for t in 0..<taps { offsets.data[t] = band.offset(t) }
  let tapOffsets = UnsafePointer(offsets.data), tasks = N &* blocks &* bands, results = band.height &* OW &* lanes
  let width = try parallelWidth(tasks, work), perWorker = band.blockStep &+ results
  let scratch = try Scratch<T>(width &* perWorker), scratchData = scratch.data
  parallel(tasks, width: width) { task, worker in
    let cells = scratchData + worker &* perWorker, result = cells + band.blockStep
    let n = task / (blocks &* bands), block = task / bands % blocks, first = task % bands &* band.height
    let height = min(band.height, OH &- first), channel = n &* C &+ block &* lanes, channels = min(lanes, C &- block &* lanes)
    band.fill(cells, x + channel &* area, channels: channels, first: first, padding: padding)
    var windows = BlockedWindowOperands(
      x: UnsafePointer(cells), offsets: tapOffsets, taps: taps, y: result, yStep: lanes, pixels: OW, divisor: 1)
    (windows.rows, windows.xRow, windows.yRow) = (height, window.strides[0] &* band.rowStep, OW &* lanes)
    kernel(windows, block, window.strides[1] &* lanes)
    T.kernels.transpose(
      UnsafePointer(result), lanes, height &* OW, channels,
      UnsafeMutablePointer(mutating: y) + (channel &* pixels &+ first &* OW), pixels, false)
  }
}
