// What networks can be made of: branches, operators by name, layers of one's own, sizes found by themselves.
import SwiftCNN
import Testing

/// `x * sigmoid(x)`, once as operators of values and once as a layer of layers.
private struct Swish: SwiftCNN.Layer {
  func callAsFunction(_ x: Value) throws(CNNError) -> Value { try x * x.graph.node("Sigmoid", [x]) }
}
/// Keeps what it must not use later.
private final class Keeper: SwiftCNN.Layer, @unchecked Sendable {
  var kept: Value?
  func callAsFunction(_ x: Value) throws(CNNError) -> Value {
    kept = x
    return x
  }
}

@Suite struct LayerBuilderTests {
  private func shape(_ input: [Int], @LayerBuilder _ layers: () -> [any SwiftCNN.Layer]) throws -> [Int] {
    try Network(layers: layers).build(for: input)
  }

  @Test func sizesFollowFromTheInput() throws {
    let image = [2, 4, 9, 12]
    #expect(try shape(image) { Conv2D(6, kernel: 3) } == [2, 6, 7, 10])
    #expect(try shape(image) { Conv2D(6, kernel: 3, stride: 2, padding: 1, groups: 2) } == [2, 6, 5, 6])
    #expect(try shape(image) { Conv2D(6, window: Window2D((1, 5), pads: (0, 2, 0, 1), dilations: (1, 2))) } == [2, 6, 9, 7])
    #expect(try shape(image) { MaxPool2D(2) } == [2, 4, 4, 6])
    #expect(try shape(image) { MaxPool2D(window: Window2D((2, 2), strides: (2, 2)), ceilMode: true) } == [2, 4, 5, 6])
    #expect(try shape(image) { AveragePool2D(3, stride: 1, padding: 1) } == image)
    #expect(try shape(image) { GlobalAveragePool() } == [2, 4, 1, 1])
    #expect(try shape(image) { Flatten() } == [2, 4 * 9 * 12])
    #expect(
      try shape(image) {
        Flatten(); Dense(5, bias: false); Sigmoid(); Tanh()
      } == [2, 5])
    #expect(
      try shape(image) {
        Operator("Softmax", ["axis": 1]); Operator("LogSoftmax"); Swish()
      } == image)
    #expect(
      try shape(image) {
        Concatenation {
          MaxPool2D(1);
          Sequential {
            ReLU(); Conv2D(3, kernel: 1)
          }
        }
      } == [2, 7, 9, 12])
    #expect(
      try shape(image) {
        Residual {
          Conv2D(8, kernel: 3, stride: 2, padding: 1)
        } shortcut: {
          Conv2D(8, kernel: 1, stride: 2)
        }
      } == [2, 8, 5, 6])
    #expect(try shape(image) {} == image)
  }

  @Test func conditionsAndLoopsAreLayersToo() throws {
    func network(deep: Bool, wide: Bool) -> Network<Float> {
      Network {
        for filters in [2, 3] {
          Conv2D(filters, kernel: 3)
          ReLU()
        }
        if deep { Conv2D(4, kernel: 1) }
        if wide { Conv2D(9, kernel: 1) } else { Conv2D(1, kernel: 1) }
      }
    }
    #expect(try network(deep: false, wide: true).build(for: [1, 1, 8, 8]) == [1, 9, 4, 4])
    let deep = network(deep: true, wide: false)
    #expect(try deep.build(for: [1, 1, 8, 8]) == [1, 1, 4, 4])
    #expect(try deep.parameters.map(\.name).filter { $0.hasSuffix("weight") } == ["0", "2", "4", "5"].map { "\($0).weight" })
  }

  @Test func operatorsOfValuesDoWhatTheySay() throws {
    struct Arithmetic: SwiftCNN.Layer {
      func callAsFunction(_ x: Value) throws(CNNError) -> Value {
        let two = try x.graph.constant("two", [1], [2]), rows = try x.graph.integers("rows", [-1, 1])
        return try x.graph.node("Reshape", [(x * x - x) / two + x, rows])
      }
    }
    let x = try Tensor<Float>([2, 2], elements: [1, 2, 3, 4])
    let y = try Network { Arithmetic() }.predict(x)
    #expect(y.shape == [4, 1] && y.elements == [1, 3, 6, 10])
    let predictor = try { () -> Predictor<Float> in
      let network = Network { Arithmetic() }
      try network.build(for: [2, 2])
      return try network.predictor()
    }()
    #expect(try predictor.predict(x) == y)
    let half = try Tensor<Double>([1, 1]) { _ in 0.5 }
    let swish = try Network<Double> { Swish() }.predict(half).elements[0]
    let sigmoid = try Activation.sigmoid.forward(half).elements[0]
    #expect(abs(swish - 0.5 * sigmoid) < 1e-15)
  }

  @Test func aNetworkThatIsBuiltTakesNothingMore() throws {
    let keeper = Keeper(),
      network = Network {
        keeper; Flatten(); Dense(2)
      }
    try network.build(for: [1, 2, 2])
    let kept = try #require(keeper.kept)
    #expect(throws: CNNError.self) { _ = try kept.graph.parameter("late", [1 << 20], .constant(0)) }
    #expect(throws: CNNError.self) { _ = try kept + kept }
    #expect(try network.parameters.count == 2)
  }

  @Test func aNetworkThatCouldNotBeBuiltIsAsItWas() throws {
    let network = Network {
      Conv2D(2, kernel: 3); Flatten(); Dense(2)
    }
    #expect(throws: CNNError.self) { try network.build(for: [1, 1, 2, 2]) }
    #expect(throws: CNNError.self) { try network.parameters }
    #expect(try network.build(for: [1, 1, 4, 4]) == [1, 2])
    #expect(throws: CNNError.self) { try network.build(for: [1, 1, 5, 5]) }  // Dense is of another size now
    #expect(try network.build(for: [3, 1, 4, 4]) == [3, 2])
  }

  /// The defaults that Swift's functions write out are the engine's.
  @Test func defaultsAreThoseOfTheEngine() throws {
    let (x, classes) = try rows(6, Double.self), target = Target<Double>.classes(classes)
    let values = Target<Double>.values(try numbers([6, 3], seed: 4))
    func check(
      _ a: (Loss, Optimizer, [Schedule]), _ b: (Loss, Optimizer, [Schedule]), of target: Target<Double>, _ what: String
    ) throws {
      let runs = try [a, b].map { loss, optimizer, schedules in
        let network = Network<Double>(seed: 1) {
          Flatten(); Dense(3)
        }
        try network.compile(loss: loss, optimizer: optimizer, schedules: schedules)
        let results = try network.fit(x, target, epochs: 4, batchSize: 3)
        return (results, elements(try network.parameters), try network.learningRate)
      }
      #expect(runs[0] == runs[1], "\(what)")
    }
    let cross = Loss.softmaxCrossEntropy(), sgd = Optimizer.sgd()
    let optimizers: [(Optimizer, String)] = [
      (.sgd(), "SGD"), (.adagrad(), "Adagrad"), (.rmsProp(), "RMSprop"), (.adam(), "Adam"), (.adamW(), "AdamW"),
      (.bookAdam(), "BookAdam"),
    ]
    for (typed, name) in optimizers { try check((cross, typed, []), (cross, Optimizer(name), []), of: target, name) }
    let losses: [(Loss, String)] = [
      (.binaryCrossEntropyWithLogits(), "BCEWithLogitsLoss"), (.meanSquaredError(), "MSELoss"),
      (.meanAbsoluteError(), "L1Loss"),
      (.huber(), "HuberLoss"),
    ]
    for (typed, name) in losses { try check((typed, sgd, []), (Loss(name), sgd, []), of: values, name) }
    try check((cross, sgd, []), (Loss("SoftmaxCrossEntropyLoss"), sgd, []), of: target, "SoftmaxCrossEntropyLoss")
    let schedules: [(Schedule, Schedule)] = [
      (.step(every: 2), Schedule("StepLR", ["step_size": 2])),
      (.exponential(factor: 0.5), Schedule("ExponentialLR", ["gamma": 0.5])),
      (.cosine(over: 5), Schedule("CosineAnnealingLR", ["T_max": 5])), (.linear(), Schedule("LinearLR")),
      (.oneCycle(maximum: 0.1, over: 9), Schedule("OneCycleLR", ["max_lr": 0.1, "total_steps": 9])),
      (.reduceOnPlateau(), Schedule("ReduceLROnPlateau")),
    ]
    for (typed, named) in schedules { try check((cross, sgd, [typed]), (cross, sgd, [named]), of: target, "\(named)") }
    let initializers: [(Initializer, Initializer)] = [
      (.normal(deviation: 1), Initializer("Normal")), (.heNormal(), Initializer("HeNormal")),
      (.heUniform(), Initializer("HeUniform")), (.xavierNormal(), Initializer("XavierNormal")),
      (.xavierUniform(), Initializer("XavierUniform")), (.leCunNormal(), Initializer("LeCunNormal")),
      (.leCunUniform(), Initializer("LeCunUniform")), (.orthogonal(), Initializer("Orthogonal")),
      (.uniform(low: -1, high: 1), Initializer("Uniform")), (.constant(0), Initializer("Constant")),
    ]
    for (typed, named) in initializers {
      let weights = try [typed, named].map { initializer in
        let network = Network(seed: 1) { Dense(3, initializer: initializer) }
        try network.build(for: [1, 5])
        return elements(try network.parameters)
      }
      #expect(weights[0] == weights[1], "\(named)")
    }
  }

  @Test func clippingAndAccumulationAreTaken() throws {
    let (x, classes) = try rows(6, Double.self)
    func moved(_ optimizer: Optimizer, steps: Int = 1) throws -> [Double] {
      let network = Network<Double>(seed: 1) {
        Flatten(); Dense(3)
      }
      try network.build(for: x.shape)
      try network.compile(optimizer: optimizer)
      let before = elements(try network.parameters).joined()
      for _ in 0..<steps { try network.trainStep(x, .classes(classes)) }
      return zip(before, elements(try network.parameters).joined()).map { $1 - $0 }
    }
    let sgd = Optimizer.sgd(learningRate: 1)
    let length = try moved(sgd.clipping(norm: 0.01)).reduce(0) { $0 + $1 * $1 }.squareRoot()
    // The engine adds 1e-6 to the length of a gradient that is more than 0.1.
    #expect(abs(length - 0.01) < 1e-6)
    #expect(try moved(sgd.clipping(value: 0.001)).allSatisfy { abs($0) <= 0.0010000001 })
    #expect(try moved(sgd.accumulating(steps: 2)).allSatisfy { $0 == 0 })
    #expect(try moved(sgd.accumulating(steps: 2), steps: 2).contains { $0 != 0 })
  }
}
