// Arrays that a model has in files beside it. A model names them, and a model may be anybody's: so only files in its own folder, or
// below, are opened.
import CNNCore

final class ExternalData {
  /// With a slash at its end, or empty for the current one; nil: the model is no file.
  private let folder: [UInt8]?
  private var files: [(location: Name, file: FileBytes)] = []

  init(besides path: Name?) {
    folder = path.map { path in
      let text = path.utf8
      return Array(text[..<((text.lastIndex(of: UInt8(ascii: "/")) ?? -1) + 1)])
    }
  }

  /// The bytes that the entries of a tensor's external_data say, and the file that they are in.
  func find(_ entries: [Bytes], bytes wanted: Int) throws(CNNError) -> (Bytes, FileBytes) {
    var location: Name?, offset = 0, length: Int?
    for entry in entries {
      var key = Name(""), value = Name(""), reader = FieldReader(entry)
      while let field = try reader.next() {
        switch field.number {
        case 1: key = try field.name()
        case 2: value = try field.name()
        default: break
        }
      }
      if key.is("location") { location = value }
      if key.is("offset") { offset = try ExternalData.number(value, "offset") }
      if key.is("length") { length = try ExternalData.number(value, "length") }
    }
    guard let location else { throw .broken("external data: has no location") }
    let file = try open(location)
    guard let part = file.bytes.slice(from: offset, count: length ?? wanted) else {
      throw .broken(
        "external data: \(length ?? wanted) bytes from \(offset) on are not in \(location), which has \(file.bytes.count)")
    }
    return (part, file)
  }

  private static func number(_ text: Name, _ key: StaticString) throws(CNNError) -> Int {
    var number = 0
    for digit in text.utf8 {
      let (tens, overflow) = number.multipliedReportingOverflow(by: 10)
      guard digit >= UInt8(ascii: "0") && digit <= UInt8(ascii: "9") && !overflow && tens <= Int.max - 9 else {
        throw .broken("external data: \(key): wanted a number, got \(text)")
      }
      number = tens + Int(digit - UInt8(ascii: "0"))
    }
    return number
  }

  private func open(_ location: Name) throws(CNNError) -> FileBytes {
    for known in files where known.location == location { return known.file }
    guard let folder else {
      throw CNNError(.unsupported, "external data: the model was not loaded from a file, so there is no folder for \(location)")
    }
    let slash = UInt8(ascii: "/"), up = Array("..".utf8)
    let parts = location.utf8.split(separator: slash, omittingEmptySubsequences: false)
    guard !location.isEmpty, location.utf8.first != slash, !location.utf8.contains(0), !parts.contains(where: { same($0, up) })
    else {
      throw .broken("external data: location: wanted a file in the model's folder, got \(location)")
    }
    let path = (folder + location.utf8).withUnsafeBytes { Name(utf8: $0) }
    let file = try FileBytes(path: path)
    files.append((location, file))
    return file
  }
  private func same(_ a: ArraySlice<UInt8>, _ b: [UInt8]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { $0 == $1 }
  }
}
