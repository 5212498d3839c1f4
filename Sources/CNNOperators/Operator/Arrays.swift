// The arrays of one call of an operator, as the executor hands them out: shapes are the plan's, addresses the run's.
package import CNNCore

/// A shape, a type, a layout, and where the table of addresses has the memory.
package struct Operand {
  package let shape: Shape
  package let slot: Int
  package let layout: ArrayLayout
  /// nil: the operator knows.
  package let type: ElementType?
  package init(_ shape: Shape, slot: Int, _ layout: ArrayLayout = .planar, type: ElementType? = nil) {
    (self.shape, self.slot, self.layout, self.type) = (shape, slot, layout, type)
  }
}

/// What a step of a plan works on; nil where an array is absent or not wanted.
package final class Operands {
  package let names: [StaticString]
  package let inputs: [Operand?], outputs: [Operand?], kept: [Operand?]
  package let gradInputs: [Operand?], gradOutputs: [Operand?], prepared: [Operand?]
  /// The inputs whose gradient is added to what is there.
  package let addedGradients: [Int]

  package init(
    names: [StaticString], inputs: [Operand?], outputs: [Operand?], kept: [Operand?], gradInputs: [Operand?],
    gradOutputs: [Operand?], prepared: [Operand?], addedGradients: [Int] = []
  ) {
    (self.names, self.inputs, self.outputs, self.kept, self.prepared) = (names, inputs, outputs, kept, prepared)
    (self.gradInputs, self.gradOutputs, self.addedGradients) = (gradInputs, gradOutputs, addedGradients)
  }
}

