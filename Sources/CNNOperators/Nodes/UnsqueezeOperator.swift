// Unsqueeze: with axes of one element more; `axes` names them, counted in the result. The elements stay where they are.
import CNNCore

final class UnsqueezeOperator<T: Element>: ViewOperator<T> {
  private let axes: [Int]

  init(_ attributes: Attributes) throws(CNNError) {
    guard let axes = try attributes.integers("axes", orInput: 1) else {
      throw attributes.wrong("axes", "the axes to insert, got none")
    }
    self.axes = axes
    super.init(try Signature(attributes, inputs: ["data", "axes"], required: 1))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let x = inputs[0], rank = x.rank + axes.count
    guard rank <= Shape.maximumRank else {
      throw .shape("axes: wanted at most \(Shape.maximumRank) axes with those of data, got \(rank)")
    }
    let inserted = try resolve(axes: axes, rank: rank, "axes")
    var extents: [Int] = [], axis = 0
    for i in 0..<rank {
      if inserted.contains(i) {
        extents.append(1)
      } else {
        extents.append(x[axis])
        axis += 1
      }
    }
    return [try Shape("expanded", extents: extents)]
  }
}
