// Operators that take elements by indices, and sums of products by names of indices, as lines of the battery.
import CNNOperators

let gathers: [OperatorCase] = [
  .init("Gather", [.int("axis", 1)], .shape([3, 4, 2]), .typed([2, 2], [3, 0, -1, 0], .int64)) { x in
    array([3, 2, 2, 2]) { i in x[0][place([3, 4, 2], i[0], [[3, 0], [3, 0]][i[1]][i[2]], i[3])] }
  },
  .init("Gather", [], .shape([3, 4]), .typed([], [2], .int32), perImage: false) { Array($0[0][8..<12]) },
  .init("GatherElements", [.int("axis", -1)], .shape([2, 3]), .typed([2, 2], [2, 0, 1, -3], .int64), perImage: false) { x in
    [x[0][2], x[0][0], x[0][4], x[0][3]]
  },
  .init("GatherND", [.int("batch_dims", 1)], .shape([2, 3, 4]), .typed([2, 2, 1], [2, 0, 1, 1], .int64), perImage: false) { x in
    array([2, 2, 4]) { i in x[0][place([2, 3, 4], i[0], [[2, 0], [1, 1]][i[0]][i[1]], i[2])] }
  },
  .init("GatherND", [], .shape([2, 3, 4]), .typed([2, 3], [1, 2, 3, 0, -3, 0], .int64), perImage: false) { x in
    [x[0][23], x[0][0]]
  },
  .init(
    "ScatterElements", [.int("axis", 1)], .shape([2, 4]), .typed([2, 2], [3, 0, 1, -2], .int64), .shape([2, 2]), perImage: false
  ) { x in
    var y = x[0]
    for (i, to) in [3, 0, 5, 6].enumerated() { y[to] = x[1][i] }
    return y
  },
  .init(
    "ScatterElements", [.string("reduction", "add")], .shape([3, 2]), .typed([3, 1], [1, 1, -1], .int64), .shape([3, 1]),
    perImage: false
  ) { x in
    var y = x[0]
    for (i, to) in [2, 2, 4].enumerated() { y[to] += x[1][i] }
    return y
  },
  .init("ScatterND", [], .shape([3, 4]), .typed([2, 1], [2, 0], .int64), .shape([2, 4]), perImage: false) { x in
    Array(x[1][4..<8] + x[0][4..<8] + x[1][0..<4])
  },
  .init("TopK", [.int("axis", 1)], .shape([3, 7]), .integers([2])) { x in
    (0..<3).flatMap { Array(x[0][$0 * 7..<$0 * 7 + 7].sorted(by: >)[..<2]) }
  },
  .init("TopK", [.int("axis", 1), .int("largest", 0)], .shape([3, 7]), .integers([3]), outputs: 2) { x in
    (0..<3).flatMap { Array(x[0][$0 * 7..<$0 * 7 + 7].sorted()[..<3]) }
  },
  .init("Expand", [], .shape([3, 1, 2]), .integers([2, 3, 4, 1]), perImage: false) { x in
    array([2, 3, 4, 2]) { i in x[0][i[1] * 2 + i[3]] }
  },
  .init("Tile", [], .shape([3, 2]), .integers([1, 3])) { x in array([3, 6]) { i in x[0][i[0] * 2 + i[1] % 2] } },
  .init("Tile", [], .shape([3, 2]), .integers([2, 2]), perImage: false) { x in
    array([6, 4]) { i in x[0][i[0] % 3 * 2 + i[1] % 2] }
  },
  .init("Compress", [.int("axis", 1)], .shape([3, 4]), .typed([3], [1, 0, 1], .bool)) { x in
    array([3, 2]) { i in x[0][i[0] * 4 + 2 * i[1]] }
  },
  .init("Compress", [], .shape([2, 3]), .typed([6], [0, 1, 0, 0, 1, 1], .bool), perImage: false) { x in
    [x[0][1], x[0][4], x[0][5]]
  },
  .init("Trilu", [.int("upper", 0)], .shape([2, 3, 4]), .integers([1])) { x in
    array([2, 3, 4]) { i in i[2] <= i[1] + 1 ? x[0][place([2, 3, 4], i[0], i[1], i[2])] : 0 }
  },
  .init("Trilu", [], .shape([2, 3, 4])) { x in
    array([2, 3, 4]) { i in i[2] >= i[1] ? x[0][place([2, 3, 4], i[0], i[1], i[2])] : 0 }
  },
  .init(
    "ReverseSequence", [.int("batch_axis", 0), .int("time_axis", 1)], .shape([2, 4, 2]), .typed([2], [3, 1], .int64),
    perImage: false
  ) { x in
    array([2, 4, 2]) { i in x[0][place([2, 4, 2], i[0], i[0] == 0 && i[1] < 3 ? 2 - i[1] : i[1], i[2])] }
  },
  .init("CumSum", [], .shape([3, 4]), .integers([1])) { x in
    array([3, 4]) { i in (0...i[1]).reduce(0.0) { $0 + x[0][i[0] * 4 + $1] } }
  },
  .init("CumSum", [.int("exclusive", 1), .int("reverse", 1)], .shape([3, 4]), .integers([-1])) { x in
    array([3, 4]) { i in (i[1] + 1..<4).reduce(0.0) { $0 + x[0][i[0] * 4 + $1] } }
  },
  .init("CenterCropPad", [.ints("axes", [1, 2])], .shape([2, 3, 5]), .integers([6, 2])) { x in
    array([2, 6, 2]) { i in (1..<4).contains(i[1]) ? x[0][place([2, 3, 5], i[0], i[1] - 1, i[2] + 1)] : 0 }
  },
  .init(
    "Col2Im", [.ints("strides", [2, 1]), .ints("pads", [0, 1, 1, 0])], .shape([2, 8, 8]), .integers([4, 4]), .integers([2, 2])),
]

