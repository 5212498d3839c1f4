// Sigmoid: y = 1 / (1 + exp(-x)), any shape.
import CNNCore

final class SigmoidOperator<T: Element>: Operator<T> {
  init(_ attributes: Attributes) throws(CNNError) { super.init(try Signature(attributes, inputs: ["x"])) }

  override func imageRule(_ inputs: [Shape]) -> ImageRule { .first }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [inputs[0]] }
  override var mayOverwriteInputs: [Int] { [0] }
  override func layoutRule(inputs: [Shape], _ mode: Mode) throws(CNNError) -> LayoutRule? { .elementwise(inputs[0]) }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let (x, y) = try arrays.elements()
    try Sigmoid.forward(x, y)
    try arrays.clearOutside()
  }

  override var hasBackward: Bool { true }
  override var backwardReadsOutputs: [Int] { [0] }
  override var gradientMayOverwrite: [Int] { [0] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    if let (gradY, gradX) = try arrays.gradientElements() { try Sigmoid.backward(arrays.outputElements(), gradY, gradX) }
  }
}
