// Operators that take or give integers, bools and quantised numbers, against numbers that can be checked by hand.
import CNNCore
import CNNNetwork
import CNNOperators
import Testing

@Suite struct IntegerOperatorTests {
  private func check(
    _ name: StaticString, _ attributes: [Attribute] = [], _ inputs: [TypedArray?], _ type: ElementType, _ extents: [Int],
    _ wanted: [Double], outputs: Int = 1, output: Int = 0
  ) throws {
    for handIn in [false, true] {
      let y = try run(name, attributes, inputs, handIn: handIn, outputs: outputs)[output]
      #expect(try y.type == type && y.shape == shape(extents) && y.numbers == wanted, "\(name): \(y.type) \(y.numbers)")
    }
  }

  @Test func remaindersAndPowers() throws {
    let a = try TypedArray.of([-7, 7, -7, 7], [4], .int32), b = try TypedArray.of([3, -3, -3, 3], [4], .int32)
    try check("Mod", [], [a, b], .int32, [4], [2, -2, -1, 1])
    try check("Mod", [.int("fmod", 1)], [a, b], .int32, [4], [-1, 1, -1, 1])
    try check("Mod", [], [a, .of([0], [1], .int32)], .int32, [4], [0, 0, 0, 0])
    try check("Pow", [], [.of([2, -3, 2], [3]), .of([10, 3, -1], [3], .int32)], .int64, [3], [1024, -27, 0])
    try check("Pow", [], [.of([2, 9], [2], .int32), .of([0.5 as Float], [])], .int32, [2], [1, 3])
    try check(
      "BitShift", [.string("direction", "RIGHT")], [.of([200, 1], [2], .uint8), .of([3, 9], [2], .uint8)], .uint8, [2], [25, 0])
    try check("Abs", [], [.of([-128, 5], [2], .int8)], .int8, [2], [-128, 5])
    try check("Sign", [], [.of([-9, 0, 5], [3])], .int64, [3], [-1, 0, 1])
    try check("Max", [], [.of([1, 9], [2], .uint16), .of([4], [1], .uint16)], .uint16, [2], [4, 9])
    try check("Clip", [], [.of([-9, 0, 9], [3], .int8), .of([-2], [], .int8), .of([4], [], .int8)], .int8, [3], [-2, 0, 4])
  }

  @Test func reductionsOfIntegers() throws {
    let x = try TypedArray.of([1, -2, 3, 4, 5, -6], [2, 3], .int32), axes = try TypedArray.of([1], [1])
    try check("ReduceSum", [.int("keepdims", 0)], [x, axes], .int32, [2], [2, 3])
    try check("ReduceProd", [.int("keepdims", 0)], [x, axes], .int32, [2], [-6, -120])
    try check("ReduceMax", [], [x, axes], .int32, [2, 1], [3, 5])
    try check("ReduceMin", [], [x, axes], .int32, [2, 1], [-2, -6])
    try check("ReduceL1", [], [x], .int32, [1, 1], [21])
    try check("ReduceSumSquare", [], [x], .int32, [1, 1], [91])
    try check("ReduceMax", [.int("keepdims", 0)], [.of([0, 1, 0], [3], .bool)], .bool, [], [1])
    try check("CumSum", [], [x, .of([1], [1])], .int32, [2, 3], [1, -1, 2, 4, 9, 3])
  }

  @Test func placesOfExtremes() throws {
    let x = try TypedArray.of([2 as Float, 5, 5, -1, 7, 7], [2, 3])
    try check("ArgMax", [.int("axis", 1)], [x], .int64, [2, 1], [1, 1])
    try check("ArgMax", [.int("axis", -1), .int("select_last_index", 1), .int("keepdims", 0)], [x], .int64, [2], [2, 2])
    try check("ArgMin", [], [x], .int64, [1, 3], [1, 0, 0])
    try check("TopK", [], [x, .of([2], [1])], .int64, [2, 2], [1, 2, 1, 2], outputs: 2, output: 1)
    try check("TopK", [.int("largest", 0)], [.of([4, 1, 9], [3], .uint8), .of([1], [1])], .uint8, [1], [1])
    try check("Hardmax", [], [x], .float32, [2, 3], [0, 1, 0, 0, 1, 0])
  }

