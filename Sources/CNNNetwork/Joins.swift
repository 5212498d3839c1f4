// Values that are written where they belong in the array that joins them, as Concat's inputs on one image: nothing is copied then. The array
// takes memory from its first part on.
import CNNCore
import CNNOperators

/// Where a value lies in another.
struct Part {
  let whole: ValueID
  let offset: Int  // bytes
}

extension LaidOutGraph {
  /// What values are part of, by their index.
  func parts(_ mode: Mode) throws(CNNError) -> [Int: Part] {
    // Gradients of several users are summed, and batches train: only inference joins.
    if mode == .train { return [:] }
    var parts: [Int: Part] = [:], mayMove = [Bool](repeating: false, count: graph.values.count)
    for node in graph.nodes {
      if let whole = node.outputs.first, try isJoin(node, whole) {
        var offset = 0
        for case let input? in node.inputs {
          let isOnce = node.inputs.filter { $0 == input }.count == 1
          if mayMove[input.index] && parts[input.index] == nil && isOnce {
            parts[input.index] = Part(whole: whole, offset: offset)
          }
          offset += try bytes(input)
        }
      }
      // A view lies where its input does.
      if !node.made.isView(mode) { for output in node.outputs { mayMove[output.index] = true } }
    }
    return parts
  }

  private func isJoin(_ node: Graph<T>.Node, _ whole: ValueID) throws(CNNError) -> Bool {
    let inputs = node.inputs.compactMap { $0 }
    guard inputs.count == node.inputs.count, inputs.allSatisfy({ layouts[$0.index] == layouts[whole.index] }) else {
      return false
    }
    return try naming(node.name, node.operatorName) { () throws(CNNError) in
      try node.made.isJoin(inputs.map { kinds.shapes[$0.index] })
    }
  }
  /// What a value takes in memory.
  func bytes(_ value: ValueID) throws(CNNError) -> Int {
    try layouts[value.index].count(kinds.shapes[value.index], of: T.self) * kinds.types[value.index].stride
  }
}
