// The operators, as lines of the battery (OperatorBattery.swift). Small shapes with odd extents: every element's gradient is checked.
// One list an operator, as the compiler is slow with long ones; references are functions, for the same reason.
import CNNOperators
import Foundation

let operatorCases: [OperatorCase] = [
  activationCases,
  activations,
  adaptiveAveragePool,
  adaptiveMaxPool,
  arithmetic,
  averagePool,
  contractions,
  elementaryFunctions,
  gathers,
  batchNormalization,
  causalConv,
  concat,
  conv,
  convTranspose,
  depthToSpace,
  dropout,
  flatten,
  gemm,
  globalPools,
  identity,
  lpPoolCases,
  matMul,
  maxPool,
  maxUnpool,
  normalizationCases,
  pad,
  lossNodes,
  moreNormalizations,
  moreReductions,
  otherArithmetic,
  reduceMax,
  reduceMean,
  reduceSum,
  reshape,
  resize,
  slice,
  softmaxes,
  spaceToDepth,
  split,
  squeeze,
  transpose,
  unsqueeze,
  upsample,
  volumeAveragePool,
  volumeConv,
  volumeConvTranspose,
  volumeLpPool,
  volumeMaxPool,
].flatMap { $0 }

private let arithmetic: [OperatorCase] = [
  .init("Add", [], .shape([3, 2, 4]), .shape([3, 2, 4]), perImage: false, reference: sum),
  .init("Add", [], .shape([3, 2, 4]), .shape([2, 1])),
  .init("Add", [], .shape([3, 1, 4]), .shape([2, 1])),
  .init("Sub", [], .shape([3, 2, 4]), .shape([3, 2, 4]), perImage: false, reference: difference),
  .init("Sub", [], .shape([2, 1]), .shape([3, 2, 4]), perImage: false),
  .init("Mul", [], .shape([3, 2, 4]), .shape([3, 2, 4]), perImage: false, reference: productOf),
  .init("Mul", [], .shape([3, 2, 4]), .shape([2, 1])),
  .init("Mul", [], .shape([3, 2, 1]), .shape([4])),
  .init("Div", [], .shape([3, 2, 4]), .positive([3, 2, 4]), perImage: false, reference: quotient),
  .init("Div", [], .shape([3, 2, 4]), .positive([2, 1])),
  .init("Div", [], .shape([1, 4]), .positive([3, 2, 1]), perImage: false),
]
private func pairs(_ x: [[Double]], _ f: (Double, Double) -> Double) -> [Double] { x[0].indices.map { f(x[0][$0], x[1][$0]) } }
@Sendable private func sum(_ x: [[Double]]) -> [Double] { pairs(x) { $0 + $1 } }
@Sendable private func difference(_ x: [[Double]]) -> [Double] { pairs(x) { $0 - $1 } }
@Sendable private func productOf(_ x: [[Double]]) -> [Double] { pairs(x) { $0 * $1 } }
@Sendable private func quotient(_ x: [[Double]]) -> [Double] { pairs(x) { $0 / $1 } }

private let averagePool: [OperatorCase] = [
  .init("AveragePool", [.ints("kernel_shape", [2, 2]), .ints("strides", [2, 2])], .shape([3, 3, 4, 5])),
  .init(
    "AveragePool", [.ints("kernel_shape", [2, 3]), .ints("pads", [1, 0, 1, 2]), .int("count_include_pad", 1)],
    .shape([2, 2, 5, 4]), reference: meanWithPads),
  .init("AveragePool", [.ints("kernel_shape", [3])], .shape([2, 2, 7]), reference: meanOfThree),
]
@Sendable private func meanWithPads(_ x: [[Double]]) -> [Double] {
  let window = PlainWindow(image: (5, 4), kernel: (2, 3), strides: (1, 1), dilations: (1, 1), before: (1, 0))
  return indices(4, 6, 4).map { channel, oh, ow in
    var total = 0.0
    window.forEachTap(oh, ow) { _, place in if let place { total += x[0][channel * 20 + place] } }
    return total / 6
  }
}
@Sendable private func meanOfThree(_ x: [[Double]]) -> [Double] {
  indices(2, 2, 5).map { n, c, o in x[0][((n * 2 + c) * 7 + o)..<((n * 2 + c) * 7 + o + 3)].reduce(0, +) / 3 }
}

