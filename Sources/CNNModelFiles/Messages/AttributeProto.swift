// ONNX's AttributeProto: a named value of a node.
import CNNCore
import CNNOperators

struct AttributeProto {
  enum Value {
    case plain(AttributeValue)
    case tensor(Bytes)
    /// The attribute of this name of the function that the node is in.
    case reference(Name)
    case unsupported(StaticString)
  }
  let name: Name
  let value: Value

  init(name: Name, _ value: Value) { (self.name, self.value) = (name, value) }

  init(_ message: Bytes) throws(CNNError) {
    var name = Name(""), reference: Name?, type = 0, integer: Int?, number: Float?, text: Name?, tensor: Bytes?
    var integers: [Int] = [], numbers: [Double] = [], seen = 0
    var reader = FieldReader(message)
    while let field = try reader.next() {
      switch field.number {
      case 1: name = try field.name()
      case 2: number = try field.float()
      case 3: integer = try field.int()
      case 4: text = try field.name()
      case 5: tensor = try field.bytes()
      case 7: try field.floats(to: &numbers)
      case 8: try field.ints(to: &integers)
      case 20: type = try field.int()
      case 21: reference = try field.name()
      default: break
      }
      if (2...11).contains(field.number) { seen = field.number }
    }
    // Files before version 2 of the format say no type: then the field that is there does.
    if type == 0 {
      type =
        switch seen {
        case 2: 1
        case 3: 2
        case 4: 3
        case 5: 4
        case 6: 5
        case 7: 6
        case 8: 7
        default: 0
        }
    }
    self.name = name
    if let reference, !reference.isEmpty {
      value = .reference(reference)
      return
    }
    switch type {
    case 1: value = .plain(.float(Double(number ?? 0)))
    case 2: value = .plain(.int(integer ?? 0))
    case 3: value = .plain(.string(text ?? Name("")))
    case 4:
      guard let tensor else { throw .broken("attribute \(name): has no tensor") }
      value = .tensor(tensor)
    case 5, 10: value = .unsupported("a graph")
    case 6: value = .plain(.floats(numbers))
    case 7: value = .plain(.ints(integers))
    case 8: value = .unsupported("a list of texts")
    case 9: value = .unsupported("a list of tensors")
    case 11, 12: value = .unsupported("a sparse tensor")
    case 13, 14: value = .unsupported("a type")
    default: throw .broken("attribute \(name): has the unknown type \(type)")
    }
  }
}
