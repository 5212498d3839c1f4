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
  /// nil: a caller's bytes.
  private let file: OpenFile?

  /// Bytes that stay where they are as long as this.
  init(borrowing bytes: Bytes) { (self.bytes, file) = (bytes, nil) }

  /// Maps a file. Its bytes must not change meanwhile.
  init(path: Name) throws(CNNError) {
    let file = try OpenFile(path)
    (bytes, self.file) = (try file.map(), file)
  }
  deinit { if file != nil && bytes.count > 0 { platform_unmap_file(bytes.start, bytes.count) } }

  /// Where these bytes of it can be read later on; nil: a caller's can not.
  func stored(_ part: Bytes) -> StoredBytes? {
    file.map { StoredBytes(file: $0, offset: part.start - bytes.start, count: part.count) }
  }
}

/// A part of a file that is not mapped.
struct StoredBytes {
  fileprivate let file: OpenFile, offset: Int
  let count: Int

  /// Reads all of it to where there is room for it. An error where the file has been changed.
  func read(to place: UnsafeMutableRawPointer) throws(CNNError) { try file.read(to: place, count, from: offset) }
}

/// A file that is open: what is at its path may be replaced, and this stays as it is.
private final class OpenFile {
  private let path: Name
  private var file = platform_file()

  init(_ path: Name) throws(CNNError) {
    self.path = path
    let text = path.copy()
    defer { text.deallocate() }
    let error = platform_open_file(text, &file)
    guard error == 0 else {
      file.descriptor = -1
      throw failure(error)
    }
  }
  deinit { if file.descriptor >= 0 { platform_close_file(&file) } }

  func map() throws(CNNError) -> Bytes {
    var memory: UnsafeRawPointer?
    let error = platform_map_file(&file, &memory)
    guard error == 0 else { throw failure(error) }
    return memory.map { Bytes($0, file.bytes) } ?? .none
  }
  func read(to place: UnsafeMutableRawPointer, _ count: Int, from offset: Int) throws(CNNError) {
    // A copy: several threads may read.
    var file = file
    let error = platform_read_file(&file, place, count, offset)
    if error == platform_file_changed {
      throw CNNError(.file, "\(path): has been changed since the network was loaded from it, which still had to read weights")
    }
    guard error == 0 else { throw failure(error) }
  }
  private func failure(_ error: Int32) -> CNNError { CNNError(.file, "\(path): cannot be read: \(errorText(error))") }
}

/// What the system says about an errno.
func errorText(_ error: Int32) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { room in
    guard let base = room.baseAddress, let text = platform_error_text(error, base) else { return "error \(error)" }
    return Name(cString: text).description
  }
}
