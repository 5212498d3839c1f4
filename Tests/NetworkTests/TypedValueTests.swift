// Values of every element type, and what is inferred and folded before a network runs.
import CNNCore
import CNNNetwork
import CNNOperators
import Testing

extension TypedArray {
  /// Of integers or bools.
  static func of(_ numbers: [Int], _ extents: [Int], _ type: ElementType = .int64) throws -> TypedArray {
    let array = try TypedArray(Shape("shape", rank: extents.count) { extents[$0] }, type)
    for (i, number) in numbers.enumerated() {
      switch type {
      case .bool, .int8, .uint8: array.data.storeBytes(of: UInt8(truncatingIfNeeded: number), toByteOffset: i, as: UInt8.self)
      case .int16, .uint16: array.data.storeBytes(of: UInt16(truncatingIfNeeded: number), toByteOffset: 2 * i, as: UInt16.self)
      case .int32, .uint32: array.data.storeBytes(of: UInt32(truncatingIfNeeded: number), toByteOffset: 4 * i, as: UInt32.self)
      default: array.data.storeBytes(of: Int64(number), toByteOffset: 8 * i, as: Int64.self)
      }
    }
    return array
  }
  static func of(_ numbers: [Float], _ extents: [Int]) throws -> TypedArray {
    let array = try TypedArray(Shape("shape", rank: extents.count) { extents[$0] }, .float32)
    for (i, number) in numbers.enumerated() { array.data.storeBytes(of: number, toByteOffset: 4 * i, as: Float.self) }
    return array
  }
  var integers: [Int] { (0..<shape.count).map { integer($0) } }
  var numbers: [Double] { (0..<shape.count).map { number($0) } }
}

/// What a node of one operator gives: `given` inputs are handed in, the others constants.
func run(
  _ name: StaticString, _ attributes: [Attribute] = [], _ inputs: [TypedArray?], handIn: Bool, outputs: Int = 1
) throws -> [TypedArray] {
  let network = Network<Float>(), graph = network.graph
  var values: [ValueID?] = [], given: [AnyInput] = []
  for (i, input) in inputs.enumerated() {
    guard let input else {
      values.append(nil)
      continue
    }
    if handIn {
      values.append(graph.input(Name("x\(i)"), type: input.type))
      given.append(input.input("x"))
    } else {
      values.append(try graph.constant(Name("x\(i)"), input))
    }
  }
  try graph.setOutputs(graph.add(Name(name), attributes, inputs: values, outputs: outputs))
  var results: [TypedArray] = []
  for kind in try network.outputKinds(given) { results.append(try TypedArray(kind.shape, kind.type)) }
  try network.predict(given, results.map { AnyOutput("y", $0.shape, $0.type, $0.data) })
  return results
}

private let integerTypes: [ElementType] = [.int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64]

struct TypedValueTests {
  /// What moves elements moves those of every type, from constants and from what is handed in.
  @Test(arguments: integerTypes + [.bool, .float32], [false, true]) func movementTakesEveryType(
    _ type: ElementType, _ handIn: Bool
  ) throws {
    let numbers = [1, 0, 1, 1, 0, 1]
    let x = try type == .float32 ? TypedArray.of(numbers.map { Float($0) }, [2, 3]) : .of(numbers, [2, 3], type)
    func check(
      _ name: StaticString, _ attributes: [Attribute] = [], _ more: [TypedArray?] = [], _ extents: [Int], _ wanted: [Int]
    ) throws {
      let y = try run(name, attributes, [x] + more, handIn: handIn)[0]
      #expect(try y.type == type && y.shape == shape(extents) && y.numbers == wanted.map { Double($0) }, "\(name)")
    }
    try check("Transpose", [], [], [3, 2], [1, 1, 0, 0, 1, 1])
    try check("Reshape", [], [.of([3, -1], [2])], [3, 2], numbers)
    try check("Concat", [.int("axis", 0)], [x], [4, 3], numbers + numbers)
    try check("Slice", [], [.of([-1], [1]), .of([.min], [1]), .of([1], [1]), .of([-2], [1])], [2, 2], [1, 1, 1, 1])
    try check("Gather", [.int("axis", 1)], [.of([1, -3], [2], .int32)], [2, 2], [0, 1, 0, 1])
    try check("Expand", [], [.of([2, 1, 3], [3])], [2, 2, 3], numbers + numbers)
    try check("Tile", [], [.of([1, 2], [2])], [2, 6], [1, 0, 1, 1, 0, 1, 1, 0, 1, 1, 0, 1])
    try check("Unsqueeze", [], [.of([0], [1])], [1, 2, 3], numbers)
    try check("Pad", [], [.of([0, 1, 0, 0], [4])], [2, 4], [0, 1, 0, 1, 0, 1, 0, 1])
    let condition = try TypedArray.of([1, 0], [2, 1], .bool)
    let chosen = try run("Where", [], [condition, x, x], handIn: handIn)[0]
    #expect(chosen.type == type && chosen.numbers == x.numbers)
  }

