// Which values are blocked by channels: a choice for each node between its planar form and the blocked one that its layout rule
// describes, so that what the blocked forms gain is worth the conversions between neighbours that differ.
import CNNCore
import CNNOperators

/// Who chooses layouts: the planner, or tests and experiments.
package enum LayoutChoice: Sendable {
  case automatic
  /// All planar; blocked wherever an operator can.
  case planar, blocked
}

/// A graph with the conversions that its layouts need, and the shape and layout of each of its values.
struct LaidOutGraph<T: Element> {
  let graph: Graph<T>
  let kinds: ValueKinds
  let layouts: [ArrayLayout]
}

extension Graph {
  func laidOut(_ kinds: ValueKinds, _ mode: Mode, _ choice: LayoutChoice) throws(CNNError) -> LaidOutGraph<T> {
    let planar = [ArrayLayout](repeating: .planar, count: values.count)
    guard choice != .planar else { return LaidOutGraph(graph: self, kinds: kinds, layouts: planar) }
    var assignment = LayoutAssignment(self, kinds)
    guard try assignment.readRules(mode) else { return LaidOutGraph(graph: self, kinds: kinds, layouts: planar) }
    if choice == .automatic { assignment.improve() }
    return try assignment.insertConversions(planar)
  }
}

private struct LayoutAssignment<T: Element> {
  private let graph: Graph<T>, kinds: ValueKinds
  private var shapes: [Shape] { kinds.shapes }
  private var rules: [LayoutRule?] = []
  /// Of each node, whether it has its blocked form.
  private var isBlocked: [Bool] = []
  private var producer: [Int?], consumers: [[(node: Int, input: Int)]]

  init(_ graph: Graph<T>, _ kinds: ValueKinds) {
    (self.graph, self.kinds) = (graph, kinds)
    producer = [Int?](repeating: nil, count: graph.values.count)
    consumers = [[(node: Int, input: Int)]](repeating: [], count: graph.values.count)
    for (number, node) in graph.nodes.enumerated() {
      for output in node.outputs { producer[output.index] = number }
      for (i, input) in node.inputs.enumerated() { if let input { consumers[input.index].append((number, i)) } }
    }
  }

  /// All nodes that have a rule begin in their blocked form; false: there are none.
  mutating func readRules(_ mode: Mode) throws(CNNError) -> Bool {
    let none = try Shape("absent")
    for node in graph.nodes {
      // Of numbers, but for what was read when the operator was made, such as axes.
      let read = node.made.signature.readInputs
      let given = node.inputs.indices.compactMap { read.contains($0) ? nil : node.inputs[$0] }
      guard (given + node.outputs).allSatisfy({ kinds.types[$0.index] == T.elementType }) else {
        rules.append(nil)
        continue
      }
      let inputs = node.inputs.map { $0.map { shapes[$0.index] } ?? none }
      rules.append(
        try naming(node.name, node.operatorName) { () throws(CNNError) in try node.made.layoutRule(inputs: inputs, mode) })
    }
    isBlocked = rules.map { $0 != nil }
    return isBlocked.contains(true)
  }

  // What a choice comes to

  private func wish(_ node: Int, _ input: Int) -> LayoutRule.Wish {
    guard isBlocked[node], let rule = rules[node], input < rule.inputs.count else { return .planar }
    return rule.inputs[input]
  }
  /// Whether the value's producer gives it blocked.
  private func isStoredBlocked(_ value: Int) -> Bool {
    guard let node = producer[value], isBlocked[node], let rule = rules[node], shapes[value].rank == 4 else { return false }
    if case .planar = rule.output { return false }
    return true
  }

  /// Elements converted of this value.
  private func conversion(_ value: Int) -> Int {
    let stored = isStoredBlocked(value)
    var isNeeded = stored && graph.outputs.contains { $0.index == value }
    for (node, input) in consumers[value] where !isNeeded {
      switch wish(node, input) {
      case .planar: isNeeded = stored
      case .blocked: isNeeded = !stored
      case .either: break
      }
    }
    return isNeeded ? shapes[value].count : 0
  }

  private func values(around node: Int) -> [Int] {
    (graph.nodes[node].inputs.compactMap { $0 } + graph.nodes[node].outputs).map { $0.index }
  }
  /// What changing the form of all these nodes would cost; negative: save.
  private mutating func costOfChanging(_ nodes: [Int]) -> Int {
    var touched: [Int] = [], isTouched = [Bool](repeating: false, count: graph.values.count)
    for node in nodes {
      for value in values(around: node) where !isTouched[value] {
        isTouched[value] = true
        touched.append(value)
      }
    }
    func total() -> Int {
      var cost = 0
      for value in touched { cost += conversion(value) }
      for node in nodes where isBlocked[node] { cost -= rules[node]?.gain ?? 0 }
      return cost
    }
    let before = total()
    for node in nodes { isBlocked[node].toggle() }
    let after = total()
    for node in nodes { isBlocked[node].toggle() }
    return after - before
  }

