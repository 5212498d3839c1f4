// Losses against their definitions, written plainly, and their gradients against differences.
import CNNCore
import CNNNetwork
import CNNOperators
import Foundation
import Testing

private struct LossCase: CustomTestStringConvertible, Sendable {
  let name: StaticString
  let attributes: [Attribute]
  let shape: [Int]
  let classes: [Int64]?
  /// x, then the target's numbers (none of classes).
  let reference: @Sendable ([Double], [Double]) -> Double
  var testDescription: String { "\(name) \(attributes.map { "\($0.name)" }) \(classes == nil ? "distribution" : "classes")" }
}

/// log(softmax) of x[N][K][area] in the same places.
private func logSoftmax(_ x: [Double], _ K: Int, _ area: Int) -> [Double] {
  x.indices.map { i in
    let first = i / (K * area) * K * area + i % area
    let sum = (0..<K).reduce(0.0) { $0 + exp(x[first + $1 * area]) }
    return x[i] - log(sum)
  }
}

private let classes: [Int64] = [2, 0, 1, 2]
private let weights = [0.5, 2, 1]

// The definitions. x is [4][3], and the classes are those above.
@Sendable private func plain(_ x: [Double], _: [Double]) -> Double {
  let p = logSoftmax(x, 3, 1)
  return -(p[2] + p[3] + p[7] + p[11]) / 4
}
@Sendable private func weightedWithoutClass1(_ x: [Double], _: [Double]) -> Double {
  let p = logSoftmax(x, 3, 1)
  return -(p[2] + 0.5 * p[3] + p[11]) / 2.5
}
@Sendable private func smoothedSum(_ x: [Double], _: [Double]) -> Double {
  let p = logSoftmax(x, 3, 1), right = p[2] + p[3] + p[7] + p[11]
  return -0.8 * right - p.reduce(0, +) * 0.2 / 3
}
@Sendable private func smoothedDistribution(_ x: [Double], _ t: [Double]) -> Double {
  let p = logSoftmax(x, 3, 1)
  var total = 0.0
  for i in x.indices { total -= weights[i % 3] * (0.9 * t[i] + 0.1 / 3) * p[i] }
  return total / 4
}
/// Images [2][3][2]: of 3 classes at 2 places.
@Sendable private func ofImages(_ x: [Double], _: [Double]) -> Double {
  let p = logSoftmax(x, 3, 2)
  return -(p[4] + p[1] + p[8] + p[11]) / 4
}
private func total(_ x: [Double], _ t: [Double], _ term: (Double, Double) -> Double) -> Double {
  x.indices.reduce(0.0) { $0 + term(x[$1], t[$1]) }
}
@Sendable private func meanSquare(_ x: [Double], _ t: [Double]) -> Double { total(x, t) { ($0 - $1) * ($0 - $1) } / 12 }
@Sendable private func absoluteSum(_ x: [Double], _ t: [Double]) -> Double { total(x, t) { abs($0 - $1) } }
@Sendable private func huber(_ x: [Double], _ t: [Double]) -> Double {
  total(x, t) { x, t in
    let d = abs(x - t)
    return d <= 0.6 ? d * d / 2 : 0.6 * (d - 0.3)
  } / 12
}
@Sendable private func binaryCrossEntropy(_ x: [Double], _ t: [Double]) -> Double {
  total(x, t) { x, t in
    let s = 1 / (1 + exp(-x))
    return -t * log(s) - (1 - t) * log(1 - s)
  } / 12
}

