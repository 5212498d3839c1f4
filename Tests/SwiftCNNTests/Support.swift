// What the tests share: numbers, and how close is close enough.
import SwiftCNN
import Testing

/// Numbers in -2…2, the same every time, no two neighbours alike.
func numbers<T: FloatingScalar>(_ shape: [Int], seed: Int = 1, _: T.Type = T.self) throws -> Tensor<T> {
  try Tensor(shape) { T(($0 * 7919 + seed * 104_729) % 2003 - 1001) / 512 }
}

/// Numbers no two of which are closer than 0.01, nor any to 0: a small step never changes which is the largest, or a sign.
func spread(_ shape: [Int]) throws -> Tensor<Double> {
  let count = shape.reduce(1, *)
  // 31 and count are coprime for the counts used here, so every place is taken once.
  return try Tensor(shape) { Double(($0 * 31) % count - count / 2) * 0.01 + 0.005 }
}

/// The sum of a * b: the loss whose gradient by a is b.
func product(_ a: Tensor<Double>, _ b: Tensor<Double>) -> Double { zip(a.elements, b.elements).reduce(0) { $0 + $1.0 * $1.1 } }

/// Each element within `tolerance` times the larger of 1 and what was wanted. Sums here have fewer than 200 terms of size 4, so
/// 1e-4 is generous in float32 and 1e-12 in float64.
func expectClose<T: FloatingScalar>(
  _ a: Tensor<T>, _ b: [Double], shape: [Int], tolerance: Double = T.self == Float.self ? 1e-4 : 1e-12, _ what: String = "",
  location: SourceLocation = #_sourceLocation
) {
  #expect(a.shape == shape, "\(what)", sourceLocation: location)
  #expect(a.count == b.count, "\(what)", sourceLocation: location)
  for (i, (got, wanted)) in zip(a.elements, b).enumerated()
  where !(abs(Double(got) - wanted) <= tolerance * max(1, abs(wanted))) {
    Issue.record("\(what)[\(i)]: got \(got), wanted \(wanted)", sourceLocation: location)
    return
  }
}

/// Calls body for each index of a shape, in C order.
func forEachIndex(_ extents: Int..., body: ([Int]) -> Void) {
  for flat in 0..<extents.reduce(1, *) {
    var rest = flat
    body(
      extents.reversed().map { extent in
        defer { rest /= extent }
        return rest % extent
      }.reversed())
  }
}

/// Where an index lies in C order; nil outside.
func place(_ index: [Int], _ shape: [Int]) -> Int? {
  zip(index, shape).allSatisfy { $0 >= 0 && $0 < $1 } ? zip(index, shape).reduce(0) { $0 * $1.1 + $1.0 } : nil
}
