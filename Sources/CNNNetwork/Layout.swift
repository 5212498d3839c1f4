// Where arrays lie: which gradients are needed, then which arrays share memory and until when.
import CNNCore
import CNNOperators

/// Moments: as Recomputation.swift has them. Slots: value v is slot v, its gradient slot values + v, then come values that are computed
/// again, the arrays that forward leaves for backward, and summands of gradients.
struct Layout<T: Element> {
  /// Where an array is: memory that exists already, or so many bytes behind the beginning of number i of `lives`.
  private enum Place {
    case given(Plan<T>.Location)
    case life(Int, offset: Int)
  }
  private let laidOut: LaidOutGraph<T>, graph: Graph<T>
  private let mode: Mode
  private var n: Int { graph.nodes.count }
  private let segmentCount: Int
  private(set) var recomputation: Recomputation

  private let shapes: [Shape], types: [ElementType], none: Shape
  private let layouts: [ArrayLayout]
  private let parts: [Int: Part]
  private var kept: [[Kept]]
  private var needsGradient: [Bool] = [], reached: [Bool] = []
  private(set) var runsBackward: [Bool] = []
  /// Of each slot of a value.
  private var lastUse: [Int] = []
  /// Of values that are computed again; of what nodes that are leave then, and where they write what forward updates once.
  private var secondSlots: [Int?], keptAgain: [[Int]], unread: [[Int: Operand]]
  private var lives: [Life] = []
  private var bytes = 0
  private var places: [Place?] = []
  private var keptSlots: [[Int]] = []
  private var gradInputs: [[Operand?]] = [], addedGradients: [[Int]], preparedSlots: [[Operand?]] = []

  init(_ laidOut: LaidOutGraph<T>, _ mode: Mode, segments: Int, parts: [Int: Part]) throws(CNNError) {
    (self.laidOut, graph, self.mode, layouts, self.parts) = (laidOut, laidOut.graph, mode, laidOut.layouts, parts)
    (shapes, types) = (laidOut.kinds.shapes, laidOut.kinds.types)
    none = try Shape("absent")
    kept = [[Kept]](repeating: [], count: graph.nodes.count)
    places = [Place?](repeating: nil, count: 2 * graph.values.count)
    keptSlots = [[Int]](repeating: [], count: graph.nodes.count)
    gradInputs = [[Operand?]](repeating: [], count: graph.nodes.count)
    preparedSlots = gradInputs
    (keptAgain, addedGradients, segmentCount) = (keptSlots, keptSlots, segments)
    secondSlots = [Int?](repeating: nil, count: graph.values.count)
    unread = [[Int: Operand]](repeating: [:], count: graph.nodes.count)
    recomputation = Recomputation(graph, segments: [0..<graph.nodes.count], reads: [], leaves: [])
  }

  private func gradientSlot(_ value: ValueID) -> Int { graph.values.count + value.index }
  private func backwardMoment(_ number: Int) -> Int { recomputation.backward[number] }
  /// Where a value is: for forward, or for backward and what runs again before it.
  private func slot(_ value: ValueID, again: Bool) -> Int { again ? secondSlots[value.index] ?? value.index : value.index }

  // Places that are there already

  mutating func placeGiven() throws(CNNError) {
    for (i, value) in graph.values.enumerated() {
      switch value.source {
      case .input(let number): places[i] = .given(.input(number))
      case .parameter(let number): places[i] = .given(.parameter(offset: graph.parameters.entries[number].offset))
      case .buffer(let number): places[i] = .given(.buffer(offset: graph.buffers.entries[number].offset))
      case .constant(let array), .planConstant(let array): places[i] = .given(.constant(array))
      case .node: break
      }
    }
    for (number, node) in graph.nodes.enumerated() where mode == .train {
      let inputs = inputShapes(node), layouts = layouts(around: node)
      kept[number] = try naming(node.name, node.operatorName) { () throws(CNNError) in
        try node.made.kept(inputs, node.made.outputShapes(of: inputs), layouts)
      }
    }
  }

