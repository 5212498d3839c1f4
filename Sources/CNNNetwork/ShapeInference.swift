// Shape inference and constant folding: what a graph comes to for inputs of given shapes. Nodes whose inputs are all known are run now, by
// the operators that run them at any other time; so what computes shapes is gone before a network runs.
import CNNCore
import CNNOperators

/// A graph all of whose operators are made, and what it was made for.
struct InferredGraph<T: Element> {
  let graph: Graph<T>
  /// The inputs whose elements decided something, with these elements.
  let contents: [(input: Int, array: TypedArray)]
}

extension Graph {
  /// Bools may come as the bytes 0 and 1 that they are.
  func withBools(_ given: [AnyInput]) -> [AnyInput] {
    guard given.count == inputs.count, given.contains(where: { $0.type == .uint8 }) else { return given }
    return zip(given, inputs).map { x, id in
      x.type == .uint8 && values[id.index].type == .bool ? AnyInput(x.name, x.shape, .bool, x.data) : x
    }
  }

  /// For inputs of these shapes, with these elements (empty: not known). Elements are looked at only where an operator must read what
  /// follows from them.
  func inferred(_ shapes: [Shape], _ contents: [AnyInput]) throws(CNNError) -> InferredGraph<T> {
    guard shapes.count == inputs.count else {
      throw .argument("inputs: this network has \(inputs.count), got \(shapes.count)")
    }
    guard !outputs.isEmpty else { throw .argument("network: has no outputs") }
    for (given, id) in zip(contents, inputs) {
      guard let type = values[id.index].type, given.type != type else { continue }
      throw .type("inputs: \(values[id.index].name): wanted elements of \(type.description), got \(given.type.description)")
    }
    var known: [(input: Int, array: TypedArray)] = []
    while true {
      var inference = try Inference(self, shapes, known)
      for number in nodes.indices {
        if try inference.visit(number) { continue }
        // An operator must read what is not known yet.
        let missing = inference.inputs(behind: number).filter { i in !known.contains { $0.input == i } }
        guard contents.count == inputs.count, !missing.isEmpty else { try inference.throwMissing(number) }
        for i in missing { known.append((i, try TypedArray(contents[i]))) }
        break
      }
      if inference.isComplete { return InferredGraph(graph: inference.result(), contents: known) }
    }
  }
}

private struct Inference<T: Element> {
  private let graph: Graph<T>
  private var values: [Graph<T>.Value]
  private var shapes: [Shape], types: [ElementType?]
  private var nodes: [Graph<T>.Node] = []
  private var visited = 0, isFolded = false
  var isComplete: Bool { visited == graph.nodes.count }

  init(_ graph: Graph<T>, _ inputs: [Shape], _ known: [(input: Int, array: TypedArray)]) throws(CNNError) {
    (self.graph, values) = (graph, graph.values)
    let none = try Shape("absent")
    shapes = graph.values.map { $0.shape ?? none }
    types = graph.values.map { $0.type }
    for (i, id) in graph.inputs.enumerated() { shapes[id.index] = inputs[i] }
    for (i, array) in known { set(graph.inputs[i], .planConstant(array)) }
  }

  private mutating func set(_ id: ValueID, _ source: Graph<T>.Source) {
    values[id.index] = Graph<T>.Value(
      name: values[id.index].name, source: source, shape: shapes[id.index], type: types[id.index])
  }

  /// The node as the maker of its operator sees it, with what is known by now.
  private func description(of node: Graph<T>.Node) throws(CNNError) -> Attributes {
    let given = node.inputs.map { id in id.map { graph.given(values[$0.index]) } ?? .absent }
    return try Attributes(of: node.operatorName, node.attributes, inputs: given, outputs: node.outputs.count)
  }

  /// Makes, infers and if possible folds this node; false: it cannot be made.
  mutating func visit(_ number: Int) throws(CNNError) -> Bool {
    var node = graph.nodes[number]
    if node.made.isPending {
      let made = try naming(node.name, node.operatorName) { () throws(CNNError) in try graph.make(description(of: node)) }
      if made.isPending { return false }
      node = node.with(inputs: node.inputs, outputs: node.outputs, made: made)
    }
    let (given, results) = try naming(node.name, node.operatorName) { () throws(CNNError) in
      let none = try Shape("absent")
      let given = node.inputs.map { $0.map { shapes[$0.index] } ?? none }
      let results = try node.made.outputShapes(of: given)
      let kinds = try node.made.outputTypes(of: node.inputs.map { $0.flatMap { types[$0.index] } })
      return (given, (shapes: results, types: kinds))
    }
    guard results.shapes.count >= node.outputs.count && results.types.count >= node.outputs.count else {
      throw .argument(
        "\(node.name) (\(node.operatorName)): outputs: wanted at most \(results.shapes.count), got \(node.outputs.count)")
    }
    for (i, output) in node.outputs.enumerated() {
      (shapes[output.index], types[output.index]) = (results.shapes[i], results.types[i])
    }
    visited += 1
    if let folded = try fold(node, number, given) {
      isFolded = true
      for (i, output) in node.outputs.enumerated() {
        set(output, folded.isOfPlan ? .planConstant(folded.arrays[i]) : .constant(folded.arrays[i]))
      }
    } else {
      for output in node.outputs { set(output, values[output.index].source) }
      nodes.append(node)
    }
    return true
  }

