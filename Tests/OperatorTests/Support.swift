// What the tests of the operators share: drawn numbers, and arrays as the operators take them.
import CNNCore
import CNNOperators
import TestSupport
import Testing

/// Random whole numbers, the same ones every time.
struct Dice {
  private let seed: UInt64
  private var drawn: UInt64 = 0
  init(seed: UInt64) { self.seed = seed }

  mutating func callAsFunction(_ range: ClosedRange<Int>) -> Int {
    drawn += 1
    return range.lowerBound + Int(philox(counter: drawn, key: seed)[0]) % range.count
  }
}

/// An array, at the end of a block: an operator that reads or writes behind it ends the process.
struct Tensor<T: Element> {
  let shape: Shape, block: Block<T>

  /// Untouched, or with values.
  init(_ extents: Int..., values: ((_ count: Int) -> [T])? = nil) throws {
    shape = try Shape("array", rank: extents.count) { extents[$0] }
    block = Block(values.map { [count = shape.count] in $0(count) } ?? [T](repeating: .untouched, count: shape.count))
  }
  var data: UnsafeMutablePointer<T> { block.data }
  var input: Input<T> { Input("input", shape, data) }
  var output: Output<T> { Output("output", shape, data) }
}
