// MatMulInteger and ConvInteger: products of integers less zero points, as int32; QLinearMatMul and QLinearConv: the same of quantised arrays,
// quantised again. The work is MatMul's and Conv's in float64.
import CNNCore

final class IntegerProductOperator<T: Element>: Operator<T> {
  private let product: Operator<Double>
  private let isConvolution: Bool, isQuantized: Bool

  private init(_ attributes: Attributes, isConvolution: Bool, isQuantized: Bool) throws(CNNError) {
    (self.isConvolution, self.isQuantized) = (isConvolution, isQuantized)
    let inner = try attributes.derived(inputs: 2)
    product = isConvolution ? try ConvOperator(inner) : try MatMulOperator(inner)
    let (a, b) = isConvolution ? ("x", "w") : ("a", "b") as (StaticString, StaticString)
    if isQuantized {
      super.init(
        try Signature(
          attributes,
          inputs: isConvolution
            ? ["x", "x_scale", "x_zero_point", "w", "w_scale", "w_zero_point", "y_scale", "y_zero_point", "B"]
            : ["a", "a_scale", "a_zero_point", "b", "b_scale", "b_zero_point", "y_scale", "y_zero_point"], required: 8))
    } else {
      super.init(
        try Signature(
          attributes,
          inputs: [a, b, isConvolution ? "x_zero_point" : "a_zero_point", isConvolution ? "w_zero_point" : "b_zero_point"],
          required: 2))
    }
  }
  static func matMulInteger(_ attributes: Attributes) throws(CNNError) -> Operator<T> {
    try IntegerProductOperator(attributes, isConvolution: false, isQuantized: false)
  }
  static func convInteger(_ attributes: Attributes) throws(CNNError) -> Operator<T> {
    try IntegerProductOperator(attributes, isConvolution: true, isQuantized: false)
  }
  static func qLinearMatMul(_ attributes: Attributes) throws(CNNError) -> Operator<T> {
    try IntegerProductOperator(attributes, isConvolution: false, isQuantized: true)
  }
  static func qLinearConv(_ attributes: Attributes) throws(CNNError) -> Operator<T> {
    try IntegerProductOperator(attributes, isConvolution: true, isQuantized: true)
  }

  // Where the inputs are.
  private var second: Int { isQuantized ? 3 : 1 }
  private var zeroPoints: (Int, Int) { isQuantized ? (2, 5) : (2, 3) }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    try product.outputShapes(of: [inputs[0], inputs[second]])
  }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    for i in isQuantized ? [0, 2, 3, 5, 7, 8] : [0, 1, 2, 3] { try wantQuantized(i, inputs) }
    if !isQuantized { return [.int32] }
    for i in [1, 4, 6] { try wantNumbers(i, inputs) }
    return [inputs[7] ?? .uint8]
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let a = try arrays.anyInput(0), b = try arrays.anyInput(second), y = try arrays.anyOutput()
    // Zero points along the rows of a and the columns of b, or the filters.
    let left = try shifted(
      a, zeroPoints: arrays.anyOptionalInput(zeroPoints.0), axis: isConvolution ? 1 : max(-2, -a.shape.rank), "zero point")
    let right = try shifted(b, zeroPoints: arrays.anyOptionalInput(zeroPoints.1), axis: isConvolution ? 0 : -1, "zero point")
    let result = try product.evaluate([left, right], [(y.shape, .float64)])[0],
      sums = result.data.assumingMemoryBound(to: Double.self)
    if !isQuantized {
      try quantize(y.shape.count, y) {
        sums[$0]
      } zeroPoint: { _ in
        0
      }
      return withExtendedLifetime(result) {}
    }
    if let bias = try arrays.anyOptionalInput(8) {
      let numbers = try OperandNumbers<Double>(bias, bias.shape), z = numbers.data
      let places = try QuantizationParameters(bias.shape, of: y.shape, axis: 1, "B")
      for i in 0..<y.shape.count { sums[i] += z[places.place(i)] }
    }
    let scaleA = try arrays.input(1), scaleB = try arrays.input(4), scaleY = try arrays.input(6), zero = try arrays.anyInput(7)
    let rows = try QuantizationParameters(scaleA.shape, of: y.shape, axis: isConvolution ? 1 : max(-2, -y.shape.rank), "scale")
    let columns = try QuantizationParameters(scaleB.shape, of: y.shape, axis: isConvolution ? 1 : -1, "scale")
    let shifts = try OperandNumbers<Double>(zero, zero.shape), z = shifts.data
    guard scaleY.shape.count == 1 && zero.shape.count == 1 else {
      throw .shape("y_scale: wanted one number, got \(scaleY.shape.description)")
    }
    try quantize(y.shape.count, y) {
      sums[$0] * Double(scaleA.data[rows.place($0)]) * Double(scaleB.data[columns.place($0)]) / Double(scaleY.data[0])
    } zeroPoint: { _ in
      z[0]
    }
    withExtendedLifetime(result) {}
  }
}
