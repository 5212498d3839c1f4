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
    /// int64 constants, which operators take when they are made.
    case integers([Int])
    /// An output of the node with this number.
    case node(Int)
  }
  package struct Value {
    package let name: Name
    package let source: Source
    /// As far as it follows from the shapes that inputs were declared with.
    package let shape: Shape?
  }
  package struct Node {
    package let name: Name
    package let operatorName: Name
    package let attributes: [Attribute]
    package let inputs: [ValueID?]
    package let outputs: [ValueID]
    package let made: Operator<T>
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
  /// What follows from parameters and buffers (PreparedArrays.swift).
  let prepared: PreparedArrays

  package init() { (parameters, buffers, prepared) = (FlatArrays(), FlatArrays(), PreparedArrays()) }
  /// Other values and nodes between the same inputs, parameters and buffers, and the same outputs unless told otherwise.
  init(like other: Graph, values: [Value], nodes: [Node], outputs: [ValueID]? = nil) {
    (parameters, buffers, prepared, treatments) = (other.parameters, other.buffers, other.prepared, other.treatments)
    (inputs, version, self.outputs) = (other.inputs, other.version, outputs ?? other.outputs)
    (self.values, self.nodes) = (values, nodes)
  }

  // Values

  private func append(_ name: Name, _ source: Source, _ shape: Shape?) -> ValueID {
    values.append(Value(name: name, source: source, shape: shape))
    version += 1
    return ValueID(index: values.count - 1)
  }

  /// An array that the caller hands in. `shape`, if given, is an example: nodes are checked with it when they are added; any other
  /// shape that fits the nodes may be handed in.
  package func input(_ name: Name, shape: Shape? = nil) -> ValueID {
    let value = append(name, .input(inputs.count), shape)
    inputs.append(value)
    return value
  }
  package func parameter(
    _ name: Name, _ shape: Shape, _ fill: @escaping (Output<T>) throws(CNNError) -> Void
  ) throws(CNNError) -> ValueID {
    let number = try parameters.add(name, shape, fill)
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
    _ name: Name, _ shape: Shape, _ fill: @escaping (Output<T>) throws(CNNError) -> Void
  ) throws(CNNError) -> ValueID {
    append(name, .buffer(try buffers.add(name, shape, fill)), shape)
  }
  package func integers(_ name: Name, _ numbers: [Int]) throws(CNNError) -> ValueID {
    append(name, .integers(numbers), try Shape("shape", numbers.count))
  }

  package func value(_ id: ValueID, _ argument: StaticString) throws(CNNError) -> Value {
    guard id.index >= 0 && id.index < values.count else {
      throw .argument("\(argument): there is no value \(id.index) in this network")
    }
    return values[id.index]
  }

  /// What the network gives, in this order.
  package func setOutputs(_ ids: [ValueID]) throws(CNNError) {
    for id in ids {
      if case .integers = try value(id, "outputs").source { throw .argument("outputs: value \(id.index) is of integers") }
    }
    outputs = ids
    version += 1
    // The network is complete as a rule: laid out now, so that several threads may use it from here on.
    _ = try parameters.memory()
    _ = try buffers.memory()
  }

  // Nodes

  /// Adds a node. Attributes are checked now, and shapes too where those of the inputs are known.
  package func add(
    _ operatorName: Name, _ attributes: [Attribute] = [], inputs: [ValueID?], outputs: Int = 1, name: Name? = nil
  ) throws(CNNError) -> [ValueID] {
    var given: [GivenInput] = [], shapes: [Shape]? = []
    for id in inputs {
      guard let id else {
        given.append(.absent)
        shapes?.append(try Shape("absent"))
        continue
      }
      let value = try value(id, "inputs")
      switch value.source {
      case .integers(let numbers): given.append(.integers(numbers))
      case .buffer(let i):
        let buffers = buffers
        given.append(
          .constant(count: buffers.entries[i].shape.count) { place in
            (try? buffers.array(i).data[place]).map { Double($0) } ?? .nan
          })
      default: given.append(.array)
      }
      if let shape = value.shape { shapes?.append(shape) } else { shapes = nil }
    }
    let description = try Attributes(of: operatorName, attributes, inputs: given, outputs: outputs)
    let made = try OperatorKind<T>.make(description)
    let number = nodes.count, name = name ?? Name("\(operatorName)_\(number)")
    var outputShapes: [Shape]?
    if let shapes {
      outputShapes = try naming(name, operatorName) { () throws(CNNError) in try made.outputShapes(of: shapes) }
    }
    var results: [ValueID] = []
    for i in 0..<outputs {
      results.append(append(outputs == 1 ? name : Name("\(name).\(i)"), .node(number), outputShapes?[i]))
    }
    nodes.append(
      Node(
        name: name, operatorName: operatorName, attributes: attributes, inputs: inputs, outputs: results, made: made))
    return results
  }
}

/// Errors of a node say which one it is.
func naming<R>(_ name: Name, _ operatorName: Name, _ body: () throws(CNNError) -> R) throws(CNNError) -> R {
  do throws(CNNError) { return try body() } catch {
    throw CNNError(error.kind, "\(name) (\(operatorName)): \(error.message)")
  }
}
