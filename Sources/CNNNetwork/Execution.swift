// A run of a plan: the plan's arrays in memory of this run. Used by one thread at a time.
package import CNNCore
import CNNOperators

package final class Execution<T: Element> {
  package let plan: Plan<T>
  /// nil between predictions.
  private var arena: Block<UInt8>?
  private let table: Scratch<UnsafeMutableRawPointer?>
  private var addresses: UnsafePointer<UnsafeMutableRawPointer?> { UnsafePointer(table.data) }
  /// Of the plan's prepared steps; and which contents they are for, nil where these may have changed.
  private var blocks: [PreparedBlock] = []
  private var blocksVersion: ContentVersion?
  /// Whether all parameters that the plan reads are known to be in memory.
  private var hasParameters = false

  package init(_ plan: Plan<T>) throws(CNNError) {
    self.plan = plan
    table = try Scratch(plan.locations.count)
  }

  /// Gives the memory of this run back: what it computed is lost.
  func rest() { arena = nil }

  /// Where everything is this time. `gradients` is as `parameters`, and needed in training only.
  private func bind(
    _ inputs: [UnsafeRawPointer], parameters: UnsafeMutablePointer<T>, buffers: UnsafeMutablePointer<T>,
    gradients: UnsafeMutablePointer<T>?, outputs: [UnsafeMutableRawPointer?]
  ) throws(CNNError) {
    let arena = if let arena { arena } else { try Block<UInt8>(plan.arenaBytes) }
    self.arena = arena
    for (slot, location) in plan.locations.enumerated() {
      table.data[slot] =
        switch location {
        case .none: nil
        case .input(let i): UnsafeMutableRawPointer(mutating: inputs[i])
        case .parameter(let offset): UnsafeMutableRawPointer(parameters + offset)
        case .buffer(let offset): UnsafeMutableRawPointer(buffers + offset)
        case .constant(let array): array.data
        case .gradient(let offset): gradients.map { UnsafeMutableRawPointer($0 + offset) }
        case .arena(let offset): UnsafeMutableRawPointer(arena.data + offset)
        case .output(let i, let offset):
          (i < outputs.count ? outputs[i] : nil) ?? UnsafeMutableRawPointer(arena.data + offset)
        case .prepared: table.data[slot]  // as the last run left it
        }
    }
  }

  /// Finds what is prepared, and prepares what is not.
  private func prepare(_ graph: Graph<T>) throws(CNNError) {
    let version = graph.contentVersion
    if plan.prepared.isEmpty || (version != nil && version == blocksVersion) { return }
    if blocksVersion != nil {
      // Other threads may have these: not to be written again.
      (blocks, blocksVersion) = ([], nil)
      if version == nil { graph.prepared.keep(only: []) }
    }
    let found = plan.prepared.map { step in version.flatMap { graph.prepared.find(step.key, $0) } }
    if blocks.isEmpty {
      let bytes = zip(plan.prepared, found).reduce(0) { $1.1 == nil ? $0 + $1.0.key.bytes : $0 }
      let whole = try Block<UInt8>(bytes)
      var offset = 0
      for (step, found) in zip(plan.prepared, found) {
        blocks.append(found ?? PreparedBlock(whole, from: offset))
        if found == nil { offset += step.key.bytes }
      }
    }
    var room: Block<T>?
    for (i, step) in plan.prepared.enumerated() {
      if let found = found[i] { blocks[i] = found }
      let block = blocks[i]
      for (offset, slot) in step.places { table.data[slot] = UnsafeMutableRawPointer(block.data + offset) }
      if found[i] != nil { continue }
      let work = plan.steps[step.step]
      try naming(work.name, work.operatorName) { () throws(CNNError) in
        let places = step.parameters.map { table.data[$0.slot] }
        defer { for (parameter, place) in zip(step.parameters, places) { table.data[parameter.slot] = place } }
        try readParameters(of: step, graph, &room)
        try work.work.prepare(arrays(work, 0))
      }
      if let version { graph.prepared.add(step.key, version, block) }
    }
    blocksVersion = version
  }

  /// Points the slots of parameters that are not in memory to copies in `room`, which is made for the step that takes most: what is
  /// prepared from them stands for them then.
  private func readParameters(of step: PreparedStep, _ graph: Graph<T>, _ room: inout Block<T>?) throws(CNNError) {
    func count(_ step: PreparedStep) -> Int {
      step.parameters.reduce(0) { $0 + graph.parameters.entries[$1.number].shape.count }
    }
    var used = 0
    for (number, slot) in step.parameters where !graph.parameters.isInMemory(number) {
      let place = if let room { room } else { try Block<T>(plan.prepared.reduce(0) { max($0, count($1)) }) }
      room = place
      try graph.parameters.copy(number, to: place.data + used)
      table.data[slot] = UnsafeMutableRawPointer(place.data + used)
      used += graph.parameters.entries[number].shape.count
    }
  }
  /// The place of the parameters, of which those that the plan reads are in memory.
  private func parameters(_ graph: Graph<T>) throws(CNNError) -> UnsafeMutablePointer<T> {
    // Where somebody may write them, they are prepared again and again.
    if plan.mode == .train || graph.contentVersion == nil { return try graph.parameters.memory() }
    if !hasParameters { for number in plan.parametersRead { _ = try graph.parameters.array(number) } }
    hasParameters = true
    return try graph.parameters.place()
  }

  /// Runs all steps on inputs of the plan's shapes. `seed` is what random operators draw from, with their node's number.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func forward(
    _ inputs: [UnsafePointer<T>], _ graph: Graph<T>, gradients: UnsafeMutablePointer<T>? = nil, seed: UInt64 = 0
  ) throws(CNNError) {
    try forward(at: inputs.map { UnsafeRawPointer($0) }, graph, gradients: gradients, seed: seed)
  }
  /// The same of inputs of the types that the plan is for. `outputs`: where outputs may be written, which are no inputs; yet they may be
  /// elsewhere after all, as `anyOutput` says.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func forward(
    at inputs: [UnsafeRawPointer], _ graph: Graph<T>, gradients: UnsafeMutablePointer<T>? = nil, seed: UInt64 = 0,
    outputs: [UnsafeMutableRawPointer?] = []
  ) throws(CNNError) {
    try begin(inputs, graph, gradients: gradients, outputs: outputs)
    for step in plan.steps { try forward(step, seed) }
    if plan.updatesBuffers { graph.buffers.change() }
  }

  func begin(
    _ inputs: [UnsafeRawPointer], _ graph: Graph<T>, gradients: UnsafeMutablePointer<T>? = nil,
    outputs: [UnsafeMutableRawPointer?] = []
  ) throws(CNNError) {
    try bind(
      inputs, parameters: try parameters(graph), buffers: try graph.buffers.memory(), gradients: gradients,
      outputs: outputs)
    try prepare(graph)
  }
  @inline(__always) func forward(_ step: Plan<T>.Step, _ seed: UInt64) throws(CNNError) {
    try naming(step.name, step.operatorName) { () throws(CNNError) in try step.work.forward(arrays(step, seed)) }
  }

  /// Runs all steps back, once the gradient of the loss is written: overwrites the gradients of all parameters that are not frozen.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func backward(seed: UInt64 = 0) throws(CNNError) {
    for operand in plan.unreached {
      let gradient = try array(operand)
      zero(gradient.data, gradient.shape.count)
    }
    for step in plan.steps.reversed() {
      for number in step.recomputed {
        let first = plan.steps[number]
        try naming(first.name, first.operatorName) { () throws(CNNError) in
          try first.work.forward(arrays(first, seed, again: true))
        }
      }
      guard let backward = step.backward else { continue }
      for operand in backward.zeroed {
        let gradient = try array(operand)
        zero(gradient.data, gradient.shape.count)
      }
      try naming(step.name, step.operatorName) { () throws(CNNError) in try step.work.backward(arrays(step, seed, again: true))
      }
      for (from, to) in backward.additions { try add(try array(from).input, to: try array(to)) }
    }
  }

  private func arrays(_ step: Plan<T>.Step, _ seed: UInt64, again: Bool = false) -> Arrays<T> {
    Arrays(again ? step.again : step.operands, addresses, mode: plan.mode, seed: seed, node: step.node)
  }

  /// A blocked array as the flat one that it is in memory.
  private func array(_ operand: Operand) throws(CNNError) -> Output<T> {
    guard let address = table.data[operand.slot] else { throw .argument("network: an array has no memory") }
    var shape = operand.shape
    if operand.layout != .planar { shape = try Shape("network", operand.layout.count(shape, of: T.self)) }
    return Output("network", shape, address.assumingMemoryBound(to: T.self))
  }

  package func output(_ i: Int) throws(CNNError) -> Input<T> {
    guard i >= 0 && i < plan.outputs.count else { throw .argument("output: wanted 0 to \(plan.outputs.count - 1), got \(i)") }
    return try array(plan.outputs[i]).input
  }
  package func anyOutput(_ i: Int) throws(CNNError) -> AnyInput {
    let operand = plan.outputs[i]
    guard let address = table.data[operand.slot] else { throw .argument("network: an array has no memory") }
    return AnyInput("network", operand.shape, operand.type ?? T.elementType, UnsafeRawPointer(address))
  }
  /// Where the loss writes the gradient of output 0.
  package func lossGradient() throws(CNNError) -> Output<T> {
    guard let operand = plan.lossGradient else { throw .argument("network: this run is not for training") }
    return try array(operand)
  }
}
