// Flatten: the axes before `axis` (1) become one, and so do the others. The elements stay where they are.
import CNNCore

final class FlattenOperator<T: Element>: ViewOperator<T> {
  private let axis: Int

  init(_ attributes: Attributes) throws(CNNError) {
    axis = try attributes.int("axis", default: 1)
    super.init(try Signature(attributes, inputs: ["x"]))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let x = inputs[0]
    guard axis >= -x.rank && axis <= x.rank else {
      throw .argument("axis: wanted \(-x.rank) to \(x.rank) for x of shape \(x.description), got \(axis)")
    }
    let split = axis < 0 ? axis + x.rank : axis
    var rows = 1, columns = 1
    for i in 0..<x.rank { if i < split { rows *= x[i] } else { columns *= x[i] } }
    return [try Shape("y", rows, columns)]
  }
}
