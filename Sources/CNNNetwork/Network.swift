// A network: a graph, its plans, and what trains it.
package import CNNCore
package import CNNOperators

/// Building and training are for one thread at a time; any number may predict meanwhile, but not while it is trained.
package final class Network<T: Element> {
  package let graph = Graph<T>()
  /// Of all that is random: initial parameters, the order of images, augmentations, dropout. A parameter keeps the one that it was made with.
  package var seed: UInt64
  /// What a file has declared; empty for a network that was not read from one.
  package var ports = Ports()
  private var plans = PlanCache<T>()
  /// Of the last prediction, for the next one like it.
  private var idle: Execution<T>?
  package var planCount: Int { locked { plans.count } }

  // Training (Training.swift)
  var loss: Loss<T>?
  var optimizer: Optimizer<T>?
  var schedules: [Schedule] = []
  var augmentations: [Augmentation] = []
  var training: Execution<T>?
  var gradients: Block<T>?
  /// The sum of the gradients of steps since the last update, and how many these are.
  var accumulated: Block<T>?
  var pending: Block<Double>?
  var states: [Block<T>] = []
  /// Running averages of the parameters, or where `usesAverages` the parameters while they are away (Averages.swift).
  var averages: Block<T>?
  package internal(set) var usesAverages = false
  /// Steps since the network was made, updates by its optimizer, and epochs.
  package var progress = Progress()

  package init(seed: UInt64 = 0) { self.seed = seed }

  /// A parameter that begins as `initializer` says.
  package func parameter(
    _ name: Name, _ shape: Shape, _ initializer: Initializer
  ) throws(CNNError) -> ValueID {
    let key = RandomStream.parameters.key(seed, graph.parameters.entries.count)
    return try graph.parameter(name, shape) { array throws(CNNError) in try initializer.fill(array, key: key) }
  }

  /// A plan for inputs of these shapes.
  func plan(_ shapes: [Shape], _ mode: Mode) throws(CNNError) -> Plan<T> {
    try plan(mode) {
      $0.fits(shapes)
    } or: { () throws(CNNError) in
      try Plan(graph, inputs: shapes, mode: mode)
    }
  }
  /// The same for inputs that are at hand: their elements may decide shapes.
  func plan(_ inputs: [AnyInput], _ mode: Mode) throws(CNNError) -> Plan<T> {
    let inputs = graph.withBools(inputs)
    return try plan(mode) {
      $0.fits(inputs)
    } or: { () throws(CNNError) in
      try Plan(graph, inputs: inputs.map { $0.shape }, mode: mode, contents: inputs)
    }
  }
  func plan(_ inputs: [Input<T>], _ mode: Mode) throws(CNNError) -> Plan<T> {
    try plan(inputs.map { AnyInput($0) }, mode)
  }
  /// One that is there and fits, or a new one.
  private func plan(
    _ mode: Mode, fits: (Plan<T>) -> Bool, or make: () throws(CNNError) -> Plan<T>
  ) throws(CNNError) -> Plan<T> {
    let version = graph.version
    if let plan = locked({ plans.find(mode, version: version, fits) }) { return plan }
    let plan = try make()
    // That images depend on each other, or on how many they are, is no fault.
    plan.part = try? part(of: plan)
    locked { plans.add(plan, version: version) }
    return plan
  }

  /// The shapes of the outputs for inputs of these shapes.
  package func outputShapes(_ inputs: [Shape]) throws(CNNError) -> [Shape] { try plan(inputs, .infer).outputShapes }
  /// The shapes and types of the outputs for these inputs.
  package func outputKinds(_ inputs: [AnyInput]) throws(CNNError) -> [(shape: Shape, type: ElementType)] {
    let plan = try plan(inputs, .infer)
    return Array(zip(plan.outputShapes, plan.outputTypes)).map { (shape: $0.0, type: $0.1) }
  }

  /// The bytes that a run on inputs of these shapes needs for what nodes give and leave, besides inputs, parameters and gradients of
  /// these.
  package func memory(_ inputs: [Shape], _ mode: Mode) throws(CNNError) -> Int {
    try followed(plan(inputs, mode)).plan.arenaBytes
  }
  package func memory(_ inputs: [AnyInput], _ mode: Mode) throws(CNNError) -> Int {
    try followed(plan(inputs, mode)).plan.arenaBytes
  }

  /// A run of this plan, which is this thread's until it goes to `finish`.
  private func start(_ plan: Plan<T>) throws(CNNError) -> Execution<T> {
    let last = locked { () -> Execution<T>? in
      guard let last = idle, last.plan === plan else { return nil }
      idle = nil
      return last
    }
    return if let last { last } else { try Execution(plan) }
  }
  private func finish(_ run: Execution<T>) {
    run.rest()
    // Whoever was here is released outside of the lock, which giving memory back takes.
    let other = locked { () -> Execution<T>? in
      let other = idle
      idle = run
      return other
    }
    withExtendedLifetime(other) {}
  }

  /// Writes the first outputs, as many as are given.
  package func predict(_ inputs: [Input<T>], _ outputs: [Output<T>]) throws(CNNError) {
    try predict(inputs.map { AnyInput($0) }, outputs.map { AnyOutput($0) })
  }
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func predict(_ inputs: [AnyInput], _ outputs: [AnyOutput]) throws(CNNError) {
    let plan = try plan(inputs, .infer)
    guard outputs.count <= plan.outputs.count else {
      throw .argument("outputs: this network has \(plan.outputs.count), got \(outputs.count)")
    }
    for (i, output) in outputs.enumerated() {
      try output.input.bound(to: UInt8.self).wants(plan.outputs[i].shape)
      let type = plan.outputs[i].type ?? T.elementType
      guard output.type == type || (type == .bool && output.type == .uint8) else {
        throw .type("\(output.name): wanted elements of \(type.description), got \(output.type.description)")
      }
    }
    // Written in place, but where that would be over an input or another output: then no part must be written before all are read.
    let places = outputs.enumerated().map { i, output in
      inputs.contains { output.overlaps($0) } || outputs[..<i].contains { output.overlaps($0.input) } ? nil : output.data
    }
    let (part, parts) = places.contains(nil) ? (plan, 1) : followed(plan)
    let run = try start(part)
    defer { finish(run) }
    for k in 0..<parts {
      let own = k == 0 ? places : outputs.map { $0.data + k * ($0.input.bytes / parts) }
      try run.forward(at: inputs.map { $0.data + k * ($0.bytes / parts) }, graph, outputs: own)
      for (i, output) in outputs.enumerated() {
        let result = try run.anyOutput(i), to = output.data + k * result.bytes
        if result.data != to { copyBytes(result.data, to: to, result.bytes) }
      }
    }
  }
}
