// Concat of one image, whose inputs are written where they belong: the bits of a batch, where they are copied.
import CNNCore
import CNNNetwork
import CNNOperators
import Testing

@Suite struct JoinsTests {
  private let graph = Graph<Float>()
  private let x: ValueID

  init() throws { x = graph.input("x", shape: try Shape("x", 1, 16, 6, 7)) }

  /// 3x3, of images as large as x.
  private func conv(_ x: ValueID, _ name: Name, from channels: Int, to outputs: Int = 16) throws -> ValueID {
    let weight = try graph.parameter(name, Shape("weight", outputs, channels, 3, 3)) { array throws(CNNError) in
      for i in 0..<array.shape.count { array.data[i] = Float((i * 7919 + 13) % 2003 - 1001) / 10015 }
    }
    return try graph.add("Conv", [.ints("pads", [1, 1, 1, 1])], inputs: [x, weight])[0]
  }
  private func concat(_ inputs: ValueID..., axis: Int = 1) throws -> ValueID {
    try graph.add("Concat", [.int("axis", axis)], inputs: inputs)[0]
  }
  private func relu(_ x: ValueID) throws -> ValueID { try graph.add("Relu", inputs: [x])[0] }

  /// Image 0 of every output for so many images, all alike.
  private func outputs(_ images: Int, _ layouts: LayoutChoice) throws -> (joins: Bool, arrays: [[Float]]) {
    let shape = try Shape("x", images, 16, 6, 7), size = 16 * 6 * 7
    let x = try Array1<Float>([images, 16, 6, 7]) { Float(($0 % size * 7919 + 5) % 2003 - 1001) / 501 }
    let plan = try Plan(graph, inputs: [shape], mode: .infer, layouts: layouts), run = try Execution(plan)
    try run.forward([x.input.data], graph)
    let arrays = try graph.outputs.indices.map { i in
      let y = try run.output(i)
      return (0..<y.shape.count / images).map { y.data[$0] }
    }
    return (plan.joins, arrays)
  }
  private func expectJoins(_ layouts: LayoutChoice, _ outputs: ValueID..., joins: Bool = true) throws {
    try graph.setOutputs(outputs)
    let one = try self.outputs(1, layouts), batch = try self.outputs(2, layouts)
    #expect(one.joins == joins && !batch.joins)
    #expect(one.arrays == batch.arrays && one.arrays.allSatisfy { $0.contains { $0 != 0 } })
  }

  @Test(arguments: [LayoutChoice.planar, .blocked, .automatic]) func partsLieInTheirWhole(_ layouts: LayoutChoice) throws {
    let a = try relu(conv(x, "a", from: 16)), b = try conv(a, "b", from: 16)
    try expectJoins(layouts, conv(concat(a, x, b), "c", from: 48))
  }

  /// Read once more behind its whole, which the node before could otherwise have overwritten.
  @Test(arguments: [LayoutChoice.planar, .blocked]) func aPartLastsAsLongAsItIsRead(_ layouts: LayoutChoice) throws {
    let a = try conv(x, "a", from: 16), b = try conv(a, "b", from: 16)
    let y = try relu(graph.add("Neg", inputs: [concat(a, b)])[0])
    try expectJoins(layouts, concat(relu(y), a), conv(y, "c", from: 32))
  }

  @Test(arguments: [LayoutChoice.planar, .blocked]) func aWholeIsPartOfAnother(_ layouts: LayoutChoice) throws {
    let a = try conv(x, "a", from: 16), b = try conv(a, "b", from: 16), ab = try concat(a, b)
    let c = try conv(ab, "c", from: 32), abc = try concat(c, ab)
    try expectJoins(layouts, conv(concat(abc, conv(abc, "d", from: 48)), "e", from: 64), ab, abc)
  }

  /// What is there twice, is the caller's or is another's view cannot lie there; the rest does.
  @Test(arguments: [LayoutChoice.planar, .blocked]) func whatCannotBePartIsCopied(_ layouts: LayoutChoice) throws {
    let a = try conv(x, "a", from: 16), b = try conv(a, "b", from: 16)
    let view = try graph.add("Identity", inputs: [b])[0]
    try expectJoins(layouts, concat(a, x, a, view, conv(view, "c", from: 16)), a)
  }

  /// By rows, whose parts are not one behind another, but in a batch of one row.
  @Test func onlyWholesWithoutRowsBefore() throws {
    let a = try conv(x, "a", from: 16), b = try conv(a, "b", from: 16)
    try expectJoins(.planar, conv(concat(a, b, axis: 2), "c", from: 16), joins: false)
  }

  /// A skip over large arrays, which are there while its whole waits: more memory than is worth a copy.
  @Test func aWholeThatWaitsLongIsCopied() throws {
    let a = try conv(x, "a", from: 16)
    var y = try conv(a, "b", from: 16, to: 80)
    for name: Name in ["c", "d", "e"] { y = try conv(y, name, from: 80, to: 80) }
    try expectJoins(.planar, concat(a, y), joins: false)
  }
}
