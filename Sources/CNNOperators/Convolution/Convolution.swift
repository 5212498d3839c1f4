// Convolution (ONNX Conv), two-dimensional: shape rule, checks, and which algorithm a shape gets.
package import CNNCore
import Microkernels

/// y[N][K][OH][OW] of x[N][C][H][W] and weight[K][C/groups][KH][KW]. No column matrix is ever made: tiles read the pixels of a
/// window where they lie in the padded planes (see PhasePlanes).
package struct Convolution {
  let strides: InlineArray<2, Int>, dilations: InlineArray<2, Int>
  let pads: InlineArray<4, Int>
  let groups: Int
  /// Whether only algorithms are allowed that are as exact as sums in the element type can be.
  let exact: Bool

  /// Fewer input channels a group than this are too few for the rows of a tile.
  static let fewChannels = 8

  /// Of so few input channels and one group, x is read as it lies in its planes.
  static let planarChannels = 4

  /// Whether K output channels lie in the lanes of a vector; with only a few of them, pixels do.
  static func channelsInLanes<T: Element>(_ K: Int, of _: T.Type) -> Bool { 2 &* K >= T.lanes }

  package init(
    strides: InlineArray<2, Int> = [1, 1], pads: InlineArray<4, Int> = [0, 0, 0, 0], dilations: InlineArray<2, Int> = [1, 1],
    groups: Int = 1, exact: Bool = false
  ) throws(CNNError) {
    _ = try Window(kernel: [1, 1], strides: strides, pads: pads, dilations: dilations)
    guard groups >= 1 else { throw .argument("groups: wanted 1 or more, got \(groups)") }
    (self.strides, self.pads, self.dilations, self.groups) = (strides, pads, dilations, groups)
    self.exact = exact
  }

  /// The sizes of one call, in the letters of the loops: N images, G groups, and per group C input and K output channels.
  struct Sizes<T: Element> {
    let N: Int, G: Int, C: Int, K: Int
    let planes: PhasePlanes
    let y: Shape
    let exact: Bool
    var taps: Int { planes.window.taps }
    var imageCells: Int { planes.image.0 &* planes.image.1 }
    var OH: Int { planes.output.0 }
    var OW: Int { planes.output.1 }
    var pixels: Int { planes.output.0 &* planes.output.1 }
    /// Whether filters outweigh an image.
    var areFiltersLarge: Bool { K &* taps > imageCells }
    var channelsInLanes: Bool { Convolution.channelsInLanes(K, of: T.self) }
    /// Columns of a tile: two vectors.
    var panel: Int { 2 &* T.lanes }
    var panels: Int { (K &+ panel &- 1) / panel }
    var work: Work { isDepthwise ? .streamed(N, G, taps, pixels) : .multiplyAdds(N, G, C, K, taps, pixels) }
  }

  package func outputShape(_ x: Shape, _ weight: Shape) throws(CNNError) -> Shape {
    try sizes(x, weight, of: Float.self).y
  }

  func sizes<T: Element>(_ x: Shape, _ weight: Shape, of: T.Type) throws(CNNError) -> Sizes<T> {
    guard x.rank == 4 else { throw .shape("x: wanted 4 axes, [N][C][H][W], got shape \(x.description)") }
    guard weight.rank == 4 else {
      throw .shape("weight: wanted 4 axes, [K][C/groups][KH][KW], got shape \(weight.description)")
    }
    guard x[1] % groups == 0 && weight[0] % groups == 0 else {
      throw .argument("groups: \(groups) does not divide the \(x[1]) channels of x and the \(weight[0]) filters of weight")
    }
    guard weight[1] == x[1] / groups else {
      throw .shape(
        "weight: has \(weight[1]) input channels, x has \(x[1]) channels in \(groups) group(s); wanted \(x[1] / groups)")
    }
    let window = try Window(kernel: [weight[2], weight[3]], strides: strides, pads: pads, dilations: dilations)
    let y = try window.outputShape(x, channels: weight[0])
    let planes = try PhasePlanes(window, image: (x[2], x[3]), output: (y[2], y[3]))
    return Sizes(N: x[0], G: groups, C: weight[1], K: weight[0] / groups, planes: planes, y: y, exact: exact)
  }

  @_specialize(where T == Float) @_specialize(where T == Double)
  package func forward<T: Element>(
    _ x: Input<T>, _ weight: Input<T>, _ bias: Input<T>?, _ y: Output<T>, relu: Bool = false
  ) throws(CNNError) {
    let sizes = try sizes(x.shape, weight.shape, of: T.self)
    try bias?.wants(try Shape("bias", weight.shape[0]))
    try y.wants(sizes.y)
    try y.mustNotOverlap(x)
    try y.mustNotOverlap(weight)
    if let bias { try y.mustNotOverlap(bias) }
    if y.shape.count == 0 { return }
    try sizes.forward(x.data, weight.data, bias?.data, y.data, relu: relu)
  }

  @_specialize(where T == Float) @_specialize(where T == Double)
  package func backward<T: Element>(
    _ x: Input<T>, _ weight: Input<T>, _ gradY: Input<T>, gradX: Output<T>?, gradWeight: Output<T>?, gradBias: Output<T>?
  ) throws(CNNError) {
    let sizes = try sizes(x.shape, weight.shape, of: T.self)
    try gradY.wants(sizes.y)
    try gradX?.wants(x.shape)
    try gradWeight?.wants(weight.shape)
    try gradBias?.wants(try Shape("grad_bias", weight.shape[0]))
    for output in [gradX, gradWeight, gradBias] {
      guard let output else { continue }
      for input in [x, weight, gradY] { try output.mustNotOverlap(input) }
    }
    let gradients = ConvolutionGradients(x: gradX?.data, weight: gradWeight?.data, bias: gradBias?.data)
    if sizes.isDepthwise && sizes.N &* sizes.pixels > 0 {
      return try sizes.depthwiseBackward(planar: x.data, weight.data, gradY.data, gradients)
    }
    if sizes.C < Convolution.fewChannels && sizes.C &* sizes.K &* sizes.N &* sizes.pixels > 0 {
      return try sizes.backwardFewChannels(x.data, weight.data, gradients) { image, _ in
        gradY.data + image &* sizes.K &* sizes.pixels
      }
    }
    if let gradWeight, let winograd = try sizes.winograd() {
      try winograd.weightGradient(.planar(x.data), .planar(gradY.data), gradWeight.data)
      if let gradBias { try sizes.biasGradient(gradY.data, gradBias.data) }
    } else if let gradWeight, sizes.isPointwise {
      try sizes.pointwiseWeightGradient(x.data, gradY.data, gradWeight.data)
      if let gradBias { try sizes.biasGradient(gradY.data, gradBias.data) }
    } else if let gradWeight {
      try sizes.weightGradient(x.data, gradY.data, gradWeight.data, gradBias?.data)
    } else if let gradBias {
      try sizes.biasGradient(gradY.data, gradBias.data)
    }
    if let gradX { try sizes.inputGradient(weight.data, gradY.data, gradX.data) }
  }
}

extension Convolution.Sizes {
  /// grad_bias[k] = the sum of grad_y[n][k][...] over images and pixels, images in order, where no grad_weight is wanted.
  func biasGradient(_ gradY: UnsafePointer<T>, _ gradBias: UnsafeMutablePointer<T>) throws(CNNError) {
    let channels = G &* K, kernels = T.kernels, pixels = pixels, N = N
    parallel(channels, width: try parallelWidth(channels, .elements(N, channels, pixels))) { k, _ in
      var total: T = 0
      for n in 0..<N { total += kernels.sum(gradY + (n &* channels &+ k) &* pixels, pixels) }
      gradBias[k] = total
    }
  }
}
