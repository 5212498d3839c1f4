// How a plan comes about: shapes, then which gradients are needed, then which arrays share memory and until when.
import CNNCore
import CNNOperators

/// Moments: node w runs forward at w and backward at 2n - w, the loss at n. Slots: value v is slot v, its gradient slot values + v,
/// then come the arrays that forward leaves for backward, and summands of gradients.
struct Layout<T: Element> {
  /// Where an array is: memory that exists already, or number i of `lives`.
  private enum Place {
    case given(Plan<T>.Location)
    case life(Int)
  }
  private let graph: Graph<T>
  private let mode: Mode
  private var n: Int { graph.nodes.count }
  private var end: Int { 2 * n + 1 }

  private(set) var shapes: [Shape] = []
  private var kept: [[Kept]] = []
  private var needsGradient: [Bool] = [], reached: [Bool] = []
  private(set) var runsBackward: [Bool] = []
  private var lastUse: [Int] = []
  private var lives: [Life] = []
  private var bytes = 0
  private var places: [Place?] = []
  private var keptSlots: [[Int]] = []
  private var gradInputs: [[Operand?]] = []

  init(_ graph: Graph<T>, _ mode: Mode) {
    (self.graph, self.mode) = (graph, mode)
    places = [Place?](repeating: nil, count: 2 * graph.values.count)
    keptSlots = [[Int]](repeating: [], count: graph.nodes.count)
    gradInputs = [[Operand?]](repeating: [], count: graph.nodes.count)
  }

  private func gradientSlot(_ value: ValueID) -> Int { graph.values.count + value.index }
  private func backwardMoment(_ number: Int) -> Int { 2 * n - number }

  // Shapes

  mutating func inferShapes(_ inputs: [Shape]) throws(CNNError) {
    guard inputs.count == graph.inputs.count else {
      throw .argument("inputs: this network has \(graph.inputs.count), got \(inputs.count)")
    }
    guard !graph.outputs.isEmpty else { throw .argument("network: has no outputs") }
    let none = try Shape("absent")
    shapes = [Shape](repeating: none, count: graph.values.count)
    for (i, value) in graph.values.enumerated() {
      switch value.source {
      case .input(let number):
        shapes[i] = inputs[number]
        places[i] = .given(.input(number))
      case .parameter(let number):
        shapes[i] = graph.parameters.entries[number].shape
        places[i] = .given(.parameter(offset: graph.parameters.entries[number].offset))
      case .buffer(let number):
        shapes[i] = graph.buffers.entries[number].shape
        places[i] = .given(.buffer(offset: graph.buffers.entries[number].offset))
      case .integers: shapes[i] = value.shape ?? none
      case .node: break
      }
    }
    for node in graph.nodes {
      let inputs = node.inputs.map { $0.map { shapes[$0.index] } ?? none }
      let (outputs, left) = try naming(node.name, node.operatorName) { () throws(CNNError) in
        let outputs = try node.made.outputShapes(of: inputs)
        return (outputs, mode == .train ? try node.made.kept(inputs, outputs) : [])
      }
      guard outputs.count >= node.outputs.count else {
        throw .argument(
          "\(node.name) (\(node.operatorName)): outputs: wanted at most \(outputs.count), got \(node.outputs.count)")
      }
      for (i, output) in node.outputs.enumerated() { shapes[output.index] = outputs[i] }
      kept.append(left)
      // What training changes must not be the caller's, nor what an optimizer changes.
      for i in node.made.updatedInputs where mode == .train && i < node.inputs.count {
        guard let input = node.inputs[i], case .buffer = graph.values[input.index].source else {
          throw .argument(
            "\(node.name) (\(node.operatorName)): \(node.made.signature.inputs[i]): wanted a constant, which training changes")
        }
      }
    }
  }

  // Gradients

