// Convolution of volumes: y[N][K][OD][OH][OW] of x[N][C][D][H][W] and weight[K][C/groups][KD][KH][KW]. A plane of y is a convolution of
// planes: those of x that its window has are the channels, C * KD of them, and weight lies as that convolution wants it. An image at a
// time, so that the planes are not there KD times for all.
import CNNCore

struct VolumeConvolution {
  /// Along D, as of an image of one row.
  let depth: Window
  let plane: Convolution

  private struct Sizes {
    let N: Int, C: Int, D: Int, area: Int
    let K: Int, KD: Int, OD: Int, pixels: Int
    /// The planes of one image of x as the channels of OD images, the weight of these, and what comes of them.
    let planes: Shape, weight: Shape, y: Shape
    let volume: Shape
  }
  private func sizes(_ x: Shape, _ w: Shape) throws(CNNError) -> Sizes {
    let C = x[1], KD = w[2], OD = try depth.outputExtent(1, of: x[2])
    guard w[1] == x[1] / plane.groups && x[1] % plane.groups == 0 else {
      throw .shape(
        "w: has \(w[1]) input channels, x has \(x[1]) channels in \(plane.groups) group(s), shapes \(w.description) and \(x.description)"
      )
    }
    guard max(x[1], w[1]) <= Int.max >> 32 else { throw .shape("x: wanted at most 2^31 channels, got shape \(x.description)") }
    let planes = try Shape("x", OD, C * KD, x[3], x[4]), weight = try Shape("w", w[0], w[1] * KD, w[3], w[4])
    let y = try plane.outputShape(planes, weight)
    return Sizes(
      N: x[0], C: C, D: x[2], area: x[3] * x[4], K: w[0], KD: KD, OD: OD, pixels: y[2] * y[3], planes: planes, weight: weight,
      y: y, volume: try Shape("y", x[0], w[0], OD, y[2], y[3]))
  }
  func outputShape(_ x: Shape, _ w: Shape) throws(CNNError) -> Shape { try sizes(x, w).volume }

  /// Calls body(planes of one image's x, where they are the channels of its OD images) for each place in a window's depth.
  private func forEachPlane(_ s: Sizes, _ body: (StridedView, StridedView) throws(CNNError) -> Void) throws(CNNError) {
    let stride = depth.strides[1], pad = depth.pads[1]
    for kd in 0..<s.KD {
      let start = kd * depth.dilations[1] - pad  // the plane that the first window has there
      let first = start < 0 ? (stride - start - 1) / stride : 0
      let end = start < s.D ? min(s.OD, (s.D - start + stride - 1) / stride) : 0
      if first >= end { continue }
      let x = StridedView([s.C, s.D, 1, s.area]).part(1, first: start + first * stride, step: stride, count: end - first)
      let channels = StridedView([s.OD, s.C, s.KD, s.area]).part(0, first: first, count: end - first)
      try body(x.permuted([1, 0, 2, 3]), channels.part(2, first: kd, count: 1))
    }
  }
  private func gather<T: Element>(_ x: UnsafePointer<T>, _ s: Sizes, _ to: UnsafeMutablePointer<T>) throws(CNNError) {
    zero(to, s.planes.count)
    try forEachPlane(s) { from, channels throws(CNNError) in try StridedWalk.copy(x, from, to: to, channels) }
  }

  func forward<T: Element>(_ x: Input<T>, _ w: Input<T>, _ b: Input<T>?, _ y: Output<T>) throws(CNNError) {
    let s = try sizes(x.shape, w.shape)
    let planes = try Scratch<T>(s.planes.count), results = try Scratch<T>(s.y.count)
    for n in 0..<s.N {
      try gather(x.data + n &* s.C &* s.D &* s.area, s, planes.data)
      try plane.forward(
        Input("x", s.planes, UnsafePointer(planes.data)), Input("w", s.weight, w.data), b, Output("y", s.y, results.data))
      try StridedWalk.copy(
        UnsafePointer(results.data), StridedView([s.OD, s.K, s.pixels]).permuted([1, 0, 2]), to: y.data + n &* s.y.count,
        StridedView([s.K, s.OD, s.pixels]))
    }
  }

  /// The weight's gradient is the sum of those of the images, in their order.
  func backward<T: Element>(
    _ x: Input<T>, _ w: Input<T>, _ gradY: Input<T>, gradX: Output<T>?, gradWeight: Output<T>?, gradBias: Output<T>?
  ) throws(CNNError) {
    let s = try sizes(x.shape, w.shape), image = s.C * s.D * s.area
    let planes = try Scratch<T>(s.planes.count), results = try Scratch<T>(s.y.count)
    let gradPlanes = try Scratch<T>(gradX == nil ? 0 : s.planes.count)
    let weights = try Scratch<T>(s.weight.count), biases = try Scratch<T>(s.K)
    if let gradX { zero(gradX.data, gradX.shape.count) }
    if let gradWeight { zero(gradWeight.data, gradWeight.shape.count) }
    if let gradBias { zero(gradBias.data, s.K) }
    for n in 0..<s.N {
      if gradWeight != nil { try gather(x.data + n &* image, s, planes.data) }
      try StridedWalk.copy(
        gradY.data + n &* s.y.count, StridedView([s.K, s.OD, s.pixels]).permuted([1, 0, 2]), to: results.data,
        StridedView([s.OD, s.K, s.pixels]))
      let bias = try Shape("grad_b", s.K)
      let ofWeight = Output("grad_w", s.weight, weights.data), ofBias = Output("grad_b", bias, biases.data)
      try plane.backward(
        Input("x", s.planes, UnsafePointer(planes.data)), Input("w", s.weight, w.data),
        Input("grad_y", s.y, UnsafePointer(results.data)),
        gradX: gradX == nil ? nil : Output("grad_x", s.planes, gradPlanes.data), gradWeight: gradWeight == nil ? nil : ofWeight,
        gradBias: gradBias == nil ? nil : ofBias)
      if let gradX {
        let to = gradX.data + n &* image, from = UnsafePointer(gradPlanes.data)
        try forEachPlane(s) { view, channels throws(CNNError) in try StridedWalk.add(from, channels, to: to, view) }
      }
      if let gradWeight { try add(ofWeight.input, to: Output("grad_w", s.weight, gradWeight.data)) }
      if let gradBias { try add(ofBias.input, to: gradBias) }
    }
  }
}
