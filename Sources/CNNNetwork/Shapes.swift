// The shapes and types of all values, from those of the inputs.
import CNNCore
import CNNOperators

/// Of each value, in order.
struct ValueKinds {
  var shapes: [Shape], types: [ElementType]
}

extension Graph {
  /// [] and the network's type for what has none.
  func kinds(_ inputs: [Shape], _ mode: Mode) throws(CNNError) -> ValueKinds {
    let none = try Shape("absent")
    var shapes = [Shape](repeating: none, count: values.count)
    var types = values.map { $0.type ?? T.elementType }
    for (i, value) in values.enumerated() {
      switch value.source {
      case .input(let number): shapes[i] = inputs[number]
      case .parameter(let number): shapes[i] = parameters.entries[number].shape
      case .buffer(let number): shapes[i] = buffers.entries[number].shape
      case .constant(let array), .planConstant(let array): (shapes[i], types[i]) = (array.shape, array.type)
      case .node: break
      }
    }
    for node in nodes {
      let given = node.inputs.map { $0.map { shapes[$0.index] } ?? none }
      try naming(node.name, node.operatorName) { () throws(CNNError) in
        let made = try node.made.outputShapes(of: given)
        let kinds = try node.made.outputTypes(of: node.inputs.map { id in id.map { types[$0.index] } })
        for (i, output) in node.outputs.enumerated() { (shapes[output.index], types[output.index]) = (made[i], kinds[i]) }
      }
      // What training changes must not be the caller's, nor what an optimizer changes.
      for i in node.made.updatedInputs where mode == .train && i < node.inputs.count {
        guard let input = node.inputs[i], case .buffer = values[input.index].source else {
          throw .argument(
            "\(node.name) (\(node.operatorName)): \(node.made.signature.inputs[i]): wanted a constant, which training changes")
        }
      }
    }
    return ValueKinds(shapes: shapes, types: types)
  }
}
