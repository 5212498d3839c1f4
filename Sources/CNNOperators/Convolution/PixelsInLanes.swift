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
    let rowsOfX = try PlanarRows(self, channels: C, rows: height, inVectors: true)
    let offsets = try Scratch<Int>(rowsOfX.terms)
    let product = PlaneProduct(rowsOfX, OW: OW, packing, filters, limits: limits, offsets.data)
    let tasks = N &* G &* bands, width = try parallelWidth(tasks, work)
    let scratch = try Scratch<T>(width &* rowsOfX.cells), scratchData = scratch.data
    parallel(tasks, width: width) { task, worker in
      let image = task / bands, first = task % bands &* height
      let from = rowsOfX.place(x + image &* C &* imageCells, firstRow: first, scratchData + worker &* rowsOfX.cells)
      for p in 0..<packing.panels {
        product.run(
          from, image % G, panel: p, min(panel, K &- p &* panel), rows: min(height, OH &- first),
          y + ((image &* K &+ p &* panel) &* pixels &+ first &* OW), planeStep: pixels)
      }
    }
  }
}

/// Windows of planes times a panel of packed filters, into planes.
struct PlaneProduct<T: Element> {
  let packing: BlockedFilters<T>, filters: UnsafePointer<T>, limits: (low: T, high: T)?
  let rowsOfX: PlanarRows<T>, OW: Int
  private let kernels = T.kernels
  /// Where a window's terms lie in x.
  private let offsets: UnsafeMutablePointer<Int>

  init(
    _ rowsOfX: PlanarRows<T>, OW: Int, _ packing: BlockedFilters<T>, _ filters: UnsafePointer<T>,
    limits: (low: T, high: T)?, _ offsets: UnsafeMutablePointer<Int>
  ) {
    (self.rowsOfX, self.OW, self.packing, self.filters) = (rowsOfX, OW, packing, filters)
    (self.limits, self.offsets) = (limits, offsets)
    for i in 0..<rowsOfX.terms { offsets[i] = rowsOfX.offset(ofTerm: i) }
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
          aOffsets: offsets, bOffsets: offsets, taps: rowsOfX.terms, inner: 1, aStep: step,
          bStep: 0, cStep: planeStep, columns: columns)
        operands.limits = limits
        (operands.tiles, operands.bTile, operands.cTile) = tiles > 1 ? (tiles, most, most) : (rows, rowsOfX.rowStep, OW)
        for _ in 0..<(tiles > 1 ? rows : 1) {
          kernels.listedTile(rows: min(height, channels &- k), operands)
          operands.b += rowsOfX.rowStep
          operands.c += OW
        }
      }
      column += tiles &* most
    }
  }
}
