// A network as a graph: values, and nodes in the order in which they were added, which is an order in which they can run.
package import CNNCore
package import CNNOperators

/// A value of a graph, by its number.
package struct ValueID: Equatable, Sendable {
  package let index: Int
  package init(index: Int) { self.index = index }
}

package final class Graph<T: Element> {
  package enum Source {
    /// Number i of what the caller hands in.
    case input(Int)
    /// Number i of the parameters, of the buffers.
    case parameter(Int), buffer(Int)
    /// An array of any type that never changes.
    case constant(TypedArray)
    /// The same in the graph of one plan, as it follows from the shapes or contents of inputs.
    case planConstant(TypedArray)
    /// An output of the node with this number.
    case node(Int)
  }
  package struct Value {
    package let name: Name
    package let source: Source
    /// As far as it follows from the shapes that inputs were declared with.
    package let shape: Shape?
    /// nil where a node before it could not be made yet.
    package let type: ElementType?

    init(name: Name, source: Source, shape: Shape?, type: ElementType? = T.elementType) {
      (self.name, self.source, self.shape, self.type) = (name, source, shape, type)
    }
    /// Its elements, where they are known whatever the network runs on.
    var constant: TypedArray? {
      switch source {
      case .constant(let array), .planConstant(let array): array
      default: nil
      }
    }
  }
  package struct Node {
    package let name: Name
    package let operatorName: Name
    package let attributes: [Attribute]
    package let inputs: [ValueID?]
    package let outputs: [ValueID]
    package let made: Operator<T>
    /// The operators whose work it does besides its own (Rewriting.swift).
    package var absorbed: [Name] = []
  }

  package private(set) var values: [Value] = []
  package private(set) var nodes: [Node] = []
  package private(set) var inputs: [ValueID] = []
  package private(set) var outputs: [ValueID] = []
  /// What training changes.
  package let parameters: FlatArrays<T>
  /// What it does not change by gradients: constants, running statistics.
  package let buffers: FlatArrays<T>
  /// Rises with every change, so that plans of another graph are known.
  package private(set) var version = 0
  package private(set) var treatments: [Treatment] = []
  /// Whether training computes activations again rather than keep them all (Recomputation.swift).
  package var recomputesActivations = false {
    didSet { if recomputesActivations != oldValue { version += 1 } }
  }
  /// What follows from parameters and buffers (PreparedArrays.swift).
  let prepared: PreparedArrays
  /// What follows from constants alone (ShapeInference.swift).
  let folded: FoldedConstants

  package init() {
    (parameters, buffers, prepared, folded) = (FlatArrays(), FlatArrays(), PreparedArrays(), FoldedConstants())
  }
  /// Other values and nodes between the same inputs, parameters and buffers, and the same outputs unless told otherwise.
  init(like other: Graph, values: [Value], nodes: [Node], outputs: [ValueID]? = nil) {
    (parameters, buffers, prepared, treatments) = (other.parameters, other.buffers, other.prepared, other.treatments)
    folded = other.folded
    (inputs, version, self.outputs) = (other.inputs, other.version, outputs ?? other.outputs)
    (self.values, self.nodes) = (values, nodes)
  }

  // Values

  private func append(
    _ name: Name, _ source: Source, _ shape: Shape?, _ type: ElementType? = T.elementType
  ) -> ValueID {
    values.append(Value(name: name, source: source, shape: shape, type: type))
    version += 1
    return ValueID(index: values.count - 1)
  }

  /// An array that the caller hands in. `shape`, if given, is an example: nodes are checked with it when they are added; any other
  /// shape that fits the nodes may be handed in.
  package func input(_ name: Name, type: ElementType = T.elementType, shape: Shape? = nil) -> ValueID {
    let value = append(name, .input(inputs.count), shape, type)
    inputs.append(value)
    return value
  }
  /// See `FlatArrays.add`.
  package func parameter(
    _ name: Name, _ shape: Shape, isLasting: Bool = false, _ write: @escaping (Output<T>) throws(CNNError) -> Void
  ) throws(CNNError) -> ValueID {
    let number = try parameters.add(name, shape, isLasting: isLasting, write)
    treatments.append(Treatment())
    return append(name, .parameter(number), shape)
  }

  /// How training treats a parameter.
  package struct Treatment: Equatable {
    /// Not trained, and no gradient computed.
    package var isFrozen = false
    /// By which the optimizer's learning rate and weight decay are multiplied.
    package var rate = 1.0, weightDecay = 1.0
    package init(isFrozen: Bool = false, rate: Double = 1, weightDecay: Double = 1) {
      (self.isFrozen, self.rate, self.weightDecay) = (isFrozen, rate, weightDecay)
    }
  }
  package func treat(parameter: Int, _ treatment: Treatment) throws(CNNError) {
    guard parameter >= 0 && parameter < treatments.count else {
      throw .argument("parameter: wanted 0 to \(treatments.count - 1), got \(parameter)")
    }
    for factor in [treatment.rate, treatment.weightDecay] where !(factor >= 0 && factor < .infinity) {
      throw .argument("treatment: wanted factors from 0, got \(factor)")
    }
    // Which gradients are computed is part of a plan; rates are not.
    if treatments[parameter].isFrozen != treatment.isFrozen { version += 1 }
    treatments[parameter] = treatment
  }
  package func buffer(
    _ name: Name, _ shape: Shape, _ write: @escaping (Output<T>) throws(CNNError) -> Void
  ) throws(CNNError) -> ValueID {
    append(name, .buffer(try buffers.add(name, shape, write)), shape)
  }
  /// An array that never changes; a floating type is the network's own.
  package func constant(_ name: Name, _ array: TypedArray) throws(CNNError) -> ValueID {
    guard !array.type.isFloatingPoint || array.type == T.elementType else {
      throw .type("\(name): wanted \(T.elementType.description), as the network computes in it, got \(array.type.description)")
    }
    return append(name, .constant(array), array.shape, array.type)
  }
  /// int64 numbers of one axis.
  package func integers(_ name: Name, _ numbers: [Int]) throws(CNNError) -> ValueID {
    try constant(name, TypedArray(numbers))
  }

  package func value(_ id: ValueID, _ argument: StaticString) throws(CNNError) -> Value {
    guard id.index >= 0 && id.index < values.count else {
      throw .argument("\(argument): there is no value \(id.index) in this network")
    }
    return values[id.index]
  }

  /// What the network gives, in this order.
  package func setOutputs(_ ids: [ValueID]) throws(CNNError) {
    for id in ids { _ = try value(id, "outputs") }
    outputs = ids
    version += 1
    // The network is complete as a rule: laid out now, so that several threads may use it from here on.
    _ = try parameters.place()
    _ = try buffers.place()
  }

  // Nodes

  /// Adds a node. Attributes are checked now, and shapes and types too where those of the inputs are known; of an operator that must read
  /// an input which is computed, all this when a plan is made.
  /// What it gives is called like the node unless `names` says otherwise.
  package func add(
    _ operatorName: Name, _ attributes: [Attribute] = [], inputs: [ValueID?], outputs: Int = 1, name: Name? = nil,
    names: [Name]? = nil
  ) throws(CNNError) -> [ValueID] {
    var given: [GivenInput] = [], shapes: [Shape]? = [], types: [ElementType?]? = []
    for id in inputs {
      guard let id else {
        given.append(.absent)
        shapes?.append(try Shape("absent"))
        types?.append(nil)
        continue
      }
      let value = try value(id, "inputs")
      given.append(self.given(value))
      if let shape = value.shape { shapes?.append(shape) } else { shapes = nil }
      if let type = value.type { types?.append(type) } else { types = nil }
    }
    let made = try make(Attributes(of: operatorName, attributes, inputs: given, outputs: outputs))
    let number = nodes.count, name = name ?? Name("\(operatorName)_\(number)")
    var outputShapes: [Shape]?, outputTypes: [ElementType]?
    if !made.isPending {
      if let types { outputTypes = try naming(name, operatorName) { () throws(CNNError) in try made.outputTypes(of: types) } }
      if let shapes {
        outputShapes = try naming(name, operatorName) { () throws(CNNError) in try made.outputShapes(of: shapes) }
      }
    }
    var results: [ValueID] = []
    for i in 0..<outputs {
      let shape = outputShapes.flatMap { i < $0.count ? $0[i] : nil }, type = outputTypes.flatMap { i < $0.count ? $0[i] : nil }
      let called = names?[i] ?? (outputs == 1 ? name : Name("\(name).\(i)"))
      results.append(append(called, .node(number), shape, type))
    }
    nodes.append(
      Node(
        name: name, operatorName: operatorName, attributes: attributes, inputs: inputs, outputs: results, made: made))
    return results
  }

  /// What the maker of an operator sees of a value.
  func given(_ value: Value) -> GivenInput {
    switch value.source {
    case .constant(let array), .planConstant(let array): return .constant(array)
    case .buffer(let i):
      let buffers = buffers
      return .buffer(count: buffers.entries[i].shape.count) { place in
        (try? buffers.array(i).data[place]).map { Double($0) } ?? .nan
      }
    default: return .array
    }
  }
  /// The operator, or one that stands for it until what it must read is known.
  func make(_ description: Attributes) throws(CNNError) -> Operator<T> {
    do throws(CNNError) { return try OperatorKind<T>.make(description) } catch {
      if description.unknownInputs.isEmpty { throw error }
      return PendingOperator(error)
    }
  }
}

/// Errors of a node say which one it is.
package func naming<R>(_ name: Name, _ operatorName: Name, _ body: () throws(CNNError) -> R) throws(CNNError) -> R {
  do throws(CNNError) { return try body() } catch {
    throw CNNError(error.kind, "\(name) (\(operatorName)): \(error.message)")
  }
}
