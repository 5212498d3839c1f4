// Names of operators, attributes and values: bytes of UTF-8, compared as such. Embedded Swift would have to link Unicode's tables
// for String ==.

package struct Name: Equatable, Sendable, CustomStringConvertible {
  private let bytes: [UInt8]

  package init(_ text: StaticString) { bytes = (0..<text.utf8CodeUnitCount).map { text.utf8Start[$0] } }
  package init(_ text: String) { bytes = Array(text.utf8) }
  /// Of a text that ends with a zero byte.
  package init(cString text: UnsafePointer<CChar>) {
    var bytes: [UInt8] = []
    var i = 0
    while text[i] != 0 {
      bytes.append(UInt8(bitPattern: text[i]))
      i &+= 1
    }
    self.bytes = bytes
  }

  package init(utf8 text: UnsafeRawBufferPointer) { bytes = Array(text) }

  package var utf8: [UInt8] { bytes }
  /// The same for equal names (FNV-1a).
  package var hash: UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return hash ^ hash >> 32
  }

  /// As C wants it: ends with a zero byte; to be deallocated by the caller.
  package func copy() -> UnsafeMutablePointer<CChar> {
    let text = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
    for i in 0..<bytes.count { text[i] = CChar(bitPattern: bytes[i]) }
    text[bytes.count] = 0
    return text
  }

  package var isEmpty: Bool { bytes.isEmpty }
  package var description: String { String(decoding: bytes, as: UTF8.self) }

  package static func == (a: Name, b: Name) -> Bool {
    guard a.bytes.count == b.bytes.count else { return false }
    for i in 0..<a.bytes.count where a.bytes[i] != b.bytes[i] { return false }
    return true
  }
  package func `is`(_ text: StaticString) -> Bool {
    guard bytes.count == text.utf8CodeUnitCount else { return false }
    for i in 0..<bytes.count where bytes[i] != text.utf8Start[i] { return false }
    return true
  }
}

extension Name: ExpressibleByStringLiteral {
  package init(stringLiteral text: StaticString) { self.init(text) }
}
