// Expand: x repeated to the shape that both x and `shape` broadcast to.
import CNNCore

final class ExpandOperator<T: Element>: MovingOperator<T> {
  private let extents: [Int]

  init(_ attributes: Attributes) throws(CNNError) {
    extents = try attributes.integers(input: 1, "shape") ?? []
    super.init(try Signature(attributes, inputs: ["input", "shape"]))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    [try broadcastShape(inputs[0], Shape("shape", extents: extents))]
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.anyInput(0), y = try arrays.anyOutput()
    try StridedWalk.move(x, StridedView(x.shape, broadcastTo: y.shape), to: y, StridedView(y.shape))
  }

  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    let gradY = try arrays.gradOutput()
    zero(gradX.data, gradX.shape.count)
    let view = StridedView(gradX.shape, broadcastTo: gradY.shape)
    try StridedWalk.add(gradY.data, StridedView(gradY.shape), to: gradX.data, view)
  }
}
