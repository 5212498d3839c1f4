// The operators, as lines of the battery (OperatorBattery.swift). Small shapes with odd extents: every element's gradient is checked.
// One list an operator, as the compiler is slow with long ones; references are functions, for the same reason.
import CNNOperators

let operatorCases: [OperatorCase] = [
  adaptiveAveragePool,
  adaptiveMaxPool,
  add,
  conv,
  convTranspose,
  depthToSpace,
  flatten,
  gemm,
  maxPool,
  maxUnpool,
  pad,
  reduceMax,
  reduceMean,
  reduceSum,
  relu,
  resize,
  slice,
  spaceToDepth,
  split,
  squeeze,
  transpose,
  unsqueeze,
  upsample,
  volumeConv,
  volumeMaxPool,
].flatMap { $0 }

private let add: [OperatorCase] = [
  .init("Add", [], .shape([3, 2, 4]), .shape([3, 2, 4]), perImage: false, reference: sum),
  .init("Add", [], .shape([3, 2, 4]), .shape([2, 1])),
  .init("Add", [], .shape([3, 1, 4]), .shape([2, 1])),
]
@Sendable private func sum(_ x: [[Double]]) -> [Double] { x[0].indices.map { x[0][$0] + x[1][$0] } }

private let conv: [OperatorCase] = [
  .init("Conv", [], .shape([3, 3, 5, 4]), .shape([4, 3, 3, 2]), .shape([4])),
  .init(
    "Conv", [.ints("strides", [2, 1]), .ints("pads", [1, 0, 2, 3]), .ints("dilations", [2, 1]), .int("group", 2)],
    .shape([2, 4, 6, 5]), .shape([6, 2, 2, 3])),
  .init("Conv", [.string("auto_pad", "SAME_UPPER"), .ints("strides", [2, 2])], .shape([2, 2, 6, 5]), .shape([3, 2, 3, 3])),
  .init("Conv", [.string("auto_pad", "SAME_LOWER")], .shape([2, 2, 6, 5]), .shape([3, 2, 4, 2])),
  .init("Conv", [.ints("pads", [1, 2]), .ints("strides", [2])], .shape([2, 2, 9]), .shape([3, 2, 4]), reference: conv1D),
]
/// Pads 1 and 2, stride 2.
@Sendable private func conv1D(_ x: [[Double]]) -> [Double] {
  var y: [Double] = []
  for (n, k, o) in indices(2, 3, 5) {
    var total = 0.0
    for (c, t, _) in indices(2, 4, 1) where (0..<9).contains(o * 2 - 1 + t) {
      total += x[0][(n * 2 + c) * 9 + o * 2 - 1 + t] * x[1][(k * 2 + c) * 4 + t]
    }
    y.append(total)
  }
  return y
}

private let flatten: [OperatorCase] = [
  .init("Flatten", [], .shape([3, 2, 4]), reference: same),
  .init("Flatten", [.int("axis", -1)], .shape([3, 2, 4]), reference: same),
]
@Sendable private func same(_ x: [[Double]]) -> [Double] { x[0] }

private let gemm: [OperatorCase] = [
  .init("Gemm", [], .shape([3, 5]), .shape([5, 4]), .shape([4])),
  .init("Gemm", [.int("transB", 1)], .shape([3, 5]), .shape([4, 5]), reference: rowsTimesRows),
  .init(
    "Gemm", [.int("transA", 1), .float("alpha", 0.5), .float("beta", -2)], .shape([5, 3]), .shape([5, 4]), .shape([3, 1]),
    perImage: false),
  .init("Gemm", [.int("transA", 1), .int("transB", 1)], .shape([5, 3]), .shape([4, 5]), perImage: false),
]
@Sendable private func rowsTimesRows(_ x: [[Double]]) -> [Double] {
  indices(3, 4, 1).map { m, n, _ in (0..<5).reduce(0.0) { $0 + x[0][m * 5 + $1] * x[1][n * 5 + $1] } }
}

private let maxPool: [OperatorCase] = [
  .init("MaxPool", [.ints("kernel_shape", [2, 2]), .ints("strides", [2, 2])], .shape([3, 3, 4, 5])),
  .init(
    "MaxPool",
    [.ints("kernel_shape", [2, 3]), .ints("strides", [2, 1]), .ints("pads", [1, 0, 1, 2]), .int("ceil_mode", 1)],
    .shape([2, 2, 7, 5])),
  .init("MaxPool", [.ints("kernel_shape", [3])], .shape([2, 2, 7]), reference: maxOfThree),
  .init(
    "MaxPool",
    [.ints("kernel_shape", [2, 3]), .ints("strides", [2, 1]), .ints("pads", [1, 0, 0, 1]), .ints("dilations", [2, 1])],
    .shape([2, 2, 5, 4]),
    outputs: 2, output: 1, reference: placesOfMaxima),
]
@Sendable private func maxOfThree(_ x: [[Double]]) -> [Double] {
  indices(2, 2, 5).map { n, c, o in x[0][((n * 2 + c) * 7 + o)..<((n * 2 + c) * 7 + o + 3)].max() ?? .nan }
}

/// Strides and dilations 2 and 1, pads 1 above and 1 at the right.
@Sendable private func placesOfMaxima(_ x: [[Double]]) -> [Double] {
  array([2, 2, 2, 3]) { i in
    var places: [Int] = []
    for (row, column, _) in indices(2, 3, 1) {
      let (h, w) = (2 * i[2] - 1 + 2 * row, i[3] + column)
      if (0..<5).contains(h) && (0..<4).contains(w) { places.append(place([2, 2, 5, 4], i[0], i[1], h, w)) }
    }
    return Double(places.max { x[0][$0] < x[0][$1] } ?? -1)
  }
}

private let relu: [OperatorCase] = [.init("Relu", [], .shape([3, 5, 7]), reference: positivePart)]
@Sendable private func positivePart(_ x: [[Double]]) -> [Double] { x[0].map { max($0, 0) } }
