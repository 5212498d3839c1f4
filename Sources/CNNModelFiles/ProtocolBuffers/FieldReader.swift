// The wire format of protocol buffers (protobuf.dev/programming-guides/encoding), read field by field.
import CNNCore

/// One field of a message: its number, and its value as the wire has it.
struct Field {
  enum Value {
    case varint(UInt64), fixed32(UInt32), fixed64(UInt64), bytes(Bytes)
  }
  let number: Int
  let value: Value
}

/// The fields of a message, one after the other.
struct FieldReader {
  private let message: Bytes
  private var position = 0

  init(_ message: Bytes) { self.message = message }

  mutating func next() throws(CNNError) -> Field? {
    guard position < message.count else { return nil }
    let tag = try varint()
    let number = Int(truncatingIfNeeded: tag >> 3)
    guard number > 0 && tag >> 3 <= 0x1fff_ffff else { throw .broken("a field has the number \(tag >> 3)") }
    switch tag & 7 {
    case 0: return Field(number: number, value: .varint(try varint()))
    case 1: return Field(number: number, value: .fixed64(try fixed(8)))
    case 2:
      let length = try varint()
      guard length <= UInt64(Int.max), let part = message.slice(from: position, count: Int(length)) else {
        throw .broken("a field of \(length) bytes begins \(message.count - position) bytes before its end")
      }
      position += part.count
      return Field(number: number, value: .bytes(part))
    case 5: return Field(number: number, value: .fixed32(UInt32(truncatingIfNeeded: try fixed(4))))
    default: throw .broken("a field has the wire type \(tag & 7)")
    }
  }

  /// The next of what a packed field holds; nil at its end.
  mutating func packedVarint() throws(CNNError) -> UInt64? { position < message.count ? try varint() : nil }

  private mutating func varint() throws(CNNError) -> UInt64 {
    var value: UInt64 = 0
    for place in 0..<10 {
      guard position < message.count else { throw .broken("it ends within a number") }
      let byte = message.start.load(fromByteOffset: position, as: UInt8.self)
      position += 1
      value |= UInt64(byte & 0x7f) << UInt64(7 * place)
      if byte < 0x80 { return value }
    }
    throw .broken("a number has more than 10 bytes")
  }
  private mutating func fixed(_ count: Int) throws(CNNError) -> UInt64 {
    guard let part = message.slice(from: position, count: count) else { throw .broken("it ends within a number") }
    position += count
    return count == 4
      ? UInt64(part.start.loadUnaligned(as: UInt32.self).littleEndian)
      : part.start.loadUnaligned(as: UInt64.self).littleEndian
  }
}

extension CNNError {
  /// A file that is not what it should be.
  static func broken(_ message: String) -> CNNError { CNNError(.format, message) }
}

extension Field {
  func bytes() throws(CNNError) -> Bytes {
    guard case .bytes(let bytes) = value else { throw .broken("field \(number): wanted bytes") }
    return bytes
  }
  func name() throws(CNNError) -> Name { try bytes().name }
  func int() throws(CNNError) -> Int {
    guard case .varint(let bits) = value else { throw .broken("field \(number): wanted an integer") }
    return Int(truncatingIfNeeded: bits)
  }
  func float() throws(CNNError) -> Float {
    guard case .fixed32(let bits) = value else { throw .broken("field \(number): wanted a number of 4 bytes") }
    return Float(bitPattern: bits)
  }
  /// Adds what a repeated field of integers holds: one, or several that are packed.
  func ints(to list: inout [Int]) throws(CNNError) {
    guard case .bytes(let packed) = value else { return list.append(try int()) }
    var reader = FieldReader(packed)
    while let bits = try reader.packedVarint() { list.append(Int(truncatingIfNeeded: bits)) }
  }
  func floats(to list: inout [Double]) throws(CNNError) {
    guard case .bytes(let packed) = value else { return list.append(Double(try float())) }
    guard packed.count % 4 == 0 else { throw .broken("field \(number): \(packed.count) bytes are no numbers of 4 bytes") }
    for i in 0..<packed.count / 4 {
      let bits = packed.start.loadUnaligned(fromByteOffset: 4 * i, as: UInt32.self).littleEndian
      list.append(Double(Float(bitPattern: bits)))
    }
  }
}
