// Relu: y = max(x, 0), any shape.
import CNNCore

final class ReluOperator<T: Element>: Operator<T> {
  init(_ attributes: Attributes) throws(CNNError) { super.init(try Signature(attributes, inputs: ["x"])) }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [inputs[0]] }
  override var mayOverwriteInputs: [Int] { [0] }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    try Relu.forward(arrays.input(0), arrays.output(), mask: arrays.mode == .train ? arrays.kept(0) : nil)
  }

  override var neverFalls: Bool { true }

  /// The mask of what was not positive.
  override func kept(_ inputs: [Shape], _ outputs: [Shape]) throws(CNNError) -> [Kept] { [Kept(outputs[0], .uint8)] }
  override var hasBackward: Bool { true }
  override var gradientMayOverwrite: [Int] { [0] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let mask: Output<UInt8> = try arrays.kept(0)
    if let gradX = try arrays.gradInput(0) { try Relu.backward(mask.input, arrays.gradOutput(), gradX) }
  }
}
