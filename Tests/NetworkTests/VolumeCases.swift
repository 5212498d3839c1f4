// Operators on volumes, x[N][C][D][H][W], as lines of the battery.
import CNNOperators
import Foundation

let volumeConv: [OperatorCase] = [
  .init("Conv", [], .shape([2, 2, 4, 3, 5]), .shape([3, 2, 2, 2, 3]), .shape([3])) { x in
    convolved(x, [2, 2, 4, 3, 5], [3, 2, 2, 2, 3], y: [3, 2, 3])
  },
  .init(
    "Conv",
    [
      .ints("strides", [2, 1, 3]), .ints("pads", [2, 0, 1, 1, 1, 0]), .ints("dilations", [2, 1, 2]), .int("group", 2),
    ], .shape([2, 4, 5, 3, 6]), .shape([2, 2, 3, 2, 2])
  ) { x in
    convolved(
      x, [2, 4, 5, 3, 6], [2, 2, 3, 2, 2], y: [2, 3, 2], strides: [2, 1, 3], pads: [2, 0, 1], dilations: [2, 1, 2], groups: 2)
  },
  .init(
    "Conv", [.string("auto_pad", "SAME_UPPER"), .ints("strides", [2, 2, 1])], .shape([2, 1, 3, 4, 2]), .shape([2, 1, 3, 3, 2])
  ) { x in
    convolved(x, [2, 1, 3, 4, 2], [2, 1, 3, 3, 2], y: [2, 2, 2], strides: [2, 2, 1], pads: [1, 0, 0])
  },
]
private func convolved(
  _ inputs: [[Double]], _ x: [Int], _ w: [Int], y size: [Int], strides: [Int] = [1, 1, 1], pads: [Int] = [0, 0, 0],
  dilations: [Int] = [1, 1, 1], groups: Int = 1
) -> [Double] {
  array([x[0], w[0]] + size) { i in
    var total = inputs.count > 2 ? inputs[2][i[1]] : 0
    for c in 0..<w[1] {
      for (a, b, d) in indices(w[2], w[3], w[4]) {
        let at = [a, b, d].indices.map { i[$0 + 2] * strides[$0] - pads[$0] + [a, b, d][$0] * dilations[$0] }
        if (0..<3).contains(where: { at[$0] < 0 || at[$0] >= x[$0 + 2] }) { continue }
        let channel = i[1] / (w[0] / groups) * w[1] + c
        total += inputs[0][place(x, i[0], channel, at[0], at[1], at[2])] * inputs[1][place(w, i[1], c, a, b, d)]
      }
    }
    return total
  }
}

let volumeAveragePool: [OperatorCase] = [
  .init(
    "AveragePool", [.ints("kernel_shape", [2, 3, 2]), .ints("strides", [2, 1, 1]), .ints("pads", [1, 0, 0, 0, 1, 1])],
    .shape([2, 2, 5, 3, 4])
  ) { x in pooled(x[0]) { $0.reduce(0, +) / Double($0.count) } },
  .init(
    "AveragePool",
    [
      .ints("kernel_shape", [2, 3, 2]), .ints("strides", [2, 1, 1]), .ints("pads", [1, 0, 0, 0, 1, 1]),
      .int("count_include_pad", 1),
    ], .shape([2, 2, 5, 3, 4])
  ) { x in pooled(x[0]) { $0.reduce(0, +) / 12 } },
]

let volumeMaxPool: [OperatorCase] = [
  .init(
    "MaxPool", [.ints("kernel_shape", [2, 3, 2]), .ints("strides", [2, 1, 1]), .ints("pads", [1, 0, 0, 0, 1, 1])],
    .shape([2, 2, 5, 3, 4])
  ) { x in pooled(x[0]) { $0.max() ?? .nan } },
  .init(
    "MaxPool", [.ints("kernel_shape", [2, 2, 2]), .ints("strides", [2, 2, 2]), .int("ceil_mode", 1)], .shape([2, 1, 3, 4, 5])),
]
/// Boxes of 2 x 3 x 2, strides 2, 1, 1, pads 1 in front and 1 below and at the right, of x[2][2][5][3][4].
private func pooled(_ x: [Double], _ pool: ([Double]) -> Double) -> [Double] {
  array([2, 2, 3, 2, 4]) { i in
    var box: [Double] = []
    for (a, b, c) in indices(2, 3, 2) {
      let (d, h, w) = (2 * i[2] - 1 + a, i[3] + b, i[4] + c)
      if d >= 0 && d < 5 && h < 3 && w < 4 { box.append(x[place([2, 2, 5, 3, 4], i[0], i[1], d, h, w)]) }
    }
    return pool(box)
  }
}