private let batchNormalization: [OperatorCase] = [
  .init(
    "BatchNormalization", [.float("epsilon", 1e-3)], .shape([4, 3]), .shape([3]), .shape([3]), .buffer([3]), .buffer([3]),
    perImageInTraining: false),
  .init(
    "BatchNormalization", [], .shape([3, 2, 4, 3]), .shape([2]), .shape([2]), .buffer([2]), .buffer([2]),
    perImageInTraining: false),
]

private let concat: [OperatorCase] = [
  .init(
    "Concat", [.int("axis", 1)], .shape([3, 2]), .shape([3, 1]), .shape([3, 4]), perImage: false, reference: concatenated),
  .init("Concat", [.int("axis", -3)], .shape([1, 2, 3]), .shape([2, 2, 3]), perImage: false),
  .init("Concat", [.int("axis", 2)], .shape([2, 2, 3])),
]
@Sendable private func concatenated(_ x: [[Double]]) -> [Double] {
  let rows = [groups(x[0], 2), groups(x[1], 1), groups(x[2], 4)]
  return (0..<3).flatMap { n in rows.flatMap { $0[n] } }
}

private let dropout: [OperatorCase] = [
  .init("Dropout", [.float("ratio", 0.4)], .shape([3, 20])),
  .init("Dropout", [], .shape([3, 4])),
]

private let globalPools: [OperatorCase] = [
  .init("GlobalAveragePool", [], .shape([3, 2, 3, 5]), reference: meansOf15),
  .init("GlobalAveragePool", [], .shape([2, 3, 7])),
  .init("GlobalMaxPool", [], .shape([3, 2, 3, 5]), reference: largestOf15),
]
private func groups(_ x: [Double], _ count: Int) -> [[Double]] {
  stride(from: 0, to: x.count, by: count).map { Array(x[$0..<$0 + count]) }
}
@Sendable private func meansOf15(_ x: [[Double]]) -> [Double] { groups(x[0], 15).map { $0.reduce(0, +) / 15 } }
@Sendable private func largestOf15(_ x: [[Double]]) -> [Double] { groups(x[0], 15).map { $0.max() ?? .nan } }

private let identity: [OperatorCase] = [.init("Identity", [], .shape([3, 4]), reference: same)]

private let matMul: [OperatorCase] = [
  .init("MatMul", [], .shape([3, 5]), .shape([5, 4]), reference: matrixTimesMatrix),
  .init("MatMul", [], .shape([3, 2, 5]), .shape([5, 4])),
  .init("MatMul", [], .shape([3, 2, 5]), .shape([3, 5, 4]), perImage: false, reference: stackTimesStack),
  .init("MatMul", [], .shape([2, 3]), .shape([4, 3, 2]), perImage: false),
  .init("MatMul", [], .shape([2, 1, 3, 2]), .shape([3, 2, 4])),
  .init("MatMul", [], .shape([5]), .shape([2, 5, 3]), perImage: false),
  .init("MatMul", [], .shape([3, 5]), .shape([5])),
]
@Sendable private func matrixTimesMatrix(_ x: [[Double]]) -> [Double] {
  indices(3, 4, 1).map { m, n, _ in (0..<5).reduce(0.0) { $0 + x[0][m * 5 + $1] * x[1][$1 * 4 + n] } }
}
@Sendable private func stackTimesStack(_ x: [[Double]]) -> [Double] {
  let a = groups(x[0], 5)
  return indices(3, 2, 4).map { i, m, n in
    let row = a[i * 2 + m]
    return (0..<5).reduce(0.0) { $0 + row[$1] * x[1][(i * 5 + $1) * 4 + n] }
  }
}

private let reshape: [OperatorCase] = [
  .init("Reshape", [], .shape([3, 2, 4]), .integers([0, -1]), reference: same),
  .init("Reshape", [.ints("shape", [-1, 4, 2])], .shape([3, 2, 4]), reference: same),
]