  mutating func findGradients() throws(CNNError) {
    needsGradient = [Bool](repeating: false, count: graph.values.count)
    runsBackward = [Bool](repeating: false, count: n)
    guard mode == .train else { return }
    for (i, value) in graph.values.enumerated() {
      if case .parameter(let number) = value.source { needsGradient[i] = !graph.treatments[number].isFrozen }
    }
    for node in graph.nodes where node.inputs.contains(where: { $0.map { needsGradient[$0.index] } ?? false }) {
      for output in node.outputs { needsGradient[output.index] = true }
    }
    var isReached = [Bool](repeating: false, count: graph.values.count)
    isReached[graph.outputs[0].index] = true
    for (number, node) in graph.nodes.enumerated().reversed() where node.outputs.contains(where: { isReached[$0.index] }) {
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

  mutating func findLastUses() {
    lastUse = [Int](repeating: -1, count: graph.values.count)
    func use(_ id: ValueID?, _ moment: Int) { if let id { lastUse[id.index] = max(lastUse[id.index], moment) } }
    for (number, node) in graph.nodes.enumerated() {
      for id in node.inputs { use(id, number) }
      guard runsBackward[number] else { continue }
      for i in node.made.backwardReadsInputs where i < node.inputs.count { use(node.inputs[i], backwardMoment(number)) }
      for i in node.made.backwardReadsOutputs where i < node.outputs.count { use(node.outputs[i], backwardMoment(number)) }
    }
    for id in graph.outputs { use(id, end) }
  }

  private mutating func newLife(_ shape: Shape, at moment: Int, stride: Int = MemoryLayout<T>.stride) throws(CNNError) -> Place
  {
    let life = Life(bytes: shape.count * stride, at: moment)
    let sum = bytes.addingReportingOverflow(life.bytes)
    guard !sum.overflow && sum.partialValue < Int.max / 4 else {
      throw CNNError(.memory, "no memory for arrays of so many elements")
    }
    bytes = sum.partialValue
    lives.append(life)
    return .life(lives.count - 1)
  }
  private mutating func extend(_ slot: Int, to moment: Int) {
    if case .life(let i) = places[slot] { lives[i].last = max(lives[i].last, moment) }
  }

  mutating func placeForward(_ number: Int) throws(CNNError) {
    let node = graph.nodes[number]
    for (i, output) in node.outputs.enumerated() {
      let shape = shapes[output.index]
      if i == 0, let shared = sharedPlace(node, number) {
        places[output.index] = shared
      } else {
        places[output.index] = try newLife(shape, at: number)
      }
      extend(output.index, to: max(number, lastUse[output.index]))
    }
    for array in kept[number] {
      let stride =
        switch array.element {
        case .int32: 4
        case .uint8: 1
        case .network: MemoryLayout<T>.stride
        }
      keptSlots[number].append(places.count)
      places.append(try newLife(array.shape, at: number, stride: stride))
      extend(places.count - 1, to: runsBackward[number] ? backwardMoment(number) : number)
    }
  }

  /// The memory of an input in which output 0 can lie, if there is one.
  private func sharedPlace(_ node: Graph<T>.Node, _ number: Int) -> Place? {
    if node.made.isView(mode), let input = node.inputs.first, let input { return places[input.index] }
    for i in node.made.mayOverwriteInputs where i < node.inputs.count {
      guard let input = node.inputs[i], shapes[input.index] == shapes[node.outputs[0].index] else { continue }
      // Nobody needs what is there any more, this node reads it once, and it is not the caller's.
      guard case .life(let life) = places[input.index], lives[life].last <= number else { continue }
      if node.inputs.filter({ $0 == input }).count == 1 { return .life(life) }
    }
    return nil
  }

  mutating func placeLossGradient() throws(CNNError) -> Operand? {
    guard mode == .train else { return nil }
    let output = graph.outputs[0], slot = gradientSlot(output)
    if case .parameter(let number) = graph.values[output.index].source {
      places[slot] = .given(.gradient(offset: graph.parameters.entries[number].offset))
    } else {
      places[slot] = try newLife(shapes[output.index], at: n)
    }
    return Operand(shapes[output.index], slot: slot)
  }

  mutating func placeBackward(_ number: Int) throws(CNNError) -> Plan<T>.Backward {
    let node = graph.nodes[number], moment = backwardMoment(number)
    var result = Plan<T>.Backward()
    for output in node.outputs {
      let slot = gradientSlot(output)
      if places[slot] == nil {
        places[slot] = try newLife(shapes[output.index], at: moment)
        result.zeroed.append(Operand(shapes[output.index], slot: slot))
      }
      extend(slot, to: moment)
    }
    let output = node.outputs[0]
    var free = places[gradientSlot(output)]  // for one of the inputs' gradients
    for (i, input) in node.inputs.enumerated() {
      guard let input, needsGradient[input.index] else {
        gradInputs[number].append(nil)
        continue
      }
      let shape = shapes[input.index], slot = gradientSlot(input)
      var shared: Place?
      let mayShare =
        node.made.isView(mode) ? i == 0 : node.made.gradientMayOverwrite.contains(i) && shape == shapes[output.index]
      if mayShare, case .life = free { shared = free }
      if places[slot] != nil {
        // Not the first gradient of this value: a summand.
        let summand = Operand(shape, slot: places.count)
        if let shared { places.append(shared) } else { places.append(try newLife(shape, at: moment)) }
        gradInputs[number].append(summand)
        result.additions.append((summand, Operand(shape, slot: slot)))
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
        places[slot] = try newLife(shape, at: moment)
      }
      gradInputs[number].append(Operand(shape, slot: slot))
    }
    return result
  }

  // The result

  func operands(_ number: Int) -> Operands {
    let node = graph.nodes[number]
    func operand(_ id: ValueID?) -> Operand? {
      guard let id, places[id.index] != nil else { return nil }
      return Operand(shapes[id.index], slot: id.index)
    }
    return Operands(
      names: node.made.signature.inputs, inputs: node.inputs.map(operand), outputs: node.outputs.map(operand),
      kept: kept[number].indices.map { Operand(kept[number][$0].shape, slot: keptSlots[number][$0]) },
      gradInputs: gradInputs[number],
      gradOutputs: runsBackward[number] ? node.outputs.map { Operand(shapes[$0.index], slot: gradientSlot($0)) } : [])
  }

  mutating func finish() -> (bytes: Int, locations: [Plan<T>.Location]) {
    // Gradients of parameters that no node computes are the caller's to read all the same.
    for i in graph.values.indices where mode == .train && places[graph.values.count + i] == nil {
      if case .parameter(let number) = graph.values[i].source {
        places[graph.values.count + i] = .given(.gradient(offset: graph.parameters.entries[number].offset))
      }
    }
    let size = Life.place(&lives)
    let locations: [Plan<T>.Location] = places.map { place in
      switch place {
      case nil: .none
      case .given(let location): location
      case .life(let i): .arena(offset: lives[i].offset)
      }
    }
    return (size, locations)
  }
}
