// ReduceMean: the means over the axes that `axes` names, or over all. Over the pixels of images it is GlobalAveragePool, as many exporters write it.
import CNNCore

final class ReduceMeanOperator<T: Element>: Operator<T> {
  private let reduction: Reduction

  init(_ attributes: Attributes) throws(CNNError) {
    reduction = try Reduction(attributes)
    super.init(try Reduction.signature(attributes))
  }

  override func imageRule(_ inputs: [Shape]) -> ImageRule { reduction.imageRule(inputs[0]) }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [try reduction.outputShape(inputs[0])] }
  /// One by how many elements a mean is of.
  private func share(_ x: Shape, _ y: Shape) -> T { T(y.count) / T(x.count) }

  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    if let type = inputs[0], type.isInteger { return [type] }
    return try super.outputTypes(of: inputs)
  }
  override func layoutRule(inputs: [Shape], _ mode: Mode) throws(CNNError) -> LayoutRule? {
    guard reduction.isOverPixels(inputs[0]), try reduction.outputShape(inputs[0]).rank == 4 else { return nil }
    return LayoutRule([.blocked(halo: 0)], .blocked, gain: 0)
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    if let x = try arrays.blockedInput(0), let y = try arrays.blockedOutput() { return try y.fillWithMeans(x) }
    if let type = arrays.inputType(0), type != T.elementType {
      let x = try arrays.anyInput(0)
      return try reduceIntegers(x, reduction.result(x.shape), arrays.anyOutput(), .mean)
    }
    let x = try arrays.input(0), y = try arrays.output()
    if reduction.isOverPixels(x.shape) { return try GlobalPooling.averageForward(x, y) }
    zero(y.data, y.shape.count)
    try StridedWalk.add(x.data, StridedView(x.shape), to: y.data, reduction.result(x.shape))
    try scale(y.input, by: share(x.shape, y.shape), y)
  }

  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    if let gradX = try arrays.blockedGradInput(0), let gradY = try arrays.blockedGradOutput() {
      return try gradX.fillWithShares(gradY)
    }
    guard let gradX = try arrays.gradInput(0) else { return }
    let gradY = try arrays.gradOutput(), shares = try Scratch<T>(gradY.shape.count)
    try scale(gradY, by: share(gradX.shape, gradY.shape), Output("shares", gradY.shape, shares.data))
    try StridedWalk.copy(
      UnsafePointer(shares.data), reduction.result(gradX.shape), to: gradX.data, StridedView(gradX.shape))
  }
}
