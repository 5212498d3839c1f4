// Bytes of a file in memory. Nothing is read here without a look at how many there are.
import CNNCore
import CPlatform

/// A part of a file; whoever has it keeps the file (FileBytes) alive.
struct Bytes: Equatable {
  let start: UnsafeRawPointer
  let count: Int

  init(_ start: UnsafeRawPointer, _ count: Int) { (self.start, self.count) = (start, count) }
  static var none: Bytes { Bytes(UnsafeRawPointer(("" as StaticString).utf8Start), 0) }

  /// nil where that is not within these bytes.
  func slice(from: Int, count: Int) -> Bytes? {
    guard from >= 0 && count >= 0 && from <= self.count && count <= self.count - from else { return nil }
    return Bytes(start + from, count)
  }
  var name: Name { Name(utf8: UnsafeRawBufferPointer(start: start, count: count)) }

  static func == (a: Bytes, b: Bytes) -> Bool { a.start == b.start && a.count == b.count }
}

/// A file that is mapped, or a caller's bytes that outlive the reading.
final class FileBytes {
  let bytes: Bytes
  private let isMapped: Bool

  /// Bytes that stay where they are as long as this.
  init(borrowing bytes: Bytes) { (self.bytes, isMapped) = (bytes, false) }

  /// Maps a file. Its bytes must not change meanwhile.
  init(path: Name) throws(CNNError) {
    let text = path.copy()
    defer { text.deallocate() }
    var memory: UnsafeRawPointer?, count = 0
    let error = platform_map_file(text, &memory, &count)
    guard error == 0 else { throw CNNError(.file, "\(path): cannot be read: \(errorText(error))") }
    bytes = memory.map { Bytes($0, count) } ?? .none
    isMapped = memory != nil
  }
  deinit { if isMapped { platform_unmap_file(bytes.start, bytes.count) } }
}

/// What the system says about an errno.
func errorText(_ error: Int32) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { room in
    guard let base = room.baseAddress, let text = platform_error_text(error, base) else { return "error \(error)" }
    return Name(cString: text).description
  }
}
