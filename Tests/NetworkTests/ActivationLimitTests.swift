// What activations are far from 0, where a careless formula overflows or cancels, and of NaN.
import CNNCore
import CNNNetwork
import CNNOperators
import Testing

@Suite struct ActivationLimitTests {
  /// f and its slope at these numbers.
  private static func evaluate<T: Element>(
    _ name: StaticString, _ attributes: [Attribute], _ numbers: [T]
  ) throws -> (values: [T], slopes: [T]) {
    let graph = Graph<T>()
    let x = try graph.parameter("x", shape([numbers.count])) { array throws(CNNError) in
      for (i, number) in numbers.enumerated() { array.data[i] = number }
    }
    try graph.setOutputs(try graph.add(Name(name), attributes, inputs: [x]))
    let run = try Execution(Plan(graph, inputs: [], mode: .train))
    let slopes = try Block<T>(graph.parameters.count)
    try run.forward([], graph, gradients: slopes.data)
    let y = try run.output(0).data
    let values = numbers.indices.map { y[$0] }
    let gradient = try run.lossGradient()
    for i in numbers.indices { gradient.data[i] = 1 }
    try run.backward()
    return withExtendedLifetime(slopes) { (values, numbers.indices.map { slopes.data[$0] }) }
  }

  struct Limit: Sendable, CustomTestStringConvertible {
    let name: StaticString
    let attributes: [Attribute]
    /// y far below 0, where it has a limit, and y / x far above 0 for those that are x there, else y.
    let below: Double, above: Double
    let isLinearAbove: Bool
    var testDescription: String { "\(name) \(attributes.count)" }

    init(_ name: StaticString, _ attributes: [Attribute] = [], below: Double = 0, above: Double = 1, linear: Bool = true) {
      (self.name, self.attributes, self.below, self.above, isLinearAbove) = (name, attributes, below, above, linear)
    }
  }
  static let limits: [Limit] = [
    .init("ThresholdedRelu"), .init("HardSigmoid", linear: false), .init("Elu", [.float("alpha", 2)], below: -2),
    .init("Selu", [.float("gamma", 2), .float("alpha", 3)], below: -6, above: 2),
    .init("Celu", [.float("alpha", 2)], below: -2),
    .init("HardSwish"), .init("Swish"), .init("Mish"), .init("Gelu"), .init("Gelu", [.string("approximate", "tanh")]),
    .init("Softplus"), .init("Softsign", below: -1, linear: false),
  ]

  /// At ±1e4, ±1e15 and ±1e30, the squares and cubes of which leave Float. Softsign approaches its limits as 1 / x.
  @Test(arguments: limits) func farOutTheLimitIsReached(_ limit: Limit) throws {
    func check<T: Element>(_: T.Type) throws {
      let sizes: [T] = [1e4, 1e15, 1e30]
      let (values, slopes) = try Self.evaluate(limit.name, limit.attributes, sizes.map { -$0 } + sizes)
      let (below, above) = (T(limit.below), T(limit.above))
      for (i, size) in sizes.enumerated() {
        #expect(abs(values[i] - below) <= 2e-4, "at \(-size)")
        #expect(abs(slopes[i]) <= 1e-7, "slope at \(-size)")
        let value = values[i + 3], slope = slopes[i + 3]
        #expect(abs((limit.isLinearAbove ? value / size : value) - above) <= 2e-4, "at \(size)")
        #expect(abs(slope - (limit.isLinearAbove ? above : 0)) <= 1e-6, "slope at \(size)")
      }
    }
    try check(Float.self)
    try check(Double.self)
  }

  /// Relative to what is nearly 0: Φ(-5) and log(1 + exp(-20)), where 1 + erf and log(1 + …) have few digits left, and
  /// exp(1e-6) - 1. By Python's math.erfc, log1p and expm1.
  @Test func whatIsNearlyZeroIsExact() throws {
    let gelu = try Self.evaluate("Gelu", [], [-5.0]).values[0]
    #expect(abs(gelu / (-5 * 2.866515718791946e-07) - 1) <= 1e-14)
    let softplus = try Self.evaluate("Softplus", [], [-20.0]).values[0]
    #expect(abs(softplus / 2.061153620314381e-09 - 1) <= 1e-14)
    let elu = try Self.evaluate("Elu", [], [-1e-6]).values[0]
    #expect(abs(elu / -9.999995000001667e-07 - 1) <= 1e-14)
  }

  @Test(arguments: limits) func notANumberStaysSo(_ limit: Limit) throws {
    let (values, _) = try Self.evaluate(limit.name, limit.attributes, [Float.nan])
    #expect(values[0].isNaN)
  }
  @Test func clipAndLeakyReluKeepNotANumber() throws {
    #expect(try Self.evaluate("Clip", [.float("min", -1), .float("max", 1)], [Float.nan]).values[0].isNaN)
    #expect(try Self.evaluate("LeakyRelu", [], [Float.nan]).values[0].isNaN)
  }
}
