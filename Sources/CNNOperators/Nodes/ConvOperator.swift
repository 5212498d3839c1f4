// Conv: y[N][K][OH][OW] of x[N][C][H][W], w[K][C/group][KH][KW] and b[K]; or with one axis
// of pixels, or three.
import CNNCore
import Microkernels

final class ConvOperator<T: Element>: Operator<T> {
  private let spatial: SpatialAttributes
  private let group: Int
  /// What was absorbed: inputs 3 to 6 are then those of the normalization.
  private let normalization: BatchNormalization?, relu: Bool

  init(_ attributes: Attributes) throws(CNNError) {
    spatial = try SpatialAttributes(attributes)
    group = try attributes.int("group", default: 1)
    (normalization, relu) = (nil, false)
    super.init(try Signature(attributes, inputs: ["x", "w", "b"], required: 2))
  }

  private init(_ first: ConvOperator, absorbing next: Operator<T>, normalization: BatchNormalization?, relu: Bool) {
    (spatial, group, self.normalization, self.relu) = (first.spatial, first.group, normalization, relu)
    super.init(Signature(first.signature, absorbing: next.signature))
  }
  override func absorbing(_ next: Operator<T>, _ mode: Mode) throws(CNNError) -> Operator<T>? {
    guard mode == .infer && !relu else { return nil }
    if next is ReluOperator<T> {
      return ConvOperator(self, absorbing: next, normalization: normalization, relu: true)
    }
    if let next = next as? BatchNormalizationOperator<T>, normalization == nil {
      return ConvOperator(self, absorbing: next, normalization: next.normalization, relu: false)
    }
    return nil
  }

  private func kernel(_ x: Shape, _ w: Shape) throws(CNNError) -> [Int] {
    guard w.rank == x.rank && x.rank >= 3 else {
      throw .shape("w: wanted as many axes as x, 3 or more, got shape \(w.description) for x \(x.description)")
    }
    let kernel = (2..<w.rank).map { w[$0] }
    if let wanted = spatial.kernel, wanted != kernel {
      throw .shape("w: wanted a kernel as in kernel_shape, got shape \(w.description)")
    }
    return kernel
  }
  private func convolution(_ x: Shape, _ w: Shape) throws(CNNError) -> Convolution {
    try Convolution(spatial.window(over: x, kernel: kernel(x, w)), groups: group)
  }
  /// nil unless x[N][C][D][H][W] is of volumes.
  private func volume(_ x: Shape, _ w: Shape) throws(CNNError) -> VolumeConvolution? {
    if x.rank != 5 { return nil }
    let kernel = try kernel(x, w), (depth, plane) = try spatial.volume()
    let window = try plane.window(over: Shape("x", x[0], x[1], x[3], x[4]), kernel: [kernel[1], kernel[2]])
    return VolumeConvolution(
      depth: try depth.window(over: Shape("x", x[0], x[1], x[2]), kernel: [kernel[0]]),
      plane: try Convolution(window, groups: group))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let (x, w) = (inputs[0], inputs[1])
    if inputs.count > 2, inputs[2].rank > 0, inputs[2] != (try Shape("b", w[0])) {
      throw .shape("b: wanted shape [\(w[0])], got \(inputs[2].description)")
    }
    if let volume = try volume(x, w) { return [try volume.outputShape(x, w)] }
    let y = try convolution(x, w).outputShape(SpatialAttributes.planar(x, "x"), SpatialAttributes.planar(w, "w"))
    return [try SpatialAttributes.shape(y, like: x)]
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), w = try arrays.input(1), b = try arrays.optionalInput(2)
    func forward(_ w: Input<T>, _ b: Input<T>?) throws(CNNError) {
      if let volume = try volume(x.shape, w.shape) {
        try volume.forward(x, w, b, arrays.output())
        if relu { try Relu.forward(arrays.output().input, arrays.output(), mask: nil) }
        return
      }
      try convolution(x.shape, w.shape).forward(
        SpatialAttributes.planar(x), SpatialAttributes.planar(w), b, SpatialAttributes.planar(arrays.output()), relu: relu)
    }
    guard let normalization else { return try forward(w, b) }
    if let w: Output<T> = try arrays.prepared(0), let b: Output<T> = try arrays.prepared(1) {
      return try forward(w.input, b.input)
    }
    let folded = try Scratch<T>(w.shape.count), shift = try Scratch<T>(w.shape[0])
    let wFolded = Output("w", w.shape, folded.data), bFolded = Output("b", try Shape("b", w.shape[0]), shift.data)
    try fold(normalization, arrays, wFolded, bFolded)
    try forward(wFolded.input, bFolded.input)
  }

  /// The weight and the bias with the normalization folded into them.
  override func prepared(inputs: [Shape], _ layouts: Layouts, _ mode: Mode) throws(CNNError) -> Prepared? {
    if normalization == nil { return nil }
    return Prepared(reads: [1, 2, 3, 4, 5, 6], [Kept(inputs[1], .network), Kept(inputs[3], .network)])
  }
  override func prepare(_ arrays: Arrays<T>) throws(CNNError) {
    guard let normalization, let w: Output<T> = try arrays.prepared(0), let b: Output<T> = try arrays.prepared(1) else {
      return
    }
    try fold(normalization, arrays, w, b)
  }
  private func fold(
    _ normalization: BatchNormalization, _ arrays: Arrays<T>, _ folded: Output<T>, _ shift: Output<T>
  ) throws(CNNError) {
    // factor * (w * x + b) + shift = (factor * w) * x + (factor * b + shift)
    let w = try arrays.input(1), b = try arrays.optionalInput(2), K = w.shape[0], cells = w.shape.count / max(1, K)
    let factor = try Scratch<T>(K)
    try normalization.coefficients(
      K, scale: arrays.input(3), bias: arrays.input(4), mean: arrays.input(5), variance: arrays.input(6), factor: factor.data,
      shift: shift.data)
    for k in 0..<K {
      T.kernels.scaleShift(w.data + k &* cells, factor.data[k], 0, folded.data + k &* cells, cells)
      if let b { shift.data[k] += factor.data[k] * b.data[k] }
    }
  }

  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [0, 1] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), w = try arrays.input(1)
    if let volume = try volume(x.shape, w.shape) {
      return try volume.backward(
        x, w, arrays.gradOutput(), gradX: arrays.gradInput(0), gradWeight: arrays.gradInput(1), gradBias: arrays.gradInput(2))
    }
    try convolution(x.shape, w.shape).backward(
      SpatialAttributes.planar(x), SpatialAttributes.planar(w), SpatialAttributes.planar(arrays.gradOutput()),
      gradX: SpatialAttributes.planar(optional: arrays.gradInput(0)),
      gradWeight: SpatialAttributes.planar(optional: arrays.gradInput(1)),
      gradBias: arrays.gradInput(2))
  }
}

extension Convolution {
  init(_ window: Window, groups: Int) throws(CNNError) {
    try self.init(strides: window.strides, pads: window.pads, dilations: window.dilations, groups: groups)
  }
}
