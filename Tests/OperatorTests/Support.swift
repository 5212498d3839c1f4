// What the tests of the operators share: numbers, drawn shapes, and arrays as the operators take them.
import CNNCore
import CNNOperators
import Testing

/// Numbers in -2...2, no two neighbours alike, whose products and sums have to be rounded.
func numbers<T: Element>(_ count: Int, _ seed: Int = 1, of _: T.Type = T.self) -> [T] {
  (0..<count).map { T(($0 * 7919 + seed * 104_729) % 2003 - 1001) / 501 }
}

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

/// An array that is an input or an output of an operator, between numbers that must stay as they are.
final class Tensor<T: Element> {
  let shape: Shape
  private let memory: UnsafeMutableBufferPointer<T>
  private let guards = 64, untouched: T = 77

  /// Untouched, or with values.
  init(_ extents: [Int], _ values: ((_ count: Int) -> [T])? = nil) throws {
    shape = try Shape("array", rank: extents.count) { extents[$0] }
    memory = .allocate(capacity: shape.count + 2 * guards)
    memory.initialize(repeating: untouched)
    if let values { for (i, value) in values(shape.count).enumerated() { data[i] = value } }
  }
  deinit { memory.deallocate() }

  var data: UnsafeMutablePointer<T> { memory.baseAddress! + guards }
  var values: [T] { Array(UnsafeBufferPointer(start: data, count: shape.count)) }
  var input: Input<T> { Input("input", shape, data) }
  var output: Output<T> { Output("output", shape, data) }

  /// Records the first element that is not a plain loop's sum, or what was written outside. `sizes` are the sums of the terms'
  /// absolute values: in any order, n rounded products come within n half units in the last place of them (Higham 2002,
  /// "Accuracy and Stability of Numerical Algorithms", section 4.2), here as in the plain loop.
  func expect(_ sums: [T], sizes: [T], terms: Int, _ what: String, location: SourceLocation = #_sourceLocation) {
    let outside = memory.prefix(guards) + memory.suffix(guards)
    #expect(outside.allSatisfy { $0 == untouched }, "\(T.self) \(what): written outside", sourceLocation: location)
    for (i, got) in values.enumerated() where !(abs(got - sums[i]) <= T(terms) * T.ulpOfOne * sizes[i]) {
      Issue.record("\(T.self) \(what): [\(i)] is \(got), wanted \(sums[i]) of size \(sizes[i])", sourceLocation: location)
      return
    }
  }
}
