// Compress: along `axis`, or of all elements in a row, those where the condition, which must be known when a plan is made, is true.
import CNNCore

final class CompressOperator<T: Element>: MovingOperator<T> {
  private let axis: Int?, places: [Int]

  init(_ attributes: Attributes) throws(CNNError) {
    axis = attributes.has("axis") ? try attributes.int("axis", default: 0) : nil
    guard let condition = try attributes.array(input: 1, "condition") else { throw attributes.wrong("condition", "bools") }
    guard condition.type == .bool && condition.shape.rank == 1 else {
      throw attributes.wrong("condition", "bools of one axis, got \(condition.type.description) \(condition.shape.description)")
    }
    places = (0..<condition.shape.count).filter { condition.integer($0) != 0 }
    super.init(try Signature(attributes, inputs: ["input", "condition"]))
  }

  private func rows(_ x: Shape) throws(CNNError) -> AxisRows {
    if let axis { return AxisRows(x, axis: try resolve(axis: axis, rank: x.rank, "axis")) }
    return AxisRows(try Shape("input", x.count), axis: 0)
  }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let x = inputs[0], extent = try rows(x).K
    if let last = places.last, last >= extent { throw .shape("condition: element \(last) is true, of \(extent)") }
    guard let axis else { return [try Shape("output", places.count)] }
    let resolved = try resolve(axis: axis, rank: x.rank, "axis")
    return [try Shape("output", rank: x.rank) { $0 == resolved ? places.count : x[$0] }]
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.anyInput(0), y = try arrays.anyOutput(), rows = try rows(x.shape), size = rows.inner * x.type.stride
    for outer in 0..<rows.outer {
      for (i, place) in places.enumerated() {
        copyBytes(x.data + (outer * rows.K + place) * size, to: y.data + (outer * places.count + i) * size, size)
      }
    }
  }

  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    let gradY = try arrays.gradOutput(), rows = try rows(gradX.shape)
    zero(gradX.data, gradX.shape.count)
    for outer in 0..<rows.outer {
      for (i, place) in places.enumerated() {
        copy(
          gradY.data + (outer * places.count + i) * rows.inner, to: gradX.data + (outer * rows.K + place) * rows.inner,
          rows.inner)
      }
    }
  }
}
