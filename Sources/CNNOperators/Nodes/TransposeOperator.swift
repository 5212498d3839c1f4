// Transpose: axis i of the result is axis perm[i] of x; without perm, the axes in reverse.
import CNNCore

final class TransposeOperator<T: Element>: MovingOperator<T> {
  private let perm: [Int]?

  init(_ attributes: Attributes) throws(CNNError) {
    perm = try attributes.ints("perm")
    super.init(try Signature(attributes, inputs: ["data"]))
  }

  private func order(_ x: Shape) throws(CNNError) -> [Int] {
    guard let perm else { return (0..<x.rank).reversed() }
    guard perm.count == x.rank else {
      throw .argument("perm: wanted \(x.rank) axes for data of shape \(x.description), got \(perm.count)")
    }
    return try resolve(axes: perm, rank: x.rank, "perm")
  }
  override func imageRule(_ inputs: [Shape]) -> ImageRule { (try? order(inputs[0]))?.first == 0 ? .first : .together }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    [try Shape("transposed", extents: order(inputs[0]).map { inputs[0][$0] })]
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.anyInput(0), y = try arrays.anyOutput()
    try StridedWalk.move(x, StridedView(x.shape).permuted(order(x.shape)), to: y, StridedView(y.shape))
  }

  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    let gradY = try arrays.gradOutput()
    var back = [Int](repeating: 0, count: gradX.shape.rank)
    for (i, axis) in try order(gradX.shape).enumerated() { back[axis] = i }
    try StridedWalk.copy(gradY.data, StridedView(gradY.shape).permuted(back), to: gradX.data, StridedView(gradX.shape))
  }
}
