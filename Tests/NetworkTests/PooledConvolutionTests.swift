// A convolution of few channels that takes the maxima of what it computes: the bits of the two one after the other.
import CNNCore
import CNNNetwork
import CNNOperators
import Testing

@Suite struct PooledConvolutionTests {
  private struct Case: CustomTestStringConvertible {
    var x = [2, 1, 13, 12], filters = 5, kernel = 3, stride = 1, pad = 0
    var pool = [2, 2], poolStrides = [2, 2], poolPads = [0, 0, 0, 0], ceil = 0, reluFirst = true
    var testDescription: String {
      "x \(x), \(filters) filters, \(kernel) s\(stride) p\(pad), pool \(pool) s\(poolStrides) p\(poolPads) \(ceil) \(reluFirst)"
    }
  }
  private static let cases = [
    Case(), Case(x: [3, 1, 28, 28], filters: 30, kernel: 5),
    // Stems of ResNet and SqueezeNet, in small.
    Case(
      x: [1, 3, 45, 41], filters: 18, kernel: 7, stride: 2, pad: 3, pool: [3, 3], poolStrides: [2, 2], poolPads: [1, 1, 1, 1]),
    Case(x: [2, 3, 35, 38], filters: 16, kernel: 3, stride: 2, pool: [3, 3], ceil: 1),
    Case(x: [1, 4, 9, 70], filters: 17, pad: 1, pool: [3, 2], poolStrides: [1, 3], poolPads: [2, 0, 1, 1]),
    Case(x: [1, 2, 7, 7], filters: 4, kernel: 1, pool: [2, 3], poolStrides: [3, 1], reluFirst: false),
    // More rows than windows read, and a window as large as the image.
    Case(x: [1, 1, 9, 9], filters: 8, pool: [2, 2], poolStrides: [4, 4]), Case(x: [2, 2, 8, 8], filters: 9, pool: [6, 6]),
    Case(x: [0, 1, 9, 9]), Case(x: [1, 1, 90, 5], filters: 33, pad: 1, pool: [3, 3], poolStrides: [1, 1]),
    // Too few filters, or too many channels, to be done together.
    Case(filters: 1), Case(x: [1, 5, 9, 9], filters: 8),
  ]

  private func spread<T: Element>(_ seed: Int) -> (Output<T>) throws(CNNError) -> Void {
    { array in for i in 0..<array.shape.count { array.data[i] = T((i * 7919 + seed * 104_729) % 2003 - 1001) / 1001 } }
  }
  /// isWhole: all values are outputs. isApart: a sum with 0 stands between convolution and pool, so that each is done alone.
  private func graph<T: Element>(
    _ c: Case, isWhole: Bool = false, isApart: Bool = false, learnsX: Bool = false, _: T.Type
  ) throws -> Graph<T> {
    let graph = Graph<T>()
    let x =
      learnsX
      ? try graph.parameter("x", shape(c.x), spread(3)) : graph.input("x", shape: try shape([1] + c.x.dropFirst()))
    let w = try graph.parameter("w", shape([c.filters, c.x[1], c.kernel, c.kernel]), spread(1))
    let b = try graph.parameter("b", shape([c.filters]), spread(2))
    let attributes: [Attribute] = [
      .ints("pads", [Int](repeating: c.pad, count: 4)), .ints("strides", [c.stride, c.stride]),
    ]
    let pool: [Attribute] = [
      .ints("kernel_shape", c.pool), .ints("strides", c.poolStrides), .ints("pads", c.poolPads), .int("ceil_mode", c.ceil),
    ]
    var values = try graph.add("Conv", attributes, inputs: [x, w, b])
    if isApart {
      let zero = try graph.buffer("zero", shape([])) { array throws(CNNError) in array.data[0] = 0 }
      values = try graph.add("Add", inputs: [values[0], zero])
    }
    for isRelu in [c.reluFirst, !c.reluFirst] {
      values += try graph.add(isRelu ? "Relu" : "MaxPool", isRelu ? [] : pool, inputs: [values[values.count - 1]])
    }
    try graph.setOutputs(isWhole ? values.reversed() : [values[2]])
    return graph
  }
  private func run<T: Element>(_ graph: Graph<T>, _ x: Array1<T>, _ layouts: LayoutChoice) throws -> (y: [T], steps: Int) {
    let plan = try Plan(graph, inputs: [x.shape], mode: .infer, layouts: layouts), run = try Execution(plan)
    try run.forward([x.input.data], graph)
    let y = try run.output(0)
    return ((0..<y.shape.count).map { y.data[$0] }, plan.stepCount)
  }

