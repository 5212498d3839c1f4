// Gather: along `axis` (0), the elements of x that `indices` names, whose axes take its place; negative ones count from behind.
import CNNCore
import Microkernels

final class GatherOperator<T: Element>: Operator<T> {
  private let axis: Int

  init(_ attributes: Attributes) throws(CNNError) {
    axis = try attributes.int("axis", default: 0)
    super.init(try Signature(attributes, inputs: ["data", "indices"]))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let (x, indices) = (inputs[0], inputs[1]), axis = try resolve(axis: axis, rank: x.rank, "axis")
    return [try Shape("output", extents: x.extents[..<axis] + indices.extents + x.extents[(axis + 1)...])]
  }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    try wantIndices(1, inputs)
    return [inputs[0] ?? T.elementType]
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.anyInput(0), y = try arrays.anyOutput(), rows = try rows(x.shape)
    let indices = try Indices(arrays.anyInput(1), of: rows.K), size = rows.inner &* x.type.stride, n = indices.count
    let place = indices.data
    parallel(rows.outer, width: try parallelWidth(rows.outer, .elements(y.shape.count))) { outer, _ in
      for i in 0..<n {
        copyBytes(x.data + (outer &* rows.K &+ place[i]) &* size, to: y.data + (outer &* n &+ i) &* size, size)
      }
    }
  }
  private func rows(_ x: Shape) throws(CNNError) -> AxisRows {
    AxisRows(x, axis: try resolve(axis: axis, rank: x.rank, "axis"))
  }

  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [1] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    let gradY = try arrays.gradOutput(), rows = try rows(gradX.shape)
    let indices = try Indices(arrays.anyInput(1), of: rows.K), n = indices.count, place = indices.data, kernels = T.kernels
    zero(gradX.data, gradX.shape.count)
    parallel(rows.outer, width: try parallelWidth(rows.outer, .elements(gradY.shape.count))) { outer, _ in
      for i in 0..<n {
        kernels.addTo(
          gradX.data + (outer &* rows.K &+ place[i]) &* rows.inner, gradY.data + (outer &* n &+ i) &* rows.inner, rows.inner)
      }
    }
  }
}
