// Conv: y[N][K][OH][OW] of x[N][C][H][W], w[K][C/group][KH][KW] and b[K]; or y[N][K][OW] of x[N][C][W] and w[K][C/group][KW].
import CNNCore

final class ConvOperator<T: Element>: Operator<T> {
  private let spatial: SpatialAttributes
  private let group: Int

  init(_ attributes: Attributes) throws(CNNError) {
    spatial = try SpatialAttributes(attributes)
    group = try attributes.int("group", default: 1)
    super.init(try Signature(attributes, inputs: ["x", "w", "b"], required: 2))
  }

  private func convolution(_ x: Shape, _ w: Shape) throws(CNNError) -> Convolution {
    guard w.rank == x.rank && x.rank >= 3 else {
      throw .shape("w: wanted as many axes as x, 3 or more, got shape \(w.description) for x \(x.description)")
    }
    let kernel = (2..<w.rank).map { w[$0] }
    if let wanted = spatial.kernel, wanted != kernel {
      throw .shape("w: wanted a kernel as in kernel_shape, got shape \(w.description)")
    }
    let window = try spatial.window(over: x, kernel: kernel)
    return try Convolution(strides: window.strides, pads: window.pads, dilations: window.dilations, groups: group)
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let (x, w) = (inputs[0], inputs[1])
    let y = try convolution(x, w).outputShape(SpatialAttributes.planar(x, "x"), SpatialAttributes.planar(w, "w"))
    if inputs.count > 2, inputs[2] != (try Shape("b", w[0])) {
      throw .shape("b: wanted shape [\(w[0])], got \(inputs[2].description)")
    }
    return [try SpatialAttributes.shape(y, like: x)]
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), w = try arrays.input(1)
    try convolution(x.shape, w.shape).forward(
      SpatialAttributes.planar(x), SpatialAttributes.planar(w), arrays.optionalInput(2),
      SpatialAttributes.planar(arrays.output()))
  }

  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [0, 1] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), w = try arrays.input(1)
    try convolution(x.shape, w.shape).backward(
      SpatialAttributes.planar(x), SpatialAttributes.planar(w), SpatialAttributes.planar(arrays.gradOutput()),
      gradX: SpatialAttributes.planar(optional: arrays.gradInput(0)),
      gradWeight: SpatialAttributes.planar(optional: arrays.gradInput(1)),
      gradBias: arrays.gradInput(2))
  }
}
