// A graph compiled for the shapes of its inputs and a mode: a list of steps, and where each array lies. It does not change, so any
// number of threads may run it at once.
package import CNNCore
package import CNNOperators

package final class Plan<T: Element> {
  /// One operator's work. (One node's for now; a fused operator's step would stand for several.)
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
    case arena(offset: Int)
  }

  package let mode: Mode
  package let inputShapes: [Shape]
  let steps: [Step]
  let locations: [Location]
  /// The memory that a run needs besides parameters and inputs.
  package let arenaBytes: Int
  let outputs: [Operand]
  /// The gradient of output 0, which a loss writes; only in training.
  let lossGradient: Operand?
  /// Gradients of parameters that the loss does not depend on: 0.
  let unreached: [Operand]
  package var outputShapes: [Shape] { outputs.map { $0.shape } }

  /// In training the gradient of output 0 comes from a loss, and flows to all parameters that are not frozen.
  package init(_ graph: Graph<T>, inputs: [Shape], mode: Mode) throws(CNNError) {
    var layout = Layout(graph, mode)
    try layout.inferShapes(inputs)
    try layout.findGradients()
    layout.findLastUses()
    for number in 0..<graph.nodes.count { try layout.placeForward(number) }
    let lossGradient = try layout.placeLossGradient()
    var backward = [Backward?](repeating: nil, count: graph.nodes.count)
    for number in (0..<graph.nodes.count).reversed() where layout.runsBackward[number] {
      backward[number] = try layout.placeBackward(number)
    }
    steps = graph.nodes.enumerated().map { number, node in
      Step(
        name: node.name, operatorName: node.operatorName, node: number, work: node.made, operands: layout.operands(number),
        backward: backward[number])
    }
    (arenaBytes, locations) = layout.finish()
    unreached = layout.unreached()
    outputs = graph.outputs.map { Operand(layout.shapes[$0.index], slot: $0.index) }
    self.lossGradient = lossGradient
    inputShapes = inputs
    self.mode = mode
  }
}
