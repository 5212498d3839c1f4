// Bad input to networks: an error of the right kind that names the layer and the argument.
import SwiftCNN
import Testing

/// A call that must be refused, and how its message begins.
private struct RefusedNetwork: Sendable, CustomTestStringConvertible {
  let message: String, kind: CNNError.Kind
  let call: @Sendable () throws -> Void
  var testDescription: String { message }

  init(_ message: String, _ kind: CNNError.Kind, _ call: @escaping @Sendable () throws -> Void) {
    (self.message, self.kind, self.call) = (message, kind, call)
  }
}
/// A network that cannot be built for this shape.
private func building(
  _ message: String, _ kind: CNNError.Kind, for shape: [Int] = [1, 4, 6, 6],
  @LayerBuilder _ layers: @escaping @Sendable () -> [any SwiftCNN.Layer]
) -> RefusedNetwork {
  RefusedNetwork(message, kind) { try Network(layers: layers).build(for: shape) }
}

private func compile(
  loss: Loss = .softmaxCrossEntropy(), _ optimizer: Optimizer = .adam(), _ schedules: Schedule...
) -> @Sendable () throws -> Void {
  { try Network { Dense(3) }.compile(loss: loss, optimizer: optimizer, schedules: schedules) }
}
private func ready() throws -> Network<Float> {
  let network = Network { Dense(3) }
  try network.build(for: [1, 5])
  try network.compile()
  return network
}
private func zeros(_ shape: Int...) throws -> Tensor<Float> { try Tensor(shape) }

private let refusedNetworks: [RefusedNetwork] = [
  building("1 (Conv2D): filters: wanted 1", .argument) {
    ReLU(); Conv2D(0, kernel: 3)
  },
  building("0 (Conv2D): kernel: wanted 1", .argument) { Conv2D(2, kernel: -1) },
  building("0 (Conv2D): groups: wanted a divisor", .argument) { Conv2D(4, kernel: 1, groups: 3) },
  building("0 (Conv2D): groups: wanted 1", .argument) { Conv2D(4, kernel: 1, groups: 0) },
  building("0 (Conv2D): x: wanted [N][C][H][W]", .shape, for: [3, 4]) { Conv2D(4, kernel: 1) },
  building("0 (Conv2D): shape: the number of elements", .shape) { Conv2D(.max, kernel: 9) },
  building("0 (Conv): strides", .argument) { Conv2D(4, kernel: 1, stride: 0) },
  building("0 (Conv): pads", .argument) { Conv2D(4, kernel: 1, padding: -1) },
  building("0 (Conv): kernel", .shape) { Conv2D(4, kernel: 7) },
  building("0 (MaxPool): strides", .argument) { MaxPool2D(2, stride: -2) },
  building("0 (MaxPool): kernel", .argument) { MaxPool2D(0) },
  building("0 (AveragePool): kernel", .shape) { AveragePool2D(7) },
  building("0 (Dense): x: wanted [N][D], as Flatten()", .shape) { Dense(3) },
  building("1 (Dense): features: wanted 1", .argument) {
    Flatten(); Dense(0)
  },
  building("0 (BatchNormalization): epsilon", .argument) { BatchNormalization(epsilon: -1) },
  building("0 (BatchNormalization): x: wanted [N][C]", .shape, for: [3]) { BatchNormalization() },
  building("0 (Dropout): ratio", .argument) { Dropout(ratio: 1) },
  building("0 (Operator): operator: Relux is not one", .unsupported) { Operator("Relux") },
  building("0 (Operator): Relu: has no attribute axis", .argument) { Operator("Relu", ["axis": 1]) },
  building("0 (Operator): Flatten: attribute axis is given twice", .argument) { Operator("Flatten", ["axis": 1, "axis": 1]) },
  building("0 (Operator): Flatten: axis: wanted an integer", .argument) { Operator("Flatten", ["axis": 0.5]) },
  building("1 (Residual): branch: wanted shape [1, 4, 6, 6]", .shape) {
    ReLU(); Residual { MaxPool2D(2) }
  },
  building("0.branch.1 (Conv2D): filters", .argument) {
    Residual {
      ReLU(); Conv2D(0, kernel: 1)
    }
  },
  building("0 (Concat): inputs", .shape) {
    Concatenation {
      MaxPool2D(2); ReLU()
    }
  },
  building("0 (Conv2D): HeNormal: has no attribute spread", .argument) {
    Conv2D(1, kernel: 1, initializer: Initializer("HeNormal", ["spread": 2]))
  },
  building("shape: extent 1 is negative", .shape, for: [1, -1]) { Dense(3) },

  .init("Adam: learningRate: wanted 0 or more", .argument, compile(.adam(learningRate: -1))),
  .init("Adam: betas", .argument, compile(.adam(betas: (1, 0.9)))),
  .init("AdamW: weightDecay: wanted", .argument, compile(.adamW(weightDecay: .nan))),
  .init("SGD: norm: wanted", .argument, compile(.sgd().clipping(norm: -1))),
  .init("SGD: steps: wanted", .argument, compile(.sgd().accumulating(steps: 0))),
  .init("optimizer: Sgd is not one", .unsupported, compile(Optimizer("Sgd"))),
  .init("SoftmaxCrossEntropyLoss: labelSmoothing", .argument, compile(loss: .softmaxCrossEntropy(labelSmoothing: 2))),
  .init("HuberLoss: delta", .argument, compile(loss: .huber(delta: 0))),
  .init("StepLR: every: wanted 1", .argument, compile(.adam(), .step(every: 0))),
  .init("OneCycleLR: rise: wanted", .argument, compile(.adam(), .oneCycle(maximum: 1, over: 2, rise: 2))),

  .init("network: has no loss and optimizer", .argument) { try Network { Dense(3) }.fit(zeros(2, 5), .classes([0, 1])) },
  .init("network: is not built", .argument) { _ = try Network { Dense(3) }.parameters },
  .init("network: is not built", .argument) { _ = try Network { Dense(3) }.predictor() },
  .init("batchSize: wanted 1", .argument) { _ = try ready().predict(zeros(2, 5), batchSize: 0) },
  .init("batchSize: wanted 1", .argument) { try ready().fit(zeros(2, 5), .classes([0, 1]), batchSize: -1) },
  .init("epochs: wanted 1", .argument) { try ready().fit(zeros(2, 5), .classes([0, 1]), epochs: 0) },
  .init("target: wanted", .shape) { try ready().fit(zeros(2, 5), .classes([0, 1, 2])) },
  .init("target", .argument) { try ready().trainStep(zeros(2, 5), .classes([0, 3])) },
  .init("target", .shape) { try ready().trainStep(zeros(2, 5), .distribution(zeros(2, 4))) },
  .init("0 (Gemm): b: wanted 4 rows", .shape) { try ready().trainStep(zeros(2, 4), .classes([0, 1])) },
  .init("x: wanted at least one image", .shape) { _ = try ready().evaluate(zeros(0, 5), .classes([])) },
  .init("name: 0.wait is no parameter; there are 0.weight, 0.bias", .argument) { _ = try ready().parameter("0.wait") },
  .init("tensor: wanted shape [3]", .shape) { try ready().parameter("0.bias").assign(zeros(4)) },
  .init("prefix: no parameter", .argument) { try ready().treat(prefix: "1.") },
  .init("rate: wanted a factor", .argument) { try ready().treat(rate: -1) },
  .init("progress: wanted", .argument) { try ready().setProgress(.init(steps: -1)) },
  .init("metric: wanted", .argument) { try ready().report(.nan) },
]

