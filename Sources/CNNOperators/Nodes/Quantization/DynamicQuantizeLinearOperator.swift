// DynamicQuantizeLinear: x as uint8, with the scale and the zero point that its least and largest elements ask for.
import CNNCore

final class DynamicQuantizeLinearOperator<T: Element>: Operator<T> {
  init(_ attributes: Attributes) throws(CNNError) {
    super.init(try Signature(attributes, inputs: ["x"], outputs: 3))
    guard attributes.outputs == 3 else { throw .argument("\(attributes.owner): outputs: wanted 3, got \(attributes.outputs)") }
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let one = try Shape("one")
    return [inputs[0], one, one]
  }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    _ = try super.outputTypes(of: inputs)
    return [.uint8, T.elementType, .uint8]
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), scale = try arrays.output(1), zero: Output<UInt8> = try arrays.anyOutput(2).bound()
    var (low, high): (T, T) = (0, 0)
    for i in 0..<x.shape.count { (low, high) = (min(low, x.data[i]), max(high, x.data[i])) }
    scale.data[0] = (high - low) / 255
    let step = scale.data[0]
    zero.data[0] = step == 0 ? 0 : UInt8(saturating: Double(min(max((-low / step).rounded(.toNearestOrEven), 0), 255)))
    let shift = Double(zero.data[0])
    try quantize(x.shape.count, arrays.anyOutput()) {
      step == 0 ? 0 : Double(x.data[$0] / step)
    } zeroPoint: { _ in
      shift
    }
  }
}
