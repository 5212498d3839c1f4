// What networks are made of, and how they are written one below the other.
public import CNNCore

/// A part of a network: it adds its nodes and parameters to the network that its input is of. Layers are descriptions, and know the
/// size of their input only when a network is built.
///
/// A layer of one's own, with operators of ONNX where there is no layer for them:
///
/// ```swift
/// struct Squash: Layer {
///   func callAsFunction(_ x: Value) throws(CNNError) -> Value { try x * x.graph.node("Sigmoid", [x]) }
/// }
/// ```
public protocol Layer: Sendable {
  /// What the layer makes of `x`.
  /// - Throws: `CNNError` where the layer's numbers are out of range, or `x` does not fit.
  func callAsFunction(_ x: Value) throws(CNNError) -> Value
}

/// Layers one below the other, with `if`, `switch` and `for` between them.
@resultBuilder public enum LayerBuilder {
  public static func buildExpression(_ layer: some Layer) -> [any Layer] { [layer] }
  public static func buildExpression(_ layers: [any Layer]) -> [any Layer] { layers }
  public static func buildBlock(_ parts: [any Layer]...) -> [any Layer] { parts.flatMap { $0 } }
  public static func buildOptional(_ part: [any Layer]?) -> [any Layer] { part ?? [] }
  public static func buildEither(first part: [any Layer]) -> [any Layer] { part }
  public static func buildEither(second part: [any Layer]) -> [any Layer] { part }
  public static func buildArray(_ parts: [[any Layer]]) -> [any Layer] { parts.flatMap { $0 } }
}

/// Layers, each on what the one before it gives. The parameters of number i are called `i.weight` and so on, from 0.
///
/// ```swift
/// let block = Sequential { Conv2D(16, kernel: 3, padding: 1); BatchNormalization(); ReLU() }
/// ```
public struct Sequential: Layer {
  public let layers: [any Layer]

  public init(@LayerBuilder _ layers: () -> [any Layer]) { self.layers = layers() }
  public init(_ layers: [any Layer]) { self.layers = layers }

  public func callAsFunction(_ x: Value) throws(CNNError) -> Value {
    var y = x
    for (i, layer) in layers.enumerated() { y = try layer.named("\(i)", y) }
    return y
  }
}

extension Layer {
  /// The layer as part `name` of the one around it; errors say which one it is.
  func named(_ name: String, _ x: Value) throws(CNNError) -> Value {
    try x.graph.scoped(name) { () throws(CNNError) in
      let path = x.graph.path
      do throws(CNNError) { return try self(x) } catch {
        if error.message.hasPrefix(path) { throw error }
        throw CNNError(error.kind, "\(path) (\(type(of: self))): \(error.message)")
      }
    }
  }
}

/// The operator of this ONNX name with one input, for what has no layer of its own.
///
/// ```swift
/// Operator("Softmax", ["axis": 1])
/// ```
public struct Operator: Layer {
  private let name: String
  private let attributes: KeyValuePairs<String, AttributeValue>

  public init(_ name: String, _ attributes: KeyValuePairs<String, AttributeValue> = [:]) {
    (self.name, self.attributes) = (name, attributes)
  }
  public func callAsFunction(_ x: Value) throws(CNNError) -> Value { try x.graph.node(name, [x], attributes) }
}
