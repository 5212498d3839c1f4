// What operators that move elements refuse, and the shapes that they give.
import CNNCore
import CNNNetwork
import CNNOperators
import Testing

/// The shape of each output of a node on inputs of these shapes; nil for an absent one.
func outputShapes(
  _ name: StaticString, _ attributes: [Attribute] = [], _ inputs: [[Int]], integers: [[Int]?] = [], outputs: Int = 1
) throws -> [[Int]] {
  let graph = Graph<Float>()
  var values: [ValueID?] = []
  for extents in inputs { values.append(graph.input("x", shape: try shape(extents))) }
  for numbers in integers { values.append(try numbers.map { try graph.integers("integers", $0) }) }
  return try graph.add(Name(name), attributes, inputs: values, outputs: outputs).map { id in
    let shape = try #require(try graph.value(id, "y").shape)
    return (0..<shape.rank).map { shape[$0] }
  }
}

@Suite struct MovementTests {
  @Test func shapesFollowTheirRules() throws {
    #expect(try outputShapes("Squeeze", [], [[1, 3, 1]]) == [[3]])
    #expect(try outputShapes("Squeeze", [.ints("axes", [0])], [[1, 3, 1]]) == [[3, 1]])
    #expect(try outputShapes("Unsqueeze", [.ints("axes", [-1, 0])], [[3, 4]]) == [[1, 3, 4, 1]])
    #expect(try outputShapes("Split", [.int("num_outputs", 3)], [[7, 2]], outputs: 3) == [[3, 2], [3, 2], [1, 2]])
    #expect(try outputShapes("Slice", [], [[5, 0]], integers: [[-1, -1], [.min, .min], nil, [-2, -2]]) == [[3, 0]])
    #expect(try outputShapes("DepthToSpace", [.int("blocksize", 2)], [[1, 8, 2, 3]]) == [[1, 2, 4, 6]])
    #expect(try outputShapes("Pad", [], [[2, 5]], integers: [[0, -2, 1, -3]]) == [[3, 0]])
  }

  @Test(
    arguments: [
      ("Squeeze", [.ints("axes", [1])], [1, 3], 1), ("Squeeze", [.ints("axes", [2])], [1, 3], 1),
      ("Squeeze", [.ints("axes", [0, -2])], [1, 3], 1), ("Unsqueeze", [], [3], 1), ("Unsqueeze", [.ints("axes", [5])], [3], 1),
      ("Unsqueeze", [.ints("axes", Array(0..<9))], [3], 1), ("Transpose", [.ints("perm", [0])], [3, 4], 1),
      ("Transpose", [.ints("perm", [0, 0])], [3, 4], 1), ("Split", [], [5, 2], 2),
      ("Split", [.ints("split", [2, 2])], [5, 2], 2),
      ("Split", [.ints("split", [.max, .max])], [5, 2], 2), ("Split", [.ints("split", [5])], [5, 2], 2),
      ("Slice", [.ints("starts", [0])], [5], 1), ("Slice", [.ints("starts", [0, 0]), .ints("ends", [1, 1])], [5], 1),
      ("Pad", [.ints("pads", [1, 1])], [5, 2], 1), ("Pad", [.ints("pads", [0, -3, 0, 0])], [5, 2], 1),
      ("Pad", [.ints("pads", [0, 1, 0, 0]), .string("mode", "edge")], [5, 0], 1),
      ("Pad", [.ints("pads", [.max, 0])], [5], 1), ("Pad", [.ints("pads", [1, 0]), .string("mode", "circular")], [5], 1),
      ("DepthToSpace", [.int("blocksize", 2)], [1, 6, 2, 2], 1), ("DepthToSpace", [], [1, 4, 2, 2], 1),
      ("DepthToSpace", [.int("blocksize", 2)], [4, 2, 2], 1), ("SpaceToDepth", [.int("blocksize", 2)], [1, 6, 3, 2], 1),
      ("SpaceToDepth", [.int("blocksize", 1 << 15)], [1, 1 << 40, 0, 0], 1),
    ] as [(StaticString, [Attribute], [Int], Int)])
  func whatCannotBeIsRefused(_ name: StaticString, _ attributes: [Attribute], _ x: [Int], _ outputs: Int) {
    #expect(throws: CNNError.self) { try outputShapes(name, attributes, [x], outputs: outputs) }
  }
}
