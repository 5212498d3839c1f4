// Size: how many elements x has, as int64; known as soon as the shapes are.
import CNNCore

final class SizeOperator<T: Element>: MovingOperator<T> {
  init(_ attributes: Attributes) throws(CNNError) { super.init(try Signature(attributes, inputs: ["data"])) }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [try Shape("size")] }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] { [.int64] }
  override func outputs(ofShapes inputs: [Shape]) throws(CNNError) -> [TypedArray]? { [try TypedArray(inputs[0].count)] }
}