private let softmaxes: [OperatorCase] = [
  .init("Softmax", [], .shape([3, 5]), reference: softmax),
  .init("Softmax", [.int("axis", 1)], .shape([2, 3, 4])),
  .init("LogSoftmax", [], .shape([3, 5]), reference: logSoftmax),
  .init("LogSoftmax", [.int("axis", -2)], .shape([2, 3, 4])),
]
@Sendable private func softmax(_ x: [[Double]]) -> [Double] {
  groups(x[0], 5).flatMap { row in
    let total = row.reduce(0.0) { $0 + exp($1) }
    return row.map { exp($0) / total }
  }
}
@Sendable private func logSoftmax(_ x: [[Double]]) -> [Double] { softmax(x).map { log($0) } }

private let conv: [OperatorCase] = [
  .init("Conv", [], .shape([3, 3, 5, 4]), .shape([4, 3, 3, 2]), .shape([4])),
  .init(
    "Conv", [.ints("strides", [2, 1]), .ints("pads", [1, 0, 2, 3]), .ints("dilations", [2, 1]), .int("group", 2)],
    .shape([2, 4, 6, 5]), .shape([6, 2, 2, 3]), reference: generalConv),
  .init(
    "Conv", [.string("auto_pad", "SAME_UPPER"), .ints("strides", [2, 2])], .shape([2, 2, 6, 5]), .shape([3, 2, 3, 3]),
    reference: upperConv),
  .init("Conv", [.string("auto_pad", "SAME_LOWER")], .shape([2, 2, 6, 5]), .shape([3, 2, 4, 2]), reference: lowerConv),
  .init("Conv", [.ints("pads", [1, 2]), .ints("strides", [2])], .shape([2, 2, 9]), .shape([3, 2, 4]), reference: conv1D),
]
/// Window (i, j) at (row, column) of an image of `rows` x `columns`, as plain loops have it.
private struct PlainWindow {
  let image: (Int, Int), kernel: (Int, Int), strides: (Int, Int), dilations: (Int, Int), before: (Int, Int)
  /// Calls body(tap, place in the image or nil) for the window at (oh, ow).
  func forEachTap(_ oh: Int, _ ow: Int, _ body: (Int, Int?) -> Void) {
    for (i, j, _) in indices(kernel.0, kernel.1, 1) {
      let h = oh * strides.0 - before.0 + i * dilations.0, w = ow * strides.1 - before.1 + j * dilations.1
      body(i * kernel.1 + j, h >= 0 && h < image.0 && w >= 0 && w < image.1 ? h * image.1 + w : nil)
    }
  }
}
/// y[2][K][OH][OW] of x[2][C * groups][...] and w[K][C][...].
private func plainConv(
  _ x: [[Double]], _ window: PlainWindow, C: Int, K: Int, groups: Int, _ OH: Int, _ OW: Int
) -> [Double] {
  let area = window.image.0 * window.image.1, taps = window.kernel.0 * window.kernel.1
  var y: [Double] = []
  for (nk, oh, ow) in indices(2 * K, OH, OW) {
    let n = nk / K, k = nk % K
    var total = 0.0
    for c in 0..<C {
      let channel = n * C * groups + k / (K / groups) * C + c
      window.forEachTap(oh, ow) { tap, place in
        if let place { total += x[0][channel * area + place] * x[1][(k * C + c) * taps + tap] }
      }
    }
    y.append(total)
  }
  return y
}
@Sendable private func generalConv(_ x: [[Double]]) -> [Double] {
  let window = PlainWindow(image: (6, 5), kernel: (2, 3), strides: (2, 1), dilations: (2, 1), before: (1, 0))
  return plainConv(x, window, C: 2, K: 6, groups: 2, 4, 6)
}
@Sendable private func upperConv(_ x: [[Double]]) -> [Double] {
  let window = PlainWindow(image: (6, 5), kernel: (3, 3), strides: (2, 2), dilations: (1, 1), before: (0, 1))
  return plainConv(x, window, C: 2, K: 3, groups: 1, 3, 3)
}
@Sendable private func lowerConv(_ x: [[Double]]) -> [Double] {
  let window = PlainWindow(image: (6, 5), kernel: (4, 2), strides: (1, 1), dilations: (1, 1), before: (2, 1))
  return plainConv(x, window, C: 2, K: 3, groups: 1, 6, 5)
}
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
  .init("Gemm", [.int("transB", 1)], .shape([3, 5]), .shape([4, 5]), reference: rowsTimesRows(3, 4, 5)),
  // Of long rows, which are cut into slices where they are not packed beforehand; of more columns than a panel has.
  .init("Gemm", [.int("transB", 1)], .shape([3, 600]), .shape([10, 600]), reference: rowsTimesRows(3, 10, 600)),
  .init("Gemm", [.int("transB", 1)], .shape([8, 35]), .shape([39, 35]), .shape([39])),
  .init(
    "Gemm", [.int("transA", 1), .float("alpha", 0.5), .float("beta", -2)], .shape([5, 3]), .shape([5, 4]), .shape([3, 1]),
    perImage: false),
  .init("Gemm", [.int("transA", 1), .int("transB", 1)], .shape([5, 3]), .shape([4, 5]), perImage: false),
]
private func rowsTimesRows(_ M: Int, _ N: Int, _ K: Int) -> @Sendable ([[Double]]) -> [Double] {
  { x in indices(M, N, 1).map { m, n, _ in (0..<K).reduce(0.0) { $0 + x[0][m * K + $1] * x[1][n * K + $1] } } }
}

