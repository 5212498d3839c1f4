// Networks as a whole: branches and shared weights, memory, plans, threads.
import CNNCore
import CNNNetwork
import CNNOperators
import Foundation
import Testing

@Suite(.serialized) struct NetworkTests {
  /// As in the battery of operators; here through a value that is used twice and a weight that is used twice.
  @Test func gradientsOfBranchesAndSharedWeightsAreThoseOfDifferences() throws {
    let network = try residualNetwork(Double.self), (x, classes) = try images(4, Double.self)
    let plan = try Plan(network.graph, inputs: [x.shape], mode: .train), run = try Execution(plan)
    let loss = try Loss<Double>.make(.of("SoftmaxCrossEntropyLoss")), target = Target<Double>.indices64(classes.input)
    let gradients = try Block<Double>(network.graph.parameters.count), scratch = try Array1<Double>([4, 3]) { _ in 0 }
    func value() throws -> Double {
      try run.forward([x.input.data], network.graph, gradients: gradients.data)
      return try loss.evaluate(run.output(0), target, gradient: scratch.output)
    }
    _ = try value()
    _ = try loss.evaluate(run.output(0), target, gradient: run.lossGradient())
    try run.backward()
    let parameters = try network.graph.parameters.memory(), step = 1e-5
    for entry in network.graph.parameters.entries {
      for i in entry.offset..<entry.offset + entry.shape.count {
        let before = parameters[i]
        parameters[i] = before + step
        let above = try value()
        parameters[i] = before - step
        let below = try value()
        parameters[i] = before
        #expect(abs(gradients.data[i] - (above - below) / (2 * step)) < 1e-7, "\(entry.name) \(i - entry.offset)")
      }
    }
  }

  @Test func trainingLearnsAndHasTheSameBitsForAnyNumberOfThreads() throws {
    defer { try? Threads.set(0) }
    func check<T: Element>(_: T.Type) throws {
      let (x, classes) = try images(50, T.self)
      var first: [T]?
      for threads in [1, 1, 2, 4] {
        try Threads.set(threads)
        let network = try residualNetwork(T.self)
        var options = EpochOptions()
        options.batchSize = 16
        var losses: [Double] = []
        for _ in 0..<6 { losses.append(try network.trainEpoch([x.input], .indices64(classes.input), options).loss) }
        #expect(losses[0] > 0.5 && losses[5] < losses[0] / 3, "\(losses)")
        let result = try network.evaluate([x.input], .indices64(classes.input), batchSize: 7)
        #expect(result.accuracy > 0.95 && result.loss < losses[0] / 3)
        let parameters = try network.flatParameters
        #expect(first == nil || parameters == first, "\(threads) threads")
        first = parameters
        #expect(network.progress.epochs == 6 && network.progress.updates == 24)
      }
    }
    try check(Float.self)
    try check(Double.self)
  }

  @Test func aSteadyStepAllocatesNothing() throws {
    let network = try residualNetwork(Float.self), (x, classes) = try images(20, Float.self)
    try network.setOptimizer(.of("Adam", .int("accumulate", 2), .float("ema_decay", 0.9), .float("clip_norm", 1)))
    for augmentation: StaticString in ["RandomCrop", "RandomHorizontalFlip", "MixUp"] {
      try network.addAugmentation(.of(augmentation))
    }
    let y = try Array1<Float>([20, 3]) { _ in 0 }
    func work() throws {
      _ = try network.trainStep([x.input], .indices64(classes.input))
      var options = EpochOptions()
      options.batchSize = 8
      options.scores = true
      _ = try network.trainEpoch([x.input], .indices64(classes.input), options)
      try network.useAverages(true)
      try network.predict([x.input], [y.output])
      try network.useAverages(false)
    }
    for _ in 0..<3 { try work() }
    // Other tests allocate meanwhile; a step that does would do so each time.
    let steady = try (0..<50).contains { _ in
      let before = Workspace.allocations
      try work()
      return Workspace.allocations == before
    }
    #expect(steady)
  }

  @Test func plansAreBoundedAndTheLastUsedStay() throws {
    let network = try residualNetwork(Float.self)
    for count in 1...60 {
      let x = try Array1<Float>([count, 1, 8, 8]) { _ in 1 }, y = try Array1<Float>([count, 3]) { _ in 0 }
      try network.predict([x.input], [y.output])
      #expect(network.planCount <= 20)
      // The one of the first shape is used again and again, and so never goes.
      if count > 1 {
        let first = try network.outputShapes([shape([1, 1, 8, 8])])
        #expect(first == [try shape([1, 3])])
      }
    }
    #expect(network.planCount == 20)
  }

  @Test func arraysShareMemoryWhereTheirLivesAllow() throws {
    // 20 convolutions in a row: inference needs memory for two images, and training for all.
    let graph = Graph<Float>()
    var x = graph.input("x")
    for i in 0..<20 {
      let weight = try graph.parameter(Name("w\(i)"), shape([4, 4, 3, 3])) { zero($0.data, $0.shape.count) }
      x = try graph.add("Relu", inputs: [graph.add("Conv", [.ints("pads", [1, 1, 1, 1])], inputs: [x, weight])[0]])[0]
    }
    try graph.setOutputs([x])
    let image = try shape([2, 4, 16, 16]), bytes = image.count * 4
    let infer = try Plan(graph, inputs: [image], mode: .infer, layouts: .planar)
    let train = try Plan(graph, inputs: [image], mode: .train, layouts: .planar)
    #expect(infer.arenaBytes == 2 * bytes)
    // An image for each convolution's input, a byte a pixel for each mask, and two images for the gradients.
    #expect(train.arenaBytes <= 20 * bytes + 20 * bytes / 4 + 2 * bytes)
  }

