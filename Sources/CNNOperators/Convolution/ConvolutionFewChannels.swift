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
  /// A task is a run of images of one group; each keeps its own vectors of partial sums, which are added in order. Cells
  /// between the rows are multiplied by 0, so where x is not finite there, gradients of other taps may become NaN too.
  func backwardFewChannels(
    _ x: UnsafePointer<T>, _ weight: UnsafePointer<T>, _ gradY: UnsafePointer<T>, _ gradients: ConvolutionGradients<T>
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
    let run = (planes.run &+ lanes &- 1) / lanes &* lanes
    // Of a strip of so many pixels, four rows of grad_y stay in the first cache for all terms.
    let (_, stripVectors) = balanced(run / lanes, most: 16_384 / (rowsOfDots &* lanes &* MemoryLayout<T>.stride)),
      strip = stripVectors &* lanes

    let product = try TapProduct(self, weight, parts: 1, wanted: gradients.x != nil)
    // Of a task: planes of x, spread grad_y, and what the product needs. Of a chunk: sums.
    let step = product.step, xCells = C &* cells &+ 2 &* lanes &+ step
    let spreadCells = paddedK &* step
    let scratchCells = xCells &+ spreadCells &+ product.cells
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
      zero(spread + K &* step, (paddedK &- K) &* step)
      product.prepare(work)
      for n in stride(from: first, to: min(first &+ perChunk, N), by: 1) {
        let image = n &* G &+ g
        self.spread(gradY + image &* K &* pixels, to: spread, step)
        if gradients.bias != nil {
          for k in 0..<K { biasSums[k] += kernels.sum(spread + k &* step, planes.run) }
        }
        if gradients.weight != nil {
          for c in 0..<C { planes.fill(planeData + c &* cells, x + (image &* C &+ c) &* imageCells, padding: 0) }
          for p in stride(from: 0, to: run, by: strip) {
            for k in stride(from: 0, to: paddedK, by: rowsOfDots) {
              for t in stride(from: 0, to: terms, by: dotColumns) {
                let columns = min(dotColumns, terms &- t)
                let operands = DotOperands(
                  a: UnsafePointer(spread) + (k &* step &+ p), aStep: step, b: UnsafePointer(planeData) + p,
                  bOffsets: tapOffsets + t, sums: dots + (k &* terms &+ t) &* lanes, sumStep: terms &* lanes,
                  count: min(strip, run &- p))
                (rowsOfDots == 1 ? kernels.dotTiles1 : kernels.dotTiles4)[columns &- 1](operands)
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
      if let bias = gradients.bias {
        bias[i] = 0
        for chunk in 0..<chunks { bias[i] += from[chunk &* chunkCells &+ sumCells &+ k] }
      }
      guard let weight = gradients.weight else { continue }
      for (t, term) in order.enumerated() {
        var total: T = 0
        for chunk in 0..<chunks { total += kernels.sum(from + (chunk &* chunkCells &+ (k &* terms &+ t) &* lanes), lanes) }
        weight[i &* terms &+ term] = total
      }
    }
  }
}
