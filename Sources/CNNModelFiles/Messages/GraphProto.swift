// ONNX's messages around nodes: NodeProto, GraphProto, FunctionProto, ValueInfoProto, ModelProto. What networks have no use for
// (documentation, metadata, shapes of inner values) is passed over.
import CNNCore
import CNNOperators

/// Attributes of the engine that operators of ONNX have not, and what they are called among a node's metadata.
let notes: [(operatorName: Name, attribute: Name, key: Name)] = [
  ("BatchNormalization", "unbiased", "swiftcnn.unbiased"), ("Conv", "exact", "swiftcnn.exact"),
]

struct NodeProto {
  private(set) var name = Name(""), operatorName = Name(""), domain = Name("")
  var inputs: [Name] = [], outputs: [Name] = []
  private(set) var attributes: [AttributeProto] = []

  init(_ message: Bytes) throws(CNNError) {
    var reader = FieldReader(message)
    while let field = try reader.next() {
      switch field.number {
      case 1: inputs.append(try field.name())
      case 2: outputs.append(try field.name())
      case 3: name = try field.name()
      case 4: operatorName = try field.name()
      case 5: attributes.append(try AttributeProto(try field.bytes()))
      case 7: domain = try field.name()
      case 9: try readNote(field.bytes())
      default: break
      }
    }
    if domain.is("ai.onnx") { domain = Name("") }
  }

  /// Attributes that ONNX's operator has not, which NodeWriter leaves among the node's metadata.
  private mutating func readNote(_ message: Bytes) throws(CNNError) {
    var key = Name(""), value = Name(""), reader = FieldReader(message)
    while let field = try reader.next() {
      switch field.number {
      case 1: key = try field.name()
      case 2: value = try field.name()
      default: break
      }
    }
    for note in notes where note.key == key && value.is("1") {
      attributes.append(AttributeProto(name: note.attribute, .plain(.int(1))))
    }
  }

  /// For messages: the node's own name, or that of what it gives.
  var label: Name { name.isEmpty ? outputs.first { !$0.isEmpty } ?? operatorName : name }
}

/// An input or an output of a graph.
struct ValueInfoProto {
  private(set) var name = Name("")
  /// nil: it is said to be no tensor, or to be of nothing in particular.
  private(set) var type: StoredType?
  /// nil where an extent may be any; nil as a whole where the number of axes is not said.
  private(set) var extents: [Int?]?

  init(_ message: Bytes) throws(CNNError) {
    var reader = FieldReader(message)
    while let field = try reader.next() {
      switch field.number {
      case 1: name = try field.name()
      case 2:
        var types = FieldReader(try field.bytes())
        while let kind = try types.next() { if kind.number == 1 { try readTensor(kind.bytes()) } }
      default: break
      }
    }
  }
  private mutating func readTensor(_ message: Bytes) throws(CNNError) {
    var reader = FieldReader(message)
    while let field = try reader.next() {
      switch field.number {
      case 1: type = StoredType(rawValue: try field.int())
      case 2:
        var list: [Int?] = [], dims = FieldReader(try field.bytes())
        while let dim = try dims.next() {
          guard dim.number == 1 else { continue }
          var extent: Int?, inside = FieldReader(try dim.bytes())
          while let field = try inside.next() { if field.number == 1 { extent = try field.int() } }
          list.append(extent.flatMap { $0 < 0 ? nil : $0 })
        }
        extents = list
      default: break
      }
    }
  }
}

struct GraphProto {
  private(set) var nodes: [NodeProto] = [], inputs: [ValueInfoProto] = [], outputs: [ValueInfoProto] = []
  /// Messages of type TensorProto.
  private(set) var initializers: [Bytes] = []
  private(set) var hasSparseInitializers = false

  init(_ message: Bytes) throws(CNNError) {
    var reader = FieldReader(message)
    while let field = try reader.next() {
      switch field.number {
      case 1: nodes.append(try NodeProto(field.bytes()))
      case 5: initializers.append(try field.bytes())
      case 11: inputs.append(try ValueInfoProto(field.bytes()))
      case 12: outputs.append(try ValueInfoProto(field.bytes()))
      case 15: hasSparseInitializers = true
      default: break
      }
    }
  }
}

/// Which version of each operator set is meant.
struct OperatorSets {
  private var list: [(domain: Name, version: Int)] = []

  mutating func read(_ message: Bytes) throws(CNNError) {
    var domain = Name(""), version = 0, reader = FieldReader(message)
    while let field = try reader.next() {
      switch field.number {
      case 1: domain = try field.name()
      case 2: version = try field.int()
      default: break
      }
    }
    if domain.is("ai.onnx") { domain = Name("") }
    list.append((domain, version))
  }
  /// Of ONNX's own operators; 1 where nothing is said.
  var standard: Int {
    for set in list where set.domain.isEmpty { return set.version }
    return 1
  }
  var isEmpty: Bool { list.isEmpty }
}

/// A function that a model brings along: an operator as a graph of others.
struct FunctionProto {
  private(set) var name = Name(""), domain = Name("")
  private(set) var inputs: [Name] = [], outputs: [Name] = []
  private(set) var nodes: [NodeProto] = []
  /// Attributes that a node may leave out.
  private(set) var defaults: [AttributeProto] = []
  private(set) var sets = OperatorSets()

  init(_ message: Bytes) throws(CNNError) {
    var reader = FieldReader(message)
    while let field = try reader.next() {
      switch field.number {
      case 1: name = try field.name()
      case 4: inputs.append(try field.name())
      case 5: outputs.append(try field.name())
      case 7: nodes.append(try NodeProto(field.bytes()))
      case 9: try sets.read(field.bytes())
      case 10: domain = try field.name()
      case 11: defaults.append(try AttributeProto(field.bytes()))
      default: break
      }
    }
    if domain.is("ai.onnx") { domain = Name("") }
  }
}

struct ModelProto {
  let graph: GraphProto
  private(set) var sets = OperatorSets()
  private(set) var functions: [FunctionProto] = []

  init(_ message: Bytes) throws(CNNError) {
    var graph: GraphProto?, version = 0, reader = FieldReader(message)
    while let field = try reader.next() {
      switch field.number {
      case 1: version = try field.int()
      case 7: graph = try GraphProto(field.bytes())
      case 8: try sets.read(field.bytes())
      case 25: functions.append(try FunctionProto(field.bytes()))
      default: break
      }
    }
    guard version >= 1 else { throw .broken("wanted a version of the format from 1, got \(version)") }
    guard let graph else { throw .broken("it has no graph") }
    self.graph = graph
  }
}
