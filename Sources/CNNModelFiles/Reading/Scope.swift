// What the names of a graph, or of a function's body, stand for.
import CNNCore
import CNNNetwork

/// An array that the model brings along. It becomes part of the network when a node first uses it, which says what it is for.
final class Constant {
  let name: Name
  let tensor: TensorProto
  var value: ValueID?
  init(_ name: Name, _ tensor: TensorProto) { (self.name, self.tensor) = (name, tensor) }
}

enum Source {
  case absent
  case value(ValueID)
  case constant(Constant)
}

final class Scope {
  private var names = NameTable<Source>()
  /// What nodes are called in messages begins with it: the node that calls the function.
  let prefix: String
  /// The version of ONNX's operators.
  let version: Int
  /// The attributes of the node that calls the function, and the function's own defaults behind them.
  let attributes: [AttributeProto]
  let depth: Int

  init(version: Int, prefix: String = "", attributes: [AttributeProto] = [], depth: Int = 0) {
    (self.version, self.prefix, self.attributes, self.depth) = (version, prefix, attributes, depth)
  }

  func define(_ name: Name, _ source: Source) throws(CNNError) {
    if names.set(name, source) { throw .broken("\(prefix)\(name) is given twice") }
  }
  subscript(name: Name) -> Source? { names[name] }
}
