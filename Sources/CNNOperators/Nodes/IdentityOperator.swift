// Identity: y = x.
import CNNCore

final class IdentityOperator<T: Element>: Operator<T> {
  init(_ attributes: Attributes) throws(CNNError) { super.init(try Signature(attributes, inputs: ["x"])) }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [inputs[0]] }
  override func isView(_ mode: Mode) -> Bool { true }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) { try arrays.copyThrough(arrays.input(0), arrays.output()) }
  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    if let gradX = try arrays.gradInput(0) { try arrays.copyThrough(arrays.gradOutput(), gradX) }
  }
}
