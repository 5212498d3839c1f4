// What an operator of a network states. One subclass an operator, one file a subclass, one line a subclass in Registry.swift.
package import CNNCore

/// Training keeps what backward needs and uses the batch's own statistics; inference does not.
package enum Mode: Sendable { case train, infer }

/// An array that forward leaves for backward, such as the winners of MaxPool.
package struct Kept {
  package enum Element { case int32, uint8, network }
  package let shape: Shape
  package let element: Element
  /// Bytes of an element, where the network's have so many.
  package func stride(network: Int) -> Int {
    switch element {
    case .int32: 4
    case .uint8: 1
    case .network: network
    }
  }
  package init(_ shape: Shape, _ element: Element) { (self.shape, self.element) = (shape, element) }
}

/// a * b, or the largest integer where that is less: of sizes that only say how much there would be to do.
package func saturatingProduct(_ a: Int, _ b: Int) -> Int {
  let (product, isOver) = a.multipliedReportingOverflow(by: b)
  return isOver ? .max : product
}

/// What image n of an operator's outputs follows from, where the images of a batch lie along the first axis.
package enum ImageRule {
  /// From other images too, or from how many these are.
  case together
  /// From image n of input 0, and from all of the others.
  case first
  /// From image n of every input.
  case all
  /// From image n of the inputs that have as many axes as the output; others have fewer, or a first axis of 1.
  case broadcast
}

/// How many inputs and outputs an operator has, checked for one node.
package struct Signature {
  /// ONNX's names of the inputs, for messages.
  package let inputs: [StaticString]
  package let outputs: Int
  /// The inputs whose elements the operator has read when it was made: of any type, and not looked at again.
  package let readInputs: [Int]

  /// Inputs behind the first `required` may be absent. `variadic`: any number of inputs more, named like the last.
  package init(
    _ attributes: Attributes, inputs: [StaticString], required: Int? = nil, variadic: Bool = false, outputs: Int = 1
  ) throws(CNNError) {
    let required = required ?? inputs.count, given = attributes.inputs.count
    var names = inputs
    while variadic && names.count < given { names.append(inputs[inputs.count - 1]) }
    guard given >= required && given <= names.count else {
      let wanted = variadic ? "at least \(required)" : required < names.count ? "\(required) to \(names.count)" : "\(required)"
      throw .argument("\(attributes.owner): inputs: wanted \(wanted), got \(given)")
    }
    for i in 0..<required {
      if case .absent = attributes.inputs[i] { throw .argument("\(attributes.owner): input \(names[i]) is absent") }
    }
    guard attributes.outputs >= 1 && attributes.outputs <= outputs else {
      throw .argument("\(attributes.owner): outputs: wanted 1\(outputs > 1 ? " to \(outputs)" : ""), got \(attributes.outputs)")
    }
    self.inputs = names
    self.outputs = attributes.outputs
    readInputs = attributes.readInputs
  }

  /// Of an operator that no user names.
  init(inputs: [StaticString]) { (self.inputs, outputs, readInputs) = (inputs, 1, []) }

  /// Of an operator that does the work of two: the inputs of the first, then those of the next but its first.
  init(_ first: Signature, absorbing next: Signature) {
    inputs = first.inputs + next.inputs.dropFirst()
    outputs = next.outputs
    readInputs = first.readInputs + next.readInputs.filter { $0 > 0 }.map { $0 + first.inputs.count - 1 }
  }
}

/// The node behind another, which is the only user of what that computes.
package struct Neighbour<T: Element> {
  let node: Operator<T>
  /// The shapes of its other inputs.
  let others: [Shape]
  /// Whether it is followed by maxima alone, which might come first (see `Operator.neverFalls`).
  let isBeforeMaxima: Bool
  package init(_ node: Operator<T>, others: [Shape], isBeforeMaxima: Bool) {
    (self.node, self.others, self.isBeforeMaxima) = (node, others, isBeforeMaxima)
  }
}

