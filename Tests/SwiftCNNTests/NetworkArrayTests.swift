// The arrays of a network as views of the engine's memory, and how parameters are treated.
import SwiftCNN
import Testing

@Suite struct NetworkArrayTests {
  @Test func viewsShowAndChangeWhatTheNetworkUses() throws {
    let network = Network {
      Flatten(); Dense(2)
    }
    let x = try Tensor<Float>([1, 3], elements: [1, 2, 3])
    _ = try network.predict(x)
    let weight = try network.parameter("1.weight"), bias = try network.parameter("1.bias")
    #expect(weight.shape == [2, 3] && weight.count == 6 && bias.shape == [2])
    try weight.assign(Tensor([2, 3], elements: [1, 0, 0, 0, 1, 1]))
    bias.withMutableSpan { span in for i in span.indices { span[i] = 10 } }
    #expect(try network.predict(x).elements == [11, 15])
    // y - wanted is [1, 0]; the mean of its squares, of two elements, has y - wanted as its gradient.
    try network.compile(loss: .meanSquaredError(), optimizer: .sgd(learningRate: 0.5))
    let loss = try network.trainStep(x, .values(Tensor([1, 2], elements: [10, 15])))
    #expect(loss == 0.5)
    #expect(elements(try network.gradients) == [[1, 2, 3, 0, 0, 0], [1, 0]])
    #expect(try bias.tensor().elements == [9.5, 10])
    #expect(try weight.tensor().elements == [0.5, -1, -1.5, 0, 1, 1])
  }

  @Test func aViewOutlivesItsNetwork() throws {
    func views() throws -> (arrays: [NetworkArray<Float>], wanted: [[Float]]) {
      let network = try trained(8, epochs: 1, Float.self)
      let all = try network.parameters + network.gradients + network.constants + network.optimizerStates
      return (all, elements(all))
    }
    let (arrays, wanted) = try views()
    // What would be lent again, were it free.
    Engine.releaseMemory()
    let other = try trained(8, epochs: 1, Float.self)
    for array in arrays { array.withMutableSpan { span in for i in span.indices { span[i] += 0 } } }
    #expect(elements(arrays) == wanted && arrays.count == 7 + 7 + 2 + 2)
    _ = try other.parameters
  }

  @Test func frozenParametersStay() throws {
    let network = Network(seed: 2) { residual() }, (x, classes) = try rows(6, Float.self)
    try network.build(for: x.shape)
    try network.treat(prefix: "2.", isFrozen: true)
    try network.treat(prefix: "0.bias", rate: 0)
    try network.compile(optimizer: .sgd(learningRate: 0.1))
    let before = elements(try network.parameters)
    try network.trainStep(x, .classes(classes))
    let same = zip(before, elements(try network.parameters)).map { $0 == $1 }
    #expect(same == [false, true, true, true, true, false, false])
  }

  @Test func trainingGoesOnFromItsState() throws {
    let (x, classes) = try rows(20, Double.self)
    func network() throws -> Network<Double> {
      let network = Network<Double>(seed: 5) { residual() }
      try network.build(for: x.shape)
      try network.compile(optimizer: .adam(learningRate: 0.01), schedules: [.step(every: 1, factor: 0.5)])
      return network
    }
    let whole = try network(), first = try network(), second = try network()
    try whole.fit(x, .classes(classes), epochs: 3, batchSize: 8)
    try first.fit(x, .classes(classes), epochs: 2, batchSize: 8)
    func state(_ network: Network<Double>) throws -> [NetworkArray<Double>] {
      try network.parameters + network.constants + network.optimizerStates
    }
    for (from, to) in zip(try state(first), try state(second)) { try to.assign(from.tensor()) }
    try second.setProgress(first.progress)
    #expect(try second.learningRate == 0.0025)
    try second.fit(x, .classes(classes), batchSize: 8)
    #expect(elements(try second.parameters) == elements(try whole.parameters))
  }
}
