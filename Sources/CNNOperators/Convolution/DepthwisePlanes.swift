// Depthwise convolution of planar arrays by 3 x 3 taps one cell apart, and its gradients: plane by plane with pixels in the lanes. A plane is
// padded in scratch memory, a band of rows at a time, which stays in the first caches.
import CNNCore
import Microkernels

extension Convolution.Sizes {
  /// Whether that may be; everything else goes by blocks of channels.
  var isDepthwisePlane: Bool {
    let w = planes.window
    for axis in 0..<2 where w.kernel[axis] != 3 || w.strides[axis] != 1 || w.dilations[axis] != 1 { return false }
    return OW >= T.lanes
  }

  /// So many rows of windows at a time that their cells stay near.
  private func band() throws(CNNError) -> PhasePlanes {
    let (_, height) = balanced(OH, most: max(1, 16_384 / max(1, planes.width)))
    return try PhasePlanes(planes.window, image: planes.image, output: (height, OW))
  }

  /// y = limited(x * filters + bias). `filters`: as `packDepthwise` packs them.
  func depthwisePlanesForward(
    _ x: UnsafePointer<T>, _ filters: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, limits: (low: T, high: T)?
  ) throws(CNNError) {
    let kernels = T.kernels, lanes = kernels.lanes, (G, OH, OW, imageCells, pixels) = (G, OH, OW, imageCells, pixels)
    let band = try band(), height = band.output.0, bands = (OH &+ height &- 1) / height, tasks = N &* G &* bands
    let biases = filters + channelBlocks &* 9 &* lanes, perWorker = band.cells &+ 9
    let width = try parallelWidth(tasks, work), scratch = try Scratch<T>(width &* perWorker), scratchData = scratch.data
    parallel(tasks, width: width) { task, worker in
      let plane = task / bands, first = task % bands &* height, g = plane % G
      let cells = scratchData + worker &* perWorker, weights = cells + band.cells
      for t in 0..<9 { weights[t] = filters[(g / lanes &* 9 &+ t) &* lanes &+ g % lanes] }
      band.fill(cells, x + plane &* imageCells, padding: 0, firstRow: first)
      let windows = DepthwisePlane(
        x: UnsafePointer(cells), xRow: band.width, weights: UnsafePointer(weights), y: y + (plane &* pixels &+ first &* OW),
        yRow: OW, rows: min(height, OH &- first), columns: OW, bias: biases[g], limits: limits)
      withUnsafePointer(to: windows) { kernels.depthwisePlane($0) }
    }
  }

  /// The gradients that are wanted, where the way back to x is such a convolution too, the `transposed` one.
  func depthwisePlanesBackward(
    _ transposed: Self, _ x: UnsafePointer<T>, _ weight: UnsafePointer<T>, _ gradY: UnsafePointer<T>,
    _ gradients: ConvolutionGradients<T>
  ) throws(CNNError) {
    let kernels = T.kernels, (G, OH, OW, imageCells, pixels) = (G, OH, OW, imageCells, pixels)
    // A plane is a task, in the order in which they lie; sums are of the nine taps and the bias.
    let band = try band(), back = try transposed.band(), tasks = N &* G, perImage = G &* 10
    let sums = try Scratch<T>(N &* perImage), sumData = sums.data, cellCount = max(band.cells, back.cells)
    let width = try parallelWidth(tasks, work), perWorker = cellCount &+ 9, scratch = try Scratch<T>(width &* perWorker)
    let scratchData = scratch.data, (H, W) = planes.image
    let wantsSums = gradients.weight != nil || gradients.bias != nil
    parallel(tasks, width: width) { plane, worker in
      let g = plane % G, gradient = gradY + plane &* pixels, own = sumData + plane &* 10
      let cells = scratchData + worker &* perWorker, flipped = cells + cellCount
      if let gradX = gradients.x {
        for t in 0..<9 { flipped[t] = weight[g &* 9 &+ 8 &- t] }
        for first in stride(from: 0, to: H, by: back.output.0) {
          back.fill(cells, gradient, padding: 0, firstRow: first)
          let windows = DepthwisePlane(
            x: UnsafePointer(cells), xRow: back.width, weights: UnsafePointer(flipped),
            y: gradX + (plane &* imageCells &+ first &* W), yRow: W, rows: min(back.output.0, H &- first), columns: W, bias: 0)
          withUnsafePointer(to: windows) { kernels.depthwisePlane($0) }
        }
      }
      // grad_y is still there.
      if wantsSums {
        zero(own, 10)
        for first in stride(from: 0, to: OH, by: band.output.0) {
          band.fill(cells, x + plane &* imageCells, padding: 0, firstRow: first)
          let windows = DepthwisePlane(
            x: UnsafePointer(cells), xRow: band.width, weights: weight,
            y: UnsafeMutablePointer(mutating: gradient) + first &* OW, yRow: OW, rows: min(band.output.0, OH &- first),
            columns: OW, bias: 0)
          withUnsafePointer(to: windows) { kernels.depthwisePlaneGradient($0, own) }
        }
        own[9] = kernels.sum(gradient, pixels)
      }
    }
    if !wantsSums { return }
    try addParts(sumData, N, perImage)
    for g in 0..<G {
      let own = sumData + g &* 10
      if let gradWeight = gradients.weight { copy(UnsafePointer(own), to: gradWeight + g &* 9, 9) }
      if let gradBias = gradients.bias { gradBias[g] = own[9] }
    }
  }
}