let contractions: [OperatorCase] = [
  .init("Einsum", [.string("equation", "ij,jk->ik")], .shape([3, 4]), .shape([4, 2])) { x in
    array([3, 2]) { i in (0..<4).reduce(0.0) { $0 + x[0][i[0] * 4 + $1] * x[1][$1 * 2 + i[1]] } }
  },
  .init("Einsum", [.string("equation", "bij, bjk -> bki")], .shape([2, 3, 4]), .shape([2, 4, 2]), perImage: false) { x in
    array([2, 2, 3]) { i in
      (0..<4).reduce(0.0) { $0 + x[0][place([2, 3, 4], i[0], i[2], $1)] * x[1][place([2, 4, 2], i[0], $1, i[1])] }
    }
  },
  .init("Einsum", [.string("equation", "...ii->...i")], .shape([2, 3, 3])) { x in
    array([2, 3]) { i in x[0][place([2, 3, 3], i[0], i[1], i[1])] }
  },
  .init("Einsum", [.string("equation", "ij")], .shape([3, 4])) { $0[0] },
  .init("Einsum", [.string("equation", "ij->i")], .shape([3, 4])) { x in
    array([3]) { i in x[0][i[0] * 4..<i[0] * 4 + 4].reduce(0, +) }
  },
  .init("Einsum", [.string("equation", "i,j->ij")], .shape([3]), .shape([2])) { x in
    array([3, 2]) { i in x[0][i[0]] * x[1][i[1]] }
  },
  .init("Einsum", [.string("equation", "ab,bc,cd->ad")], .shape([2, 3]), .shape([3, 4]), .shape([4, 2])),
  .init("Einsum", [.string("equation", "b...,...->b...")], .shape([2, 3, 4]), .shape([1, 4])),
]

let lossNodes: [OperatorCase] = [
  .init(
    "NegativeLogLikelihoodLoss", [.string("reduction", "none")], .shape([3, 4]), .typed([3], [1, 3, 0], .int64), perImage: false
  ) {
    [-$0[0][1], -$0[0][7], -$0[0][8]]
  },
  .init(
    "NegativeLogLikelihoodLoss", [.int("ignore_index", 3)], .shape([3, 4]), .typed([3], [1, 3, 0], .int32),
    .constant([4], [1, 2, 3, 4]), perImage: false
  ) {
    [-(2 * $0[0][1] + $0[0][8]) / 3]
  },
  .init("SoftmaxCrossEntropyLoss", [], .shape([2, 4, 3]), .typed([2, 3], [1, 3, 0, 2, 2, 1], .int64), perImage: false),
  .init(
    "SoftmaxCrossEntropyLoss", [.string("reduction", "sum")], .shape([3, 4]), .typed([3], [1, 3, 0], .int64), perImage: false,
    outputs: 2),
]
