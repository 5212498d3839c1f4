// Optimizers against PyTorch's arithmetic, written for one number at a time; schedules; initializers.
import CNNCore
import CNNNetwork
import CNNOperators
import Foundation
import Testing

/// One parameter under one optimizer: its state, and a step with gradient g, the t-th from 1.
private struct Reference {
  var p: Double
  var a = 0.0, b = 0.0, c = 0.0
}
private struct OptimizerCase: CustomTestStringConvertible, Sendable {
  let name: StaticString
  let attributes: [Attribute]
  let step: @Sendable (inout Reference, Double, Int) -> Void
  var testDescription: String { "\(name) \(attributes.map { "\($0.name)" })" }
}

private let optimizerCases: [OptimizerCase] = [
  .init(name: "SGD", attributes: [.float("lr", 0.1), .float("weight_decay", 0.2)]) { r, g, _ in r.p -= 0.1 * (g + 0.2 * r.p) },
  .init(name: "SGD", attributes: [.float("lr", 0.1), .float("momentum", 0.9), .float("dampening", 0.3)]) { r, g, t in
    r.a = t == 1 ? g : 0.9 * r.a + 0.7 * g
    r.p -= 0.1 * r.a
  },
  .init(name: "SGD", attributes: [.float("lr", 0.1), .float("momentum", 0.9), .int("nesterov", 1)]) { r, g, t in
    r.a = t == 1 ? g : 0.9 * r.a + g
    r.p -= 0.1 * (g + 0.9 * r.a)
  },
  .init(name: "Adagrad", attributes: [.float("lr_decay", 0.1), .float("initial_accumulator_value", 0.5)]) { r, g, t in
    if t == 1 { r.a = 0.5 }
    r.a += g * g
    r.p -= 0.01 / (1 + Double(t - 1) * 0.1) * g / (r.a.squareRoot() + 1e-10)
  },
  .init(name: "RMSprop", attributes: [.float("alpha", 0.9)]) { r, g, _ in
    r.a = 0.9 * r.a + 0.1 * g * g
    r.p -= 0.01 * g / (r.a.squareRoot() + 1e-8)
  },
  .init(name: "RMSprop", attributes: [.int("centered", 1), .float("momentum", 0.8)]) { r, g, _ in
    r.a = 0.99 * r.a + 0.01 * g * g
    r.b = 0.99 * r.b + 0.01 * g
    r.c = 0.8 * r.c + g / ((r.a - r.b * r.b).squareRoot() + 1e-8)
    r.p -= 0.01 * r.c
  },
  .init(name: "Adam", attributes: [.float("weight_decay", 0.1)]) { r, g, t in
    let g = g + 0.1 * r.p
    r.a = 0.9 * r.a + 0.1 * g
    r.b = 0.999 * r.b + 0.001 * g * g
    r.p -= 1e-3 / (1 - pow(0.9, Double(t))) * r.a / ((r.b / (1 - pow(0.999, Double(t)))).squareRoot() + 1e-8)
  },
  .init(name: "AdamW", attributes: [.floats("betas", [0.8, 0.99]), .float("lr", 0.01)]) { r, g, t in
    r.p *= 1 - 0.01 * 0.01
    r.a = 0.8 * r.a + 0.2 * g
    r.b = 0.99 * r.b + 0.01 * g * g
    r.p -= 0.01 / (1 - pow(0.8, Double(t))) * r.a / ((r.b / (1 - pow(0.99, Double(t)))).squareRoot() + 1e-8)
  },
  .init(name: "BookAdam", attributes: []) { r, g, t in
    let rate = 1e-3 * (1 - pow(0.999, Double(t))).squareRoot() / (1 - pow(0.9, Double(t)))
    r.a += 0.1 * (g - r.a)
    r.b += 0.001 * (g * g - r.b)
    r.p -= rate * r.a / (r.b.squareRoot() + 1e-7)
  },
]

