// What operators refuse when a node is added, and that the message names the argument.
import CNNCore
import CNNNetwork
import CNNOperators
import Testing

@Suite struct OperatorErrorTests {
  struct Wrong: Sendable, CustomTestStringConvertible {
    let name: StaticString
    let attributes: [Attribute]
    let shapes: [[Int]]
    let message: String
    var testDescription: String { "\(name): \(message)" }

    init(_ name: StaticString, _ attributes: [Attribute] = [], _ shapes: [[Int]], _ message: String) {
      (self.name, self.attributes, self.shapes, self.message) = (name, attributes, shapes, message)
    }
  }
  static let wrong: [Wrong] = [
    .init("Celu", [.float("alpha", 0)], [[2]], "alpha: wanted a number that is not 0"),
    .init("Elu", [.float("beta", 1)], [[2]], "has no attribute beta"),
    .init("Gelu", [.string("approximate", "erf")], [[2]], "approximate: wanted none or tanh, got erf"),
    .init("PRelu", [], [[2, 3], [2]], "slope: shape [2] does not broadcast"),
    .init("PRelu", [], [[3], [2, 3]], "slope: shape [2, 3] does not broadcast"),
    .init("Swish", [.string("alpha", "1")], [[2]], "alpha: wanted a number, got a string"),
    .init("GroupNormalization", [], [[2, 4, 3], [4], [4]], "num_groups: wanted"),
    .init("GroupNormalization", [.int("num_groups", 3)], [[2, 4, 3], [4], [4]], "x: wanted channels that divide"),
    .init("GroupNormalization", [.int("num_groups", 2)], [[2, 4, 3], [2], [4]], "scale: wanted shape [4], got [2]"),
    .init("InstanceNormalization", [], [[2, 4, 3], [4], [3]], "bias: wanted shape [4], got [3]"),
    .init("InstanceNormalization", [], [[2, 4, 0], [4], [4]], "x: wanted at least one element a group"),
    .init("InstanceNormalization", [.float("epsilon", -1)], [[2, 4, 3], [4], [4]], "epsilon: wanted 0 or more"),
    .init("LayerNormalization", [.int("axis", 3)], [[2, 4, 3], [3]], "axis: wanted -3 to 2"),
    .init("LayerNormalization", [.int("stash_type", 10)], [[2, 4, 3], [3]], "stash_type: wanted 1, got 10"),
    .init("LayerNormalization", [], [[2, 4, 3], [4, 3]], "scale: shape [4, 3] does not broadcast to shape [3]"),
    .init("LRN", [], [[2, 4, 3]], "size: wanted"),
    .init("LRN", [.int("size", 3)], [[4]], "x: wanted [N][C]"),
    .init("LpPool", [], [[2, 4, 3]], "kernel_shape: wanted"),
    .init("LpPool", [.ints("kernel_shape", [2]), .int("p", 0)], [[2, 4, 3]], "p: wanted 1 or more, got 0"),
    .init("LpPool", [.ints("kernel_shape", [4])], [[2, 4, 3]], "kernel: the window does not fit"),
    .init("GlobalLpPool", [], [[2, 4]], "x: wanted [N][C][...]"),
  ]

  @Test(arguments: wrong) func itIsRefused(_ wrong: Wrong) throws {
    let graph = Graph<Float>()
    let inputs = try wrong.shapes.enumerated().map { graph.input(Name("input \($0)"), shape: try shape($1)) }
    let error = #expect(throws: CNNError.self) { try graph.add(Name(wrong.name), wrong.attributes, inputs: inputs) }
    #expect(error?.message.contains(wrong.message) == true, "\(error?.message ?? "")")
    #expect(graph.nodes.isEmpty)
  }
}
