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
  private func graph<T: Element>(_ c: Case, isWhole: Bool, _: T.Type) throws -> Graph<T> {
    let graph = Graph<T>()
    let x = graph.input("x", shape: try shape([1] + c.x.dropFirst()))
    let w = try graph.parameter("w", shape([c.filters, c.x[1], c.kernel, c.kernel]), spread(1))
    let b = try graph.parameter("b", shape([c.filters]), spread(2))
    let attributes: [Attribute] = [
      .ints("pads", [Int](repeating: c.pad, count: 4)), .ints("strides", [c.stride, c.stride]),
    ]
    let pool: [Attribute] = [
      .ints("kernel_shape", c.pool), .ints("strides", c.poolStrides), .ints("pads", c.poolPads), .int("ceil_mode", c.ceil),
    ]
    var values = try graph.add("Conv", attributes, inputs: [x, w, b])
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
