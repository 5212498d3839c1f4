// Axes and lists of integers as ONNX gives them.
import CNNCore

/// The axis that is meant, where negative ones count from the last.
func resolve(axis: Int, rank: Int, _ name: StaticString) throws(CNNError) -> Int {
  guard axis >= -rank && axis < rank else {
    throw .argument("\(name): wanted \(-rank) to \(rank - 1) for an array of \(rank) axes, got \(axis)")
  }
  return axis < 0 ? axis + rank : axis
}

/// The same of several, none of which may come twice, in their order.
func resolve(axes: [Int], rank: Int, _ name: StaticString) throws(CNNError) -> [Int] {
  var resolved: [Int] = []
  for axis in axes {
    let axis = try resolve(axis: axis, rank: rank, name)
    guard !resolved.contains(axis) else { throw .argument("\(name): axis \(axis) is given twice") }
    resolved.append(axis)
  }
  return resolved
}

extension Shape {
  init(_ name: StaticString, extents: [Int]) throws(CNNError) { try self.init(name, rank: extents.count) { extents[$0] } }
  var extents: [Int] { (0..<rank).map { self[$0] } }
}

extension Attributes {
  /// What older operator sets have as an attribute, and newer ones as a constant input; nil where there is neither.
  func integers(_ name: StaticString, orInput i: Int) throws(CNNError) -> [Int]? {
    guard let numbers = try ints(name) else { return try integers(input: i, name) }
    guard try integers(input: i, name) == nil else { throw wrong(name, "an attribute or an input, got both") }
    return numbers
  }
}
