// Networks through the Swift face: they learn, are the engine's own, and can be watched, stopped, looked into and shared.
import SwiftCNN
import Testing

/// Images `[count][1][8][8]` in 3 classes, which a bright row gives away.
func rows<T: FloatingScalar>(_ count: Int, _: T.Type = T.self) throws -> (x: Tensor<T>, classes: [Int]) {
  let x: Tensor<T> = try numbers([count, 1, 8, 8], seed: 3)
  let noise = x.elements
  return (
    try Tensor([count, 1, 8, 8]) { noise[$0] / 4 + ($0 / 8 % 8 == $0 / 64 % 3 * 2 + 1 ? 1 : 0) }, (0..<count).map { $0 % 3 }
  )
}

@LayerBuilder func residual() -> [any SwiftCNN.Layer] {
  Conv2D(4, kernel: 3, padding: 1)
  ReLU()
  Residual {
    Conv2D(4, kernel: 3, padding: 1, bias: false)
    BatchNormalization()
  }
  ReLU()
  MaxPool2D(2)
  Flatten()
  Dropout(ratio: 0.2)
  Dense(3)
}

func trained<T: FloatingScalar>(_ count: Int = 50, epochs: Int, _: T.Type = T.self) throws -> Network<T> {
  let network = Network<T>(seed: 7) { residual() }, (x, classes) = try rows(count, T.self)
  try network.compile(optimizer: .adam(learningRate: 0.01))
  try network.fit(x, .classes(classes), epochs: epochs, batchSize: 16)
  return network
}

func elements<T>(_ arrays: [NetworkArray<T>]) -> [[T]] {
  arrays.map { $0.withSpan { span in span.indices.map { span[$0] } } }
}

@Suite(.serialized) struct NetworkTests {
  /// Of two epochs without shuffling, so that only what is done to the images makes a difference.
  private func losses(_ augmentations: [Augmentation]) throws -> [Double] {
    let network = Network(seed: 5) { residual() }, (x, classes) = try rows(30, Float.self)
    try network.compile(optimizer: .sgd(learningRate: 0.01), augmentations: augmentations)
    return try network.fit(x, .classes(classes), epochs: 2, batchSize: 10, shuffles: false).map { $0.loss }
  }
  @Test(
    arguments: [
      .randomCrop(padding: 1), .randomCrop(height: 8, width: 8, padding: 2, fill: 1), .randomShift(vertical: 1),
      .randomHorizontalFlip(), .normalize(mean: [0.5], deviation: [2]), .cutout(side: 3), .mixUp(alpha: 0.5),
    ] as [Augmentation])
  func augmentationsChangeTheImagesAlikeForASeed(_ augmentation: Augmentation) throws {
    let losses = try losses([augmentation])
    #expect(try losses == self.losses([augmentation]))
    #expect(try losses != self.losses([]))
  }
  @Test func badAugmentationsAreNamed() throws {
    let network = Network(seed: 5) { residual() }
    for (augmentation, argument) in [
      (.cutout(side: 0), "side"), (.randomHorizontalFlip(probability: 2), "probability"), (.mixUp(alpha: 0), "alpha"),
      (.normalize(mean: [0], deviation: [0]), "deviation"), (.randomCrop(height: 0, width: 3), "height, width"),
    ] as [(Augmentation, String)] {
      let error = #expect(throws: CNNError.self) { try network.compile(augmentations: [augmentation]) }
      #expect(error?.message.contains(argument) ?? false, "\(argument)")
    }
  }

  @Test func averagesStandInForTheParameters() throws {
    let network = Network(seed: 7) { residual() }, (x, classes) = try rows(50, Float.self)
    try network.compile(optimizer: .adam(learningRate: 0.01).averaging(decay: 0.9))
    #expect(throws: CNNError.self) { try network.useAverages(true) }
    try network.fit(x, .classes(classes), epochs: 3, batchSize: 16)
    let own = try network.predict(x)
    try network.useAverages(true)
    #expect(network.usesAverages)
    let averaged = try network.predict(x)
    #expect(averaged != own)
    try network.useAverages(false)
    #expect(try !network.usesAverages && network.predict(x) == own)
    try network.useAverages(true)
    #expect(throws: CNNError.self) { try network.fit(x, .classes(classes), batchSize: 16) }
    #expect(try network.predict(x) == averaged)
    try network.compile()
    #expect(try !network.usesAverages && network.predict(x) == own)
    #expect(throws: CNNError.self) { try network.useAverages(true) }
  }

  @Test func profileSaysWhatIsDoneTogether() throws {
    let network = Network(seed: 1) {
      Conv2D(4, kernel: 3)
      ReLU()
      Flatten()
      Dense(3)
    }
    let x: Tensor<Float> = try numbers([2, 1, 8, 8], seed: 3), steps = try network.profile(x, runs: 2)
    let products = steps.filter { $0.multiplyAdds > 0 }
    #expect(products.map { $0.operators } == [["Conv", "Relu"], ["Gemm"]])
    #expect(products.map { $0.multiplyAdds } == [2 * 4 * 36 * 9, 2 * 3 * 144])
    #expect(steps.allSatisfy { $0.seconds >= 0 && $0.bytes > 0 })
    #expect(throws: CNNError.self) { try network.profile(x, runs: 0) }
  }

