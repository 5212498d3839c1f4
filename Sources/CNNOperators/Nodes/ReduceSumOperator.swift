// ReduceSum: the sums over the axes that `axes` names, or over all.
import CNNCore

final class ReduceSumOperator<T: Element>: Operator<T> {
  private let reduction: Reduction

  init(_ attributes: Attributes) throws(CNNError) {
    reduction = try Reduction(attributes)
    super.init(try Reduction.signature(attributes))
  }

  override func imageRule(_ inputs: [Shape]) -> ImageRule { reduction.imageRule(inputs[0]) }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [try reduction.outputShape(inputs[0])] }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    if let type = inputs[0], type.isInteger { return [type] }
    return try super.outputTypes(of: inputs)
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    if let type = arrays.inputType(0), type != T.elementType {
      let x = try arrays.anyInput(0)
      return try reduceIntegers(x, reduction.result(x.shape), arrays.anyOutput(), .sum)
    }
    let x = try arrays.input(0), y = try arrays.output()
    zero(y.data, y.shape.count)
    try StridedWalk.add(x.data, StridedView(x.shape), to: y.data, reduction.result(x.shape))
  }

  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    let gradY = try arrays.gradOutput()
    try StridedWalk.copy(gradY.data, reduction.result(gradX.shape), to: gradX.data, StridedView(gradX.shape))
  }
}
