// The direct convolution from a planar array of few channels, as first layers have, into a blocked or a planar one; and max pooling of what
// it makes, while that is in the caches.
import CNNCore
import Microkernels

extension Convolution.Sizes {
  /// y = x * filters, with what follows. The padded rows of x are made a band at a time; so are the results, where they are pooled or go to
  /// planes. `filters`: as BlockedFilters packs them.
  func directForward(
    fewChannels x: UnsafePointer<T>, _ packing: BlockedFilters<T>, _ filters: UnsafePointer<T>, _ y: ImageArray<T>,
    _ epilogue: Epilogue<T>
  ) throws(CNNError) {
    let lanes = T.lanes, pooling = epilogue.maxPooling
    if case .planar(let y) = y, pooling == nil, fillsLanes {
      return try directForward(
        pixelsInLanes: x, packing, filters, UnsafeMutablePointer(mutating: y), limits: epilogue.limits)
    }
    let pooled = try pooling?.outputShape(self.y) ?? self.y, (rowsOfY, columnsOfY) = (pooled[2], pooled[3])
    let height = try bandHeight(pooling, rowsOfY), bands = (rowsOfY &+ height &- 1) / height
    let mostRows = pooling.map { min(OH, $0.window.span(height, axis: 0)) } ?? height
    let rowsOfX = try PlanarRows(self, channels: G &* C, rows: mostRows, inVectors: false)
    let terms = rowsOfX.terms, list = try Scratch<TileRun>(terms)
    for i in 0..<terms { list.data[i] = TileRun(offset: rowsOfX.offset(ofTerm: i), count: 1) }
    // Results of a panel go straight to a blocked y, or to memory of the worker's; what is pooled of these too, where y is planar.
    var target: BlockedArray<T>?, planar: UnsafePointer<T>?
    switch y {
    case .blocked(let array): target = array
    case .planar(let data): planar = data
    }
    let isStored = target == nil || pooling != nil, resultRow = OW &* lanes, pooledRow = columnsOfY &* lanes
    let results = isStored ? mostRows &* resultRow : 0, maxima = planar != nil && pooling != nil ? height &* pooledRow : 0
    let product = DirectProduct<T>(
      packing: packing, filters: filters, bias: filters + packing.weights, step: BlockedTiles<T>.listed,
      aStep: 0, runs: list.data, runsPerBlock: terms, runCount: terms, columnStep: rowsOfX.columnStep,
      rowStep: rowsOfX.rowStep, pixelStep: lanes, pixelRow: isStored ? resultRow : target?.rowStep ?? 0,
      epilogue: epilogue, residualRow: epilogue.residual?.rowStep ?? 0)
    let tasks = N &* bands, bandCells = rowsOfX.cells
    let perWorker = bandCells &+ 2 &* (results &+ maxima), poolTaps = pooling?.window.taps ?? 0
    let width = try parallelWidth(tasks, work), scratch = try Scratch<T>(width &* perWorker), scratchData = scratch.data
    let offsets = try Scratch<Int>(width &* poolTaps), offsetData = offsets.data
    parallel(tasks, width: width) { task, worker in
      let n = task / bands, first = task % bands &* height, image = x + n &* G &* C &* imageCells
      let rowsOfBand = first..<min(rowsOfY, first &+ height), rows = pooling?.rows(under: rowsOfBand, of: OH) ?? rowsOfBand
      let own = scratchData + worker &* perWorker, panelData = own + bandCells, maximaData = panelData + 2 &* results
      let from = rowsOfX.place(image, firstRow: rows.lowerBound, own)
      for g in 0..<G {
        for panel in 0..<packing.panels {
          for r in 0..<rows.count {
            let from = from + (g &* C &* rowsOfX.channelStep &+ r &* rowsOfX.rowStep)
            if let target, !isStored {
              product.tileRow(from, g: g, panel: panel, row: first &+ r, target, image: n, OW, product.all)
            } else {
              product.tileRow(from, g: g, panel: panel, to: panelData + r &* resultRow, block: results, OW, product.all)
            }
          }
          if let pooling {
            for v in 0..<packing.vectors(panel) {
              let plane = BlockedPlane(
                data: UnsafePointer(panelData) + (v &* results &- rows.lowerBound &* resultRow), rowStep: resultRow, H: OH,
                W: OW,
                channels: min(lanes, K &- (2 &* panel &+ v) &* lanes))
              let to =
                target.map { $0.inside(n, g &* packing.blocks &+ 2 &* panel &+ v) + first &* $0.rowStep }
                ?? maximaData + v &* maxima
              pooling.blockedMaxRows(
                rowsOfBand, plane, to, rowStep: target?.rowStep ?? pooledRow, columns: columnsOfY,
                offsetData + worker &* poolTaps)
            }
          }
          if let target {
            for v in 0..<packing.vectors(panel) {
              target.clearHalo(n, g &* packing.blocks &+ 2 &* panel &+ v, rows: rowsOfBand)
            }
          }
          if let planar {
            packing.drain(
              pooling == nil ? panelData : maximaData, pooling == nil ? results : maxima, n: n, g: g, panel: panel,
              first: first &* columnsOfY, count: rowsOfBand.count &* columnsOfY, planar, rowsOfY &* columnsOfY)
          }
        }
      }
    }
  }

  /// Rows of y that are made at a time: as many as leave what they are made of in the caches, and tasks for several threads.
  private func bandHeight(_ pooling: Pooling?, _ rowsOfY: Int) throws(CNNError) -> Int {
    let stride = MemoryLayout<T>.stride, isShared = try parallelWidth(N &* rowsOfY, work) > 1
    let shared = isShared ? (N &* rowsOfY &+ 15) / 16 : rowsOfY
    let rowBytes = C &* taps &* planes.width &* stride / max(1, planes.window.kernel[1])
    guard let pooling else { return balanced(OH, most: max(4, min(98_304 / max(1, rowBytes), shared))).size }
    // Where windows overlap, a band makes rows again that the one before has made: so in the second cache, else in the first.
    let overlaps = pooling.window.span(2, axis: 0) < 2 &* pooling.window.span(1, axis: 0)
    let resultBytes = 2 &* OW &* T.lanes &* stride &* pooling.window.strides[0]
    let most = min(98_304 / max(1, rowBytes &* pooling.window.strides[0]), (overlaps ? 131_072 : 16_384) / max(1, resultBytes))
    return balanced(rowsOfY, most: max(overlaps ? 4 : 1, min(most, shared))).size
  }
}

extension Window {
  /// Rows (axis 0) or columns from the first cell of a window to the last of the one `count` - 1 behind it.
  func span(_ count: Int, axis: Int) -> Int { (count &- 1) &* strides[axis] &+ (kernel[axis] &- 1) &* dilations[axis] &+ 1 }
}

extension Pooling {
  /// The rows of an image of `extent` rows that these rows of windows read.
  func rows(under rows: Range<Int>, of extent: Int) -> Range<Int> {
    let first = rows.lowerBound &* window.strides[0] &- window.pads[0]
    let (low, high) = (max(0, first), min(extent, first &+ window.span(rows.count, axis: 0)))
    return min(low, high)..<high
  }
}