package struct Arrays<T: Element> {
  package let mode: Mode
  private let stepSeed: UInt64, node: Int
  /// Another one for every node and step: what random operators draw from.
  package var seed: UInt64 {
    let words = philox(counter: UInt64(node), key: stepSeed)
    return UInt64(words[0]) << 32 | UInt64(words[1])
  }
  private let operands: Operands
  private let addresses: UnsafePointer<UnsafeMutableRawPointer?>

  package init(
    _ operands: Operands, _ addresses: UnsafePointer<UnsafeMutableRawPointer?>, mode: Mode, seed: UInt64, node: Int
  ) {
    (self.operands, self.addresses, self.mode, self.stepSeed, self.node) = (operands, addresses, mode, seed, node)
  }

  // An array that the operator did not announce is a mistake of the operator, and not a reason to end the process.
  private func array<U: BitwiseCopyable>(_ list: [Operand?], _ i: Int, _ name: StaticString) throws(CNNError) -> Output<U> {
    guard i < list.count, let operand = list[i], let address = addresses[operand.slot] else {
      throw .argument("\(name): is absent")
    }
    guard operand.layout == .planar else { throw CNNError(.unsupported, "\(name): wanted a planar array, got a blocked one") }
    return Output(name, operand.shape, address.assumingMemoryBound(to: U.self))
  }
  /// The same of the network's type.
  private func numbers(_ list: [Operand?], _ i: Int, _ name: StaticString) throws(CNNError) -> Output<T> {
    if i < list.count, let type = list[i]?.type, type != T.elementType {
      throw .type("\(name): wanted elements of \(T.elementType.description), got \(type.description)")
    }
    return try array(list, i, name)
  }
  private func any(_ list: [Operand?], _ i: Int, _ name: StaticString) throws(CNNError) -> AnyOutput {
    let array: Output<UInt8> = try array(list, i, name)
    return AnyOutput(name, array.shape, list[i]?.type ?? T.elementType, UnsafeMutableRawPointer(array.data))
  }
  private func blocked(_ list: [Operand?], _ i: Int) throws(CNNError) -> BlockedArray<T>? {
    guard i < list.count, let operand = list[i], case .blocked(let halo) = operand.layout, let address = addresses[operand.slot]
    else { return nil }
    return try BlockedArray(operand.shape, halo: halo, address.assumingMemoryBound(to: T.self))
  }
  private func name(_ i: Int) -> StaticString { i < operands.names.count ? operands.names[i] : "input" }

  package var inputCount: Int { operands.inputs.count }
  package func input(_ i: Int) throws(CNNError) -> Input<T> { try numbers(operands.inputs, i, name(i)).input }
  package func optionalInput(_ i: Int) throws(CNNError) -> Input<T>? {
    i < operands.inputs.count && operands.inputs[i] != nil ? try input(i) : nil
  }
  /// An input of `updatedInputs`, to be written.
  package func updatedInput(_ i: Int) throws(CNNError) -> Output<T> { try numbers(operands.inputs, i, name(i)) }
  package func output(_ i: Int = 0) throws(CNNError) -> Output<T> { try numbers(operands.outputs, i, "y") }

  // The same of whatever type.
  package func anyInput(_ i: Int) throws(CNNError) -> AnyInput { try any(operands.inputs, i, name(i)).input }
  package func anyOptionalInput(_ i: Int) throws(CNNError) -> AnyInput? {
    i < operands.inputs.count && operands.inputs[i] != nil ? try anyInput(i) : nil
  }
  package func anyOutput(_ i: Int = 0) throws(CNNError) -> AnyOutput { try any(operands.outputs, i, "y") }
  package var outputCount: Int { operands.outputs.count }
  package func inputType(_ i: Int) -> ElementType? { i < operands.inputs.count ? operands.inputs[i]?.type : nil }
  /// Number i of what `kept` lists: written by forward, read by backward. Only in training.
  package func kept<U: BitwiseCopyable>(_ i: Int) throws(CNNError) -> Output<U> {
    try array(operands.kept, i, "kept array")
  }
  package func gradOutput(_ i: Int = 0) throws(CNNError) -> Input<T> { try array(operands.gradOutputs, i, "grad_y").input }
  /// The same, to be overwritten: nobody reads it behind this step.
  package func ownedGradOutput() throws(CNNError) -> Output<T> { try array(operands.gradOutputs, 0, "grad_y") }
  /// nil: not wanted.
  package func gradInput(_ i: Int) throws(CNNError) -> Output<T>? {
    guard i < operands.gradInputs.count, operands.gradInputs[i] != nil else { return nil }
    return try array(operands.gradInputs, i, name(i))
  }

  /// Whether the gradient of input i, one of `Operator.addsToGradient`, is added to what is there.
  package func addsToGradient(_ i: Int) -> Bool { operands.addedGradients.contains(i) }

  // The same where they are blocked by channels, as the operator's layout rule allowed; nil where they are planar, or absent.
  package func blockedInput(_ i: Int) throws(CNNError) -> BlockedArray<T>? { try blocked(operands.inputs, i) }
  package func blockedOutput(_ i: Int = 0) throws(CNNError) -> BlockedArray<T>? { try blocked(operands.outputs, i) }
  package func blockedGradOutput(_ i: Int = 0) throws(CNNError) -> BlockedArray<T>? { try blocked(operands.gradOutputs, i) }
  package func blockedGradInput(_ i: Int) throws(CNNError) -> BlockedArray<T>? { try blocked(operands.gradInputs, i) }

  package var isOutputBlocked: Bool {
    if let operand = operands.outputs.first { operand.map { $0.layout != .planar } ?? false } else { false }
  }

  /// Input 0 and output 0 of an operator that works element by element, in one layout: of blocked ones all that is in memory. Of f(0) != 0
  /// `clearOutside` takes back what the operator wrote beside the elements.
  package func elements() throws(CNNError) -> (x: Input<T>, y: Output<T>) {
    if let x = try blockedInput(0), let y = try blockedOutput() { return (try x.flat("x").input, try y.flat("y")) }
    return (try input(0), try output())
  }
  /// The gradients of these, in the same way; nil where that of the input is not wanted.
  package func gradientElements() throws(CNNError) -> (gradY: Input<T>, gradX: Output<T>)? {
    if let gradX = try blockedGradInput(0), let gradY = try blockedGradOutput() {
      return (try gradY.flat("grad_y").input, try gradX.flat("grad_x"))
    }
    guard let gradX = try gradInput(0) else { return nil }
    return (try gradOutput(), gradX)
  }
  package func inputElements() throws(CNNError) -> Input<T> {
    if let x = try blockedInput(0) { try x.flat("x").input } else { try input(0) }
  }
  package func outputElements() throws(CNNError) -> Input<T> {
    if let y = try blockedOutput() { try y.flat("y").input } else { try output().input }
  }
  package func clearOutside() throws(CNNError) { try blockedOutput()?.clearOutside() }

  /// Number i of what `prepared` lists: to be written by `prepare`, and read by forward and backward. nil: there is none at hand.
  package func prepared<U: BitwiseCopyable>(_ i: Int) throws(CNNError) -> Output<U>? {
    guard i < operands.prepared.count, operands.prepared[i] != nil else { return nil }
    return try array(operands.prepared, i, "prepared array")
  }

  /// The shape of an input, whether or not its elements are at hand.
  package func inputShape(_ i: Int) throws(CNNError) -> Shape {
    guard i < operands.inputs.count, let operand = operands.inputs[i] else { throw .argument("\(name(i)): is absent") }
    return operand.shape
  }

  /// Input 0 as output 0, of whatever type; nothing where it is the same memory.
  package func copyThrough() throws(CNNError) {
    let x = try anyInput(0), y = try anyOutput()
    if x.data != UnsafeRawPointer(y.data) { copyBytes(x.data, to: y.data, x.bytes) }
  }
  /// The same elements elsewhere; nothing where it is the same memory.
  package func copyThrough(_ from: Input<T>, _ to: Output<T>) {
    if from.data != UnsafePointer(to.data) { copy(from.data, to: to.data, from.shape.count) }
  }
}