let volumeLpPool: [OperatorCase] = [
  .init(
    "LpPool",
    [.ints("kernel_shape", [2, 3, 2]), .ints("strides", [2, 1, 1]), .ints("pads", [1, 0, 0, 0, 1, 1]), .int("p", 3)],
    .shape([2, 2, 5, 3, 4])
  ) { x in pooled(x[0]) { pow($0.reduce(0) { $0 + pow(abs($1), 3) }, 1 / 3) } },
  .init("LpPool", [.ints("kernel_shape", [2, 2, 3]), .string("auto_pad", "SAME_UPPER")], .shape([2, 1, 3, 4, 5])),
]

let volumeConvTranspose: [OperatorCase] = [
  .init("ConvTranspose", [], .shape([2, 2, 2, 3, 2]), .shape([2, 3, 2, 2, 3]), .shape([3])) { x in
    scattered(x, [2, 2, 2, 3, 2], [2, 3, 2, 2, 3], y: [3, 4, 4])
  },
  .init(
    "ConvTranspose",
    [
      .ints("strides", [2, 1, 3]), .ints("pads", [1, 0, 2, 0, 1, 0]), .ints("dilations", [1, 2, 1]), .int("group", 2),
      .ints("output_padding", [1, 0, 2]),
    ], .shape([2, 4, 3, 2, 2]), .shape([4, 2, 3, 2, 2])
  ) { x in
    scattered(
      x, [2, 4, 3, 2, 2], [4, 2, 3, 2, 2], y: [7, 3, 5], strides: [2, 1, 3], first: [1, 0, 2], dilations: [1, 2, 1], groups: 2)
  },
  .init(
    "ConvTranspose", [.ints("output_shape", [4, 5, 4]), .ints("strides", [2, 2, 2])], .shape([2, 1, 2, 2, 2]),
    .shape([1, 2, 2, 3, 3])
  ) { x in scattered(x, [2, 1, 2, 2, 2], [1, 2, 2, 3, 3], y: [4, 5, 4], strides: [2, 2, 2], first: [0, 0, 1]) },
]
/// Every voxel of x adds the filter, times itself, to y; `first` is taken away before the first planes, rows and columns.
private func scattered(
  _ inputs: [[Double]], _ x: [Int], _ w: [Int], y size: [Int], strides: [Int] = [1, 1, 1], first: [Int] = [0, 0, 0],
  dilations: [Int] = [1, 1, 1], groups: Int = 1
) -> [Double] {
  let shape = [x[0], w[1] * groups] + size
  var y = array(shape) { i in inputs.count > 2 ? inputs[2][i[1]] : 0 }
  for (n, c) in indices(x[0], x[1], 1).map({ ($0.0, $0.1) }) {
    for (d, h, column) in indices(x[2], x[3], x[4]) {
      for (k, part) in indices(w[1], w[2] * w[3] * w[4], 1).map({ ($0.0, $0.1) }) {
        let tap = [part / (w[3] * w[4]), part / w[4] % w[3], part % w[4]]
        let at = [d, h, column].indices.map { [d, h, column][$0] * strides[$0] + tap[$0] * dilations[$0] - first[$0] }
        if (0..<3).contains(where: { at[$0] < 0 || at[$0] >= size[$0] }) { continue }
        y[place(shape, n, c / (x[1] / groups) * w[1] + k, at[0], at[1], at[2])] +=
          inputs[0][place(x, n, c, d, h, column)] * inputs[1][place(w, c, k, tap[0], tap[1], tap[2])]
      }
    }
  }
  return y
}
