// ConvTranspose: y[N][K][OH][OW] of x[N][C][H][W], w[C][K/group][KH][KW] and b[K], or with one axis of pixels: what the convolution by w, of
// K channels to C, has as its input's gradient where x is the gradient of its output. So forward is that gradient, and the gradient
// of x the convolution itself.
import CNNCore

final class ConvTransposeOperator<T: Element>: Operator<T> {
  private let spatial: SpatialAttributes
  private let group: Int
  private let outputPadding: [Int]?, outputShape: [Int]?

  init(_ attributes: Attributes) throws(CNNError) {
    spatial = try SpatialAttributes(attributes)
    group = try attributes.int("group", default: 1)
    outputPadding = try attributes.ints("output_padding")
    outputShape = try attributes.ints("output_shape")
    for list in [outputPadding, outputShape] {
      for number in list ?? [] where number < 0 || number > 1 << 30 {
        throw attributes.wrong("output_padding, output_shape", "0 to 2^30, got \(number)")
      }
    }
    super.init(try Signature(attributes, inputs: ["x", "w", "b"], required: 2))
  }

  /// The convolution of y by w whose output is x, and the shape of y, [N][K][OH][OW].
  private func convolution(_ x: Shape, _ w: Shape) throws(CNNError) -> (Convolution, y: Shape) {
    let axes = x.rank - 2
    guard w.rank == x.rank && axes >= 1 else {
      throw .shape("w: wanted as many axes as x, 3 or more, got shape \(w.description) for x \(x.description)")
    }
    let kernel = (2..<w.rank).map { w[$0] }
    if let wanted = spatial.kernel, wanted != kernel {
      throw .shape("w: wanted a kernel as in kernel_shape, got shape \(w.description)")
    }
    let image = try SpatialAttributes.planar(x, "x"), window = try spatial.window(over: x, kernel: kernel)
    guard group >= 1 && w[1] <= Int.max / group else { throw .argument("group: wanted 1 or more, got \(group)") }
    let more = try planar("output_padding", outputPadding, axes, none: 0)
    let given = try outputShape.map { list throws(CNNError) in try planar("output_shape", list, axes, none: 1) }
    var pads = window.pads, extents: InlineArray<2, Int> = [0, 0]
    for axis in 0..<2 {
      let n = image[2 + axis], stride = window.strides[axis]
      guard n >= 1 && n <= 1 << 30 else { throw .shape("x: wanted 1 to 2^30 pixels along an axis, got shape \(x.description)") }
      // Without pads.
      let span = (window.kernel[axis] - 1) * window.dilations[axis] + 1, full = (n - 1) * stride + span + more[axis]
      var beyond = more[axis]
      if let extent = given?[axis] ?? (spatial.autoPad == .sameUpper || spatial.autoPad == .sameLower ? n * stride : nil) {
        let total = max(0, full - extent)
        pads[axis] = spatial.autoPad == .sameUpper ? total / 2 : total - total / 2
        pads[axis + 2] = total - pads[axis]
        beyond += max(0, extent - full)
        extents[axis] = extent
      } else {
        extents[axis] = full - pads[axis] - pads[axis + 2]
      }
      guard extents[axis] >= 1 else { throw .shape("pads: nothing is left of x of shape \(x.description)") }
      guard beyond < stride else {
        throw .argument("output_padding, output_shape: wanted less than a stride beyond the last window, got \(beyond)")
      }
    }
    let convolution = try Convolution(strides: window.strides, pads: pads, dilations: window.dilations, groups: group)
    return (convolution, try Shape("y", x[0], w[1] * group, extents[0], extents[1]))
  }
  private func planar(
    _ name: StaticString, _ list: [Int]?, _ axes: Int, none: Int
  ) throws(CNNError) -> InlineArray<2, Int> {
    guard let list else { return [none, none] }
    guard list.count == axes else {
      throw .argument("\(name): wanted \(axes) integers for as many axes of pixels, got \(list.count)")
    }
    return axes == 1 ? [none, list[0]] : [list[0], list[1]]
  }
  /// The same with its sizes, checked.
  private func sizes(_ x: Shape, _ w: Shape) throws(CNNError) -> Convolution.Sizes<T> {
    let (convolution, y) = try convolution(x, w)
    return try convolution.sizes(y, SpatialAttributes.planar(w, "w"), of: T.self)
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let (x, w) = (inputs[0], inputs[1])
    guard w[0] == x[1] else {
      throw .shape("w: wanted \(x[1]) filters for as many channels of x, got shape \(w.description)")
    }
    let (convolution, y) = try convolution(x, w)
    guard try convolution.outputShape(y, SpatialAttributes.planar(w, "w")) == SpatialAttributes.planar(x, "x") else {
      throw .shape("x: no convolution by w of shape \(w.description) gives shape \(x.description)")
    }
    if inputs.count > 2, inputs[2] != (try Shape("b", y[1])) {
      throw .shape("b: wanted shape [\(y[1])], got \(inputs[2].description)")
    }
    return [try SpatialAttributes.shape(y, like: x)]
  }

  /// b as it is added to y.
  private func bias(_ b: Shape, _ y: Shape) throws(CNNError) -> StridedView {
    StridedView([1, b[0], 1]).repeated(along: [0, 2], of: try channels(y))
  }
  private func channels(_ y: Shape) throws(CNNError) -> Shape {
    try Shape("y", y[0], y[1], y.count / max(1, y[0] * y[1]))
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), w = try arrays.input(1), y = try arrays.output()
    try sizes(x.shape, w.shape).inputGradient(w.data, x.data, y.data)
    if let b = try arrays.optionalInput(2) {
      try StridedWalk.add(b.data, bias(b.shape, y.shape), to: y.data, StridedView(channels(y.shape)))
    }
  }

  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [0, 1] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), w = try arrays.input(1), gradY = try arrays.gradOutput()
    if let gradX = try arrays.gradInput(0) {
      try convolution(x.shape, w.shape).0.forward(
        SpatialAttributes.planar(gradY), SpatialAttributes.planar(w), nil, SpatialAttributes.planar(gradX))
    }
    if let gradW = try arrays.gradInput(1) {
      try sizes(x.shape, w.shape).weightGradient(gradY.data, x.data, gradW.data, nil)
    }
    if let gradB = try arrays.gradInput(2) {
      zero(gradB.data, gradB.shape.count)
      try StridedWalk.add(
        gradY.data, StridedView(channels(gradY.shape)), to: gradB.data, bias(gradB.shape, gradY.shape))
    }
  }
}
