// The gradients of a convolution of few input channels: first layers of networks, and depthwise filters.
import CNNCore
import Microkernels

/// Some or all of the gradients of one call.
struct ConvolutionGradients<T> {
  let x: UnsafeMutablePointer<T>?, weight: UnsafeMutablePointer<T>?, bias: UnsafeMutablePointer<T>?
}

extension Convolution.Sizes {
  /// With few channels of x there is little to do for each element of grad_y, which is what takes time to read. So an image's
  /// grad_y is spread once, with its rows as far apart as in the planes of x and zeros between them: then a gradient of the
  /// weight is a dot product of two flat arrays, that of x a product of matrices whose rows are added at the taps' offsets.
  ///
  /// Where no gradient of x is wanted and rows of grad_y are whole vectors, it is read as it lies, row by row.
  ///
  /// gradY: the K planes of an image of a group (number n*G + g), which it may write to `room` elements.
  ///
  /// A task is a run of images of one group; each keeps its own vectors of partial sums, which are added in order. Cells
  /// between the rows are multiplied by 0, so where x is not finite there, gradients of other taps may become NaN too.
  func backwardFewChannels(
    _ x: UnsafePointer<T>, _ weight: UnsafePointer<T>, _ gradients: ConvolutionGradients<T>, room: Int = 0,
    gradY: (_ image: Int, _ room: UnsafeMutablePointer<T>) -> UnsafePointer<T>
  ) throws(CNNError) {
    let kernels = T.kernels, lanes = kernels.lanes
    let (N, C, K, G, taps, pixels, imageCells) = (N, C, K, G, taps, pixels, imageCells)
    let planes = planes, cells = planes.cells, terms = C &* taps
    let chunks = max(1, min(N, (16 &+ G &- 1) / G)), perChunk = (N &+ chunks &- 1) / chunks
    let width = try parallelWidth(G &* chunks, work)

    // The terms of a row of sums, (channel, tap), are done by where they lie: those of a tile read the same lines of the caches then.
    let offsets = try Scratch<Int>(2 &* terms), tapOffsets = UnsafePointer(offsets.data), unsorted = offsets.data + terms
    for c in 0..<C {
      planes.tapOffsets(unsorted + c &* taps)
      for t in 0..<taps { unsorted[c &* taps &+ t] += c &* cells }
    }
    let order = (0..<terms).sorted { unsorted[$0] < unsorted[$1] }
    for (i, term) in order.enumerated() { offsets.data[i] = unsorted[term] }
    let rowsOfDots = K == 1 ? 1 : 4, paddedK = (K &+ rowsOfDots &- 1) / rowsOfDots &* rowsOfDots
    let (_, dotColumns) = balanced(terms, most: rowsOfDots == 1 ? 6 : kernels.dotColumns)
    let readsInPlace = gradients.x == nil && OW % lanes == 0 && K >= 4
    // Rows of products: those of the planes as one, or each of its own.
    let (dotRows, run) = readsInPlace ? (OH, OW) : (1, (planes.run &+ lanes &- 1) / lanes &* lanes)
    // Of a strip of so many pixels, four rows of grad_y stay in the first cache for all terms.
    let most = max(1, 16_384 / (rowsOfDots &* lanes &* MemoryLayout<T>.stride))
    let (_, stripVectors) = balanced(run / lanes, most: most), strip = stripVectors &* lanes
    let (_, stripRows) = balanced(dotRows, most: max(1, most &* lanes / run))

    let product = try TapProduct(self, weight, parts: 1, wanted: gradients.x != nil)
    // Of a task: planes of x, spread grad_y, and what the product needs. Of a chunk: sums.
    let step = product.step, xCells = C &* cells &+ 2 &* lanes &+ step
    let spreadCells = readsInPlace ? 0 : paddedK &* step
    let scratchCells = xCells &+ spreadCells &+ product.cells &+ room
    let scratch = try Scratch<T>(width &* scratchCells)
    let sumCells = paddedK &* terms &* lanes, biasCells = K
    let sums = try Scratch<T>(G &* chunks &* (sumCells &+ biasCells))
    let (scratchData, sumData) = (scratch.data, sums.data)

    parallel(G &* chunks, width: width) { task, worker in
      let g = task / chunks, first = task % chunks &* perChunk
      let planeData = scratchData + worker &* scratchCells, spread = planeData + xCells, work = spread + spreadCells
      let dots = sumData + task &* (sumCells &+ biasCells), biasSums = dots + sumCells
      zero(dots, sumCells &+ biasCells)
      // Behind the planes, and in rows of no channel, there must be numbers: they are multiplied by 0.
      zero(planeData + C &* cells, xCells &- C &* cells)
      if !readsInPlace { zero(spread + K &* step, (paddedK &- K) &* step) }
      product.prepare(work)
      for n in stride(from: first, to: min(first &+ perChunk, N), by: 1) {
        let image = n &* G &+ g
        let gradient = gradY(image, work + product.cells)
        if !readsInPlace { self.spread(gradient, to: spread, step) }
        let rows = readsInPlace ? gradient : UnsafePointer(spread), rowStep = readsInPlace ? pixels : step
        if gradients.bias != nil {
          for k in 0..<K { biasSums[k] += kernels.sum(rows + k &* rowStep, dotRows &* run) }
        }
        if gradients.weight != nil {
          for c in 0..<C { planes.fill(planeData + c &* cells, x + (image &* C &+ c) &* imageCells, padding: 0) }
          for r in stride(from: 0, to: dotRows, by: stripRows) {
            for p in stride(from: 0, to: run, by: strip) {
              for k in stride(from: 0, to: paddedK, by: rowsOfDots) {
                // In place there are no rows behind the last: some are done again.
                let row = readsInPlace ? min(k, K &- rowsOfDots) : k
                for t in stride(from: 0, to: terms, by: dotColumns) {
                  var operands = DotOperands(
                    a: rows + (row &* rowStep &+ r &* run &+ p), aStep: rowStep,
                    b: UnsafePointer(planeData) + (r &* planes.width &+ p), bOffsets: tapOffsets + t,
                    sums: dots + (k &* terms &+ t) &* lanes, sumStep: terms &* lanes, count: min(strip, run &- p))
                  (operands.rows, operands.aRow, operands.bRow) = (min(stripRows, dotRows &- r), run, planes.width)
                  (rowsOfDots == 1 ? kernels.dotTiles1 : kernels.dotTiles4)[min(dotColumns, terms &- t) &- 1](operands)
                }
              }
            }
          }
        }
        if let gradX = gradients.x {
          product.run(g, 0, UnsafePointer(spread), work, gradX + image &* C &* imageCells)
        }
      }
    }

    // The chunks' sums, in order.
    let chunkCells = sumCells &+ biasCells
    for i in 0..<G &* K {
      let g = i / K, k = i % K, from = sumData + g &* chunks &* chunkCells
      // The last rows in place are those of a whole tile.
      let row = readsInPlace && k >= K &- K % rowsOfDots ? k &+ paddedK &- K : k
      if let bias = gradients.bias {
        bias[i] = 0
        for chunk in 0..<chunks { bias[i] += from[chunk &* chunkCells &+ sumCells &+ k] }
      }
      guard let weight = gradients.weight else { continue }
      for (t, term) in order.enumerated() {
        var total: T = 0
        for chunk in 0..<chunks { total += kernels.sum(from + (chunk &* chunkCells &+ (row &* terms &+ t) &* lanes), lanes) }
        weight[i &* terms &+ term] = total
      }
    }
  }
}
