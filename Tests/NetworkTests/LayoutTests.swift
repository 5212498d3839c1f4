// Layouts and prepared arrays: whatever the planner chooses and keeps, results are those of the graph.
import CNNCore
import CNNNetwork
import CNNOperators
import Testing

@Suite struct LayoutTests {
  private func fill(_ seed: Int, from low: Double = -1) -> (Output<Double>) throws(CNNError) -> Void {
    { array in
      for i in 0..<array.shape.count { array.data[i] = low + (1 - low) * Double((i * 7919 + seed * 104_729) % 2003) / 2003 }
    }
  }

  /// Two parameters, summed and summed again; one of the sums is an output, and flattened too.
  private func sums() throws -> Graph<Double> {
    let graph = Graph<Double>(), shape = try Shape("p", 2, 5, 3, 4)
    let a = try graph.parameter("a", shape, fill(1)), b = try graph.parameter("b", shape, fill(2))
    let first = try graph.add("Add", inputs: [a, b])[0], second = try graph.add("Add", inputs: [first, a])[0]
    let third = try graph.add("Add", inputs: [second, second])[0]
    let flat = try graph.add("Flatten", inputs: [third])[0]
    try graph.setOutputs([flat, second])
    return graph
  }
  private func run(
    _ graph: Graph<Double>, _ mode: Mode, _ choice: LayoutChoice
  ) throws -> (outputs: [[Double]], gradients: [Double], steps: Int) {
    let plan = try Plan(graph, inputs: [], mode: mode, layouts: choice), run = try Execution(plan)
    let gradients = try Block<Double>(graph.parameters.count)
    zero(gradients.data, gradients.count)
    try run.forward([], graph, gradients: gradients.data)
    let outputs = try graph.outputs.indices.map { i in
      let y = try run.output(i)
      return (0..<y.shape.count).map { y.data[$0] }
    }
    if mode == .train {
      let slope = try run.lossGradient()
      for i in 0..<slope.shape.count { slope.data[i] = Double(i + 1) }
      try run.backward()
    }
    return (outputs, (0..<graph.parameters.count).map { gradients.data[$0] }, plan.stepCount)
  }

  @Test(arguments: [Mode.train, .infer]) func conversionsStandWhereNeighboursDiffer(_ mode: Mode) throws {
    let planar = try run(sums(), mode, .planar), blocked = try run(sums(), mode, .blocked)
    #expect(planar.outputs == blocked.outputs && planar.gradients == blocked.gradients)
    // a, b and back: second and third.
    #expect(planar.steps == 4 && blocked.steps == 8)
    // Sums alone gain nothing.
    #expect(try run(sums(), mode, .automatic).steps == 4)
  }

  /// A convolution and its normalization, in inference one step whose weight and bias are prepared.
  private func normalized() throws -> Graph<Double> {
    let graph = Graph<Double>(), channels = try Shape("channels", 5)
    let x = graph.input("x", shape: try Shape("x", 1, 2, 9, 8))
    let y = try graph.add("Conv", inputs: [x, graph.parameter("w", Shape("w", 5, 2, 3, 3), fill(1))])
    try graph.setOutputs(
      graph.add(
        "BatchNormalization",
        inputs: [
          y[0], graph.parameter("scale", channels, fill(3)), graph.parameter("offset", channels, fill(4)),
          graph.buffer("mean", channels, fill(5)), graph.buffer("variance", channels, fill(6, from: 0.1)),
        ]))
    return graph
  }

  @Test func whatIsPreparedFollowsParametersAndBuffers() throws {
    let graph = try normalized(), x = try Array1<Double>([2, 2, 9, 8]) { Double($0 % 17) }
    let plan = try Plan(graph, inputs: [x.shape], mode: .infer), kept = try Execution(plan)
    #expect(plan.stepCount == 1)
    func output(_ run: Execution<Double>) throws -> [Double] {
      try run.forward([x.input.data], graph)
      let y = try run.output(0)
      return (0..<y.shape.count).map { y.data[$0] }
    }
    let first = try output(kept), parameters = try graph.parameters.memory(), variance = try graph.buffers.array(1)
    // Silently written, it is not seen by this execution or another; said, it is.
    parameters[0] += 1
    #expect(try output(kept) == first && output(Execution(plan)) == first)
    graph.parameters.change()
    let second = try output(kept)
    #expect(second != first)
    #expect(try output(Execution(plan)) == second)
    variance.data[2] *= 4
    graph.buffers.change()
    let third = try output(kept)
    #expect(third != second)
    // Lent, every change is seen, and after it.
    graph.parameters.lend()
    var last = try output(kept)
    #expect(last == third)
    for _ in 0..<3 {
      parameters[1] += 1
      let next = try output(kept)
      #expect(next != last)
      #expect(try output(Execution(plan)) == next)
      last = next
    }
    parameters[1] += 1
    graph.parameters.takeBack()
    #expect(try output(kept) != last)
    // Training moves the running statistics.
    let before = try output(kept), training = try Execution(Plan(graph, inputs: [x.shape], mode: .train))
    let gradients = try Block<Double>(graph.parameters.count)
    try training.forward([x.input.data], graph, gradients: gradients.data)
    #expect(try output(kept) != before)
  }

  /// Plans for other numbers of images share what is prepared: they see the same silent write, or do not.
  @Test func plansShareWhatIsPrepared() throws {
    let graph = try normalized(), x = try Array1<Double>([2, 2, 9, 8]) { Double($0 % 17) }
    func output(_ images: Int) throws -> [Double] {
      let run = try Execution(Plan(graph, inputs: [try Shape("x", images, 2, 9, 8)], mode: .infer))
      try run.forward([x.input.data], graph)
      let y = try run.output(0)
      return (0..<y.shape.count / images).map { y.data[$0] }
    }
    let one = try output(1)
    try graph.parameters.memory()[0] += 1
    #expect(try output(2) == one)
  }
}
