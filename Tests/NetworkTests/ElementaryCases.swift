// Elementary functions, and what else is computed element by element or summed, as lines of the battery.
import CNNOperators
import Foundation

private func function(
  _ name: StaticString, _ input: OperatorCase.Input, _ f: @escaping @Sendable (Double) -> Double
) -> OperatorCase {
  OperatorCase(name, [], input, reference: { $0[0].map(f) })
}
let elementaryFunctions: [OperatorCase] = [
  function("Abs", .wide([3, 5])) { abs($0) },
  function("Neg", .shape([3, 5])) { -$0 },
  function("Sign", .shape([3, 5])) { $0 > 0 ? 1 : -1 },
  function("Floor", .wide([3, 5])) { $0.rounded(.down) },
  function("Ceil", .wide([3, 5])) { $0.rounded(.up) },
  function("Round", .wide([3, 5])) { $0.rounded(.toNearestOrEven) },
  function("Sqrt", .positive([3, 5])) { $0.squareRoot() },
  function("Reciprocal", .positive([3, 5])) { 1 / $0 },
  function("Exp", .shape([3, 5])) { exp($0) },
  function("Log", .positive([3, 5])) { log($0) },
  function("Erf", .wide([3, 5])) { erf($0) },
  function("Sin", .wide([3, 5])) { sin($0) },
  function("Cos", .wide([3, 5])) { cos($0) },
  function("Tan", .shape([3, 5])) { tan($0) },
  function("Atan", .wide([3, 5])) { atan($0) },
  function("Asin", .shape([3, 7])) { asin($0) },
  function("Acos", .shape([3, 7])) { acos($0) },
  function("Sinh", .shape([3, 5])) { sinh($0) },
  function("Cosh", .shape([3, 5])) { cosh($0) },
  function("Asinh", .wide([3, 5])) { asinh($0) },
  function("Atanh", .shape([3, 7])) { atanh($0) },
  .init("Shrink", [.float("bias", 0.2), .float("lambd", 1.5)], .wide([3, 5])) { x in
    x[0].map { $0 < -1.5 ? $0 + 0.2 : $0 > 1.5 ? $0 - 0.2 : 0 }
  },
]

let otherArithmetic: [OperatorCase] = [
  .init("Pow", [], .positive([3, 4]), .shape([3, 4]), perImage: false) { x in x[0].indices.map { pow(x[0][$0], x[1][$0]) } },
  .init("Pow", [], .shape([3, 4]), .constant([], [2])) { x in x[0].map { $0 * $0 } },
  .init("Pow", [], .positive([3, 4]), .constant([], [0.5])) { x in x[0].map { $0.squareRoot() } },
  .init("Pow", [], .positive([3, 1]), .shape([4])) { x in array([3, 4]) { i in pow(x[0][i[0]], x[1][i[1]]) } },
  .init("Max", [], .shape([3, 4]), .wide([4]), .constant([], [0.1])) { x in
    array([3, 4]) { i in max(x[0][i[0] * 4 + i[1]], max(x[1][i[1]], 0.1)) }
  },
  .init("Min", [], .shape([3, 4]), .wide([4])) { x in array([3, 4]) { i in min(x[0][i[0] * 4 + i[1]], x[1][i[1]]) } },
  .init("Sum", [], .shape([3, 4]), .shape([4]), .shape([1])) { x in
    array([3, 4]) { i in x[0][i[0] * 4 + i[1]] + x[1][i[1]] + x[2][0] }
  },
  .init("Mean", [], .shape([3, 4]), .shape([4])) { x in array([3, 4]) { i in (x[0][i[0] * 4 + i[1]] + x[1][i[1]]) / 2 } },
  .init("Sum", [], .shape([3, 4])) { $0[0] },
  .init("Where", [], .typed([4], [1, 0, 0, 1], .bool), .shape([3, 4]), .shape([3, 1]), perImage: false) { x in
    array([3, 4]) { i in i[1] == 0 || i[1] == 3 ? x[0][i[0] * 4 + i[1]] : x[1][i[0]] }
  },
  .init("Cast", [.int("to", 11)], .shape([3, 4])),
]

let moreReductions: [OperatorCase] = [
  reduction("ReduceL1") { $0.reduce(0.0) { $0 + abs($1) } },
  reduction("ReduceL2") { $0.reduce(0.0) { $0 + $1 * $1 }.squareRoot() },
  reduction("ReduceSumSquare") { $0.reduce(0.0) { $0 + $1 * $1 } },
  reduction("ReduceLogSumExp") { log($0.reduce(0.0) { $0 + exp($1) }) },
  reduction("ReduceMin") { $0.min() ?? .nan },
  reduction("ReduceProd") { $0.reduce(1.0, *) },
  .init("ReduceLogSum", [.ints("axes", [1])], .positive([3, 5, 4])) { x in
    array([3, 1, 4]) { i in log((0..<5).reduce(0.0) { $0 + x[0][place([3, 5, 4], i[0], $1, i[2])] }) }
  },
  .init("ReduceL2", [.int("keepdims", 0)], .shape([3, 4]), perImage: false),
]
private func reduction(_ name: StaticString, _ f: @escaping @Sendable ([Double]) -> Double) -> OperatorCase {
  OperatorCase(
    name, [.int("keepdims", 0)], .shape([3, 5, 4]), .integers([1]),
    reference: { x in array([3, 4]) { i in f((0..<5).map { x[0][place([3, 5, 4], i[0], $0, i[1])] }) } })
}

let moreNormalizations: [OperatorCase] = [
  .init("RMSNormalization", [], .shape([3, 2, 5]), .shape([5])) { x in
    array([3, 2, 5]) { i in
      let row = (0..<5).map { x[0][place([3, 2, 5], i[0], i[1], $0)] }
      return row[i[2]] / (row.reduce(0.0) { $0 + $1 * $1 } / 5 + 1e-5).squareRoot() * x[1][i[2]]
    }
  },
  .init("LpNormalization", [.int("axis", 1)], .shape([3, 4, 2])) { x in
    array([3, 4, 2]) { i in
      let row = (0..<4).map { x[0][place([3, 4, 2], i[0], $0, i[2])] }
      return row[i[1]] / row.reduce(0.0) { $0 + $1 * $1 }.squareRoot()
    }
  },
  .init("LpNormalization", [.int("p", 1)], .shape([3, 4])),
  .init(
    "BatchNormalization", [.int("training_mode", 1)], .shape([3, 2, 4]), .shape([2]), .shape([2]), .buffer([2]), .buffer([2]),
    perImage: false),
  .init("AffineGrid", [], .shape([2, 2, 3]), .integers([2, 1, 3, 4]), perImage: false),
  .init("AffineGrid", [.int("align_corners", 1)], .shape([2, 3, 4]), .integers([2, 1, 2, 3, 2]), perImage: false),
]
