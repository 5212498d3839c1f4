// A network as its layers build it: values, and operators of ONNX on them.
public import CNNCore
import CNNNetwork
import CNNOperators

/// A network while its layers build it. Layers find it in their `Value.graph`; once the network is built, it takes nothing more.
///
/// Names of parameters are paths, such as `0.weight` for the weight of a network's first layer.
public final class Graph {
  private var core: (any GraphCore)?
  /// Where in the network the layer is that builds now, such as `2.branch.0`.
  private(set) var path = ""
  private var nodesAtPath = 0

  init(_ core: any GraphCore) { self.core = core }

  private func open() throws(CNNError) -> any GraphCore {
    guard let core else { throw .argument("graph: its network is built, and takes no more nodes") }
    return core
  }
  /// From here on nothing can be added, so that no memory of the network moves.
  func close() { core = nil }

  /// Runs body one step further along the path.
  func scoped<R>(_ name: String, _ body: () throws(CNNError) -> R) throws(CNNError) -> R {
    let outside = (path, nodesAtPath)
    defer { (path, nodesAtPath) = outside }
    (path, nodesAtPath) = (path.isEmpty ? name : "\(path).\(name)", 0)
    return try body()
  }
  private func named(_ name: String) -> Name { Name(path.isEmpty ? name : "\(path).\(name)") }

  private func value(_ id: ValueID) throws(CNNError) -> Value {
    Value(graph: self, id: id, shape: try open().shape(id))
  }

  /// The data, of a shape like this one.
  func input(_ shape: Shape) throws(CNNError) -> Value { try value(open().input(shape)) }

  /// What training changes: an array that begins as `initializer` says. Its name is the layer's path, a dot and `name`.
  /// - Throws: `CNNError` where an extent is negative, the layer has a parameter of this name already, or the initializer is wrong.
  public func parameter(_ name: String, _ shape: [Int], _ initializer: Initializer) throws(CNNError) -> Value {
    let shape = try Shape("shape", rank: shape.count) { shape[$0] }
    return try value(open().parameter(named(name), shape, initializer.core(shape)))
  }

  /// Numbers that training does not change by gradients, such as running statistics (which BatchNormalization moves itself).
  /// - Throws: `CNNError` where `elements` are not as many as `shape` says, or the layer has a constant of this name already.
  public func constant(_ name: String, _ shape: [Int], _ elements: [Double]) throws(CNNError) -> Value {
    let shape = try Shape("shape", rank: shape.count) { shape[$0] }
    guard elements.count == shape.count else {
      throw .shape("elements: wanted \(shape.count) for shape \(shape.description), got \(elements.count)")
    }
    return try value(open().constant(named(name), shape, elements))
  }

  /// Integers that an operator takes as an input, such as the shape of Reshape.
  public func integers(_ name: String, _ numbers: [Int]) throws(CNNError) -> Value {
    try value(open().integers(named(name), numbers))
  }

  /// What the operator of this ONNX name makes of `inputs`; an absent input is nil.
  ///
  /// ```swift
  /// let y = try x.graph.node("Concat", [x, x], ["axis": 1])
  /// ```
  /// - Throws: `CNNError` where there is no such operator, an attribute is unknown or wrong, or an input does not fit.
  public func node(
    _ operatorName: String, _ inputs: [Value?], _ attributes: KeyValuePairs<String, AttributeValue> = [:]
  ) throws(CNNError) -> Value {
    try nodes(operatorName, inputs, attributes, outputs: 1)[0]
  }

  /// The same for an operator of several outputs.
  /// - Throws: as `node(_:_:_:)` does, or where the operator has not so many outputs.
  public func nodes(
    _ operatorName: String, _ inputs: [Value?], _ attributes: KeyValuePairs<String, AttributeValue> = [:], outputs: Int
  ) throws(CNNError) -> [Value] {
    guard outputs >= 1 && outputs <= 1024 else { throw .argument("outputs: wanted 1 to 1024, got \(outputs)") }
    var ids: [ValueID?] = []
    for input in inputs {
      guard input == nil || input?.graph === self else { throw .argument("inputs: value \(ids.count) is of another network") }
      ids.append(input?.id)
    }
    // A layer's only node is called like the layer.
    let name = path.isEmpty ? nil : nodesAtPath == 0 ? Name(path) : Name("\(path).\(operatorName)_\(nodesAtPath)")
    let list = attributes.map { Attribute(Name($0.key), $0.value.core) }
    var results: [Value] = []
    for id in try open().node(Name(operatorName), list, ids, outputs, name) { results.append(try value(id)) }
    nodesAtPath += 1
    return results
  }
}

/// An array of a network that is being built: only its shape is known.
public struct Value {
  /// The network that it is of.
  public let graph: Graph
  let id: ValueID
  /// Its extents, the slowest axis first, for the shape that the network is built for; the first is the number of images.
  public let shape: [Int]

  public static func + (a: Value, b: Value) throws(CNNError) -> Value { try a.graph.node("Add", [a, b]) }
  public static func - (a: Value, b: Value) throws(CNNError) -> Value { try a.graph.node("Sub", [a, b]) }
  public static func * (a: Value, b: Value) throws(CNNError) -> Value { try a.graph.node("Mul", [a, b]) }
  public static func / (a: Value, b: Value) throws(CNNError) -> Value { try a.graph.node("Div", [a, b]) }
}

/// The engine's network of either element type, so that layers need not know which.
protocol GraphCore: AnyObject {
  func input(_ shape: Shape) -> ValueID
  func parameter(_ name: Name, _ shape: Shape, _ initializer: CNNNetwork.Initializer) throws(CNNError) -> ValueID
  func constant(_ name: Name, _ shape: Shape, _ elements: [Double]) throws(CNNError) -> ValueID
  func integers(_ name: Name, _ numbers: [Int]) throws(CNNError) -> ValueID
  func node(
    _ operatorName: Name, _ attributes: [Attribute], _ inputs: [ValueID?], _ outputs: Int, _ name: Name?
  ) throws(CNNError) -> [ValueID]
  func shape(_ id: ValueID) throws(CNNError) -> [Int]
}

extension CNNNetwork.Network: GraphCore {
  func input(_ shape: Shape) -> ValueID { graph.input("x", shape: shape) }
  func constant(_ name: Name, _ shape: Shape, _ elements: [Double]) throws(CNNError) -> ValueID {
    try graph.buffer(name, shape) { array in for i in 0..<elements.count { array.data[i] = T(elements[i]) } }
  }
  func integers(_ name: Name, _ numbers: [Int]) throws(CNNError) -> ValueID { try graph.integers(name, numbers) }
  func node(
    _ operatorName: Name, _ attributes: [Attribute], _ inputs: [ValueID?], _ outputs: Int, _ name: Name?
  ) throws(CNNError) -> [ValueID] {
    try graph.add(operatorName, attributes, inputs: inputs, outputs: outputs, name: name)
  }
  func shape(_ id: ValueID) throws(CNNError) -> [Int] {
    guard let shape = try graph.value(id, "value").shape else { throw .argument("value: its shape is not known") }
    return list(shape)
  }
}