  @Test func severalThreadsMayPredictAtOnce() throws {
    let network = try residualNetwork(Float.self), (x, _) = try images(12, Float.self)
    let wanted = try Array1<Float>([12, 3]) { _ in 0 }
    try network.predict([x.input], [wanted.output])
    nonisolated(unsafe) let shared = (network, x, wanted)
    let failures = NSLock()
    nonisolated(unsafe) var wrong = 0
    DispatchQueue.concurrentPerform(iterations: 64) { i in
      let count = 1 + i % 12
      let part = try? Array1<Float>([count, 1, 8, 8]) { shared.1.block.data[$0] }
      let y = try? Array1<Float>([count, 3]) { _ in 0 }
      guard let part, let y, (try? shared.0.predict([part.input], [y.output])) != nil,
        y.elements == Array(shared.2.elements[0..<y.elements.count])
      else { return failures.withLock { wrong += 1 } }
    }
    #expect(wrong == 0)
  }

  @Test func frozenParametersStayAndOthersGetTheSameGradients() throws {
    let (x, classes) = try images(6, Double.self)
    func gradients(frozen: [Int]) throws -> (gradients: [Double], before: [Double], after: [Double], network: Network<Double>) {
      let network = try residualNetwork(Double.self)
      for i in frozen { try network.graph.treat(parameter: i, .init(isFrozen: true)) }
      let before = try network.flatParameters
      _ = try network.trainStep([x.input], .indices64(classes.input))
      let flat = try network.gradientMemory()
      return ((0..<before.count).map { flat[$0] }, before, try network.flatParameters, network)
    }
    let all = try gradients(frozen: []), some = try gradients(frozen: [0, 1, 2])
    for (i, entry) in all.network.graph.parameters.entries.enumerated() {
      let range = entry.offset..<entry.offset + entry.shape.count
      if i < 3 {
        #expect(Array(some.gradients[range]).allSatisfy { $0 == 0 })
        #expect(Array(some.before[range]) == Array(some.after[range]))
      } else {
        #expect(Array(some.gradients[range]) == Array(all.gradients[range]))
        #expect(Array(some.after[range]) == Array(all.after[range]) && Array(some.before[range]) != Array(some.after[range]))
      }
    }
  }

  @Test func stepsWithAccumulationAreOneStepOnAllImages() throws {
    let (x, classes) = try images(12, Double.self)
    let whole = try residualNetwork(Double.self), parts = try residualNetwork(Double.self)
    for (network, accumulate) in [(whole, 1), (parts, 3)] {
      try network.setOptimizer(.of("SGD", .float("lr", 0.1), .float("momentum", 0.9), .int("accumulate", accumulate)))
      for _ in 0..<2 {
        for part in 0..<accumulate {
          let count = 12 / accumulate, first = part * count
          _ = try network.trainStep(
            [Input("x", shape([count, 1, 8, 8]), x.input.data + first * 64)],
            .indices64(Input("t", shape([count]), classes.input.data + first)))
        }
      }
      #expect(network.progress.updates == 2)
    }
    // Sums in another order: some ulps of numbers of size 1.
    for (a, b) in zip(try whole.flatParameters, try parts.flatParameters) { #expect(abs(a - b) < 1e-13) }
  }

  @Test func aNewOptimizerBeginsAnew() throws {
    let (x, classes) = try images(8, Double.self)
    let used = try residualNetwork(Double.self), fresh = try residualNetwork(Double.self)
    try used.addSchedule(.of("ExponentialLR", .float("gamma", 0.5), .string("unit", "step")))
    for _ in 0..<3 { _ = try used.trainStep([x.input], .indices64(classes.input)) }
    copy(
      UnsafePointer(try used.graph.parameters.memory()), to: try fresh.graph.parameters.memory(), used.graph.parameters.count)
    try used.setOptimizer(.of("Adam", .float("lr", 0.01)))
    for _ in 0..<2 {
      for network in [used, fresh] { _ = try network.trainStep([x.input], .indices64(classes.input)) }
    }
    #expect(try used.flatParameters == fresh.flatParameters)
    #expect(used.progress.updates == 2 && used.progress.steps == 5)
  }

  @Test func mistakesAreErrorsThatNameTheNode() throws {
    func message(_ body: (Graph<Float>) throws -> Void) -> String {
      do { try body(Graph<Float>()) } catch { return (error as? CNNError)?.message ?? "" }
      return "no error"
    }
    let x = { (graph: Graph<Float>) in graph.input("x", shape: try shape([1, 3, 8, 8])) }
    #expect(message { try _ = $0.add("Relux", inputs: [x($0)]) }.contains("Relux"))
    #expect(message { try _ = $0.add("Relu", [.int("axis", 1)], inputs: [x($0)]) }.contains("Relu: has no attribute axis"))
    #expect(message { try _ = $0.add("Relu", inputs: []) }.contains("inputs: wanted 1, got 0"))
    #expect(message { try _ = $0.add("Gemm", inputs: [x($0), nil]) }.contains("input b is absent"))
    #expect(
      message { try _ = $0.add("Flatten", [.int("axis", 9)], inputs: [x($0)], name: "flat") }.hasPrefix("flat (Flatten): axis"))
    #expect(message { try _ = $0.add("Flatten", [.float("axis", 1)], inputs: [x($0)]) }.contains("axis: wanted an integer"))
    #expect(message { try _ = $0.add("Relu", inputs: [ValueID(index: 7)]) }.contains("no value 7"))
    #expect(message { try _ = Plan($0, inputs: [], mode: .infer) }.contains("has no outputs"))
  }
}
