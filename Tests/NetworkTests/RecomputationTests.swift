// Activations that are computed again: the same bits from less memory.
import CNNCore
import CNNNetwork
import CNNOperators
import Testing

@Suite struct RecomputationTests {
  /// Blocks with a normalization, whose running statistics must be updated once; a dropout, which must drop the same twice; a view; an
  /// addition whose summand crosses segments; and winners of pooling that forward leaves.
  private func deepNetwork<T: Element>(_: T.Type) throws -> Network<T> {
    let network = Network<T>(seed: 3), graph = network.graph
    func weight(_ name: String, _ extents: [Int]) throws -> ValueID {
      let shape = try shape(extents)
      return try network.parameter(Name(name), shape, Initializer(.of("HeNormal"), shape))
    }
    func channels(_ name: String, _ value: Double) throws -> ValueID {
      try network.parameter(Name(name), shape([6]), Initializer(.of("Constant", .float("value", value)), shape([6])))
    }
    func statistic(_ name: String, _ value: T) throws -> ValueID {
      try graph.buffer(Name(name), shape([6])) { array throws(CNNError) in
        for i in 0..<array.shape.count { array.data[i] = value }
      }
    }
    let same: [Attribute] = [.ints("pads", [1, 1, 1, 1])]
    let x = graph.input("x", shape: try shape([1, 1, 8, 8]))
    var value = try graph.add("Conv", same, inputs: [x, weight("stem", [6, 1, 3, 3])])[0]
    for block in 0..<6 {
      let w = try weight("w\(block)", [6, 6, 3, 3])
      let convolved = try graph.add("Conv", same, inputs: [value, w])
      let normal = try graph.add(
        "BatchNormalization",
        inputs: [
          convolved[0], channels("scale\(block)", 1), channels("shift\(block)", 0),
          statistic("mean\(block)", 0), statistic("variance\(block)", 1),
        ])
      let active = try graph.add("Relu", inputs: [normal[0]])
      let dropped = try graph.add("Dropout", inputs: [active[0]])
      value = try graph.add("Add", inputs: [dropped[0], value])[0]
    }
    let pooled = try graph.add("MaxPool", [.ints("kernel_shape", [2, 2]), .ints("strides", [2, 2])], inputs: [value])
    let flat = try graph.add("Flatten", inputs: [graph.add("Tanh", inputs: [pooled[0]])[0]])
    let scores = try graph.add("Gemm", [.int("transB", 1)], inputs: [flat[0], weight("last", [3, 96])])
    try graph.setOutputs(scores)
    try network.setLoss(.of("SoftmaxCrossEntropyLoss"))
    try network.setOptimizer(.of("Adam", .float("lr", 0.01)))
    return network
  }

  @Test func bitsAreTheSameAndMemoryIsLess() throws {
    func check<T: Element>(_: T.Type, _ make: () throws -> Network<T>, less: Bool) throws {
      let (x, classes) = try images(20, T.self), kept = try make(), again = try make()
      again.graph.recomputesActivations = true
      let bytes = (try kept.memory([x.shape], .train), try again.memory([x.shape], .train))
      if less { #expect(bytes.1 < bytes.0 * 3 / 4) }
      for _ in 0..<3 {
        let losses = (try kept.step((x, classes)), try again.step((x, classes)))
        #expect(losses.0 == losses.1)
        let gradients = (try kept.gradientMemory(), try again.gradientMemory())
        #expect((0..<kept.graph.parameters.count).allSatisfy { gradients.0[$0] == gradients.1[$0] })
      }
      #expect(try kept.flatParameters == again.flatParameters)
      let statistics = (try kept.graph.buffers.memory(), try again.graph.buffers.memory())
      #expect((0..<kept.graph.buffers.count).allSatisfy { statistics.0[$0] == statistics.1[$0] })
    }
    try check(Float.self, { try deepNetwork(Float.self) }, less: true)
    try check(Double.self, { try deepNetwork(Double.self) }, less: true)
    try check(Float.self, { try residualNetwork(Float.self) }, less: false)
  }

  @Test func itCanBeTurnedOnAndOffBetweenSteps() throws {
    let data = try images(20, Float.self), kept = try deepNetwork(Float.self), changing = try deepNetwork(Float.self)
    for step in 0..<4 {
      changing.graph.recomputesActivations = step % 2 == 1
      #expect(try kept.step(data) == changing.step(data))
    }
    #expect(try kept.flatParameters == changing.flatParameters)
  }
}