  @Test(arguments: integerTypes, [false, true]) func arithmeticWrapsAsTheTypeDoes(_ type: ElementType, _ handIn: Bool) throws {
    let a = try TypedArray.of([7, 100, 5], [3], type), b = try TypedArray.of([2, 100, 3], [3], type)
    func result(_ name: StaticString) throws -> [Int] { try run(name, [], [a, b], handIn: handIn)[0].integers }
    let square = type == .int8 ? 10000 % 256 : type == .uint8 ? 10000 % 256 : 10000
    #expect(try result("Add") == [9, type == .int8 ? 200 - 256 : 200, 8])
    #expect(try result("Sub") == [5, 0, 2])
    #expect(try result("Mul") == [14, square, 15])
    #expect(try result("Div") == [3, 1, 1])
    #expect(try result("Less") == [0, 0, 0])
    #expect(try result("GreaterOrEqual") == [1, 1, 1])
    #expect(try result("Equal") == [0, 1, 0])
    #expect(try run("Div", [], [a, .of([0], [1], type)], handIn: handIn)[0].integers == [7, 100, 5])
  }

  @Test func unsignedNumbersAreComparedAsSuch() throws {
    let a = try TypedArray.of([-1, 1], [2], .uint64), b = try TypedArray.of([1, 1], [2], .uint64)
    #expect(try run("Greater", [], [a, b], handIn: true)[0].integers == [1, 0])
    #expect(try run("Cast", [.int("to", 1)], [a], handIn: true)[0].numbers == [0x1p64, 1])
  }

  @Test func castsCutOffWrapAndRound() throws {
    let x = try TypedArray.of([-1.7 as Float, 0, 300.5, .nan], [4])
    #expect(try run("Cast", [.int("to", 7)], [x], handIn: true)[0].integers == [-1, 0, 300, 0])
    #expect(try run("Cast", [.int("to", 9)], [x], handIn: true)[0].integers == [1, 0, 1, 1])
    #expect(try run("Cast", [.int("to", 3)], [TypedArray.of([200], [1])], handIn: true)[0].integers == [-56])
    let third = try TypedArray.of([1.0 / 3 as Float, 1e6], [2])
    #expect(try run("Cast", [.int("to", 10)], [third], handIn: true)[0].numbers == [1365.0 / 4096, .infinity])
    #expect(try run("Cast", [.int("to", 16)], [third], handIn: true)[0].numbers == [171.0 / 512, 999424])
  }

  /// A shape that nodes compute from another shape: the nodes are gone when the network runs.
  @Test func shapeArithmeticIsFolded() throws {
    let network = Network<Float>(), graph = network.graph, x = graph.input("x")
    let extents = try graph.add("Shape", inputs: [x])[0]
    let batch = try graph.add("Gather", inputs: [extents, graph.constant("zero", TypedArray(0))])[0]
    let first = try graph.add("Unsqueeze", inputs: [batch, graph.integers("axes", [0])])[0]
    let target = try graph.add("Concat", [.int("axis", 0)], inputs: [first, graph.integers("rest", [-1])])[0]
    let flat = try graph.add("Reshape", inputs: [x, target])[0]
    try graph.setOutputs([graph.add("Relu", inputs: [flat])[0]])
    for images in [2, 5] {
      let plan = try Plan(graph, inputs: [shape([images, 3, 4])], mode: .infer)
      #expect(try plan.stepCount == 2 && plan.outputShapes[0] == shape([images, 12]))
    }
  }