/// y = x * w with the loss sum of y * t has the gradient x t for w: any gradient that the test wants.
private func linearNetwork(_ count: Int) throws -> Network<Double> {
  let network = Network<Double>(), graph = network.graph
  let x = graph.input("x"), extents = try shape([count, 1])
  let w = try graph.parameter("w", extents) { array throws(CNNError) in
    for i in 0..<array.shape.count { array.data[i] = 0.3 - 0.2 * Double(i) }
  }
  try graph.setOutputs(graph.add("Gemm", inputs: [x, w]))
  // Half a squared error, summed: the gradient by w is x (y - t).
  try network.setLoss(.of("HuberLoss", .float("delta", 1e300), .string("reduction", "sum")))
  return network
}

@Suite struct OptimizerTests {
  @Test(arguments: optimizerCases) private func stepsArePyTorchs(_ test: OptimizerCase) throws {
    let network = try linearNetwork(3), x = try Array1<Double>([1, 3]) { [0.7, -1.1, 0.4][$0] }
    try network.setOptimizer(Attributes(of: Name(test.name), test.attributes))
    var wanted = (0..<3).map { Reference(p: 0.3 - 0.2 * Double($0)) }
    for t in 1...6 {
      let target = try Array1<Double>([1, 1]) { _ in Double(t % 3) - 0.4 }
      let error = (0..<3).reduce(0) { $0 + x.elements[$1] * wanted[$1].p } - target.elements[0]
      for i in 0..<3 { test.step(&wanted[i], x.elements[i] * error, t) }
      _ = try network.trainStep([x.input], .distribution(target.input))
      let got = try network.graph.parameters.memory()
      // A few roundings a step, of numbers of size 1.
      for i in 0..<3 { #expect(abs(got[i] - wanted[i].p) < 1e-13, "step \(t), parameter \(i)") }
    }
  }

  @Test func gradientsAreClippedByNormAndByValue() throws {
    for (name, limit) in [("clip_norm" as StaticString, 0.5), ("clip_value", 0.2)] {
      let network = try linearNetwork(2), x = try Array1<Double>([1, 2]) { [3, -4][$0] },
        t = try Array1<Double>([1, 1]) { _ in 9 }
      let before = try network.flatParameters
      try network.setOptimizer(.of("SGD", .float("lr", 1), .float(name, limit)))
      _ = try network.trainStep([x.input], .distribution(t.input))
      let after = try network.flatParameters
      let moved = (0..<2).map { after[$0] - before[$0] }
      if limit == 0.5 {
        // The error is negative, so the move is along x, of length 0.5 but for what keeps the division from 0.
        #expect(abs(moved[0] - 0.3) < 1e-6 && abs(moved[1] + 0.4) < 1e-6)
      } else {
        #expect(abs(moved[0] - 0.2) < 1e-15 && abs(moved[1] + 0.2) < 1e-15)
      }
    }
  }

  @Test func ratesFollowTheirSchedules() throws {
    func rates(_ schedules: [Attributes], _ dones: [Int], epochs: Bool = true) throws -> [Double] {
      let network = try linearNetwork(1)
      try network.setOptimizer(.of("SGD", .float("lr", 0.2)))
      for schedule in schedules { try network.addSchedule(schedule) }
      return try dones.map {
        if epochs { network.progress.epochs = $0 } else { network.progress.updates = $0 }
        return try network.rate()
      }
    }
    func expect(_ got: [Double], _ wanted: [Double], location: SourceLocation = #_sourceLocation) {
      for (a, b) in zip(got, wanted) { #expect(abs(a - b) < 1e-15, "\(got)", sourceLocation: location) }
    }
    expect(try rates([.of("StepLR", .int("step_size", 2))], [0, 1, 2, 3, 4]), [0.2, 0.2, 0.02, 0.02, 0.002])
    expect(try rates([.of("ExponentialLR", .float("gamma", 0.5))], [0, 1, 3]), [0.2, 0.1, 0.025])
    expect(
      try rates([.of("CosineAnnealingLR", .int("T_max", 4), .float("eta_min", 0.1))], [0, 2, 4, 9]), [0.2, 0.15, 0.1, 0.1])
    expect(
      try rates(
        [.of("LinearLR", .float("start_factor", 0.5), .int("total_iters", 4), .string("unit", "step"))], [0, 2, 4, 9],
        epochs: false),
      [0.1, 0.15, 0.2, 0.2])
    // PyTorch: 10 steps, of which the rise ends at step 0.3 * 10 - 1 = 2.
    expect(
      try rates([.of("OneCycleLR", .float("max_lr", 1), .int("total_steps", 10))], [0, 1, 2, 9], epochs: false),
      [0.04, 0.52, 1, 0.04 / 1e4])
    expect(
      try rates([.of("StepLR", .int("step_size", 1), .float("gamma", 0.5)), .of("ExponentialLR", .float("gamma", 0.5))], [1]),
      [0.05])
  }

  @Test func thePlateauIsNoticed() throws {
    let network = try linearNetwork(1)
    try network.setOptimizer(.of("SGD", .float("lr", 1)))
    try network.addSchedule(.of("ReduceLROnPlateau", .int("patience", 1), .float("factor", 0.5), .float("min_lr", 0.2)))
    var rates: [Double] = []
    for metric in [3.0, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1] {
      try network.report(metric)
      rates.append(try network.rate())
    }
    #expect(rates == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2, 0.2, 0.2])
  }
}

@Suite struct InitializerTests {
  private func filled(_ name: StaticString, _ extents: [Int], _ attributes: [Attribute] = [], key: UInt64 = 1) throws
    -> [Double]
  {
    let array = try Array1<Double>(extents) { _ in .nan }
    try Initializer(Attributes(of: Name(name), attributes), array.shape).fill(array.output, key: key)
    return array.elements
  }

  /// 36,000 numbers: their mean and variance are within five standard errors of what they should be.
  @Test func variancesAreWhatTheirAuthorsSay() throws {
    let extents = [100, 40, 3, 3], fanIn = 360.0, fanOut = 900.0
    for (name, variance) in [
      ("HeNormal" as StaticString, 2 / fanIn), ("HeUniform", 2 / fanIn), ("XavierNormal", 2 / (fanIn + fanOut)),
      ("XavierUniform", 2 / (fanIn + fanOut)), ("LeCunNormal", 1 / fanIn), ("LeCunUniform", 1 / fanIn), ("Normal", 1),
      ("Uniform", 1 / 3.0),
    ] {
      let numbers = try filled(name, extents), count = Double(numbers.count)
      let mean = numbers.reduce(0, +) / count, square = numbers.reduce(0) { $0 + $1 * $1 } / count
      #expect(abs(mean) < 5 * (variance / count).squareRoot(), "\(name)")
      #expect(abs(square / variance - 1) < 5 * (2 / count).squareRoot(), "\(name)")
    }
    #expect(try filled("Constant", [5], [.float("value", 0.25)]).allSatisfy { $0 == 0.25 })
    #expect(try filled("HeNormal", [4, 4]) == filled("HeNormal", [4, 4]))
    #expect(try filled("HeNormal", [4, 4]) != filled("HeNormal", [4, 4], key: 2))
  }

  @Test(arguments: [[6, 20], [20, 6], [5, 3, 2, 2]]) func orthogonalRowsOrColumnsAre(_ extents: [Int]) throws {
    let numbers = try filled("Orthogonal", extents, [.float("gain", 2)])
    let rows = extents[0], columns = numbers.count / rows
    let vectors: [[Double]] =
      rows <= columns
      ? (0..<rows).map { Array(numbers[$0 * columns..<($0 + 1) * columns]) }
      : (0..<columns).map { column in (0..<rows).map { numbers[$0 * columns + column] } }
    for (i, a) in vectors.enumerated() {
      for (j, b) in vectors.enumerated() {
        #expect(abs(zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } - (i == j ? 4 : 0)) < 1e-13)
      }
    }
  }
}
