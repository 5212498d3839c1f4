// Training as it is steered: rates, seeds, halves of a step, and what it takes to go on bit for bit.
import CNNCore
import CNNNetwork
import CNNOperators
import Testing

extension Network {
  /// One step on all images that is no different from others.
  @discardableResult func step(_ data: (x: Array1<T>, classes: Array1<Int64>)) throws -> Double {
    try trainStep([data.x.input], .indices64(data.classes.input))
  }
  @discardableResult func epoch(
    _ data: (x: Array1<T>, classes: Array1<Int64>), _ change: (inout EpochOptions) -> Void = { _ in }
  ) throws -> (loss: Double, accuracy: Double, isStopped: Bool) {
    var options = EpochOptions()
    options.batchSize = 8
    change(&options)
    return try trainEpoch([data.x.input], .indices64(data.classes.input), options)
  }
  /// Parameters, optimizer's states, training's states and progress of another network, as a caller would save and load them.
  func resume(from other: Network) throws {
    copy(UnsafePointer(try other.graph.parameters.memory()), to: try graph.parameters.memory(), graph.parameters.count)
    for (from, to) in zip(try other.optimizerStates(), try optimizerStates()) {
      copy(UnsafePointer(from.data), to: to.data, to.count)
    }
    let states = try (other.trainingStates(), trainingStates())
    #expect(states.0.map { $0.name } == states.1.map { $0.name } && !states.0.isEmpty)
    for (from, to) in zip(states.0, states.1) {
      switch (from.memory, to.memory) {
      case (.network(let from), .network(let to)): copy(UnsafePointer(from.data), to: to.data, to.count)
      case (.double(let from), .double(let to)): copy(UnsafePointer(from.data), to: to.data, to.count)
      default: Issue.record("\(from.name) has two types")
      }
    }
    progress = other.progress
  }
}

@Suite struct TrainingTests {
  @Test func aSeedThatIsSetLaterDrawsAsOneFromTheBeginning() throws {
    let data = try images(24, Float.self)
    let other = try residualNetwork(seed: 2, Float.self), changed = try residualNetwork(seed: 1, Float.self)
    copy(
      UnsafePointer(try other.graph.parameters.memory()), to: try changed.graph.parameters.memory(),
      other.graph.parameters.count)
    let kept = try changed.flatParameters
    changed.seed = 2
    #expect(try changed.flatParameters == kept)
    for network in [other, changed] { try network.epoch(data) }
    #expect(try other.flatParameters == changed.flatParameters)
    changed.seed = 3
    for network in [other, changed] { try network.epoch(data) }
    #expect(try other.flatParameters != changed.flatParameters)
  }

