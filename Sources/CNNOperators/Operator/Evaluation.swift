// One operator run at once, on arrays that are at hand: how constants are folded.
package import CNNCore

extension Operator {
  /// Its outputs, of these shapes and types, in inference.
  package final func evaluate(
    _ inputs: [TypedArray?], _ outputs: [(shape: Shape, type: ElementType)]
  ) throws(CNNError) -> [TypedArray] {
    // A view keeps the memory that it looks at.
    if isView(.infer), let first = inputs.first, let first, outputs.count == 1 {
      return [TypedArray(outputs[0].shape, sharing: first)]
    }
    var results: [TypedArray] = []
    for output in outputs { results.append(try TypedArray(output.shape, output.type)) }
    let table = try Scratch<UnsafeMutableRawPointer?>(inputs.count + results.count)
    let given = inputs.enumerated().map { slot, array in
      table.data[slot] = array?.data
      return array.map { Operand($0.shape, slot: slot, type: $0.type) }
    }
    let made = results.enumerated().map { i, array in
      table.data[inputs.count + i] = array.data
      return Operand(array.shape, slot: inputs.count + i, type: array.type) as Operand?
    }
    let operands = Operands(
      names: signature.inputs, inputs: given, outputs: made, kept: [], gradInputs: [], gradOutputs: [], prepared: [])
    try withExtendedLifetime(inputs) { () throws(CNNError) in
      try forward(Arrays(operands, UnsafePointer(table.data), mode: .infer, seed: 0, node: 0))
    }
    return results
  }
}
