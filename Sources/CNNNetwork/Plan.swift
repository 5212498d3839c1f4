// A graph compiled for the shapes of its inputs and a mode: a list of steps, and where each array lies. It does not change, so any
// number of threads may run it at once.
package import CNNCore
package import CNNOperators

package final class Plan<T: Element> {
  /// One operator's work: that of a node, or of several that one operator does together.
  struct Step {
    let name: Name, operatorName: Name
    /// Those whose work it does too.
    let absorbed: [Name]
    let node: Int
    let work: Operator<T>
    let operands: Operands
    /// Those of backward, and of what runs again before it.
    let again: Operands
    let backward: Backward?
    /// Steps that run forward again before backward comes here.
    let recomputed: [Int]
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
    /// An output that a run may write where its caller wants it; else in the arena.
    case output(Int, offset: Int)
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
  /// The parameters that a run reads besides what is prepared from them.
  let parametersRead: [Int]
  /// Whether a run changes buffers, such as running statistics.
  let updatesBuffers: Bool
  /// The memory that a run needs besides parameters and inputs.
  package let arenaBytes: Int
  let outputs: [Operand]
  /// The gradient of output 0, which a loss writes; only in training.
  let lossGradient: Operand?
  /// Gradients of parameters that the loss does not depend on: 0.
  let unreached: [Operand]
  /// Whether values are written where they are joined.
  package let joins: Bool
  /// What a prediction follows instead, part by part (ImageParts.swift): set before the plan is shared.
  var part: Plan?
  package var stepCount: Int { steps.count }
  package var outputShapes: [Shape] { outputs.map { $0.shape } }
  package var outputTypes: [ElementType] { outputs.map { $0.type ?? T.elementType } }

  /// In training the gradient of output 0 comes from a loss, and flows to all parameters that are not frozen. `contents`: the arrays
  /// that the plan is for, where they are at hand.
  package init(
    _ graph: Graph<T>, inputs: [Shape], mode: Mode, layouts choice: LayoutChoice = .automatic, contents: [AnyInput] = []
  ) throws(CNNError) {
    let inferred = try graph.inferred(inputs, contents), rewritten = try inferred.graph.rewritten(inputs, mode)
    let laidOut = try rewritten.laidOut(rewritten.kinds(inputs, mode), mode, choice)
    inputTypes = graph.inputs.map { graph.values[$0.index].type ?? T.elementType }
    self.contents = inferred.contents
    var best = try Memory(laidOut, mode)
    // An array that waits long for its last part may take more memory than copying saves time.
    let parts = try laidOut.parts(mode), joined = parts.isEmpty ? nil : try Memory(laidOut, mode, parts: parts)
    if let joined, joined.bytes <= best.bytes + best.bytes / 8 { (best, joins) = (joined, true) } else { joins = false }
    // How many segments take the least memory depends on where values cross from one to the next.
    for segments in mode == .train && graph.recomputesActivations ? [2, 3, 4, 6, 8, 12, 16, 24, 32] : [] {
      let other = try Memory(laidOut, mode, segments: segments)
      if other.bytes < best.bytes { best = other }
    }
    let layout = best.layout, recomputation = layout.recomputation
    var recomputed = [[Int]](repeating: [], count: laidOut.graph.nodes.count)
    for range in recomputation.segments where !range.isEmpty {
      recomputed[range.upperBound - 1] = range.filter { recomputation.isRecomputed[$0] }
    }
    steps = try laidOut.graph.nodes.enumerated().map { (number, node) throws(CNNError) in
      let operands = layout.operands(number, again: false)
      let work = try naming(node.name, node.operatorName) { () throws(CNNError) in
        try node.made.planned(layout.inputShapes(node), layout.layouts(around: node), mode)
      }
      return Step(
        name: node.name, operatorName: node.operatorName, absorbed: node.absorbed, node: number, work: work,
        operands: operands,
        again: recomputation.segments.count > 1 ? layout.operands(number, again: true) : operands,
        backward: best.backward[number], recomputed: recomputed[number])
    }
    prepared = best.prepared
    parametersRead = layout.parametersRead(but: prepared)
    updatesBuffers = mode == .train && laidOut.graph.nodes.contains { !$0.made.updatedInputs.isEmpty }
    (arenaBytes, locations) = (best.bytes, best.locations)
    unreached = layout.unreached()
    outputs = laidOut.graph.outputs.map { layout.operand($0) }
    lossGradient = best.lossGradient
    inputShapes = inputs
    self.mode = mode
  }

  /// Where all arrays lie if nodes are cut into so many segments.
  private struct Memory {
    let layout: Layout<T>
    let lossGradient: Operand?
    private(set) var backward: [Backward?], prepared: [PreparedStep] = []
    let bytes: Int, locations: [Location]

    init(_ laidOut: LaidOutGraph<T>, _ mode: Mode, segments: Int = 1, parts: [Int: Part] = [:]) throws(CNNError) {
      let nodes = laidOut.graph.nodes.indices
      var layout = try Layout(laidOut, mode, segments: segments, parts: parts)
      try layout.placeGiven()
      try layout.findGradients()
      try layout.findRecomputed()
      layout.findLastUses()
      for number in nodes { try layout.placeForward(number) }
      lossGradient = try layout.placeLossGradient()
      backward = [Backward?](repeating: nil, count: nodes.count)
      for range in layout.recomputation.segments.reversed() {
        for number in range where layout.recomputation.isRecomputed[number] { try layout.placeAgain(number) }
        for number in range.reversed() where layout.runsBackward[number] {
          backward[number] = try layout.placeBackward(number)
        }
      }
      for number in nodes { if let step = try layout.placePrepared(number) { prepared.append(step) } }
      (bytes, locations) = layout.finish()
      self.layout = layout
    }
  }
}
