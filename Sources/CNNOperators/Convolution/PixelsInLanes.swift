// Convolutions whose tiles have output channels in their rows (broadcast) and pixels in their lanes, so that what they make lies in planes
// as it is. For filters that are too few for the lanes, as image-to-image networks have at their end; and for first layers, where turning
// the results over would take as long as the few terms of their sums.
import CNNCore
import Microkernels

extension Convolution.Sizes {
  /// Whether planes are made faster so, where x is of few channels: unless lanes are left empty at the end of a row.
  var fillsLanes: Bool {
    func filled(_ count: Int) -> Double {
      let lanes = T.lanes
      return Double(count) / Double((count &+ lanes &- 1) / lanes &* lanes)
    }
    return filled(OW) >= 0.75 * filled(K)
  }

  /// y = limited(x * filters + bias), both planar. `filters`: as BlockedFilters packs them for a planar x.
  func directForward(
    pixelsInLanes x: UnsafePointer<T>, _ packing: BlockedFilters<T>, _ filters: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>,
    limits: (low: T, high: T)?
  ) throws(CNNError) {
    let (G, C, K, OH, OW, pixels, imageCells, panel) = (G, C, K, OH, OW, pixels, imageCells, panel)
    // Rows of x that stay in the second cache, and tasks for several threads.
    let rowBytes = max(1, C &* planes.cells / planes.height &* MemoryLayout<T>.stride)
    let shared = try parallelWidth(N &* G &* OH, work) > 1 ? (N &* G &* OH &+ 15) / 16 : OH
    let (bands, height) = balanced(OH, most: max(4, min(196_608 / rowBytes, shared)))
    let offsets = try Scratch<Int>(3 &* taps)
    let product = try PlaneProduct(self, packing, filters, rows: height, limits: limits, offsets.data)
    let tasks = N &* G &* bands, width = try parallelWidth(tasks, work)
    let scratch = try Scratch<T>(width &* product.cells), scratchData = scratch.data
    parallel(tasks, width: width) { task, worker in
      let image = task / bands, first = task % bands &* height
      let from = product.place(x + image &* C &* imageCells, firstRow: first, scratchData + worker &* product.cells)
      for p in 0..<packing.panels {
        product.run(
          from, image % G, panel: p, min(panel, K &- p &* panel), rows: min(height, OH &- first),
          y + ((image &* K &+ p &* panel) &* pixels &+ first &* OW), planeStep: pixels)
      }
    }
  }
}

/// Windows of planes times a panel of packed filters, into planes.
private struct PlaneProduct<T: Element> {
  let packing: BlockedFilters<T>, filters: UnsafePointer<T>, limits: (low: T, high: T)?
  private let kernels = T.kernels
  private let C: Int, OW: Int, imageCells: Int
  private let band: PhasePlanes
  /// Whether x is read as it lies: only where the last vector of a row ends with it.
  private let inImage: Bool
  /// Of a channel of x, and from a row of windows to the next.
  private let channelStep: Int, rowStep: Int
  /// A sum goes over so many runs of terms, `termStep` apart in x. Where runs begin: in x, then in panels of one vector, and of two.
  private let runs: Int, terms: Int, termStep: Int
  private let offsets: UnsafeMutablePointer<Int>
  /// Scratch elements that `place` needs.
  let cells: Int

  init(
    _ sizes: Convolution.Sizes<T>, _ packing: BlockedFilters<T>, _ filters: UnsafePointer<T>, rows: Int,
    limits: (low: T, high: T)?, _ offsets: UnsafeMutablePointer<Int>
  ) throws(CNNError) {
    let window = sizes.planes.window, isDense = window.strides[0] == 1 && window.strides[1] == 1
    // Of one channel, the taps of a row are neighbours too.
    let byRow = sizes.C == 1 && window.strides[1] == 1, runs = byRow ? window.kernel[0] : window.taps
    let band = try PhasePlanes(window, image: sizes.planes.image, output: (rows, sizes.OW))
    (self.packing, self.filters, self.limits, self.band, self.offsets) = (packing, filters, limits, band, offsets)
    (C, OW, imageCells) = (sizes.C, sizes.OW, sizes.imageCells)
    inImage = !sizes.isPadded && isDense && OW % packing.lanes == 0
    (channelStep, rowStep) = inImage ? (imageCells, sizes.planes.image.1) : (band.cells, band.width)
    self.runs = runs
    (terms, termStep) = byRow ? (window.kernel[1], window.dilations[1]) : (C, channelStep)
    cells = inImage ? 0 : C &* band.cells &+ 2 &* packing.lanes
    for run in 0..<runs {
      let (i, j) = byRow ? (run, 0) : (run / window.kernel[1], run % window.kernel[1])
      offsets[run] = inImage ? i &* window.dilations[0] &* rowStep &+ j &* window.dilations[1] : band.offset(i, j)
      for vectors in 1...2 { offsets[vectors &* runs &+ run] = run &* terms &* vectors &* packing.lanes }
    }
  }

  /// Where the rows of windows of an image from `firstRow` on are read: in x, or as they are placed in `own`.
  func place(_ x: UnsafePointer<T>, firstRow: Int, _ own: UnsafeMutablePointer<T>) -> UnsafePointer<T> {
    if inImage { return x + firstRow &* rowStep }
    for c in 0..<C { band.fill(own + c &* channelStep, x + c &* imageCells, padding: 0, firstRow: firstRow) }
    zero(own + C &* channelStep, cells &- C &* channelStep)
    return UnsafePointer(own)
  }

  /// Rows of windows from `x` on, for so many channels of a panel, whose planes are `planeStep` apart. Tiles go along a row where it has many,
  /// as memory is written in order best, else down the rows.
  func run(
    _ x: UnsafePointer<T>, _ g: Int, panel: Int, _ channels: Int, rows: Int, _ y: UnsafeMutablePointer<T>, planeStep: Int
  ) {
    let vectors = packing.vectors(panel), step = vectors &* packing.lanes, most = 2 &* packing.lanes
    let weights = filters + packing.panel(g, panel), biases = filters + (packing.weights &+ packing.bias(g, panel))
    let across = OW / most >= 4 ? OW / most : 1
    var column = 0
    while column < OW {
      let columns = min(most, OW &- column), tiles = columns == most ? across : 1
      let (_, height) = balanced(channels, most: columns > packing.lanes ? kernels.tallRows : kernels.narrowRows)
      for k in stride(from: 0, to: channels, by: height) {
        var operands = TileOperands(
          a: weights + k, b: x + column, c: y + (k &* planeStep &+ column), initialColumn: biases + k,
          aOffsets: offsets + vectors &* runs, bOffsets: offsets, taps: runs, inner: terms, aStep: step,
          bStep: termStep, cStep: planeStep, columns: columns)
        operands.limits = limits
        (operands.tiles, operands.bTile, operands.cTile) = tiles > 1 ? (tiles, most, most) : (rows, rowStep, OW)
        for _ in 0..<(tiles > 1 ? rows : 1) {
          kernels.tile(rows: min(height, channels &- k), operands)
          operands.b += rowStep
          operands.c += OW
        }
      }
      column += tiles &* most
    }
  }
}