  func inputShapes(_ node: Graph<T>.Node) -> [Shape] { node.inputs.map { $0.map { shapes[$0.index] } ?? none } }
  func layouts(around node: Graph<T>.Node) -> Layouts {
    Layouts(inputs: node.inputs.map { $0.map { layouts[$0.index] } ?? .planar }, output: layouts[node.outputs[0].index])
  }

  // Gradients

  /// Whether it can have a gradient: indices and masks have none.
  private func isDifferentiable(_ value: ValueID) -> Bool { types[value.index] == T.elementType }

  mutating func findGradients() throws(CNNError) {
    needsGradient = [Bool](repeating: false, count: graph.values.count)
    runsBackward = [Bool](repeating: false, count: n)
    guard mode == .train else { return }
    for (i, value) in graph.values.enumerated() {
      if case .parameter(let number) = value.source { needsGradient[i] = !graph.treatments[number].isFrozen }
    }
    for node in graph.nodes where node.inputs.contains(where: { $0.map { needsGradient[$0.index] } ?? false }) {
      for output in node.outputs where isDifferentiable(output) { needsGradient[output.index] = true }
    }
    var isReached = [Bool](repeating: false, count: graph.values.count)
    guard isDifferentiable(graph.outputs[0]) else {
      throw .type(
        "outputs: wanted one of \(T.elementType.description) for a loss, got \(types[graph.outputs[0].index].description)")
    }
    isReached[graph.outputs[0].index] = true
    for (number, node) in graph.nodes.enumerated().reversed() where node.outputs.contains(where: { isReached[$0.index] }) {
      // What has no gradient passes none on.
      if !node.outputs.contains(where: { needsGradient[$0.index] }) { continue }
      let wanted = node.inputs.compactMap { $0 }.filter { needsGradient[$0.index] }
      if wanted.isEmpty { continue }
      guard node.made.hasBackward else {
        throw CNNError(
          .unsupported, "\(node.name) (\(node.operatorName)): has no backward, and parameters before it are trained")
      }
      runsBackward[number] = true
      for input in wanted { isReached[input.index] = true }
    }
    reached = isReached
  }

  func unreached() -> [Operand] {
    guard mode == .train else { return [] }
    return graph.values.indices.compactMap { i in
      if case .parameter = graph.values[i].source, !reached[i] { return Operand(shapes[i], slot: graph.values.count + i) }
      return nil
    }
  }

  // Lives

  /// What a node's backward reads.
  private func backwardReads(_ number: Int) -> [ValueID] {
    let node = graph.nodes[number]
    guard runsBackward[number] else { return [] }
    let inputs = node.made.backwardReadsInputs.filter { $0 < node.inputs.count }.compactMap { node.inputs[$0] }
    return inputs + node.made.backwardReadsOutputs.filter { $0 < node.outputs.count }.map { node.outputs[$0] }
  }

  /// Cuts the nodes into segments, and gives what is computed again its slots.
  mutating func findRecomputed() throws(CNNError) {
    guard mode == .train && segmentCount > 1 else { return }
    var bytes: [Int] = []
    for (number, node) in graph.nodes.enumerated() {
      var sum = 0
      for output in node.outputs where !node.made.isView(mode) { sum &+= try laidOut.bytes(output) }
      for array in kept[number] { sum &+= array.shape.count &* array.stride(network: MemoryLayout<T>.stride) }
      bytes.append(sum)
    }
    recomputation = Recomputation(
      graph, segments: Recomputation.cut(bytes, into: segmentCount), reads: (0..<n).map(backwardReads),
      leaves: (0..<n).map { runsBackward[$0] && !kept[$0].isEmpty })
    for i in graph.values.indices where recomputation.isSecond[i] {
      secondSlots[i] = places.count
      places.append(nil)
    }
  }

  mutating func findLastUses() {
    lastUse = [Int](repeating: -1, count: places.count)
    func use(_ slot: Int, _ moment: Int) { lastUse[slot] = max(lastUse[slot], moment) }
    for (number, node) in graph.nodes.enumerated() {
      for id in node.inputs { if let id { use(id.index, number) } }
      for id in backwardReads(number) { use(slot(id, again: true), backwardMoment(number)) }
      guard recomputation.isRecomputed[number] else { continue }
      let moment = recomputation.again[number]
      for id in node.inputs { if let id { use(slot(id, again: true), moment) } }
      for id in node.outputs { use(slot(id, again: true), moment) }
    }
    for id in graph.outputs { use(id.index, recomputation.end) }
  }

