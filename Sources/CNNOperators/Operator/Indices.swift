// Indices as operators take them: int32 or int64, checked against the extent that they are of, before anything is written.
import CNNCore

struct Indices: ~Copyable {
  private let scratch: Scratch<Int>
  let count: Int
  /// From 0: negative ones have been counted from behind.
  var data: UnsafePointer<Int> { UnsafePointer(scratch.data) }

  init(_ x: AnyInput, of extent: Int) throws(CNNError) {
    try self.init(x, extent: { _ in extent })
  }
  /// `extent`: what the index with this number is of.
  init(_ x: AnyInput, extent: (Int) -> Int) throws(CNNError) {
    let count = x.shape.count, scratch = try Scratch<Int>(count), data = scratch.data
    data.withMemoryRebound(to: Int64.self, capacity: count) { Wide.load(x, 0, count, $0) }
    for i in 0..<count {
      let extent = extent(i), index = data[i]
      guard index >= -extent && index < extent else {
        throw .argument("\(x.name): wanted indices from \(-extent) to \(extent - 1), got \(index)")
      }
      if index < 0 { data[i] = index + extent }
    }
    self.scratch = scratch
    self.count = count
  }
}

extension Operator {
  /// Throws where input i is not of int32 or int64.
  func wantIndices(_ i: Int, _ inputs: [ElementType?]) throws(CNNError) {
    guard i < inputs.count, let type = inputs[i], type != .int64, type != .int32 else { return }
    throw wrongType(i, "int32 or int64", type)
  }
}
