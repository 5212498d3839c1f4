// Squeeze: without the axes of one element that `axes` names, or without all of them. The elements stay where they are.
import CNNCore

final class SqueezeOperator<T: Element>: ViewOperator<T> {
  private let axes: [Int]?

  init(_ attributes: Attributes) throws(CNNError) {
    axes = try attributes.integers("axes", orInput: 1)
    super.init(try Signature(attributes, inputs: ["data", "axes"], required: 1))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let x = inputs[0]
    let dropped: [Int]
    if let axes {
      dropped = try resolve(axes: axes, rank: x.rank, "axes")
    } else {
      dropped = (0..<x.rank).filter { x[$0] == 1 }
    }
    for axis in dropped where x[axis] != 1 {
      throw .shape("axes: wanted axes of one element, got axis \(axis) of shape \(x.description)")
    }
    let kept = (0..<x.rank).filter { !dropped.contains($0) }
    return [try Shape("squeezed", extents: kept.map { x[$0] })]
  }
}
