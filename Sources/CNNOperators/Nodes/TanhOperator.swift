// Tanh: y = the hyperbolic tangent of x, any shape.
import CNNCore

final class TanhOperator<T: Element>: Operator<T> {
  init(_ attributes: Attributes) throws(CNNError) { super.init(try Signature(attributes, inputs: ["x"])) }

  override func imageRule(_ inputs: [Shape]) -> ImageRule { .first }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [inputs[0]] }
  override var mayOverwriteInputs: [Int] { [0] }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) { try Tanh.forward(arrays.input(0), arrays.output()) }

  override var hasBackward: Bool { true }
  override var backwardReadsOutputs: [Int] { [0] }
  override var gradientMayOverwrite: [Int] { [0] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    if let gradX = try arrays.gradInput(0) { try Tanh.backward(arrays.output().input, arrays.gradOutput(), gradX) }
  }
}