/// One node's operator: its attributes, decoded and checked by its initializer. It has no state that changes: forward and backward
/// find all arrays in what they are given, so that a network can run on several threads at once.
///
/// The defaults are those of an operator of one output that has no backward, reads nothing in it and shares no memory.
package class Operator<T: Element> {
  package let signature: Signature
  /// Internal: operators are of this module.
  init(_ signature: Signature) { self.signature = signature }

  // Shapes

  /// The shape of each output, or why these inputs do not fit. An absent input has the shape [].
  package func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    throw CNNError(.unsupported, "this operator has no shape rule")
  }

  // Types, and values that follow from shapes

  /// The element type of each output, or why inputs of these types are not taken; nil: an absent one. As a rule all are of the network's
  /// type, but for those that were read when the operator was made.
  package func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    try want(T.elementType, inputs)
    return [ElementType](repeating: T.elementType, count: signature.outputs)
  }
  /// Throws where an input is of another type than this.
  final func want(_ wanted: ElementType, _ inputs: [ElementType?], from first: Int = 0) throws(CNNError) {
    for i in first..<max(first, inputs.count) where !signature.readInputs.contains(i) {
      guard let type = inputs[i], type != wanted else { continue }
      throw wrongType(i, "\(wanted.description)", type)
    }
  }
  final func wrongType(_ i: Int, _ wanted: String, _ type: ElementType) -> CNNError {
    .type(
      "\(i < signature.inputs.count ? signature.inputs[i] : "input"): wanted elements of \(wanted), got \(type.description)")
  }

  /// Its outputs, where they follow from shapes alone, as those of Shape do.
  package func outputs(ofShapes inputs: [Shape]) throws(CNNError) -> [TypedArray]? { nil }
  /// Whether the same inputs always give the same outputs.
  package var isDeterministic: Bool { true }
  /// Whether it was not made yet, as inputs that it must read are not known yet.
  package var isPending: Bool { false }

  /// Multiply-adds of its products, for outputs of these shapes: 0 where it has none. Those of a plain sum, whatever the algorithm.
  package func multiplyAdds(_ inputs: [Shape], _ outputs: [Shape]) -> Int { 0 }

  // Forward and backward

  package func forward(_ arrays: Arrays<T>) throws(CNNError) {
    throw CNNError(.unsupported, "this operator has no forward")
  }

  package var hasBackward: Bool { false }
  /// Overwrites each gradient that is wanted, or adds to it where it must (`addsToGradient`): `arrays.gradInput(i)` is nil for the others.
  package func backward(_ arrays: Arrays<T>) throws(CNNError) {
    throw CNNError(.unsupported, "this operator has no backward")
  }

  // What the planner of memory must know

  /// The inputs and outputs whose elements backward reads: they are kept until then.
  package var backwardReadsInputs: [Int] { [] }
  package var backwardReadsOutputs: [Int] { [] }
  /// The arrays that forward leaves for backward; they exist in training only.
  package func kept(_ inputs: [Shape], _ outputs: [Shape]) throws(CNNError) -> [Kept] { [] }
  /// The same where it depends on the layouts too.
  package func kept(_ inputs: [Shape], _ outputs: [Shape], _ layouts: Layouts) throws(CNNError) -> [Kept] {
    try kept(inputs, outputs)
  }
  /// Inputs that forward changes in training, such as running statistics.
  package var updatedInputs: [Int] { [] }

  /// Whether output 0 is the elements of input 0 under another shape: it then lies in the same memory, where that can be, and so do
  /// the gradients; forward and backward copy where it cannot (`arrays.copyThrough`).
  package func isView(_ mode: Mode) -> Bool { false }
  /// Whether output 0 is the inputs one behind another in memory, where all have its layout: each can then be written where it belongs.
  package func isJoin(_ inputs: [Shape]) throws(CNNError) -> Bool { false }
  /// The inputs in whose memory output 0 may lie, where shapes are equal and nobody needs the input any more.
  package var mayOverwriteInputs: [Int] { [] }
  /// The inputs whose gradient may lie in the memory of output 0's gradient, where shapes are equal.
  package var gradientMayOverwrite: [Int] { [] }

  /// The inputs whose gradient backward can add to what is there, instead of overwriting it, as `arrays.addsToGradient(i)` then says.
  package func addsToGradient(_ inputs: [Shape], _ layouts: Layouts) throws(CNNError) -> [Int] { [] }

  /// How it works on channel-blocked arrays; nil: on planar ones only.
  package func layoutRule(inputs: [Shape], _ mode: Mode) throws(CNNError) -> LayoutRule? { nil }

  /// What `prepare` makes of inputs that stay as they are, for many runs; nil: nothing. Forward finds it by `arrays.prepared(i)`, and
  /// where that is nil has to do without.
  package func prepared(inputs: [Shape], _ layouts: Layouts, _ mode: Mode) throws(CNNError) -> Prepared? { nil }
  /// Writes all `arrays.prepared(i)`; there are no other arrays than these and the inputs that they follow from.
  package func prepare(_ arrays: Arrays<T>) throws(CNNError) {
    throw CNNError(.unsupported, "this operator prepares nothing")
  }

  /// Whether a batch may be run in parts. Asked of inference only, and where input 0 and the outputs have as many images.
  package func imageRule(_ inputs: [Shape]) -> ImageRule { .together }
  /// The same operator for parts of so many images, where it has been told how many there are.
  package func forImages(_ images: Int) -> Operator { self }

  /// The same operator for arrays of these shapes and layouts alone, which has decided what follows from them, and does not in every run.
  package func planned(_ inputs: [Shape], _ layouts: Layouts, _ mode: Mode) throws(CNNError) -> Operator { self }

  // What the planner may do with neighbours

  /// Whether this is y = f(x), element by element, of an f that never falls, and whose slope is 0 where it does not rise.
  package var neverFalls: Bool { false }
  /// Where this is y = x, but not below low and not above high; NaN stays NaN.
  package var limits: (low: T, high: T)? { nil }
  /// Whether each element of the output is the largest of some elements of the input, of one at least.
  package var takesMaxima: Bool { false }
  /// Whether this is f(a, b) = f(b, a).
  package var isCommutative: Bool { false }
  /// An operator that does this one's work and then the next one's on its output: its inputs are this one's (as many as the signature
  /// names) and the next one's but that output. nil: there is none, or none that pays.
  package func absorbing(_ next: Neighbour<T>, _ mode: Mode, inputs: [Shape]) throws(CNNError) -> Operator? { nil }
}