private let maxPool: [OperatorCase] = [
  .init("MaxPool", [.ints("kernel_shape", [2, 2]), .ints("strides", [2, 2])], .shape([3, 3, 4, 5])),
  .init(
    "MaxPool",
    [.ints("kernel_shape", [2, 3]), .ints("strides", [2, 1]), .ints("pads", [0, 1, 0, 2]), .int("ceil_mode", 1)],
    .shape([2, 2, 7, 5]), reference: generalMax),
  .init("MaxPool", [.ints("kernel_shape", [3])], .shape([2, 2, 7]), reference: maxOfThree),
  .init(
    "MaxPool",
    [.ints("kernel_shape", [2, 3]), .ints("strides", [2, 1]), .ints("pads", [1, 0, 0, 1]), .ints("dilations", [2, 1])],
    .shape([2, 2, 5, 4]),
    outputs: 2),
]
@Sendable private func generalMax(_ x: [[Double]]) -> [Double] {
  let window = PlainWindow(image: (7, 5), kernel: (2, 3), strides: (2, 1), dilations: (1, 1), before: (0, 1))
  return indices(4, 4, 6).map { channel, oh, ow in
    var best = -Double.infinity
    window.forEachTap(oh, ow) { _, place in if let place { best = max(best, x[0][channel * 35 + place]) } }
    return best
  }
}
@Sendable private func maxOfThree(_ x: [[Double]]) -> [Double] {
  indices(2, 2, 5).map { n, c, o in x[0][((n * 2 + c) * 7 + o)..<((n * 2 + c) * 7 + o + 3)].max() ?? .nan }
}

/// Strides and dilations 2 and 1, pads 1 above and 1 at the right.
@Sendable func placesOfMaxima(_ x: [[Double]]) -> [Double] {
  array([2, 2, 2, 3]) { i in
    var places: [Int] = []
    for (row, column, _) in indices(2, 3, 1) {
      let (h, w) = (2 * i[2] - 1 + 2 * row, i[3] + column)
      if (0..<5).contains(h) && (0..<4).contains(w) { places.append(place([2, 2, 5, 4], i[0], i[1], h, w)) }
    }
    return Double(places.max { x[0][$0] < x[0][$1] } ?? -1)
  }
}

private let activations: [OperatorCase] = [
  .init("Relu", [], .shape([3, 5, 7]), reference: positivePart),
  .init("Sigmoid", [], .shape([3, 5, 7]), reference: sigmoid),
  .init("Tanh", [], .shape([3, 5, 7]), reference: hyperbolicTangent),
]
@Sendable private func positivePart(_ x: [[Double]]) -> [Double] { x[0].map { max($0, 0) } }
@Sendable private func sigmoid(_ x: [[Double]]) -> [Double] { x[0].map { 1 / (1 + exp(-$0)) } }
@Sendable private func hyperbolicTangent(_ x: [[Double]]) -> [Double] { x[0].map { tanh($0) } }
