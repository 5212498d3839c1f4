// GatherElements: y like `indices`, whose numbers say along `axis` (0) which element of x each is.
import CNNCore

final class GatherElementsOperator<T: Element>: Operator<T> {
  private let axis: Int

  init(_ attributes: Attributes) throws(CNNError) {
    axis = try attributes.int("axis", default: 0)
    super.init(try Signature(attributes, inputs: ["data", "indices"]))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    _ = try resolve(axis: axis, rank: inputs[0].rank, "axis")
    try wantWithin(inputs[1], inputs[0], axis: axis)
    return [inputs[1]]
  }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    try wantIndices(1, inputs)
    return [inputs[0] ?? T.elementType]
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.anyInput(0), y = try arrays.anyOutput(), size = x.type.stride
    try ElementPlaces(arrays.anyInput(1), of: x.shape, axis: axis).forEach { i, place in
      copyBytes(x.data + place &* size, to: y.data + i &* size, size)
    }
  }

  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [1] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    let gradY = try arrays.gradOutput()
    zero(gradX.data, gradX.shape.count)
    try ElementPlaces(arrays.anyInput(1), of: gradX.shape, axis: axis).forEach { i, place in
      gradX.data[place] += gradY.data[i]
    }
  }
}

/// Where in x the elements are that an array of indices along an axis names.
struct ElementPlaces: ~Copyable {
  private let indices: Indices, shape: Shape, x: Shape, axis: Int

  init(_ given: AnyInput, of x: Shape, axis: Int) throws(CNNError) {
    let axis = try resolve(axis: axis, rank: x.rank, "axis"), indices = try Indices(given, of: x[axis])
    (shape, self.x, self.axis) = (given.shape, x, axis)
    self.indices = indices
  }
  /// Calls body(number of the index, place in x), in order.
  func forEach(_ body: (Int, Int) -> Void) {
    for i in 0..<indices.count {
      var rest = i, place = 0, step = 1
      for a in (0..<x.rank).reversed() {
        place &+= (a == axis ? indices.data[i] : rest % shape[a]) &* step
        step &*= x[a]
        rest /= shape[a]
      }
      body(i, place)
    }
  }
}

/// Throws where `indices` has other axes than x, or reaches beyond it along another axis than this.
func wantWithin(_ indices: Shape, _ x: Shape, axis: Int) throws(CNNError) {
  let axis = try resolve(axis: axis, rank: x.rank, "axis")
  guard indices.rank == x.rank, (0..<x.rank).allSatisfy({ $0 == axis || indices[$0] <= x[$0] }) else {
    throw .shape("indices: wanted at most shape \(x.description) but for axis \(axis), got \(indices.description)")
  }
}