  /// Changes single nodes, and whole regions of blocked neighbours, as long as that saves something.
  mutating func improve() {
    for _ in 0..<8 {
      var isChanged = false
      for region in regions() where costOfChanging(region) <= 0 {
        for node in region { isBlocked[node] = false }
        isChanged = true
      }
      for node in graph.nodes.indices where rules[node] != nil && costOfChanging([node]) < 0 {
        isBlocked[node].toggle()
        isChanged = true
      }
      if !isChanged { break }
    }
  }

  /// Blocked nodes that hand blocked values to each other.
  private func regions() -> [[Int]] {
    var region = Partition(graph.nodes.count)
    for value in graph.values.indices where isStoredBlocked(value) {
      guard let node = producer[value] else { continue }
      for consumer in consumers[value] where isBlocked[consumer.node] { region.join(node, consumer.node) }
    }
    var lists = [[Int]](repeating: [], count: graph.nodes.count)
    for node in graph.nodes.indices where isBlocked[node] { lists[region.representative(node)].append(node) }
    return lists.filter { !$0.isEmpty }
  }

  // The result

  /// The graph with the layouts chosen, whose values behind the graph's own are conversions of these.
  func insertConversions(_ planar: [ArrayLayout]) throws(CNNError) -> LaidOutGraph<T> {
    var values = graph.values, nodes: [Graph<T>.Node] = [], kinds = kinds, layouts = planar
    let halos = halos()
    for value in graph.values.indices where isStoredBlocked(value) { layouts[value] = .blocked(halo: halos[value]) }
    var converted = [ValueID?](repeating: nil, count: graph.values.count)

    func other(_ id: ValueID) -> ValueID {
      if let made = converted[id.index] { return made }
      let made = ValueID(index: values.count), value = values[id.index]
      values.append(Graph<T>.Value(name: value.name, source: .node(nodes.count), shape: nil))
      kinds.shapes.append(shapes[id.index])
      kinds.types.append(kinds.types[id.index])
      layouts.append(layouts[id.index] == .planar ? .blocked(halo: halos[id.index]) : .planar)
      nodes.append(
        Graph<T>.Node(
          name: value.name, operatorName: "LayoutConversion", attributes: [], inputs: [id], outputs: [made],
          made: LayoutConversion()))
      converted[id.index] = made
      return made
    }
    for (number, node) in graph.nodes.enumerated() {
      var inputs: [ValueID?] = []
      for (i, input) in node.inputs.enumerated() {
        guard let input else {
          inputs.append(nil)
          continue
        }
        switch wish(number, i) {
        case .planar: inputs.append(layouts[input.index] == .planar ? input : other(input))
        case .blocked: inputs.append(layouts[input.index] == .planar ? other(input) : input)
        case .either: inputs.append(input)
        }
      }
      nodes.append(node.with(inputs: inputs, outputs: node.outputs))
    }
    let outputs = graph.outputs.map { layouts[$0.index] == .planar ? $0 : other($0) }
    return LaidOutGraph(
      graph: Graph(like: graph, values: values, nodes: nodes, outputs: outputs), kinds: kinds, layouts: layouts)
  }

  /// The halo of each value in its blocked form: the largest that is asked for, by whoever uses it or an array that must be like it.
  private func halos() -> [Int] {
    var alike = Partition(graph.values.count), halos = [Int](repeating: 0, count: graph.values.count)
    for (number, node) in graph.nodes.enumerated() {
      for (i, input) in node.inputs.enumerated() {
        guard let input else { continue }
        switch wish(number, i) {
        case .planar: continue
        case .blocked(let halo), .either(let halo): halos[input.index] = max(halos[input.index], halo)
        }
      }
      guard isBlocked[number], let rule = rules[number] else { continue }
      for output in node.outputs {
        halos[output.index] = max(halos[output.index], rule.outputHalo)
        if case .asInputs = rule.output { for input in node.inputs { if let input { alike.join(input.index, output.index) } } }
      }
    }
    for value in halos.indices {
      let first = alike.representative(value)
      halos[first] = max(halos[first], halos[value])
    }
    return halos.indices.map { halos[alike.representative($0)] }
  }
}

/// Disjoint sets of 0..<count.
private struct Partition {
  private var parent: [Int]
  init(_ count: Int) { parent = Array(0..<count) }
  func representative(_ i: Int) -> Int {
    var i = i
    while parent[i] != i { i = parent[i] }
    return i
  }
  mutating func join(_ a: Int, _ b: Int) {
    let (a, b) = (representative(a), representative(b))
    parent[max(a, b)] = min(a, b)
  }
}
