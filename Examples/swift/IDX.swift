// Reading IDX files, MNIST's format: two zero bytes, the element type, the number of axes, each extent in four bytes (big-endian),
// and the elements.
import Foundation

/// Bytes in C order, as an IDX file has them.
struct IDX {
  let shape: [Int]
  let elements: ArraySlice<UInt8>

  /// Reads a file of unsigned bytes with so many axes. Gzipped files are not read.
  init(path: String, axes: Int) throws {
    func broken(_ what: String) -> Failure { Failure("\(path): \(what)") }
    let bytes: [UInt8]
    do { bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) } catch {
      throw broken("cannot be read: \((error as NSError).localizedDescription)")
    }
    if bytes.starts(with: [0x1f, 0x8b]) { throw broken("is gzipped; gunzip it first") }
    let header = 4 + 4 * axes
    guard bytes.count >= 4, bytes[0] == 0, bytes[1] == 0 else {
      throw broken("is not an IDX file: does not begin with two zero bytes")
    }
    guard bytes[2] == 0x08 else { throw broken("wanted unsigned bytes (type 8), got type \(bytes[2])") }
    guard bytes[3] == UInt8(axes) else { throw broken("wanted \(axes) axes, got \(bytes[3])") }
    guard bytes.count >= header else { throw broken("ends within its header") }
    let shape = (0..<axes).map { axis in (0..<4).reduce(0) { $0 << 8 | Int(bytes[4 + 4 * axis + $1]) } }
    var count = 1
    for extent in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw broken("its extents \(shape) are too large") }
      count = product
    }
    guard bytes.count - header == count else {
      throw broken("wanted \(count) bytes of elements, got \(bytes.count - header)")
    }
    self.shape = shape
    elements = bytes[header...]
  }
}

/// Why the program cannot go on.
struct Failure: Error {
  let message: String
  init(_ message: String) { self.message = message }
}
