// ConstantOfShape: an array of the shape that `input` gives, all of whose elements are `value` (float 0).
import CNNCore

final class ConstantOfShapeOperator<T: Element>: Operator<T> {
  private let extents: [Int]
  private let value: Double, type: ElementType

  init(_ attributes: Attributes) throws(CNNError) {
    let tensor = try attributes.tensor("value")
    guard tensor == nil || tensor?.shape.count == 1 else { throw attributes.wrong("value", "one element") }
    value = tensor?.number(0) ?? 0
    type = tensor.map { $0.type.isFloatingPoint ? T.elementType : $0.type } ?? T.elementType
    extents = try attributes.integers(input: 0, "input") ?? []
    super.init(try Signature(attributes, inputs: ["input"]))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [try Shape("output", extents: extents)] }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] { [type] }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) { try arrays.anyOutput().fill(value) }
}