  @Test func theAccuracyOfAnEpochIsThatBeforeEachUpdate() throws {
    let data = try images(30, Float.self), network = try residualNetwork(Float.self)
    for _ in 0..<3 { #expect(try network.epoch(data).accuracy.isNaN) }
    let before = try network.evaluate([data.x.input], .indices64(data.classes.input), batchSize: 7)
    // A rate of 0: every step sees the parameters that evaluation saw.
    try network.setBaseRate(0)
    let epoch = try network.epoch(data) { $0.scores = true }
    #expect(epoch.accuracy == before.accuracy && epoch.accuracy > 0.5 && abs(epoch.loss - before.loss) < 1e-6)
    #expect(try network.epoch(data) { ($0.scores, $0.progress) = (true, { done, _, _ in done < 2 }) }.accuracy >= 0)
    let losses = try linear().trainEpoch([data.x.input], .distribution(data.x.input), EpochOptions())
    #expect(losses.accuracy.isNaN)
  }
  private func linear() throws -> Network<Float> {
    let network = Network<Float>(), x = network.graph.input("x")
    let w = try network.graph.parameter("w", shape([1, 1, 1, 1])) { $0.data[0] = 1 }
    try network.graph.setOutputs(network.graph.add("Mul", inputs: [x, w]))
    try network.setLoss(.of("MSELoss"))
    try network.setOptimizer(.of("SGD"))
    return network
  }

  @Test func theBaseRateChangesAloneAndSchedulesGoOnFromIt() throws {
    let data = try images(8, Double.self), network = try residualNetwork(Double.self)
    try network.addSchedule(.of("ExponentialLR", .float("gamma", 0.5), .string("unit", "step")))
    try network.step(data)
    let state = try network.optimizerStates()[0]
    let before = (0..<state.count).map { state.data[$0] }
    try network.setBaseRate(0.25)
    #expect(try network.rate() == 0.125)
    #expect(try network.optimizerStates()[0] === state && (0..<state.count).map { state.data[$0] } == before)
    for wrong in [-1, .nan, Double.infinity] { #expect(throws: CNNError.self) { try network.setBaseRate(wrong) } }
    #expect(try network.rate() == 0.125)
  }

  @Test func plansStayWhenOnlyRatesAreTreated() throws {
    let data = try images(8, Double.self), network = try residualNetwork(Double.self)
    try network.step(data)
    let version = network.graph.version
    try network.graph.treat(parameter: 0, .init(rate: 0, weightDecay: 0.5))
    #expect(network.graph.version == version)
    let before = try network.flatParameters, first = network.graph.parameters.entries[0].shape.count
    try network.step(data)
    let after = try network.flatParameters
    #expect(after[..<first] == before[..<first] && after != before)
    try network.graph.treat(parameter: 0, .init(isFrozen: true))
    #expect(network.graph.version != version)
  }

  @Test(arguments: [0, 1, 2, 3]) func trainingResumesBitForBitInTheMiddleOfASum(_ done: Int) throws {
    let data = try images(8, Float.self)
    func fresh() throws -> Network<Float> {
      let network = try residualNetwork(Float.self)
      try network.setOptimizer(.of("Adam", .float("lr", 0.01), .int("accumulate", 3), .float("ema_decay", 0.7)))
      try network.addSchedule(.of("StepLR", .int("step_size", 2), .string("unit", "step")))
      try network.addSchedule(.of("ReduceLROnPlateau", .int("patience", 1), .float("factor", 0.3)))
      return network
    }
    func go(_ network: Network<Float>, _ steps: Range<Int>) throws {
      for step in steps {
        try network.step(data)
        // Falls once and then no more: the best, the wait and the reduction all matter.
        try network.report(step == 0 ? 2 : 1)
      }
    }
    let whole = try fresh(), first = try fresh(), second = try fresh()
    try go(whole, 0..<8)
    try go(first, 0..<done)
    try second.resume(from: first)
    try go(second, done..<8)
    #expect(try second.flatParameters == whole.flatParameters)
    for network in [second, whole] { try network.useAverages(true) }
    #expect(try second.flatParameters == whole.flatParameters)
    #expect(try second.rate() == whole.rate() && second.progress == whole.progress)
    #expect(try whole.rate() < 0.01 * 0.1)
  }

  @Test func anEpochThatWasStoppedGoesOnWhereItWas() throws {
    let data = try images(30, Float.self)
    let whole = try residualNetwork(Float.self), parts = try residualNetwork(Float.self)
    try whole.epoch(data)
    #expect(try parts.epoch(data) { $0.progress = { done, _, _ in done < 2 } }.isStopped)
    #expect(parts.progress.epochs == 0 && parts.progress.steps == 2)
    try parts.epoch(data) { $0.firstBatch = 2 }
    #expect(try parts.flatParameters == whole.flatParameters)
    #expect(parts.progress == whole.progress)
    for wrong in [-1, 4, Int.max, Int.min] {
      #expect(throws: CNNError.self) { try parts.epoch(data) { $0.firstBatch = wrong } }
    }
  }

  @Test func theHalvesOfAStepAreAStep() throws {
    let data = try images(8, Float.self)
    let whole = try residualNetwork(Float.self), halves = try residualNetwork(Float.self)
    for _ in 0..<3 {
      let wanted = try whole.step(data), before = try halves.flatParameters, progress = halves.progress
      for _ in 0..<2 {
        #expect(try halves.computeGradients([data.x.input], .indices64(data.classes.input)) == wanted)
      }
      #expect(try halves.flatParameters == before && halves.progress == progress)
      try halves.update()
      #expect(try halves.flatParameters == whole.flatParameters)
    }
    #expect(halves.progress == whole.progress)
  }

  @Test func averagesFollowTheParametersAndTakeTheirPlace() throws {
    let data = try images(8, Double.self), network = try residualNetwork(Double.self)
    #expect(throws: CNNError.self) { try network.useAverages(true) }
    try network.setOptimizer(.of("SGD", .float("lr", 0.1), .float("ema_decay", 0.75)))
    try network.graph.treat(parameter: 0, .init(isFrozen: true))
    var wanted: [Double] = []
    for update in 1...5 {
      try network.step(data)
      let now = try network.flatParameters
      wanted = update == 1 ? now : zip(wanted, now).map { 0.75 * $0 + 0.25 * $1 }
    }
    let trained = try network.flatParameters, frozen = network.graph.parameters.entries[0].shape.count
    func loss() throws -> Double {
      try network.evaluate([data.x.input], .indices64(data.classes.input), batchSize: 8).loss
    }
    let before = try loss()
    for _ in 0..<2 { try network.useAverages(true) }
    let averages = try network.flatParameters
    // Five roundings of numbers of size 1.
    for (a, b) in zip(averages, wanted) { #expect(abs(a - b) < 1e-14) }
    #expect(averages[..<frozen] == trained[..<frozen] && averages != trained)
    #expect(try loss() != before)
    #expect(throws: CNNError.self) { try network.step(data) }
    #expect(throws: CNNError.self) { try network.update() }
    #expect(network.progress.updates == 5)
    try network.useAverages(false)
    #expect(try network.flatParameters == trained && loss() == before)
    try network.step(data)
    // A new optimizer keeps the parameters, not the averages.
    let last = try network.flatParameters
    try network.useAverages(true)
    try network.setOptimizer(.of("SGD"))
    #expect(try network.flatParameters == last && !network.usesAverages)
  }

  @Test func memoryIsToldForShapesThatDidNotComeYet() throws {
    let network = try residualNetwork(Float.self), shape = try shape([10, 1, 8, 8])
    let infer = try network.memory([shape], .infer), train = try network.memory([shape], .train)
    // Two arrays of 4 channels at once in inference; all of 5 convolutions' and more in training.
    #expect(infer >= 2 * 4 * shape.count * 4 && infer < 4 * 4 * shape.count * 4)
    #expect(train > infer)
    #expect(try network.memory([CNNCore.Shape("x", 20, 1, 8, 8)], .infer) == 2 * infer)
  }
}