  /// What is handed in decides a shape: another plan for other contents, the same for the same.
  @Test func contentsOfInputsDecideShapes() throws {
    let network = Network<Float>(), graph = network.graph
    let x = graph.input("x"), target = graph.input("shape", type: .int64)
    try graph.setOutputs(graph.add("Reshape", inputs: [x, target]))
    let data = try TypedArray.of((0..<12).map { Float($0) }, [12])
    for (extents, plans) in [([3, 4], 1), ([2, -1], 2), ([3, 4], 2)] {
      let target = try TypedArray(extents), wanted = try shape(extents.map { $0 < 0 ? 6 : $0 })
      let kinds = try network.outputKinds([data.input("x"), target.input("shape")])
      #expect(withExtendedLifetime(target) { kinds[0].shape == wanted })
      #expect(network.planCount == plans)
    }
    #expect(throws: CNNError.self) { try network.outputShapes([shape([12]), shape([2])]) }
  }

  @Test func nonZeroKnowsItsInput() throws {
    let x = try TypedArray.of([0, 3, 1, 0, 0, 2], [2, 3], .int32)
    for handIn in [false, true] {
      let y = try run("NonZero", [], [x], handIn: handIn)[0]
      #expect(try y.shape == shape([2, 3]) && y.integers == [0, 0, 1, 1, 2, 2])
    }
  }

  @Test func constantsAreMadeOfShapesAndRanges() throws {
    for handIn in [false, true] {
      let seven = Attribute("value", .tensor(try .of([7], [1], .int16)))
      let made = try run("ConstantOfShape", [seven], [.of([2, 2], [2])], handIn: handIn)[0]
      #expect(made.type == .int16 && made.integers == [7, 7, 7, 7])
      #expect(try run("Range", [], [TypedArray(10), TypedArray(4), TypedArray(-2)], handIn: handIn)[0].integers == [10, 8, 6])
      let numbers = try [1, 2, 0.25].map { try TypedArray.of([$0 as Float], []) }
      #expect(try run("Range", [], numbers, handIn: handIn)[0].numbers == [1, 1.25, 1.5, 1.75])
    }
  }

  /// What follows from constants alone is computed once for all plans.
  @Test func foldedConstantsAreShared() throws {
    let graph = Graph<Float>(), x = graph.input("x")
    let w = try graph.constant("w", .of([1 as Float, 2, 3, 4], [2, 2]))
    let turned = try graph.add("Transpose", inputs: [w])[0]
    try graph.setOutputs([graph.add("MatMul", inputs: [x, turned])[0]])
    for rows in [1, 3] {
      let plan = try Plan(graph, inputs: [shape([rows, 2])], mode: .infer)
      #expect(plan.stepCount == 1)
    }
  }

  @Test func aWrongTypeNamesTheNode() throws {
    let graph = Graph<Float>(), x = graph.input("x", type: .int64, shape: try shape([2]))
    do {
      _ = try graph.add("Relu", inputs: [x], name: "act")
      Issue.record("wanted an error")
    } catch {
      #expect(error.kind == .type && error.message == "act (Relu): x: wanted elements of float32, got int64")
    }
    #expect(throws: CNNError.self) { try graph.constant("w", TypedArray(shape([1]), .float64)) }
    #expect(throws: CNNError.self) { try run("Gather", [], [.of([1], [1]), .of([1], [1])], handIn: true) }
    #expect(throws: CNNError.self) { try run("Add", [], [.of([1], [1]), .of([1], [1], .int32)], handIn: true) }
  }
}