  @Test func poolingTellsWhereMaximaAre() throws {
    let numbers = spread(2 * 2 * 5 * 4, seed: 0), x = try TypedArray.of(numbers.map { Float($0) }, [2, 2, 5, 4])
    let attributes: [Attribute] = [
      .ints("kernel_shape", [2, 3]), .ints("strides", [2, 1]), .ints("pads", [1, 0, 0, 1]), .ints("dilations", [2, 1]),
    ]
    let wanted = placesOfMaxima([numbers])
    #expect(try run("MaxPool", attributes, [x], handIn: true, outputs: 2)[1].numbers == wanted)
    let byColumns = try run("MaxPool", attributes + [.int("storage_order", 1)], [x], handIn: true, outputs: 2)[1].integers
    #expect(
      byColumns
        == wanted.map {
          let i = Int($0); return i / 20 * 20 + i % 20 % 4 * 5 + i % 20 / 4
        })
    try check(
      "MaxPool", [.ints("kernel_shape", [2])], [.of([1, -5, -128, 127], [1, 1, 4], .int8)], .int8, [1, 1, 3], [1, -5, 127])
  }

  @Test func masksAndIndicesAreMade() throws {
    let x = try TypedArray.of([Float.nan, -.infinity, 1, .infinity], [4])
    try check("IsNaN", [], [x], .bool, [4], [1, 0, 0, 0])
    try check("IsInf", [], [x], .bool, [4], [0, 1, 0, 1])
    try check("IsInf", [.int("detect_positive", 0)], [x], .bool, [4], [0, 1, 0, 0])
    try check(
      "OneHot", [], [.of([1, -1, 7], [3]), .of([3], []), .of([5, 2], [2], .int32)], .int32, [3, 3], [5, 2, 5, 5, 5, 2, 5, 5, 5])
    try check("EyeLike", [.int("k", 1)], [.of([0, 0, 0, 0, 0, 0], [2, 3])], .int64, [2, 3], [0, 1, 0, 0, 0, 1])
    try check("Dropout", [], [x], .bool, [4], [1, 1, 1, 1], outputs: 2, output: 1)
    try check("Not", [], [.of([1, 0], [2], .bool)], .bool, [2], [0, 1])
  }

  @Test func numbersAreQuantizedAndBack() throws {
    let x = try TypedArray.of([-1.25 as Float, 0, 0.25, 100], [2, 2])
    try check("QuantizeLinear", [], [x, .of([0.5 as Float], []), .of([3], [], .uint8)], .uint8, [2, 2], [1, 3, 3, 203])
    try check(
      "QuantizeLinear", [.int("axis", 0)], [x, .of([0.5 as Float, 0.25], [2]), .of([0, -1], [2], .int8)], .int8, [2, 2],
      [-2, 0, 0, 127])
    try check(
      "DequantizeLinear", [.int("axis", 1)],
      [.of([1, 3, 5, 255], [2, 2], .uint8), .of([0.5 as Float, 2], [2]), .of([1, 3], [2], .uint8)],
      .float32, [2, 2], [0, 0, 2, 504])
    try check(
      "DynamicQuantizeLinear", [], [.of([0 as Float, 2, -3, -2.5, 1.34, 0.5], [6])], .uint8, [], [153], outputs: 3, output: 2)
  }

  @Test func productsOfIntegersAreExact() throws {
    let a = try TypedArray.of([255, 0, 128, 7], [2, 2], .uint8), b = try TypedArray.of([-128, 127, 1, 2], [2, 2], .int8)
    try check("MatMulInteger", [], [a, b, .of([1], [], .uint8)], .int32, [2, 2], [-32513, 32256, -16250, 16141])
    let x = try TypedArray.of([2, 3, 4, 5, 6, 7, 8, 9, 10], [1, 1, 3, 3], .uint8),
      w = try TypedArray.of([1, 1, 1, 1], [1, 1, 2, 2], .uint8)
    try check("ConvInteger", [], [x, w, .of([1], [], .uint8)], .int32, [1, 1, 2, 2], [12, 16, 24, 28])
    let one = try TypedArray.of([0.5 as Float], []), zero = try TypedArray.of([1], [], .uint8)
    try check(
      "QLinearConv", [], [x, one, zero, w, one, .of([0], [], .uint8), one, zero, .of([4], [1], .int32)], .uint8, [1, 1, 2, 2],
      [9, 11, 15, 17])
    try check(
      "QLinearMatMul", [], [a, one, zero, b, one, .of([0], [], .int8), .of([64 as Float], []), zero], .uint8, [2, 2],
      [0, 127, 0, 64])
  }
}
