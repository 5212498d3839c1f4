// The shapes of all values, from those of the inputs.
import CNNCore
import CNNOperators

extension Graph {
  /// Of each value, in order; [] for what has none.
  func shapes(_ inputs: [Shape], _ mode: Mode) throws(CNNError) -> [Shape] {
    guard inputs.count == self.inputs.count else {
      throw .argument("inputs: this network has \(self.inputs.count), got \(inputs.count)")
    }
    guard !outputs.isEmpty else { throw .argument("network: has no outputs") }
    let none = try Shape("absent")
    var shapes = [Shape](repeating: none, count: values.count)
    for (i, value) in values.enumerated() {
      switch value.source {
      case .input(let number): shapes[i] = inputs[number]
      case .parameter(let number): shapes[i] = parameters.entries[number].shape
      case .buffer(let number): shapes[i] = buffers.entries[number].shape
      case .integers: shapes[i] = value.shape ?? none
      case .node: break
      }
    }
    for node in nodes {
      let given = node.inputs.map { $0.map { shapes[$0.index] } ?? none }
      let results = try naming(node.name, node.operatorName) { () throws(CNNError) in try node.made.outputShapes(of: given) }
      guard results.count >= node.outputs.count else {
        throw .argument(
          "\(node.name) (\(node.operatorName)): outputs: wanted at most \(results.count), got \(node.outputs.count)")
      }
      for (i, output) in node.outputs.enumerated() { shapes[output.index] = results[i] }
      // What training changes must not be the caller's, nor what an optimizer changes.
      for i in node.made.updatedInputs where mode == .train && i < node.inputs.count {
        guard let input = node.inputs[i], case .buffer = values[input.index].source else {
          throw .argument(
            "\(node.name) (\(node.operatorName)): \(node.made.signature.inputs[i]): wanted a constant, which training changes")
        }
      }
    }
    return shapes
  }
}
