// A graph made simpler before it is compiled: the same results from less work. The caller's graph stays as it was made.
import CNNCore
import CNNOperators

extension Graph {
  /// This graph, or one with fewer or cheaper nodes over the same parameters.
  func rewritten(_ inputs: [Shape], _ mode: Mode) throws(CNNError) -> Graph {
    var draft = Draft(self, try kinds(inputs, mode).shapes)
    // First, because an activation costs nothing where it is absorbed; and once more, because maxima may have come nearer.
    try draft.absorbNeighbours(mode)
    draft.maximaFirst()
    try draft.absorbNeighbours(mode)
    return draft.isChanged ? Graph(like: self, values: draft.values, nodes: draft.nodes) : self
  }
}

private struct Draft<T: Element> {
  private(set) var values: [Graph<T>.Value], nodes: [Graph<T>.Node]
  private var shapes: [Shape]
  private let outputs: [ValueID]
  private(set) var isChanged = false

  init(_ graph: Graph<T>, _ shapes: [Shape]) {
    (values, nodes, outputs, self.shapes) = (graph.values, graph.nodes, graph.outputs, shapes)
  }

  /// The one node that uses output 0 of this node and nothing else of it, as its first input or as one that may as well be the first.
  private func onlyUser(_ number: Int) -> (node: Int, place: Int)? {
    let node = nodes[number]
    guard node.outputs.count == 1, !outputs.contains(node.outputs[0]) else { return nil }
    var user: (node: Int, place: Int)?
    for (i, other) in nodes.enumerated() {
      for (place, input) in other.inputs.enumerated() where input == node.outputs[0] {
        guard user == nil && (place == 0 || other.made.isCommutative) else { return nil }
        user = (i, place)
      }
    }
    return user
  }

  private func isBeforeMaxima(_ number: Int) -> Bool {
    nodes[number].made.neverFalls && onlyUser(number).map { nodes[$0.node].made.takesMaxima } ?? false
  }

  /// max(f(x)) = f(max(x)) where f never falls: f then works on the maxima alone, forward and backward. Gradients are the same
  /// too: where f makes cells equal that were not, its slope is 0.
  mutating func maximaFirst() {
    for number in nodes.indices where isBeforeMaxima(number) {
      guard let user = onlyUser(number)?.node, nodes[user].outputs.count == 1 else { continue }
      let (activation, maximum) = (nodes[number], nodes[user])
      let value = ValueID(index: values.count)
      values.append(Graph<T>.Value(name: activation.name, source: .node(number), shape: nil))
      shapes.append(shapes[maximum.outputs[0].index])
      nodes[number] = maximum.with(inputs: [activation.inputs[0]] + maximum.inputs.dropFirst(), outputs: [value])
      nodes[user] = activation.with(inputs: [value], outputs: maximum.outputs)
      isChanged = true
    }
  }

  /// A node takes over what follows it, as long as it can: a convolution the normalization and activation of its output, say.
  mutating func absorbNeighbours(_ mode: Mode) throws(CNNError) {
    var number = 0
    let none = try Shape("absent")
    func shapes(_ list: [ValueID?]) -> [Shape] { list.map { $0.map { self.shapes[$0.index] } ?? none } }
    while number < nodes.count {
      guard let (user, place) = onlyUser(number),
        let made = try nodes[number].made.absorbing(
          Neighbour(nodes[user].made, others: shapes(nodes[user].inputs(but: place)), isBeforeMaxima: isBeforeMaxima(user)),
          mode, inputs: shapes(nodes[number].inputs))
      else {
        number += 1
        continue
      }
      // At the user's place in the order, where all of its other inputs are there.
      let (first, next) = (nodes[number], nodes[user])
      let missing = [ValueID?](repeating: nil, count: first.made.signature.inputs.count - first.inputs.count)
      nodes[user] = first.with(inputs: first.inputs + missing + next.inputs(but: place), outputs: next.outputs, made: made)
      nodes[user].absorbed += [next.operatorName]
      nodes.remove(at: number)
      isChanged = true
    }
  }
}

extension Graph.Node {
  fileprivate func inputs(but place: Int) -> [ValueID?] { Array(inputs[..<place] + inputs[(place + 1)...]) }
  func with(inputs: [ValueID?], outputs: [ValueID], made: Operator<T>? = nil) -> Self {
    Self(
      name: name, operatorName: operatorName, attributes: attributes, inputs: inputs, outputs: outputs,
      made: made ?? self.made, absorbed: absorbed)
  }
}