@Suite struct NetworkErrorTests {
  @Test(arguments: refusedNetworks) fileprivate func anErrorNamesLayerAndArgument(_ refused: RefusedNetwork) {
    #expect {
      try refused.call()
    } throws: {
      guard let error = $0 as? CNNError else { return false }
      if !error.message.hasPrefix(refused.message) { Issue.record("got \(error.message)") }
      return error.kind == refused.kind && error.message.hasPrefix(refused.message)
    }
  }

  @Test func whatCannotBeTrainedIsRefusedBeforeTheFirstStep() throws {
    let network = try ready(), before = elements(try network.parameters)
    for validation in [(try zeros(2, 5), [0, 5]), (try zeros(2, 5), [1]), (try zeros(2, 4), [0, 1]), (try zeros(0, 5), [])] {
      #expect {
        try network.fit(zeros(2, 5), .classes([0, 1]), validation: (validation.0, .classes(validation.1)))
      } throws: {
        ($0 as? CNNError)?.message.hasPrefix("validation: ") == true
      }
    }
    #expect(throws: CNNError.self) { try network.fit(zeros(2, 5), .classes([0, 3]), batchSize: 1) }
    #expect(elements(try network.parameters) == before)
    #expect(try network.progress == TrainingProgress())
  }

  @Test func aWrongOptimizerLeavesTheOldOne() throws {
    let network = try ready()
    try network.compile(optimizer: .sgd(learningRate: 0.25), schedules: [.exponential(factor: 0.5)])
    #expect(throws: CNNError.self) { try network.compile(optimizer: .sgd(learningRate: 0.5), schedules: [.step(every: 0)]) }
    #expect(try network.learningRate == 0.25)
    try network.fit(zeros(2, 5), .classes([0, 1]))
    #expect(try network.learningRate == 0.125)
    try network.compile(optimizer: .sgd(learningRate: 0.25))
    #expect(try network.learningRate == 0.25)
  }
}
