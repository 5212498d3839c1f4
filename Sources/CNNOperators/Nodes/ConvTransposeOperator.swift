// ConvTranspose: y[N][K][OH][OW] of x[N][C][H][W], w[C][K/group][KH][KW] and b[K], or with one axis of pixels, or three: what the convolution by w, of
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

  /// The convolution of y by w whose output is x, of planes or of volumes.
  private enum Adjoint {
    case plane(Convolution), volume(VolumeConvolution)
    func outputShape(_ y: Shape, _ w: Shape) throws(CNNError) -> Shape {
      switch self {
      case .plane(let convolution):
        try SpatialAttributes.shape(
          convolution.outputShape(SpatialAttributes.planar(y, "y"), SpatialAttributes.planar(w, "w")), like: y)
      case .volume(let convolution): try convolution.outputShape(y, w)
      }
    }
  }
  private func adjoint(_ x: Shape, _ w: Shape) throws(CNNError) -> (Adjoint, y: Shape) {
    let kernel = try spatial.kernel(of: w, over: x), axes = kernel.count
    guard w[0] == x[1] else {
      throw .shape("w: wanted \(x[1]) filters for as many channels of x, got shape \(w.description)")
    }
    guard group >= 1 && w[1] <= Int.max / group else { throw .argument("group: wanted 1 or more, got \(group)") }
    for (name, list) in [("output_padding", outputPadding), ("output_shape", outputShape)] as [(StaticString, [Int]?)] {
      if let list, list.count != axes {
        throw .argument("\(name): wanted \(axes) integers for as many axes of pixels, got \(list.count)")
      }
    }
    if axes != 3 {
      let (window, extents) = try window(spatial, x, kernel, 0..<axes)
      let y =
        try axes == 1 ? Shape("y", x[0], w[1] * group, extents[1]) : Shape("y", x[0], w[1] * group, extents[0], extents[1])
      return (.plane(try Convolution(window, groups: group)), y)
    }
    let (depths, planes) = try spatial.volume()
    let (depth, along) = try window(depths, Shape("x", x[0], x[1], x[2]), [kernel[0]], 0..<1)
    let (plane, extents) = try window(planes, Shape("x", x[0], x[1], x[3], x[4]), [kernel[1], kernel[2]], 1..<3)
    let convolution = VolumeConvolution(depth: depth, plane: try Convolution(plane, groups: group))
    return (.volume(convolution), try Shape("y", x[0], w[1] * group, along[1], extents[0], extents[1]))
  }
  /// The window over one or two axes of pixels of y, `axes` of all, and what extents y has there.
  private func window(
    _ spatial: SpatialAttributes, _ x: Shape, _ kernel: [Int], _ axes: Range<Int>
  ) throws(CNNError) -> (Window, InlineArray<2, Int>) {
    func planar(_ list: [Int]?, none: Int) -> InlineArray<2, Int> {
      guard let list else { return [none, none] }
      return axes.count == 1 ? [none, list[axes.lowerBound]] : [list[axes.lowerBound], list[axes.lowerBound + 1]]
    }
    let image = try SpatialAttributes.planar(x, "x"), window = try spatial.window(over: x, kernel: kernel)
    let more = planar(outputPadding, none: 0), given = planar(outputShape, none: 1)
    var pads = window.pads, extents: InlineArray<2, Int> = [0, 0]
    for axis in 0..<2 {
      let n = image[2 + axis], stride = window.strides[axis]
      guard n >= 1 && n <= 1 << 30 else { throw .shape("x: wanted 1 to 2^30 pixels along an axis, got shape \(x.description)") }
      // Without pads.
      let span = (window.kernel[axis] - 1) * window.dilations[axis] + 1, full = (n - 1) * stride + span + more[axis]
      var beyond = more[axis]
      let isSame = spatial.autoPad == .sameUpper || spatial.autoPad == .sameLower
      if let extent = outputShape != nil ? given[axis] : isSame ? n * stride : nil {
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
    return (try Window(kernel: window.kernel, strides: window.strides, pads: pads, dilations: window.dilations), extents)
  }

  override func imageRule(_ inputs: [Shape]) -> ImageRule { .first }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let (x, w) = (inputs[0], inputs[1])
    let (convolution, y) = try adjoint(x, w)
    guard try convolution.outputShape(y, w) == x else {
      throw .shape("x: no convolution by w of shape \(w.description) gives shape \(x.description)")
    }
    if inputs.count > 2, inputs[2] != (try Shape("b", y[1])) {
      throw .shape("b: wanted shape [\(y[1])], got \(inputs[2].description)")
    }
    return [y]
  }

  override func multiplyAdds(_ inputs: [Shape], _ outputs: [Shape]) -> Int {
    saturatingProduct(inputs[0].count, inputs[1].count / max(1, inputs[1][0]))
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
    switch try adjoint(x.shape, w.shape).0 {
    case .plane(let convolution): try sizes(convolution, y.shape, w.shape).inputGradient(w.data, x.data, y.data)
    case .volume(let convolution): try convolution.backward(y.input, w, x, gradX: y, gradWeight: nil, gradBias: nil)
    }
    if let b = try arrays.optionalInput(2) {
      try StridedWalk.add(b.data, bias(b.shape, y.shape), to: y.data, StridedView(channels(y.shape)))
    }
  }
  private func sizes(_ convolution: Convolution, _ y: Shape, _ w: Shape) throws(CNNError) -> Convolution.Sizes<T> {
    try convolution.sizes(SpatialAttributes.planar(y, "y"), SpatialAttributes.planar(w, "w"), of: T.self)
  }

  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [0, 1] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), w = try arrays.input(1), gradY = try arrays.gradOutput()
    let gradX = try arrays.gradInput(0), gradW = try arrays.gradInput(1)
    switch try adjoint(x.shape, w.shape).0 {
    case .plane(let convolution):
      if let gradX {
        try convolution.forward(
          SpatialAttributes.planar(gradY), SpatialAttributes.planar(w), nil, SpatialAttributes.planar(gradX))
      }
      if let gradW { try sizes(convolution, gradY.shape, w.shape).weightGradient(gradY.data, x.data, gradW.data, nil) }
    case .volume(let convolution):
      if let gradX { try convolution.forward(gradY, w, nil, gradX) }
      if let gradW { try convolution.backward(gradY, w, x, gradX: nil, gradWeight: gradW, gradBias: nil) }
    }
    if let gradB = try arrays.gradInput(2) {
      zero(gradB.data, gradB.shape.count)
      try StridedWalk.add(
        gradY.data, StridedView(channels(gradY.shape)), to: gradB.data, bias(gradB.shape, gradY.shape))
    }
  }
}