  /// The node's outputs, if they are known already.
  private func fold(
    _ node: Graph<T>.Node, _ number: Int, _ given: [Shape]
  ) throws(CNNError) -> (arrays: [TypedArray], isOfPlan: Bool)? {
    try naming(node.name, node.operatorName) { () throws(CNNError) in
      if let arrays = try node.made.outputs(ofShapes: given) { return (arrays, true) }
      guard node.made.isDeterministic && node.made.updatedInputs.isEmpty else { return nil }
      var inputs: [TypedArray?] = [], isOfPlan = false, bytes = 1 << 20
      for id in node.inputs {
        guard let id else {
          inputs.append(nil)
          continue
        }
        guard let array = values[id.index].constant else { return nil }
        if case .planConstant = values[id.index].source { isOfPlan = true }
        inputs.append(array)
        bytes += array.shape.count * array.type.stride
      }
      // With labels: to add them later is a cast, which Embedded Swift has not.
      let outputs = node.outputs.map { (shape: shapes[$0.index], type: types[$0.index] ?? T.elementType) }
      // What makes much of little is cheaper to run than to keep.
      if outputs.reduce(0, { $0 + $1.shape.count * $1.type.stride }) > bytes { return nil }
      if isOfPlan { return (try node.made.evaluate(inputs, outputs), true) }
      if let arrays = graph.folded.find(number, graph.version) { return (arrays, false) }
      let arrays = try node.made.evaluate(inputs, outputs)
      graph.folded.add(number, graph.version, arrays)
      return (arrays, false)
    }
  }

  /// The graph's inputs whose elements decide what this node cannot read.
  func inputs(behind number: Int) -> [Int] {
    var isMarked = [Bool](repeating: false, count: values.count)
    let node = graph.nodes[number]
    guard let description = try? description(of: node) else { return [] }
    _ = try? OperatorKind<T>.make(description)
    for i in description.unknownInputs { if let id = node.inputs[i] { isMarked[id.index] = true } }
    for node in graph.nodes[..<number].reversed() where node.outputs.contains(where: { isMarked[$0.index] }) {
      for id in node.inputs { if let id, values[id.index].constant == nil { isMarked[id.index] = true } }
    }
    return graph.inputs.indices.filter { isMarked[graph.inputs[$0].index] }
  }
  func throwMissing(_ number: Int) throws(CNNError) -> Never {
    let node = graph.nodes[number]
    try naming(node.name, node.operatorName) { () throws(CNNError) in _ = try OperatorKind<T>.make(description(of: node)) }
    throw CNNError(.unsupported, "\(node.name) (\(node.operatorName)): reads what is not known")
  }

  /// The nodes that are left, without those whose outputs only what is folded has used.
  func result() -> Graph<T> {
    var left = nodes
    if isFolded {
      var isUsed = [Bool](repeating: false, count: values.count)
      for id in graph.outputs { isUsed[id.index] = true }
      left = []
      for node in nodes.reversed() where node.outputs.contains(where: { isUsed[$0.index] }) {
        for id in node.inputs { if let id { isUsed[id.index] = true } }
        left.append(node)
      }
      left.reverse()
    }
    return Graph(like: graph, values: values, nodes: left)
  }
}

/// What follows from a graph's constants alone, for all of its plans. Several threads may ask.
final class FoldedConstants {
  private var entries: [(node: Int, version: Int, arrays: [TypedArray])] = []

  func find(_ node: Int, _ version: Int) -> [TypedArray]? {
    locked {
      for entry in entries where entry.node == node && entry.version == version { return entry.arrays }
      return nil
    }
  }
  func add(_ node: Int, _ version: Int, _ arrays: [TypedArray]) {
    // What goes is released outside of the lock.
    let old = locked { () -> [[TypedArray]] in
      let old = entries.filter { $0.version != version }.map { $0.arrays }
      entries.removeAll { $0.version != version }
      entries.append((node, version, arrays))
      return old
    }
    withExtendedLifetime(old) {}
  }
}
