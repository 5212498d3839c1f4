// grad_x: every tap's share of grad_y goes back to the cells it was read from.
import CNNCore
import Microkernels

extension Convolution.Sizes {
  func inputGradient(
    _ weight: UnsafePointer<T>, _ gradY: UnsafePointer<T>, _ gradX: UnsafeMutablePointer<T>
  ) throws(CNNError) {
    if N &* G &* C &* imageCells == 0 { return }
    if K == 0 || pixels == 0 { return zero(gradX, N &* G &* C &* imageCells) }
    if let winograd = try winogradOfInputGradient() {
      return try winograd.forward(
        .planar(gradY), weight: weight, turned: true, bias: nil, Epilogue(), .planar(UnsafePointer(gradX)))
    }
    if let transposed = try transposed(), transposed.channelsInLanes, !transposed.isDepthwise {
      if isPointwise && transposed.areFiltersLarge { return try pointwiseInputGradient(weight, gradY, gradX) }
      try transposed.forwardFlipped(weight, gradY, gradX)
    } else {
      try inputGradientByTaps(weight, gradY, gradX)
    }
  }

  /// With stride 1, grad_x is a convolution of grad_y by the flipped filters, padded by what the window's span leaves of the
  /// pads: of K channels to C. nil where a pad is larger than the span.
  func transposed() throws(CNNError) -> Self? {
    let w = planes.window
    guard w.strides[0] == 1 && w.strides[1] == 1 else { return nil }
    let rows = (w.kernel[0] - 1) * w.dilations[0], columns = (w.kernel[1] - 1) * w.dilations[1]
    let pads: InlineArray<4, Int> = [rows - w.pads[0], columns - w.pads[1], rows - w.pads[2], columns - w.pads[3]]
    for i in 0..<4 where pads[i] < 0 { return nil }
    let window = try Window(kernel: w.kernel, strides: [1, 1], pads: pads, dilations: w.dilations)
    let image = planes.image
    let flipped = try PhasePlanes(window, image: planes.output, output: image)
    return Self(
      N: N, G: G, C: K, K: C, planes: flipped, y: try Shape("grad_x", N, G &* C, image.0, image.1),
      exact: exact)
  }

  /// The forward convolution by weight[G][C][K][taps] (the letters are those of self), whose channels change places and whose
  /// taps run backwards.
  private func forwardFlipped(
    _ weight: UnsafePointer<T>, _ gradY: UnsafePointer<T>, _ gradX: UnsafeMutablePointer<T>
  ) throws(CNNError) {
    let packing = BlockedFilters<T>(self, planar: false), filters = try Scratch<T>(packing.count)
    try packing.packTransposed(weight, (0..<taps).reversed(), of: taps, filters.data)
    zero(filters.data + packing.weights, packing.count &- packing.weights)
    try directForward(planar: gradY, packing, UnsafePointer(filters.data), planar: UnsafePointer(gradX), limits: nil)
  }

  private func inputGradientByTaps(
    _ weight: UnsafePointer<T>, _ gradY: UnsafePointer<T>, _ gradX: UnsafeMutablePointer<T>
  ) throws(CNNError) {
    let (C, K, G, pixels, imageCells) = (C, K, G, pixels, imageCells)
    // A task is one image and group, and where these are few, a part of the input channels.
    let wanted = N &* G >= 16 ? 1 : min(C, (16 &+ N &* G &- 1) / (N &* G)), channels = (C &+ wanted &- 1) / wanted
    let parts = (C &+ channels &- 1) / channels, tasks = N &* G &* parts
    let layout = spreadRows, product = try TapProduct(self, layout, weight, parts: parts)
    let width = try parallelWidth(tasks, work), spreadCells = K &* layout.step, scratchCells = spreadCells &+ product.cells
    let scratch = try Scratch<T>(width &* scratchCells)
    let scratchData = scratch.data
    for worker in 0..<width { product.prepare(scratchData + (worker &* scratchCells &+ spreadCells)) }
    parallel(tasks, width: width) { task, worker in
      let image = task / parts, part = task % parts
      let spread = scratchData + worker &* scratchCells, work = spread + spreadCells
      self.spread(gradY + image &* K &* pixels, to: spread, layout)
      product.begin(part, work)
      product.add(image % G, part, UnsafePointer(spread), rows: 0..<layout.rows, work)
      product.end(part, work, gradX + (image &* C &+ part &* channels) &* imageCells)
    }
  }
}