  /// Memory for this value, or for its gradient.
  private mutating func newLife(_ value: ValueID, at moment: Int) throws(CNNError) -> Place {
    try newLife(bytes: laidOut.bytes(value), at: moment)
  }
  private mutating func newLife(bytes size: Int, at moment: Int) throws(CNNError) -> Place {
    let life = Life(bytes: size, at: moment)
    let sum = bytes.addingReportingOverflow(life.bytes)
    guard !sum.overflow && sum.partialValue < Int.max / 4 else {
      throw CNNError(.memory, "no memory for arrays of so many elements")
    }
    bytes = sum.partialValue
    lives.append(life)
    return .life(lives.count - 1, offset: 0)
  }
  private mutating func extend(_ slot: Int, to moment: Int) {
    if case .life(let i, _) = places[slot] { lives[i].last = max(lives[i].last, moment) }
  }

  mutating func placeForward(_ number: Int) throws(CNNError) {
    try placeRun(number, at: number, again: false)
    let last = runsBackward[number] && !recomputation.isRecomputed[number] ? backwardMoment(number) : number
    keptSlots[number] = try placeKept(number, from: number, to: last)
    if !recomputation.isRecomputed[number] { keptAgain[number] = keptSlots[number] }
  }
  /// The same of a node that runs again.
  mutating func placeAgain(_ number: Int) throws(CNNError) {
    let node = graph.nodes[number], moment = recomputation.again[number]
    try placeRun(number, at: moment, again: true)
    keptAgain[number] = try placeKept(number, from: moment, to: runsBackward[number] ? backwardMoment(number) : moment)
    // Running statistics and the like were updated by forward, and must not be twice.
    for i in node.made.updatedInputs where i < node.inputs.count {
      guard let input = node.inputs[i] else { continue }
      unread[number][i] = operand(input, slot: places.count)
      places.append(try newLife(input, at: moment))
    }
  }

  private mutating func placeRun(_ number: Int, at moment: Int, again: Bool) throws(CNNError) {
    let node = graph.nodes[number]
    for (i, output) in node.outputs.enumerated() {
      let slot = slot(output, again: again)
      // Of two runs that write one array, the second finds it where the first left it.
      if again && slot == output.index { continue }
      if let part = try part(output, at: moment) {
        places[slot] = part
      } else if places[slot] != nil {
        // Its parts were here before it.
      } else if i == 0, let shared = sharedPlace(node, moment, again: again) {
        places[slot] = shared
      } else {
        places[slot] = try newLife(output, at: moment)
      }
      extend(slot, to: max(moment, lastUse[slot]))
    }
  }
  /// Where a value lies in the array that it is part of, which is there from its first part on.
  private mutating func part(_ value: ValueID, at moment: Int) throws(CNNError) -> Place? {
    guard let part = parts[value.index] else { return nil }
    let whole = part.whole.index
    if places[whole] == nil { places[whole] = try self.part(part.whole, at: moment) }
    if places[whole] == nil { places[whole] = try newLife(part.whole, at: moment) }
    guard case .life(let i, let offset) = places[whole] else { return nil }
    return .life(i, offset: offset + part.offset)
  }
  private mutating func placeKept(_ number: Int, from first: Int, to last: Int) throws(CNNError) -> [Int] {
    var slots: [Int] = []
    for array in kept[number] {
      slots.append(places.count)
      places.append(try newLife(bytes: array.shape.count * array.stride(network: MemoryLayout<T>.stride), at: first))
      extend(places.count - 1, to: last)
    }
    return slots
  }

  /// The memory of an input in which output 0 can lie, if there is one.
  private func sharedPlace(_ node: Graph<T>.Node, _ moment: Int, again: Bool) -> Place? {
    let output = node.outputs[0]
    if node.made.isView(mode), let input = node.inputs.first, let input, layouts[input.index] == layouts[output.index] {
      return places[slot(input, again: again)]
    }
    for i in node.made.mayOverwriteInputs where i < node.inputs.count {
      guard let input = node.inputs[i], areAlike(input, output) else { continue }
      // Nobody needs what is there any more, this node reads it once, and it is not the caller's.
      let place = places[slot(input, again: again)]
      guard case .life(let life, _) = place, lives[life].last <= moment else { continue }
      if node.inputs.filter({ $0 == input }).count == 1 { return place }
    }
    return nil
  }

