// IsNaN and IsInf: which elements are no numbers, or infinite; of either sign unless told otherwise.
import CNNCore

final class IsNaNOperator<T: Element>: Operator<T> {
  private let isOfInfinity: Bool, detectsNegative: Bool, detectsPositive: Bool

  init(_ attributes: Attributes) throws(CNNError) {
    isOfInfinity = attributes.owner.is("IsInf")
    detectsNegative = isOfInfinity ? try attributes.flag("detect_negative", default: true) : false
    detectsPositive = isOfInfinity ? try attributes.flag("detect_positive", default: true) : false
    super.init(try Signature(attributes, inputs: ["x"]))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [inputs[0]] }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    _ = try super.outputTypes(of: inputs)
    return [.bool]
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), y: Output<UInt8> = try arrays.anyOutput().bound()
    for i in 0..<x.shape.count {
      let number = x.data[i]
      let isFound =
        isOfInfinity ? (number == .infinity && detectsPositive) || (number == -.infinity && detectsNegative) : number.isNaN
      y.data[i] = isFound ? 1 : 0
    }
  }
}
