// A graph compiled for the shapes of its inputs and a mode: a list of steps, and where each array lies. It does not change, so any
// number of threads may run it at once.
package import CNNCore
package import CNNOperators

package final class Plan<T: Element> {
  /// One operator's work: that of a node, or of several that one operator does together.
  struct Step {
    let name: Name, operatorName: Name
    let node: Int
    let work: Operator<T>
    let operands: Operands
    var backward: Backward?
  }
  /// What backward does besides the operator's own.
  struct Backward {
    /// Gradients of outputs that nothing depends on.
    var zeroed: [Operand] = []
    /// Sums of the gradients of a value that several nodes use: to += from.
    var additions: [(from: Operand, to: Operand)] = []
  }
  /// Where the memory of a slot is.
  enum Location {
    case none
    case input(Int)
    case parameter(offset: Int), gradient(offset: Int), buffer(offset: Int)
    case constant(TypedArray)
    case arena(offset: Int)
    /// Whoever runs the plan finds it (PreparedArrays.swift).
    case prepared
  }

  package let mode: Mode
  package let inputShapes: [Shape]
  let inputTypes: [ElementType]
  /// The inputs whose elements decided something, such as a shape: the plan is for these elements alone.
  let contents: [(input: Int, array: TypedArray)]
  let steps: [Step]
  let locations: [Location]
  let prepared: [PreparedStep]
  /// Whether a run changes buffers, such as running statistics.
  let updatesBuffers: Bool
  /// The memory that a run needs besides parameters and inputs.
  package let arenaBytes: Int
  let outputs: [Operand]
  /// The gradient of output 0, which a loss writes; only in training.
  let lossGradient: Operand?
  /// Gradients of parameters that the loss does not depend on: 0.
  let unreached: [Operand]
  package var stepCount: Int { steps.count }
  package var outputShapes: [Shape] { outputs.map { $0.shape } }
  package var outputTypes: [ElementType] { outputs.map { $0.type ?? T.elementType } }

  /// In training the gradient of output 0 comes from a loss, and flows to all parameters that are not frozen. `contents`: the arrays
  /// that the plan is for, where they are at hand.
  package init(
    _ graph: Graph<T>, inputs: [Shape], mode: Mode, layouts choice: LayoutChoice = .automatic, contents: [AnyInput] = []
  ) throws(CNNError) {
    let inferred = try graph.inferred(inputs, contents), rewritten = try inferred.graph.rewritten(mode)
    let laidOut = try rewritten.laidOut(rewritten.kinds(inputs, mode), mode, choice)
    inputTypes = graph.inputs.map { graph.values[$0.index].type ?? T.elementType }
    self.contents = inferred.contents
    let graph = laidOut.graph
    var layout = try Layout(graph, mode, laidOut.kinds, laidOut.layouts)
    try layout.placeGiven()
    try layout.findGradients()
    layout.findLastUses()
    for number in 0..<graph.nodes.count { try layout.placeForward(number) }
    let lossGradient = try layout.placeLossGradient()
    var backward = [Backward?](repeating: nil, count: graph.nodes.count)
    for number in (0..<graph.nodes.count).reversed() where layout.runsBackward[number] {
      backward[number] = try layout.placeBackward(number)
    }
    var prepared: [PreparedStep] = []
    for number in 0..<graph.nodes.count { if let step = try layout.placePrepared(number) { prepared.append(step) } }
    steps = graph.nodes.enumerated().map { number, node in
      Step(
        name: node.name, operatorName: node.operatorName, node: number, work: node.made, operands: layout.operands(number),
        backward: backward[number])
    }
    self.prepared = prepared
    updatesBuffers = mode == .train && graph.nodes.contains { !$0.made.updatedInputs.isEmpty }
    (arenaBytes, locations) = layout.finish()
    unreached = layout.unreached()
    outputs = graph.outputs.map { layout.operand($0) }
    self.lossGradient = lossGradient
    inputShapes = inputs
    self.mode = mode
  }
}
