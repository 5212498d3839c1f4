// GatherND: each row of `indices` names a part of x, behind `batch_dims` axes that both have.
import CNNCore
import Microkernels

final class GatherNDOperator<T: Element>: Operator<T> {
  private let batchAxes: Int

  init(_ attributes: Attributes) throws(CNNError) {
    batchAxes = try attributes.int("batch_dims", default: 0)
    guard batchAxes >= 0 else { throw attributes.wrong("batch_dims", "0 or more, got \(batchAxes)") }
    super.init(try Signature(attributes, inputs: ["data", "indices"]))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let parts = try PartPlaces.Layout(inputs[0], inputs[1], batchAxes: batchAxes)
    return [try Shape("output", extents: inputs[1].extents.dropLast() + inputs[0].extents[(batchAxes + parts.depth)...])]
  }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    try wantIndices(1, inputs)
    return [inputs[0] ?? T.elementType]
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.anyInput(0), y = try arrays.anyOutput()
    let parts = try PartPlaces(arrays.anyInput(1), of: x.shape, batchAxes: batchAxes), size = parts.count * x.type.stride
    parts.forEach { i, place in copyBytes(x.data + place &* x.type.stride, to: y.data + i &* size, size) }
  }

  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [1] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    let gradY = try arrays.gradOutput(), kernels = T.kernels
    zero(gradX.data, gradX.shape.count)
    let parts = try PartPlaces(arrays.anyInput(1), of: gradX.shape, batchAxes: batchAxes), count = parts.count
    parts.forEach { i, place in kernels.addTo(gradX.data + place, gradY.data + i &* count, count) }
  }
}

/// Where in x the parts are that rows of indices name.
struct PartPlaces: ~Copyable {
  struct Layout {
    /// How many axes a row of indices names.
    let depth: Int
    init(_ x: Shape, _ indices: Shape, batchAxes: Int) throws(CNNError) {
      guard indices.rank >= 1 && batchAxes < indices.rank && batchAxes <= x.rank else {
        throw .shape("indices: wanted more than \(batchAxes) axes, got shape \(indices.description)")
      }
      depth = indices[indices.rank - 1]
      guard depth <= x.rank - batchAxes, (0..<batchAxes).allSatisfy({ indices[$0] == x[$0] }) else {
        throw .shape("indices: shape \(indices.description) does not fit data of shape \(x.description)")
      }
    }
  }
  private let indices: Indices, depth: Int, rows: Int, rowsOfBatch: Int, strides: [Int], batchStride: Int
  /// Elements of a part.
  let count: Int

  init(_ given: AnyInput, of x: Shape, batchAxes: Int = 0) throws(CNNError) {
    let depth = try Layout(x, given.shape, batchAxes: batchAxes).depth
    var strides = [Int](repeating: 1, count: x.rank + 1)
    for axis in (0..<x.rank).reversed() { strides[axis] = strides[axis + 1] * x[axis] }
    let indices = try Indices(given, extent: { x[batchAxes + (depth == 0 ? 0 : $0 % depth)] })
    self.strides = Array(strides[(batchAxes + 1)...])
    (self.depth, count, batchStride) = (depth, strides[batchAxes + depth], strides[batchAxes])
    rows = given.shape.extents.dropLast().reduce(1, *)
    rowsOfBatch = max(1, given.shape.extents[batchAxes..<given.shape.rank - 1].reduce(1, *))
    self.indices = indices
  }
  /// Calls body(number of the row, first element of the part), in order.
  func forEach(_ body: (Int, Int) -> Void) {
    for row in 0..<rows {
      var place = row / rowsOfBatch &* batchStride
      for axis in 0..<depth { place &+= indices.data[row &* depth &+ axis] &* strides[axis] }
      body(row, place)
    }
  }
}
