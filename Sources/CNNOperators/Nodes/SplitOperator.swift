// Split: parts of x along an axis, one an output: of the sizes that `split` gives, or of equal ones. With num_outputs, the last may
// be smaller.
import CNNCore

final class SplitOperator<T: Element>: MovingOperator<T> {
  private let axis: Int
  private let split: [Int]?
  private let mayEndSmaller: Bool

  init(_ attributes: Attributes) throws(CNNError) {
    axis = try attributes.int("axis", default: 0)
    split = try attributes.integers("split", orInput: 1)
    mayEndSmaller = attributes.has("num_outputs")
    if mayEndSmaller {
      let number = try attributes.int("num_outputs", default: 0)
      guard number == attributes.outputs else {
        throw attributes.wrong("num_outputs", "\(attributes.outputs), as the node has so many outputs, got \(number)")
      }
      guard split == nil else { throw attributes.wrong("num_outputs", "none, as the sizes are given by split") }
    }
    if let split, split.count != attributes.outputs {
      throw attributes.wrong("split", "\(attributes.outputs) sizes for as many outputs, got \(split.count)")
    }
    super.init(try Signature(attributes, inputs: ["input", "split"], required: 1, outputs: attributes.outputs))
  }

  private func parts(_ x: Shape) throws(CNNError) -> (axis: Int, sizes: [Int]) {
    let axis = try resolve(axis: axis, rank: x.rank, "axis"), extent = x[axis], n = signature.outputs
    if let split {
      var rest = extent
      for size in split {
        guard size >= 0 && size <= rest else { rest = -1; break }
        rest -= size
      }
      guard rest == 0 else { throw .shape("split: wanted sizes from 0 whose sum is the \(extent) elements of axis \(axis)") }
      return (axis, split)
    }
    guard mayEndSmaller || extent % n == 0 else {
      throw .shape("split: \(n) equal parts of the \(extent) elements of axis \(axis) cannot be; wanted their sizes")
    }
    let size = (extent + n - 1) / n
    return (axis, (0..<n).map { min(size, max(0, extent - $0 * size)) })
  }

  override func imageRule(_ inputs: [Shape]) -> ImageRule { (try? parts(inputs[0]).axis) != 0 ? .first : .together }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let x = inputs[0], (axis, sizes) = try parts(x)
    var shapes: [Shape] = []
    for size in sizes { shapes.append(try Shape("part", rank: x.rank) { $0 == axis ? size : x[$0] }) }
    return shapes
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.anyInput(0), (axis, sizes) = try parts(x.shape)
    var first = 0
    for (i, size) in sizes.enumerated() {
      let y = try arrays.anyOutput(i), part = StridedView(x.shape).part(axis, first: first, count: size)
      try StridedWalk.move(x, part, to: y, StridedView(y.shape))
      first += size
    }
  }

  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    let (axis, sizes) = try parts(gradX.shape)
    var first = 0
    for (i, size) in sizes.enumerated() {
      let gradY = try arrays.gradOutput(i), part = StridedView(gradX.shape).part(axis, first: first, count: size)
      try StridedWalk.copy(gradY.data, StridedView(gradY.shape), to: gradX.data, part)
      first += size
    }
  }
}
