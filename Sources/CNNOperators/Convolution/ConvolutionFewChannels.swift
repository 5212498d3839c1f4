// The gradients of a convolution of few input channels: first layers of networks, and depthwise filters.
import CNNCore
import Microkernels

/// Some or all of the gradients of one call.
struct ConvolutionGradients<T> {
  let x: UnsafeMutablePointer<T>?, weight: UnsafeMutablePointer<T>?, bias: UnsafeMutablePointer<T>?
}

extension Convolution.Sizes {
  /// With few channels of x there is little to do for each element of grad_y, which is what takes time to read. So both other gradients
  /// are made from some rows of it while they are in the second cache: that of the weight as dot products of grad_y and x, that of x as a
  /// product of matrices whose rows are added at the taps' offsets.
  ///
  /// gradY: the K planes of an image of a group (number n*G + g), which it may write to `room` elements.
  ///
  /// A task is a run of images of one group; each keeps its own vectors of partial sums, which are added in order. Where grad_y
  /// is spread, cells between its rows are multiplied by 0: if x is not finite there, gradients of other taps may become NaN too.
  func backwardFewChannels(
    _ x: UnsafePointer<T>, _ weight: UnsafePointer<T>, _ gradients: ConvolutionGradients<T>, room: Int = 0,
    gradY: (_ image: Int, _ room: UnsafeMutablePointer<T>) -> UnsafePointer<T>
  ) throws(CNNError) {
    let layout = gradientRows, (N, C, K, G, pixels, imageCells) = (N, C, K, G, pixels, imageCells)
    let chunks = max(1, min(N, (16 &+ G &- 1) / G)), perChunk = (N &+ chunks &- 1) / chunks
    let width = try parallelWidth(G &* chunks, work)
    let dots = try TapDots(self, layout, weight: gradients.weight != nil, bias: gradients.bias != nil)
    let product = try TapProduct(self, layout, weight, parts: 1, wanted: gradients.x != nil)
    // Of a task: planes of x, spread grad_y, and what the product needs. Of a chunk: sums.
    let (xCells, spreadCells) = (dots.xCells, dots.spreadCells), scratchCells = xCells &+ spreadCells &+ product.cells &+ room
    let scratch = try Scratch<T>(width &* scratchCells)
    let sumCells = dots.sumCells, sums = try Scratch<T>(G &* chunks &* sumCells)
    let (scratchData, sumData) = (scratch.data, sums.data), wantsSums = gradients.weight != nil || gradients.bias != nil

    for worker in 0..<width {
      let xPlanes = scratchData + worker &* scratchCells
      dots.prepare(xPlanes, xPlanes + xCells)
      product.prepare(xPlanes + (xCells &+ spreadCells))
    }
    parallel(G &* chunks, width: width) { task, worker in
      let g = task / chunks, first = task % chunks &* perChunk
      let xPlanes = scratchData + worker &* scratchCells, spread = xPlanes + xCells, work = spread + spreadCells
      zero(sumData + task &* sumCells, sumCells)
      for n in stride(from: first, to: min(first &+ perChunk, N), by: 1) {
        let image = n &* G &+ g
        var gradient = gradY(image, work + product.cells)
        if layout.form == .spread {
          self.spread(gradient, to: spread, layout)
          gradient = UnsafePointer(spread)
        }
        if gradients.weight != nil { dots.place(x + image &* C &* imageCells, xPlanes) }
        if gradients.x != nil { product.begin(0, work) }
        for row in stride(from: 0, to: layout.rows, by: dots.rowsAtOnce) {
          let rows = row..<min(row &+ dots.rowsAtOnce, layout.rows)
          if wantsSums { dots.add(gradient, rows: rows, x: UnsafePointer(xPlanes), to: sumData + task &* sumCells) }
          if gradients.x != nil {
            // What is read next: more rows, or those of the next image; what is spread is near.
            let rest = rows.upperBound < layout.rows ? rows.count &* layout.width : G &* K &* pixels &- row &* layout.width
            let next = layout.form == .spread ? nil : rest
            product.add(g, 0, gradient, rows: rows, next: next, work)
          }
        }
        if let gradX = gradients.x { product.end(0, work, gradX + image &* C &* imageCells) }
      }
    }

    if !wantsSums { return }
    for g in 0..<G {
      let own = sumData + g &* chunks &* sumCells
      try addParts(own, chunks, sumCells)
      dots.total(
        UnsafePointer(own), weight: gradients.weight.map { $0 + g &* K &* C &* taps }, bias: gradients.bias.map { $0 + g &* K })
    }
  }
}
