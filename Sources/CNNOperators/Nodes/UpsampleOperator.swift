// Upsample (of operator sets before 10): x enlarged by `scales`, one factor an axis; nearest, rounded down, or (multi-)linear.
import CNNCore

final class UpsampleOperator<T: Element>: Operator<T> {
  private let interpolation: Interpolation<T>
  private let scales: [Double]

  init(_ attributes: Attributes) throws(CNNError) {
    let mode = try attributes.string("mode", default: "nearest")
    guard mode.is("nearest") || mode.is("linear") else { throw attributes.wrong("mode", "nearest or linear, got \(mode)") }
    interpolation = Interpolation(mode: mode.is("linear") ? .linear : .nearest(.floor), coordinates: .asymmetric)
    let attribute = try attributes.floats("scales"), input = try attributes.numbers(input: 1, "scales")
    guard let scales = attribute ?? input, attribute == nil || input == nil else {
      throw attributes.wrong("scales", "one factor an axis, as an attribute or an input")
    }
    self.scales = scales
    super.init(try Signature(attributes, inputs: ["x", "scales"], required: 1))
  }

  private func changes(_ x: Shape) throws(CNNError) -> [Interpolation<T>.Change] {
    guard scales.count == x.rank else {
      throw .argument("scales: wanted \(x.rank) factors for x of shape \(x.description), got \(scales.count)")
    }
    var changes: [Interpolation<T>.Change] = []
    for (axis, scale) in scales.enumerated() { changes.append(try Interpolation.change(x[axis], by: scale)) }
    return changes
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    [try interpolation.outputShape(inputs[0], changes(inputs[0]))]
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0)
    try interpolation.resampling(x.shape, changes(x.shape)).apply(x, arrays.output())
  }

  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    try interpolation.resampling(gradX.shape, changes(gradX.shape)).transposed.apply(arrays.gradOutput(), gradX)
  }
}
