// DequantizeLinear: y = (x - x_zero_point) * x_scale, with scales and zero points as QuantizeLinear has them.
import CNNCore

final class DequantizeLinearOperator<T: Element>: Operator<T> {
  private let axis: Int, blockSize: Int

  init(_ attributes: Attributes) throws(CNNError) {
    axis = try attributes.int("axis", default: 1)
    blockSize = try attributes.int("block_size", default: 0)
    _ = try attributes.int("output_dtype", default: 0)  // all floating types are the network's
    guard blockSize >= 0 else { throw attributes.wrong("block_size", "0 or more, got \(blockSize)") }
    super.init(try Signature(attributes, inputs: ["x", "x_scale", "x_zero_point"], required: 2))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    _ = try QuantizationParameters(inputs[1], of: inputs[0], axis: axis, blockSize: blockSize, "x_scale")
    if inputs.count > 2, inputs[2].count != 1, inputs[2] != inputs[1] {
      throw .shape("x_zero_point: wanted shape \(inputs[1].description), as x_scale, got \(inputs[2].description)")
    }
    return [inputs[0]]
  }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    try wantQuantized(0, inputs)
    try wantNumbers(1, inputs)
    if inputs.count > 2, let type = inputs[2], type != inputs[0] { throw wrongType(2, "the type of x", type) }
    return [T.elementType]
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.anyInput(0), scales = try arrays.input(1), zeros = try arrays.anyOptionalInput(2),
      y = try arrays.output()
    let places = try QuantizationParameters(scales.shape, of: x.shape, axis: axis, blockSize: blockSize, "x_scale")
    let wide = try Operand64(x, x.shape), q = wide.data
    let none = try TypedArray(0), given = zeros ?? none.input("x_zero_point")
    let shifts = try Operand64(given, given.shape), z = shifts.data, isOne = given.shape.count == 1
    for i in 0..<x.shape.count {
      let place = places.place(i)
      y.data[i] = T(q[i] &- z[isOne ? 0 : place]) * scales.data[place]
    }
    withExtendedLifetime(none) {}
  }
}
