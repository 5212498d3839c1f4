// Messages of protocol buffers while they are written. Large arrays are not copied: a message refers to them until it is written out.
import CNNCore
import CPlatform

struct MessageWriter {
  private enum Part {
    case bytes([UInt8]), borrowed(Bytes)
  }
  private var parts: [Part] = []
  private(set) var count = 0

  private mutating func append(_ bytes: [UInt8]) {
    count += bytes.count
    if case .bytes(var last)? = parts.last {
      // Taken out first, so that it is not copied.
      parts.removeLast()
      last += bytes
      parts.append(.bytes(last))
    } else {
      parts.append(.bytes(bytes))
    }
  }
  private static func varint(_ value: UInt64) -> [UInt8] {
    var bytes: [UInt8] = [], rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }
  private static func tag(_ field: Int, _ type: Int) -> [UInt8] { varint(UInt64(field << 3 | type)) }

  mutating func int(_ field: Int, _ value: Int) {
    append(MessageWriter.tag(field, 0) + MessageWriter.varint(UInt64(bitPattern: Int64(value))))
  }
  mutating func float(_ field: Int, _ value: Float) {
    append(MessageWriter.tag(field, 5) + (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) })
  }
  mutating func bytes(_ field: Int, _ bytes: [UInt8]) {
    append(MessageWriter.tag(field, 2) + MessageWriter.varint(UInt64(bytes.count)) + bytes)
  }
  mutating func name(_ field: Int, _ name: Name) { bytes(field, name.utf8) }
  /// Repeated integers are packed only where the field's definition says so; here each is written by itself, which every reader takes.
  mutating func ints(_ field: Int, _ values: [Int]) { for value in values { int(field, value) } }
  mutating func borrowed(_ field: Int, _ part: Bytes) {
    append(MessageWriter.tag(field, 2) + MessageWriter.varint(UInt64(part.count)))
    parts.append(.borrowed(part))
    count += part.count
  }
  mutating func message(_ field: Int, _ other: MessageWriter) {
    append(MessageWriter.tag(field, 2) + MessageWriter.varint(UInt64(other.count)))
    for part in other.parts {
      switch part {
      case .bytes(let bytes): append(bytes)
      case .borrowed(let borrowed):
        parts.append(part)
        count += borrowed.count
      }
    }
  }

  /// All of it, into `count` bytes.
  func write(to place: UnsafeMutableRawPointer) {
    var next = place
    for part in parts {
      switch part {
      case .bytes(let bytes):
        bytes.withUnsafeBytes { if let base = $0.baseAddress { next.copyMemory(from: base, byteCount: bytes.count) } }
        next += bytes.count
      case .borrowed(let bytes):
        next.copyMemory(from: bytes.start, byteCount: bytes.count)
        next += bytes.count
      }
    }
  }

  /// All of it, as a file: the old one stays whole until the new one is.
  func writeFile(_ path: Name) throws(CNNError) {
    let own = parts.reduce(0) { if case .bytes(let bytes) = $1 { $0 + bytes.count } else { $0 } }
    let room = UnsafeMutableRawPointer.allocate(byteCount: max(own, 1), alignment: 8), text = path.copy()
    defer {
      room.deallocate()
      text.deallocate()
    }
    var spans: [platform_span] = [], next = room
    for part in parts {
      switch part {
      case .bytes(let bytes):
        bytes.withUnsafeBytes { if let base = $0.baseAddress { next.copyMemory(from: base, byteCount: bytes.count) } }
        spans.append(platform_span(memory: next, bytes: bytes.count))
        next += bytes.count
      case .borrowed(let bytes): spans.append(platform_span(memory: bytes.start, bytes: bytes.count))
      }
    }
    let error = spans.withUnsafeBufferPointer { platform_write_file(text, $0.baseAddress, $0.count) }
    guard error == 0 else { throw CNNError(.file, "\(path): cannot be written: \(errorText(error))") }
  }
}
