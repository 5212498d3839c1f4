// What a plan makes of a graph gives what the graph says: against the same graph with every value an output, which leaves nothing
// to rewrite.
import CNNCore
import CNNNetwork
import CNNOperators
import Testing

@Suite struct RewritingTests {
  private typealias Build = (Graph<Double>) throws -> [ValueID]

  /// Output 0 in this mode, the gradients of all parameters where output 0's is 1, 2, 3, …, and the number of steps.
  private func run(_ mode: Mode, allOutputs: Bool, _ build: Build) throws -> (y: [Double], gradients: [Double], steps: Int) {
    let graph = Graph<Double>()
    let values = try build(graph)
    try graph.setOutputs(allOutputs ? values.reversed() : [values[values.count - 1]])
    let x = try Array1<Double>([3, 2, 9, 8]) { Double(($0 * 7919 + 13) % 2003 - 1001) / 501 }
    let plan = try Plan(graph, inputs: [x.shape], mode: mode), run = try Execution(plan)
    let gradients = try Block<Double>(graph.parameters.count)
    zero(gradients.data, gradients.count)  // what lies between the arrays is compared too
    try run.forward([x.input.data], graph, gradients: gradients.data)
    let y = try run.output(0), result = (0..<y.shape.count).map { y.data[$0] }
    guard mode == .train else { return (result, [], plan.stepCount) }
    let slope = try run.lossGradient()
    for i in 0..<slope.shape.count { slope.data[i] = Double(i + 1) }
    try run.backward()
    return (result, (0..<graph.parameters.count).map { gradients.data[$0] }, plan.stepCount)
  }

  private func fill(_ seed: Int, from low: Double = -1) -> (Output<Double>) throws(CNNError) -> Void {
    { array in
      for i in 0..<array.shape.count { array.data[i] = low + (1 - low) * Double((i * 7919 + seed * 104_729) % 2003) / 2003 }
    }
  }

  private func convolution(_ graph: Graph<Double>, bias: Bool, pads: [Int] = [1, 1, 1, 1]) throws -> ValueID {
    let x = graph.input("x", shape: try Shape("x", 1, 2, 9, 8))
    let w = try graph.parameter("w", Shape("w", 5, 2, 3, 3), fill(1))
    let b: ValueID? = bias ? try graph.parameter("b", Shape("b", 5), fill(2)) : nil
    return try graph.add("Conv", [.ints("pads", pads)], inputs: [x, w, b])[0]
  }

  private func normalization(_ graph: Graph<Double>, of x: ValueID, channels: Int = 5) throws -> ValueID {
    let shape = try Shape("channels", channels)
    return try graph.add(
      "BatchNormalization",
      inputs: [
        x, graph.parameter("scale", shape, fill(3)), graph.parameter("offset", shape, fill(4)),
        graph.buffer("mean", shape, fill(5)), graph.buffer("variance", shape, fill(6, from: 0.1)),
      ])[0]
  }

  /// The very same bits, with pads too: the activation sees the maxima only.
  @Test(arguments: [Mode.train, .infer]) func reluAfterMaximaIsReluBefore(_ mode: Mode) throws {
    for pads in [[0, 0, 0, 0], [1, 0, 1, 1]] {
      let build: Build = { graph in
        let y = try self.convolution(graph, bias: true)
        let open = try graph.add("Relu", inputs: [y])[0]
        let pool: [Attribute] = [.ints("kernel_shape", [2, 2]), .ints("strides", [2, 2]), .ints("pads", pads)]
        return [y, open, try graph.add("MaxPool", pool, inputs: [open])[0]]
      }
      let ours = try run(mode, allOutputs: false, build), plain = try run(mode, allOutputs: true, build)
      #expect(ours.y == plain.y && ours.gradients == plain.gradients)
    }
  }

  /// A pad as long as the window makes windows of padding alone, whose maximum is -infinity; relu of that would be 0.
  @Test func maximaOfPaddingAloneStay() throws {
    let build: Build = { graph in
      let y = try self.convolution(graph, bias: true)
      let open = try graph.add("Relu", inputs: [y])[0]
      let pool: [Attribute] = [.ints("kernel_shape", [1, 1]), .ints("pads", [1, 1, 1, 1])]
      return [y, open, try graph.add("MaxPool", pool, inputs: [open])[0]]
    }
    let ours = try run(.infer, allOutputs: false, build)
    #expect(ours.y.contains(-.infinity))
    #expect(ours.y == (try run(.infer, allOutputs: true, build)).y)
  }