  /// Whether they take the same memory.
  private func areAlike(_ a: ValueID, _ b: ValueID) -> Bool {
    shapes[a.index] == shapes[b.index] && layouts[a.index] == layouts[b.index] && types[a.index] == types[b.index]
  }

  mutating func placeLossGradient() throws(CNNError) -> Operand? {
    guard mode == .train else { return nil }
    let output = graph.outputs[0], slot = gradientSlot(output)
    if case .parameter(let number) = graph.values[output.index].source {
      places[slot] = .given(.gradient(offset: graph.parameters.entries[number].offset))
    } else {
      places[slot] = try newLife(output, at: n)
    }
    return operand(output, slot: slot)
  }

  mutating func placeBackward(_ number: Int) throws(CNNError) -> Plan<T>.Backward {
    let node = graph.nodes[number], moment = backwardMoment(number)
    var result = Plan<T>.Backward()
    for output in node.outputs where isDifferentiable(output) {
      let slot = gradientSlot(output)
      if places[slot] == nil {
        places[slot] = try newLife(output, at: moment)
        result.zeroed.append(operand(output, slot: slot))
      }
      extend(slot, to: moment)
    }
    let output = node.outputs[0]
    var free = places[gradientSlot(output)]  // for one of the inputs' gradients
    let added = try node.made.addsToGradient(inputShapes(node), layouts(around: node))
    for (i, input) in node.inputs.enumerated() {
      guard let input, needsGradient[input.index] else {
        gradInputs[number].append(nil)
        continue
      }
      let slot = gradientSlot(input)
      var shared: Place?
      let mayShare =
        node.made.isView(mode)
        ? i == 0 && layouts[input.index] == layouts[output.index]
        : node.made.gradientMayOverwrite.contains(i) && areAlike(input, output)
      if mayShare, case .life = free { shared = free }
      if places[slot] != nil, added.contains(i), node.inputs.filter({ $0 == input }).count == 1 {
        addedGradients[number].append(i)
        gradInputs[number].append(operand(input, slot: slot))
        extend(slot, to: moment)
        continue
      }
      if places[slot] != nil {
        // Not the first gradient of this value: a summand.
        let summand = operand(input, slot: places.count)
        if let shared { places.append(shared) } else { places.append(try newLife(input, at: moment)) }
        gradInputs[number].append(summand)
        result.additions.append((summand, operand(input, slot: slot)))
        extend(slot, to: moment)
        if shared != nil { free = nil }
        continue
      }
      if case .parameter(let parameter) = graph.values[input.index].source {
        places[slot] = .given(.gradient(offset: graph.parameters.entries[parameter].offset))
      } else if let shared {
        places[slot] = shared
        free = nil
      } else {
        places[slot] = try newLife(input, at: moment)
      }
      gradInputs[number].append(operand(input, slot: slot))
    }
    return result
  }

  // What is prepared

