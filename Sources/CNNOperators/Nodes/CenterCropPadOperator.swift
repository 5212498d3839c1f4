// CenterCropPad: x, with the middle of each of `axes` (all) cut out or put between zeros, to the extents that `shape` gives; of an odd
// difference the larger half is behind.
import CNNCore

final class CenterCropPadOperator<T: Element>: MovingOperator<T> {
  private let extents: [Int], axes: [Int]?

  init(_ attributes: Attributes) throws(CNNError) {
    axes = try attributes.ints("axes")
    extents = try attributes.integers(input: 1, "shape") ?? []
    super.init(try Signature(attributes, inputs: ["input_data", "shape"]))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let x = inputs[0], axes = try resolve(axes: axes ?? Array(0..<x.rank), rank: x.rank, "axes")
    guard extents.count == axes.count else { throw .shape("shape: wanted \(axes.count) extents, got \(extents.count)") }
    var wanted = x.extents
    for (i, axis) in axes.enumerated() { wanted[axis] = extents[i] }
    return [try Shape("output_data", extents: wanted)]
  }
  private func views(_ x: Shape, _ y: Shape) -> (x: StridedView, y: StridedView) {
    var from = StridedView(x), to = StridedView(y)
    for axis in 0..<x.rank {
      let count = min(x[axis], y[axis])
      from = from.part(axis, first: (x[axis] - count) / 2, count: count)
      to = to.part(axis, first: (y[axis] - count) / 2, count: count)
    }
    return (from, to)
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.anyInput(0), y = try arrays.anyOutput(), views = views(x.shape, y.shape)
    y.fill(0)
    try StridedWalk.move(x, views.x, to: y, views.y)
  }

  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    let gradY = try arrays.gradOutput(), views = views(gradX.shape, gradY.shape)
    zero(gradX.data, gradX.shape.count)
    try StridedWalk.copy(gradY.data, views.y, to: gradX.data, views.x)
  }
}