  /// In inference a convolution does the work of all three; sums are rounded a few times more or less, so not the same bits.
  @Test(arguments: [false, true]) func convolutionsAbsorbNormalizationAndRelu(_ bias: Bool) throws {
    let build: Build = { graph in
      let y = try self.convolution(graph, bias: bias), normal = try self.normalization(graph, of: y)
      return [y, normal, try graph.add("Relu", inputs: [normal])[0]]
    }
    let ours = try run(.infer, allOutputs: false, build), plain = try run(.infer, allOutputs: true, build)
    #expect(ours.steps == 1 && plain.steps == 3)
    #expect(plain.y.contains(0) && plain.y.contains { $0 > 0 })
    // 19 terms of up to 2, times a factor of up to 3.2, of which each may be rounded some 24 times: less than a third of that.
    for (a, b) in zip(ours.y, plain.y) { #expect(abs(a - b) <= 800 * Double.ulpOfOne) }
    // Training needs the statistics of what comes before the normalization, which does the Relu's work.
    let trained = try run(.train, allOutputs: false, build), all = try run(.train, allOutputs: true, build)
    #expect(trained.steps == 2)
    #expect(trained.y == all.y && trained.gradients == all.gradients)
  }

  /// The same between convolutions of so many channels that arrays are blocked there, with a halo and without one.
  @Test(arguments: [1, 3]) func normalizationsAbsorbRelu(_ size: Int) throws {
    let build: Build = { graph in
      func convolution(_ name: Name, _ x: ValueID, _ channels: Int, _ size: Int, _ seed: Int) throws -> ValueID {
        let w = try graph.parameter(name, Shape("w", 33, channels, size, size), self.fill(seed))
        return try graph.add("Conv", [.ints("pads", [Int](repeating: size / 2, count: 4))], inputs: [x, w])[0]
      }
      let x = graph.input("x", shape: try Shape("x", 1, 2, 9, 8))
      let first = try convolution("first", x, 2, 3, 11), y = try convolution("second", first, 33, 3, 12)
      let normal = try self.normalization(graph, of: y, channels: 33), open = try graph.add("Relu", inputs: [normal])[0]
      return [first, y, normal, open, try convolution("third", open, 33, size, 13)]
    }
    let ours = try run(.train, allOutputs: false, build), plain = try run(.train, allOutputs: true, build)
    #expect(ours.steps < plain.steps)
    func difference(_ a: [Double], _ b: [Double]) -> Double {
      zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } / b.reduce(0) { max($0, abs($1)) }
    }
    // Sums of thousands of terms in another order.
    #expect(difference(ours.y, plain.y) < 1e-12 && difference(ours.gradients, plain.gradients) < 1e-12)
  }

  /// Whichever input of the sum the convolution is.
  @Test(arguments: [false, true]) func convolutionsAbsorbSums(_ isSecond: Bool) throws {
    let build: Build = { graph in
      let y = try self.convolution(graph, bias: true)
      let other = try graph.add("Sigmoid", inputs: [graph.parameter("other", Shape("other", 3, 5, 9, 8), self.fill(7))])[0]
      let sum = try graph.add("Add", inputs: isSecond ? [other, y] : [y, other])[0]
      return [y, other, sum, try graph.add("Relu", inputs: [sum])[0]]
    }
    let ours = try run(.infer, allOutputs: false, build), plain = try run(.infer, allOutputs: true, build)
    #expect(ours.steps == 2 && plain.steps == 4)
    // 20 terms of up to 2 and a sum of up to 1, of which each may be rounded some 24 times.
    for (a, b) in zip(ours.y, plain.y) { #expect(abs(a - b) <= 200 * Double.ulpOfOne) }
  }

  /// What is absorbed before a maximum costs no step of its own, and a convolution of few channels absorbs that too.
  @Test func convolutionsAbsorbReluBeforeMaxima() throws {
    let build: Build = { graph in
      let y = try self.convolution(graph, bias: true), open = try graph.add("Relu", inputs: [y])[0]
      return [y, open, try graph.add("MaxPool", [.ints("kernel_shape", [2, 2])], inputs: [open])[0]]
    }
    let ours = try run(.infer, allOutputs: false, build)
    #expect(ours.steps == 1)
    #expect(ours.y == (try run(.infer, allOutputs: true, build)).y)
  }

  @Test func whatOthersUseIsLeftAlone() throws {
    let build: Build = { graph in
      let y = try self.convolution(graph, bias: true)
      let open = try graph.add("Relu", inputs: [y])[0]
      return [y, open, try graph.add("Add", inputs: [open, y])[0]]
    }
    let ours = try run(.infer, allOutputs: false, build)
    #expect(ours.steps == 3)
    #expect(ours.y == (try run(.infer, allOutputs: true, build)).y)
  }
}
