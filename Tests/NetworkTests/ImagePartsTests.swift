// Large batches are predicted in parts: with the bits of the whole batch, in memory for a part, and only where images do not depend on each
// other.
import CNNCore
import CNNNetwork
import CNNOperators
import Testing

@Suite struct ImagePartsTests {
  private let batch = 30
  private func image(_ images: Int) throws -> Shape { try Shape("x", images, 3, 64, 64) }
  private func x(_ images: Int) throws -> Array1<Float> {
    try Array1<Float>([images, 3, 64, 64]) { Float(($0 * 7919 + 13) % 2003 - 1001) / 501 }
  }

  /// Two convolutions, a residual, joined channels and a classifier; `end` adds what comes last. A run on 30 images takes some 60 MB.
  private func network(
    _ end: (Graph<Float>, ValueID) throws -> [ValueID] = { _, y in [y] }
  ) throws -> Network<Float> {
    let network = Network<Float>(), graph = network.graph, x = graph.input("x", shape: try image(batch))
    func weight(_ name: Name, _ extents: Int...) throws -> ValueID {
      try graph.parameter(name, shape(extents)) { array throws(CNNError) in
        for i in 0..<array.shape.count { array.data[i] = Float((i * 7919 + 13) % 2003 - 1001) / 20030 }
      }
    }
    let pads = Attribute.ints("pads", [1, 1, 1, 1])
    let first = try graph.add("Relu", inputs: [graph.add("Conv", [pads], inputs: [x, weight("a", 32, 3, 3, 3)])[0]])[0]
    let second = try graph.add("Conv", [pads], inputs: [first, weight("b", 32, 32, 3, 3)])[0]
    let sum = try graph.add("Add", inputs: [first, second])[0]
    let joined = try graph.add("Concat", [.int("axis", 1)], inputs: [sum, first])[0]
    let flat = try graph.add("Flatten", inputs: [graph.add("GlobalAveragePool", inputs: [joined])[0]])[0]
    try graph.setOutputs(end(graph, graph.add("Gemm", inputs: [flat, weight("c", 64, 10)])[0]))
    return network
  }

  private func predict(_ network: Network<Float>, _ x: Array1<Float>, _ shape: [Int]) throws -> [Float] {
    let y = try Array1<Float>(shape) { _ in .nan }
    try network.predict([x.input], [y.output])
    return Array(UnsafeBufferPointer(start: y.input.data, count: y.input.shape.count))
  }
  /// By one plan for all images.
  private func whole(_ network: Network<Float>, _ x: Array1<Float>) throws -> [Float] {
    let run = try Execution(Plan(network.graph, inputs: [x.input.shape], mode: .infer))
    try run.forward([x.input.data], network.graph)
    let y = try run.output(0)
    return Array(UnsafeBufferPointer(start: y.data, count: y.shape.count))
  }

  @Test func bitsAreThoseOfTheWholeBatch() throws {
    let network = try network(), x = try x(batch)
    let all = try Plan(network.graph, inputs: [x.input.shape], mode: .infer).arenaBytes
    #expect(try network.memory([x.input.shape], .infer) * 3 < all)
    #expect(try predict(network, x, [batch, 10]) == whole(network, x))
    // 29 is divided by nothing but 1.
    #expect(try predict(network, self.x(29), [29, 10]) == whole(network, self.x(29)))
    let steps = try network.profile([AnyInput(x.input)], runs: 2),
      one = try self.network().profile([AnyInput(self.x(1).input)], runs: 1)
    #expect(zip(steps, one).allSatisfy { $0.multiplyAdds == batch * $1.multiplyAdds } && steps.count == one.count)
  }

  /// A shape that follows from the batch's is that of the part.
  @Test func aComputedShapeIsThatOfThePart() throws {
    let network = try network { graph, y in
      let count = try graph.add("Shape", [.int("end", 1)], inputs: [y])[0]
      return try graph.add(
        "Reshape", inputs: [y, graph.add("Concat", [.int("axis", 0)], inputs: [count, graph.integers("rest", [2, 5])])[0]])
    }
    let x = try x(batch)
    #expect(try predict(network, x, [batch, 2, 5]) == whole(network, x))
    #expect(try network.memory([x.input.shape], .infer) < 16 << 20)
  }

  /// As files have it that were written for one size of a batch.
  @Test func aShapeInNumbersIsThatOfThePart() throws {
    let network = try network { graph, y in
      try graph.add("Reshape", inputs: [y, graph.integers("shape", [30, 2, 5])])
    }
    let x = try x(batch)
    #expect(try predict(network, x, [batch, 2, 5]) == whole(network, x))
    #expect(try network.memory([x.input.shape], .infer) < 16 << 20)
  }

  /// Over the images of the batch, or with another extent in its place: all at once.
  @Test func whatDependsOnOtherImagesRunsAtOnce() throws {
    let ends: [(String, [Int], (Graph<Float>, ValueID) throws -> [ValueID])] = [
      ("Softmax over images", [30, 10], { graph, y in try graph.add("Softmax", [.int("axis", 0)], inputs: [y]) }),
      ("Transpose", [10, 30], { graph, y in try graph.add("Transpose", inputs: [y]) }),
      ("Reshape", [15, 20], { graph, y in try graph.add("Reshape", inputs: [y, graph.integers("shape", [15, 20])]) }),
      (
        "ReduceSum", [1, 10],
        { graph, y in try graph.add("ReduceSum", inputs: [y, graph.integers("axes", [0])]) }
      ),
      (
        "Add", [30, 10],
        { graph, y in
          let rows = try graph.buffer("rows", Shape("rows", 30, 1)) { array throws(CNNError) in
            for i in 0..<30 { array.data[i] = Float(i) }
          }
          return try graph.add("Add", inputs: [y, rows])
        }
      ),
      (
        "Size", [30, 10],
        { graph, y in
          let count = try graph.add("Cast", [.int("to", 1)], inputs: [graph.add("Size", inputs: [y])[0]])[0]
          return try graph.add("Mul", inputs: [y, count])
        }
      ),
    ]
    let x = try x(batch)
    for (name, shape, end) in ends {
      let network = try network(end)
      #expect(try predict(network, x, shape) == whole(network, x), "\(name)")
    }
  }

  /// An output over the input must not be written before the last part has read it.
  @Test func outputsMayLieOverTheInput() throws {
    let network = try network(), x = try x(batch), wanted = try whole(network, x)
    let onto = UnsafeMutablePointer(mutating: x.input.data)
    try network.predict([x.input], [Output("y", Shape("y", batch, 10), onto)])
    #expect(Array(UnsafeBufferPointer(start: onto, count: wanted.count)) == wanted)
  }
}
