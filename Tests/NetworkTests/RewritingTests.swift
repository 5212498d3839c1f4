// What a plan makes of a graph gives what the graph says: against the same graph with every value an output, which leaves nothing
// to rewrite.
import CNNCore
import CNNNetwork
import CNNOperators
import Testing

@Suite struct RewritingTests {
  private typealias Build = (Graph<Double>) throws -> [ValueID]

  /// Output 0 in this mode, the gradients of all parameters where output 0's is 1, 2, 3, …, and the number of steps.
  private func run(
    _ mode: Mode, allOutputs: Bool, layouts: LayoutChoice = .automatic, _ build: Build
  ) throws -> (y: [Double], gradients: [Double], steps: Int) {
    let graph = Graph<Double>()
    let values = try build(graph)
    try graph.setOutputs(allOutputs ? values.reversed() : [values[values.count - 1]])
    let x = try Array1<Double>([3, 2, 9, 8]) { Double(($0 * 7919 + 13) % 2003 - 1001) / 501 }
    let plan = try Plan(graph, inputs: [x.shape], mode: mode, layouts: layouts), run = try Execution(plan)
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

  private func normalization(
    _ graph: Graph<Double>, of x: ValueID, channels: Int = 5, _ names: [Name] = ["scale", "offset", "mean", "variance"]
  ) throws -> ValueID {
    let shape = try Shape("channels", channels)
    return try graph.add(
      "BatchNormalization",
      inputs: [
        x, graph.parameter(names[0], shape, fill(3)), graph.parameter(names[1], shape, fill(4)),
        graph.buffer(names[2], shape, fill(5)), graph.buffer(names[3], shape, fill(6, from: 0.1)),
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

  /// To 33 channels: so many that arrays may be blocked.
  private func convolution(
    _ graph: Graph<Double>, _ name: Name, _ x: ValueID, from channels: Int, _ size: Int, _ seed: Int, stride: Int = 1
  ) throws -> ValueID {
    let w = try graph.parameter(name, Shape("w", 33, channels, size, size), fill(seed))
    let attributes: [Attribute] = [
      .ints("pads", [Int](repeating: size / 2, count: 4)), .ints("strides", [stride, stride]),
    ]
    return try graph.add("Conv", attributes, inputs: [x, w])[0]
  }
  /// Relative; of sums of thousands of terms in another order it is less than 1e-12.
  private func difference(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } / b.reduce(0) { max($0, abs($1)) }
  }

  /// The same between convolutions, with a halo and without one.
  @Test(arguments: [1, 3]) func normalizationsAbsorbRelu(_ size: Int) throws {
    let build: Build = { graph in
      let x = graph.input("x", shape: try Shape("x", 1, 2, 9, 8))
      let first = try self.convolution(graph, "first", x, from: 2, 3, 11)
      let y = try self.convolution(graph, "second", first, from: 33, 3, 12)
      let normal = try self.normalization(graph, of: y, channels: 33), open = try graph.add("Relu", inputs: [normal])[0]
      return [first, y, normal, open, try self.convolution(graph, "third", open, from: 33, size, 13)]
    }
    let ours = try run(.train, allOutputs: false, build), plain = try run(.train, allOutputs: true, build)
    #expect(ours.steps < plain.steps)
    #expect(difference(ours.y, plain.y) < 1e-12 && difference(ours.gradients, plain.gradients) < 1e-12)
  }

  /// In training a convolution rectifies what it computes, and on the way back what it is given, which is its bias's gradient too; but not
  /// where maxima follow, whose way back is shorter.
  @Test(arguments: [LayoutChoice.planar, .blocked]) func convolutionsAbsorbReluInTraining(_ layouts: LayoutChoice) throws {
    for (hasBias, hasMaxima) in [(true, false), (false, false), (true, true)] {
      let build: Build = { graph in
        let x = graph.input("x", shape: try Shape("x", 1, 2, 9, 8))
        let first = try self.convolution(graph, "first", x, from: 2, 3, 11)
        let w = try graph.parameter("w", Shape("w", 33, 33, 3, 3), self.fill(12))
        let b: ValueID? = hasBias ? try graph.parameter("b", Shape("b", 33), self.fill(2)) : nil
        let y = try graph.add("Conv", [.ints("pads", [1, 1, 1, 1])], inputs: [first, w, b])[0]
        var values = [first, y, try graph.add("Relu", inputs: [y])[0]]
        if hasMaxima { values.append(try graph.add("MaxPool", [.ints("kernel_shape", [2, 2])], inputs: [values[2]])[0]) }
        return values + [try self.convolution(graph, "third", values[values.count - 1], from: 33, 3, 13)]
      }
      let ours = try run(.train, allOutputs: false, layouts: layouts, build)
      let plain = try run(.train, allOutputs: true, layouts: .planar, build)
      if layouts == .planar { #expect(ours.steps == (hasMaxima ? 5 : 3)) }
      #expect(difference(ours.y, plain.y) < 1e-12 && difference(ours.gradients, plain.gradients) < 1e-12)
    }
  }

  /// What a residual network has behind a normalization is one step with it in training: whichever input of the sum it is, whether the
  /// sum is rectified, and whether the way around is a convolution, normalized too. Two convolutions, or one and the sum, give `first` its
  /// gradient: of blocked arrays the second adds to that of the first, by Winograd's algorithm and directly.
  @Test(arguments: [LayoutChoice.planar, .blocked], [1, 2]) func normalizationsAbsorbSums(
    _ layouts: LayoutChoice, _ stride: Int
  ) throws {
    for (isSecond, isRectified) in [(false, true), (true, true), (false, false)] {
      let build: Build = { graph in
        let x = graph.input("x", shape: try Shape("x", 1, 2, 9, 8))
        let first = try self.convolution(graph, "first", x, from: 2, 3, 11, stride: stride)
        let y = try self.convolution(graph, "second", first, from: 33, 3, 12, stride: stride)
        let normal = try self.normalization(graph, of: y, channels: 33)
        var values = [first, y, normal], around = first
        if stride == 2 {
          let other = try self.convolution(graph, "around", first, from: 33, 1, 14, stride: 2)
          around = try self.normalization(graph, of: other, channels: 33, ["scale 2", "offset 2", "mean 2", "variance 2"])
          values += [other, around]
        }
        values.append(try graph.add("Add", inputs: isSecond ? [around, normal] : [normal, around])[0])
        if isRectified { values.append(try graph.add("Relu", inputs: [values[values.count - 1]])[0]) }
        return values + [try self.convolution(graph, "third", values[values.count - 1], from: 33, 3, 13)]
      }
      let ours = try run(.train, allOutputs: false, layouts: layouts, build)
      let plain = try run(.train, allOutputs: true, layouts: .planar, build)
      if layouts == .planar { #expect(ours.steps == (stride == 1 ? 4 : 6)) }
      #expect(difference(ours.y, plain.y) < 1e-12 && difference(ours.gradients, plain.gradients) < 1e-12)
    }
  }

  /// A sum in which something is repeated is left alone.
  @Test func repeatedSummandsAreNotAbsorbed() throws {
    let build: Build = { graph in
      let y = try self.convolution(graph, bias: true), normal = try self.normalization(graph, of: y)
      let other = try graph.parameter("other", Shape("other", 5, 1, 1), self.fill(7))
      return [y, normal, try graph.add("Add", inputs: [normal, other])[0]]
    }
    let ours = try run(.train, allOutputs: false, build), plain = try run(.train, allOutputs: true, build)
    #expect(ours.steps == 3 && ours.y == plain.y && ours.gradients == plain.gradients)
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
