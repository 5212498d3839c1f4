// Relu: y = max(x, 0), any shape.
import CNNCore

final class ReluOperator<T: Element>: Operator<T> {
  init(_ attributes: Attributes) throws(CNNError) { super.init(try Signature(attributes, inputs: ["x"])) }

  override func imageRule(_ inputs: [Shape]) -> ImageRule { .first }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [inputs[0]] }
  override var mayOverwriteInputs: [Int] { [0] }
  override var limits: (low: T, high: T)? { (0, .infinity) }
  override func layoutRule(inputs: [Shape], _ mode: Mode) throws(CNNError) -> LayoutRule? { .elementwise(inputs[0]) }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let (x, y) = try arrays.elements()
    try Relu.forward(x, y, mask: nil)
  }

  override var neverFalls: Bool { true }

  override var hasBackward: Bool { true }
  /// Not a mask of its own: most who take y keep it anyway, as convolutions do.
  override var backwardReadsOutputs: [Int] { [0] }
  override var gradientMayOverwrite: [Int] { [0] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    if let (gradY, gradX) = try arrays.gradientElements() { try Relu.backward(arrays.outputElements(), gradY, gradX) }
  }
}
