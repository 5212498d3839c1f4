// Depthwise convolution of planar arrays by 3 x 3 taps one cell apart, and its gradients: plane by plane with pixels in the lanes.
import CNNCore
import Microkernels

extension Convolution.Sizes {
  /// Whether that may be; everything else goes by blocks of channels.
  var isDepthwisePlane: Bool {
    let w = planes.window
    for axis in 0..<2 where w.kernel[axis] != 3 || w.strides[axis] != 1 || w.dilations[axis] != 1 { return false }
    return OW >= T.lanes && w.pads[1] <= 2 && w.pads[3] <= 2
  }

  /// All windows of a plane of x, without what is of one plane.
  private func planeWindows(
    _ x: UnsafePointer<T>, _ weights: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>
  ) -> DepthwisePlane<T> {
    DepthwisePlane(
      x: x, H: planes.image.0, W: planes.image.1, weights: weights, y: y, rows: OH, columns: OW, top: planes.window.pads[0],
      left: planes.window.pads[1], bias: 0)
  }

  /// y = limited(x * filters + bias). `filters`: as `packDepthwise` packs them.
  func depthwisePlanesForward(
    _ x: UnsafePointer<T>, _ filters: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, limits: (low: T, high: T)?
  ) throws(CNNError) {
    let kernels = T.kernels, lanes = kernels.lanes, (G, OH, OW, imageCells, pixels) = (G, OH, OW, imageCells, pixels)
    // Large planes are cut into bands of rows, which threads share.
    let (bands, height) = balanced(OH, most: max(1, 16_384 / max(1, OW))), tasks = N &* G &* bands, W = planes.image.1
    let biases = filters + channelBlocks &* 9 &* lanes, top = planes.window.pads[0]
    // A row of zeros for all, then each worker's nine weights.
    let width = try parallelWidth(tasks, work), scratch = try Scratch<T>(W &+ width &* 9), zeros = scratch.data
    zero(zeros, W)
    parallel(tasks, width: width) { task, worker in
      let plane = task / bands, first = task % bands &* height, g = plane % G, weights = zeros + (W &+ worker &* 9)
      for t in 0..<9 { weights[t] = filters[(g / lanes &* 9 &+ t) &* lanes &+ g % lanes] }
      var windows = planeWindows(x + plane &* imageCells, UnsafePointer(weights), y + (plane &* pixels &+ first &* OW))
      (windows.rows, windows.top, windows.bias, windows.limits) = (min(height, OH &- first), top &- first, biases[g], limits)
      kernels.depthwisePlane(&windows, UnsafePointer(zeros))
    }
  }

  /// The gradients that are wanted, where the way back to x is such a convolution too, the `transposed` one.
  func depthwisePlanesBackward(
    _ transposed: Self, _ x: UnsafePointer<T>, _ weight: UnsafePointer<T>, _ gradY: UnsafePointer<T>,
    _ gradients: ConvolutionGradients<T>
  ) throws(CNNError) {
    let kernels = T.kernels, (G, imageCells, pixels) = (G, imageCells, pixels)
    // A plane is a task, in the order in which they lie; sums are of the nine taps and the bias.
    let tasks = N &* G, perImage = G &* 10, sums = try Scratch<T>(N &* perImage), sumData = sums.data
    let width = try parallelWidth(tasks, work), scratch = try Scratch<T>(OW &+ width &* 9), zeros = scratch.data, OW = OW
    zero(zeros, OW)
    let wantsSums = gradients.weight != nil || gradients.bias != nil
    parallel(tasks, width: width) { plane, worker in
      let g = plane % G, gradient = gradY + plane &* pixels, own = sumData + plane &* 10
      if let gradX = gradients.x {
        let flipped = zeros + (OW &+ worker &* 9)
        for t in 0..<9 { flipped[t] = weight[g &* 9 &+ 8 &- t] }
        var windows = transposed.planeWindows(gradient, UnsafePointer(flipped), gradX + plane &* imageCells)
        kernels.depthwisePlane(&windows, UnsafePointer(zeros))
      }
      // grad_y is still there.
      if wantsSums {
        zero(own, 10)
        var windows = planeWindows(x + plane &* imageCells, weight, UnsafeMutablePointer(mutating: gradient))
        kernels.depthwisePlaneGradient(&windows, own)
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