  mutating func placePrepared(_ number: Int) throws(CNNError) -> PreparedStep? {
    let node = graph.nodes[number], inputs = inputShapes(node), layouts = layouts(around: node)
    let wanted = try naming(node.name, node.operatorName) { () throws(CNNError) in
      try node.made.prepared(inputs: inputs, layouts, mode)
    }
    guard let wanted, wanted.reads.allSatisfy({ isConstant($0 < node.inputs.count ? node.inputs[$0] : nil) }) else {
      return nil
    }
    var places: [(offset: Int, slot: Int)] = []
    var bytes = 0
    for array in wanted.arrays {
      places.append((bytes, self.places.count))
      preparedSlots[number].append(Operand(array.shape, slot: self.places.count))
      self.places.append(.given(.prepared))
      // Lanes to spare, as behind scratch memory.
      bytes += (array.shape.count * array.stride(network: MemoryLayout<T>.stride) + 127) & ~63
    }
    let key = PreparedStep.Key(mode: mode, output: node.outputs[0].index, form: wanted.form, bytes: bytes)
    var parameters: [(number: Int, slot: Int)] = []
    for i in wanted.replaces {
      if let id = node.inputs[i], case .parameter(let number) = graph.values[id.index].source {
        parameters.append((number, id.index))
      }
    }
    return PreparedStep(key: key, step: number, places: places, parameters: parameters)
  }
  /// The parameters that steps read themselves.
  func parametersRead(but prepared: [PreparedStep]) -> [Int] {
    var isReplaced = [[Int]](repeating: [], count: graph.nodes.count),
      isRead = [Bool](repeating: false, count: graph.values.count)
    for step in prepared { isReplaced[step.step] = step.parameters.map { $0.slot } }
    for (number, node) in graph.nodes.enumerated() {
      for case let id? in node.inputs where !isReplaced[number].contains(id.index) { isRead[id.index] = true }
    }
    for id in graph.outputs { isRead[id.index] = true }
    return graph.values.indices.compactMap { i in
      if isRead[i], case .parameter(let number) = graph.values[i].source { number } else { nil }
    }
  }
  /// Of a run; absent inputs are.
  private func isConstant(_ value: ValueID?) -> Bool {
    guard let value else { return true }
    switch graph.values[value.index].source {
    case .parameter, .buffer, .constant: return true
    // Not one of the plan alone: what is prepared is shared among plans.
    case .input, .node, .planConstant: return false
    }
  }

  // The result

  func operand(_ value: ValueID, slot: Int? = nil) -> Operand {
    Operand(shapes[value.index], slot: slot ?? value.index, layouts[value.index], type: types[value.index])
  }

  /// `again`: for backward, and what runs again before it.
  func operands(_ number: Int, again: Bool) -> Operands {
    let node = graph.nodes[number], slots = again ? keptAgain[number] : keptSlots[number]
    func present(_ id: ValueID?) -> Operand? {
      guard let id, places[slot(id, again: again)] != nil else { return nil }
      return operand(id, slot: slot(id, again: again))
    }
    var inputs = node.inputs.map(present)
    if again { for (i, operand) in unread[number] { inputs[i] = operand } }
    return Operands(
      names: node.made.signature.inputs, inputs: inputs, outputs: node.outputs.map(present),
      kept: kept[number].indices.map { Operand(kept[number][$0].shape, slot: slots[$0]) },
      gradInputs: gradInputs[number],
      gradOutputs: runsBackward[number]
        ? node.outputs.map { isDifferentiable($0) ? operand($0, slot: gradientSlot($0)) : nil } : [],
      prepared: preparedSlots[number], addedGradients: addedGradients[number])
  }

  mutating func finish() -> (bytes: Int, locations: [Plan<T>.Location]) {
    // Gradients of parameters that no node computes are the caller's to read all the same.
    for i in graph.values.indices where mode == .train && places[graph.values.count + i] == nil {
      if case .parameter(let number) = graph.values[i].source {
        places[graph.values.count + i] = .given(.gradient(offset: graph.parameters.entries[number].offset))
      }
    }
    let size = Life.place(&lives), outputOf = outputsAlone()
    let locations: [Plan<T>.Location] = places.map { place in
      switch place {
      case nil: .none
      case .given(let location): location
      case .life(let i, let offset):
        outputOf[i].map { .output($0, offset: lives[i].offset) } ?? .arena(offset: lives[i].offset + offset)
      }
    }
    return (size, locations)
  }

  /// Of each life, the output that has it for itself and that the last node writes, so that it is written whole or, where the run fails,
  /// not at all.
  private func outputsAlone() -> [Int?] {
    var slots = [Int](repeating: 0, count: lives.count), outputs = [Int?](repeating: nil, count: lives.count)
    guard mode == .infer, let last = graph.nodes.last else { return outputs }
    for case .life(let i, _)? in places { slots[i] += 1 }
    for (number, id) in graph.outputs.enumerated() where last.outputs.contains(id) && layouts[id.index] == .planar {
      if case .life(let i, _)? = places[id.index], slots[i] == 1, outputs[i] == nil { outputs[i] = number }
    }
    return outputs
  }
}
