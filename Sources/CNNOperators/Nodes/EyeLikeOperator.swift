// EyeLike: a matrix like x of zeros, with ones on diagonal number k, above the main one where k is positive.
import CNNCore

final class EyeLikeOperator<T: Element>: Operator<T> {
  private let k: Int, type: FileType?

  init(_ attributes: Attributes) throws(CNNError) {
    k = try attributes.int("k", default: 0)
    let number = try attributes.int("dtype", default: 0)
    type = FileType(number)
    guard number == 0 || type != nil else { throw attributes.wrong("dtype", "a type of numbers or bool, got \(number)") }
    super.init(try Signature(attributes, inputs: ["input"]))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    guard inputs[0].rank == 2 else { throw .shape("input: wanted a matrix, got shape \(inputs[0].description)") }
    return [inputs[0]]
  }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    [type.map { $0.elementType(T.self) } ?? inputs[0] ?? T.elementType]
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let y = try arrays.anyOutput(), columns = y.shape[1], one = try Shape("one")
    y.fill(0)
    for row in 0..<y.shape[0] {
      let column = row.addingReportingOverflow(k)
      guard !column.overflow && column.partialValue >= 0 && column.partialValue < columns else { continue }
      AnyOutput("y", one, y.type, y.data + (row * columns + column.partialValue) * y.type.stride).fill(1)
    }
  }
}