private let softmax: StaticString = "SoftmaxCrossEntropyLoss"
private let lossCases: [LossCase] = [
  LossCase(name: softmax, attributes: [], shape: [4, 3], classes: classes, reference: plain),
  LossCase(
    name: softmax, attributes: [.floats("weight", weights), .int("ignore_index", 1)], shape: [4, 3], classes: classes,
    reference: weightedWithoutClass1),
  LossCase(
    name: softmax, attributes: [.float("label_smoothing", 0.2), .string("reduction", "sum")], shape: [4, 3], classes: classes,
    reference: smoothedSum),
  LossCase(
    name: softmax, attributes: [.floats("weight", weights), .float("label_smoothing", 0.1)], shape: [4, 3], classes: nil,
    reference: smoothedDistribution),
  LossCase(name: softmax, attributes: [], shape: [2, 3, 2], classes: classes, reference: ofImages),
  LossCase(name: "MSELoss", attributes: [], shape: [4, 3], classes: nil, reference: meanSquare),
  LossCase(name: "L1Loss", attributes: [.string("reduction", "sum")], shape: [4, 3], classes: nil, reference: absoluteSum),
  LossCase(name: "HuberLoss", attributes: [.float("delta", 0.6)], shape: [4, 3], classes: nil, reference: huber),
  LossCase(name: "BCEWithLogitsLoss", attributes: [], shape: [4, 3], classes: nil, reference: binaryCrossEntropy),
]

@Suite struct LossTests {
  @Test(arguments: lossCases) private func lossesAreTheirDefinitionsAndGradientsThoseOfDifferences(_ test: LossCase) throws {
    let count = test.shape.reduce(1, *)
    let numbers = spread(count, seed: 1).map { $0 * 2 }, wanted = spread(count, seed: 2).map { abs($0) }
    func check<T: Element>(_: T.Type, _ tolerance: Double) throws {
      let x = try Array1<T>(test.shape) { T(numbers[$0]) }, gradient = try Array1<T>(test.shape) { _ in .nan }
      let distribution = try Array1<T>(test.shape) { T(wanted[$0]) }
      let indices = try Array1<Int64>([test.shape[0]] + test.shape.dropFirst(2)) { (test.classes ?? classes)[$0] }
      let target: Target<T> = test.classes == nil ? .distribution(distribution.input) : .indices64(indices.input)
      let loss = try Loss<T>.make(Attributes(of: Name(test.name), test.attributes))
      let value = try loss.evaluate(x.input, target, gradient: gradient.output)
      let reference = test.reference(numbers, wanted)
      #expect(abs(value - reference) <= tolerance * max(1, abs(reference)))
      for i in 0..<count {
        let step = 1e-5
        let values = [step, -step].map { step in
          var moved = numbers
          moved[i] += step
          return test.reference(moved, wanted)
        }
        // Differences of the reference are good to about 1e-10.
        #expect(abs(Double(gradient.elements[i]) - (values[0] - values[1]) / (2 * step)) <= max(1e-9, tolerance), "\(i)")
      }
    }
    // Sums of 12 terms of size up to 4.
    try check(Float.self, 1e-5)
    try check(Double.self, 1e-13)
  }

  @Test func whereAllRowsAreIgnoredTheLossIsZero() throws {
    let x = try Array1<Float>([2, 3]) { Float($0) }, gradient = try Array1<Float>([2, 3]) { _ in 9 }
    let target = try Array1<Int32>([2]) { _ in -100 }
    let loss = try Loss<Float>.make(.of("SoftmaxCrossEntropyLoss", .int("ignore_index", -100)))
    #expect(try loss.evaluate(x.input, .indices32(target.input), gradient: gradient.output) == 0)
    #expect(gradient.elements.allSatisfy { $0 == 0 })
  }

  @Test func largeLogitsOverflowNothing() throws {
    let x = try Array1<Float>([2, 2]) { $0 % 2 == 0 ? 500 : -500 }, gradient = try Array1<Float>([2, 2]) { _ in 9 }
    let target = try Array1<Float>([2, 2]) { $0 < 2 ? 1 : 0 }
    let entropy = try Loss<Float>.make(.of("BCEWithLogitsLoss")), softmax = try Loss<Float>.make(.of("SoftmaxCrossEntropyLoss"))
    let value = try entropy.evaluate(x.input, .distribution(target.input), gradient: gradient.output)
    #expect(value == 250)  // two of the four elements are wrong by 500
    #expect(try softmax.evaluate(x.input, .distribution(target.input), gradient: gradient.output) == 500)
  }
}
