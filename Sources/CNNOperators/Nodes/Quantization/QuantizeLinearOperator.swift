// QuantizeLinear: y = round(x / y_scale) + y_zero_point, kept within the type of y: that of y_zero_point, or output_dtype, or uint8. Scales for the
// whole, for each element of `axis` (1), or for each block of block_size along it.
import CNNCore

final class QuantizeLinearOperator<T: Element>: Operator<T> {
  private let axis: Int, blockSize: Int, type: ElementType?

  init(_ attributes: Attributes) throws(CNNError) {
    axis = try attributes.int("axis", default: 1)
    blockSize = try attributes.int("block_size", default: 0)
    _ = try attributes.flag("saturate", default: true)  // of float8 alone
    _ = try attributes.int("precision", default: 0)
    let number = try attributes.int("output_dtype", default: 0)
    let type = FileType(number)?.elementType(T.self)
    guard number == 0 || type?.isInteger ?? false, blockSize >= 0 else {
      throw CNNError(.unsupported, "\(attributes.owner): output_dtype: wanted a type of integers, got \(number)")
    }
    self.type = type
    super.init(try Signature(attributes, inputs: ["x", "y_scale", "y_zero_point"], required: 2))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    _ = try QuantizationParameters(inputs[1], of: inputs[0], axis: axis, blockSize: blockSize, "y_scale")
    if inputs.count > 2, inputs[2].count != 1, inputs[2] != inputs[1] {
      throw .shape("y_zero_point: wanted shape \(inputs[1].description), as y_scale, got \(inputs[2].description)")
    }
    return [inputs[0]]
  }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    try wantNumbers(1, inputs)
    try wantQuantized(2, inputs)
    return [(inputs.count > 2 ? inputs[2] : nil) ?? type ?? .uint8]
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.anyInput(0), scales = try arrays.input(1), zeros = try arrays.anyOptionalInput(2)
    let places = try QuantizationParameters(scales.shape, of: x.shape, axis: axis, blockSize: blockSize, "y_scale")
    let numbers = try OperandNumbers<T>(x, x.shape), from = numbers.data
    let one = try TypedArray(0), given = zeros ?? one.input("y_zero_point")
    let shifts = try OperandNumbers<T>(given, given.shape), z = shifts.data, isOne = given.shape.count == 1
    // The quotient is rounded to the network's type, as ONNX has it.
    try quantize(x.shape.count, arrays.anyOutput()) {
      Double(from[$0] / scales.data[places.place($0)])
    } zeroPoint: {
      Double(z[isOne ? 0 : places.place($0)])
    }
    withExtendedLifetime(one) {}
  }
}