  private func learn<T: FloatingScalar>(_: T.Type) throws {
    let network = Network<T>(seed: 1) { residual() }, (x, classes) = try rows(60, T.self)
    try network.compile(optimizer: .adam(learningRate: 0.01), schedules: [.linear(over: 2), .cosine(over: 12)])
    let results = try network.fit(x, .classes(classes), epochs: 12, batchSize: 16, validation: (x, .classes(classes)))
    #expect(results.map(\.epoch) == Array(1...12) && results[0].loss > 0.5)
    let last = try #require(results[11].validation)
    #expect(last.loss < results[0].loss / 3 && last.accuracy > 0.95, "\(results)")
    #expect(try network.evaluate(x, .classes(classes), batchSize: 16) == last)
    // The share of right answers, once more.
    let scores = try network.predict(x).elements
    let right = classes.indices.filter { n in
      (0..<3).allSatisfy { scores[n * 3 + $0] <= scores[n * 3 + classes[n]] }
    }
    #expect(Double(right.count) / 60 == last.accuracy)
    #expect(try network.progress == TrainingProgress(steps: 48, updates: 48, epochs: 12))
  }
  @Test func trainingLearns() throws {
    try learn(Float.self)
    try learn(Double.self)
  }

  @Test func theSameSeedGivesTheSameBitsForAnyNumberOfThreads() throws {
    defer { try? Engine.setThreads(0) }
    var first: [[Float]]?
    for threads in [1, 1, 2, 4] {
      try Engine.setThreads(threads)
      let parameters = elements(try trained(epochs: 3, Float.self).parameters)
      #expect(first == nil || first == parameters, "\(threads) threads")
      first = parameters
    }
    let other = Network(seed: 8) { residual() }
    try other.build(for: [1, 1, 8, 8])
    let same = Network(seed: 7) { residual() }
    try same.build(for: [9, 1, 8, 8])
    #expect(elements(try other.parameters) != elements(try same.parameters))
  }

  @Test func itIsTheEnginesNetworkOfTheSameNodes() throws {
    let network = try trained(epochs: 2, Float.self), (x, classes) = try rows(50, Float.self)
    let wanted = try trainedByName(
      seed: 7, x: x.elements, images: 50, side: 8, classes: classes.map(Int64.init), epochs: 2, batchSize: 16)
    #expect(elements(try network.parameters) == wanted.parameters)
    #expect(try network.predict(x, batchSize: 50).elements == wanted.scores)
    #expect(
      try network.parameters.map(\.name) == [
        "0.weight", "0.bias", "2.branch.0.weight", "2.branch.1.weight", "2.branch.1.bias", "7.weight", "7.bias",
      ])
    #expect(try network.constants.map(\.name) == ["2.branch.1.running_mean", "2.branch.1.running_var"])
  }

  @Test func stepsAreThoseOfAnEpochInOrder() throws {
    let (x, classes) = try rows(8, Double.self)
    let steps = Network<Double>(seed: 3) { residual() }, epoch = Network<Double>(seed: 3) { residual() }
    for network in [steps, epoch] { try network.compile(optimizer: .sgd(learningRate: 0.1, momentum: 0.9)) }
    let losses = try [0, 4].map { first in
      try steps.trainStep(
        Tensor([4, 1, 8, 8], elements: Array(x.elements[first * 64..<(first + 4) * 64])),
        .classes(Array(classes[first..<first + 4])))
    }
    let result = try epoch.fit(x, .classes(classes), batchSize: 4, shuffles: false)
    #expect(result.count == 1 && abs(result[0].loss - (losses[0] + losses[1]) / 2) < 1e-14)
    #expect(elements(try steps.parameters) == elements(try epoch.parameters))
  }

  @Test func progressIsToldAndStops() throws {
    let network = Network { residual() }, (x, classes) = try rows(10, Float.self)
    try network.compile()
    var events: [FitEvent] = []
    let results = try network.fit(
      x, .classes(classes), epochs: 3, batchSize: 4, validation: (x, .classes(classes))
    ) { event in
      events.append(event)
      if case .batch(2, 2, _, _) = event { return .stop }
      return .proceed
    }
    #expect(results.count == 1 && events.count == 6 && events[3] == .epoch(results[0]))
    for (event, (epoch, batch)) in zip(events[..<3] + events[4...], [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)]) {
      guard case .batch(epoch, batch, 3, let loss) = event else { Issue.record("\(event)"); continue }
      #expect(loss > 0)
    }
    #expect(try network.progress == TrainingProgress(steps: 5, updates: 5, epochs: 1))
    // An epoch's own event can stop too, and the closure may use the network.
    var predictions = 0
    let more = try network.fit(x, .classes(classes), epochs: 3, batchSize: 4) { event in
      if (try? network.predict(x)) != nil { predictions += 1 }
      if case .epoch = event { return .stop }
      return .proceed
    }
    #expect(more.count == 1 && predictions == 4)
  }

  @Test func predictionsDoNotDependOnTheBatchSize() throws {
    let network = try trained(20, epochs: 1, Double.self), (x, _) = try rows(20, Double.self)
    let whole = try network.predict(x, batchSize: 20)
    #expect(whole.shape == [20, 3])
    for size in [1, 7, 100] { #expect(try network.predict(x, batchSize: size) == whole) }
    #expect(try network.predict(Tensor([0, 1, 8, 8])).shape == [0, 3])
    #expect(try network.build(for: [5, 1, 8, 8]) == [5, 3])
  }

  @Test func predictorsAreSharedAndDoNotChange() async throws {
    let network = try trained(20, epochs: 2, Float.self), (x, classes) = try rows(20, Float.self)
    let wanted = try network.predict(x), predictor = try network.predictor()
    try network.fit(x, .classes(classes))
    #expect(try network.predict(x) != wanted)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for size in 1...12 { group.addTask { try predictor.predict(x, batchSize: size) == wanted } }
      for try await same in group { #expect(same) }
    }
  }
}
