// Identity: y = x.
import CNNCore

final class IdentityOperator<T: Element>: ViewOperator<T> {
  init(_ attributes: Attributes) throws(CNNError) { super.init(try Signature(attributes, inputs: ["x"])) }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [inputs[0]] }
}