  @Test(arguments: cases) private func maximaAreTheSame(_ c: Case) throws {
    try check(c, Float.self)
    try check(c, Double.self)
  }
  @Test(arguments: cases) private func gradientsAreTheSame(_ c: Case) throws {
    for learnsX in [false, true] {
      try gradients(c, learnsX: learnsX, Float.self)
      try gradients(c, learnsX: learnsX, Double.self)
    }
  }
  private func gradients<T: Element>(_ c: Case, learnsX: Bool, _: T.Type) throws {
    let x = try Array1<T>(c.x) { T(($0 * 7919 + 13) % 2003 - 1001) / 501 }
    func run(isApart: Bool) throws -> (y: [T], gradients: [T], steps: Int) {
      let graph = try graph(c, isApart: isApart, learnsX: learnsX, T.self)
      let plan = try Plan(graph, inputs: learnsX ? [] : [x.shape], mode: .train), run = try Execution(plan)
      let flat = try Block<T>(graph.parameters.count)
      flat.data.update(repeating: .nan, count: flat.count)
      try run.forward(learnsX ? [] : [x.input.data], graph, gradients: flat.data)
      let y = try run.output(0), gradient = try run.lossGradient()
      for i in 0..<y.shape.count { gradient.data[i] = T((i * 104_729 + 7) % 1009 - 504) / 504 }
      try run.backward()
      let gradients = graph.parameters.entries.flatMap { entry in (0..<entry.shape.count).map { flat.data[entry.offset + $0] } }
      return withExtendedLifetime(flat) { ((0..<y.shape.count).map { y.data[$0] }, gradients, plan.stepCount) }
    }
    let ours = try run(isApart: false), apart = try run(isApart: true)
    #expect(ours.y == apart.y)
    if c.x[0] > 0 { #expect((apart.steps - ours.steps == 2) == (c.x[1] <= 4 && 2 * c.filters >= T.lanes)) }
    // Sums of up to so many terms, in another order: within as many half units in the last place of the sum of their sizes, of which each
    // is below 2 (Higham 2002, section 4.2).
    let terms = T(c.x.reduce(1, *) * c.filters), tolerance = terms * terms * T.ulpOfOne
    #expect(zip(ours.gradients, apart.gradients).allSatisfy { abs($0 - $1) <= tolerance && $0.isFinite })
    if c.x[0] > 0 { #expect(ours.gradients.contains { abs($0) > 0.1 }) }
  }

  /// A pool that says where its maxima are has a step of its own.
  @Test func placesOfMaximaAreKept() throws {
    let x = try Array1<Float>([2, 1, 9, 8]) { Float(($0 * 7919 + 13) % 2003 - 1001) / 501 }
    func run(isWhole: Bool) throws -> (maxima: [Float], places: [Int64], steps: Int) {
      let graph = Graph<Float>()
      let image = graph.input("x", shape: try shape([1, 1, 9, 8]))
      let y = try graph.add("Conv", inputs: [image, graph.parameter("w", shape([8, 1, 3, 3]), spread(1))])[0]
      let pooled = try graph.add("MaxPool", [.ints("kernel_shape", [2, 2])], inputs: [y], outputs: 2)
      try graph.setOutputs(isWhole ? pooled + [y] : pooled)
      let plan = try Plan(graph, inputs: [x.shape], mode: .infer), run = try Execution(plan)
      try run.forward([x.input.data], graph)
      let maxima = try run.output(0), places = try run.anyOutput(1).bound(to: Int64.self)
      return (
        (0..<maxima.shape.count).map { maxima.data[$0] }, (0..<places.shape.count).map { places.data[$0] }, plan.stepCount
      )
    }
    let ours = try run(isWhole: false), plain = try run(isWhole: true)
    #expect(ours.steps == 2 && ours.maxima == plain.maxima && ours.places == plain.places)
    #expect(Set(ours.places).count > 10)
  }

  private func check<T: Element>(_ c: Case, _: T.Type) throws {
    // A NaN, an infinity and numbers around 0, so that relu and maxima have something to choose.
    let x = try Array1<T>(c.x) { $0 % 97 == 50 ? .nan : $0 % 89 == 40 ? -.infinity : T(($0 * 7919 + 13) % 2003 - 1001) / 501 }
    for layouts in [LayoutChoice.planar, .blocked, .automatic] {
      let ours = try run(graph(c, isWhole: false, T.self), x, layouts)
      let plain = try run(graph(c, isWhole: true, T.self), x, layouts)
      #expect(ours.y.count == plain.y.count && zip(ours.y, plain.y).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN })
      if layouts == .planar { #expect((ours.steps == 1) == (c.x[1] <= 4 && 2 * c.filters >= T.lanes)) }
    }
  }
}
