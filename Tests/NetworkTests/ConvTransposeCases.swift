// ConvTranspose, as lines of the battery.
import CNNOperators

let convTranspose: [OperatorCase] = [
  .init("ConvTranspose", [], .shape([2, 3, 4, 3]), .shape([3, 5, 3, 2]), .shape([5])) { x in
    scattered(x, [2, 3, 4, 3], [3, 5, 3, 2], y: [6, 4])
  },
  .init(
    "ConvTranspose",
    [
      .ints("strides", [3, 2]), .ints("pads", [1, 0, 2, 3]), .ints("dilations", [2, 1]), .int("group", 2),
      .ints("output_padding", [2, 1]),
    ], .shape([2, 4, 4, 5]), .shape([4, 3, 2, 4]), .shape([6])
  ) { x in
    scattered(x, [2, 4, 4, 5], [4, 3, 2, 4], y: [11, 10], strides: [3, 2], first: [1, 0], dilations: [2, 1], groups: 2)
  },
  .init(
    "ConvTranspose", [.string("auto_pad", "SAME_UPPER"), .ints("strides", [2, 2])], .shape([2, 2, 3, 4]), .shape([2, 1, 3, 5])
  ) { x in scattered(x, [2, 2, 3, 4], [2, 1, 3, 5], y: [6, 8], strides: [2, 2], first: [0, 1]) },
  .init(
    "ConvTranspose", [.string("auto_pad", "SAME_LOWER"), .ints("strides", [2, 2])], .shape([2, 2, 3, 4]), .shape([2, 1, 3, 1])
  ) { x in scattered(x, [2, 2, 3, 4], [2, 1, 3, 1], y: [6, 8], strides: [2, 2], first: [1, 0]) },
  .init(
    "ConvTranspose", [.ints("output_shape", [8, 6]), .ints("strides", [2, 2]), .ints("kernel_shape", [3, 3])],
    .shape([2, 2, 3, 3]), .shape([2, 2, 3, 3]), .shape([2])
  ) { x in scattered(x, [2, 2, 3, 3], [2, 2, 3, 3], y: [8, 6], strides: [2, 2], first: [0, 1]) },
  .init("ConvTranspose", [.ints("strides", [2]), .ints("pads", [1, 2])], .shape([2, 3, 5]), .shape([3, 2, 4])) { x in
    scattered(x, [2, 3, 1, 5], [3, 2, 1, 4], y: [1, 9], strides: [1, 2], first: [0, 1])
  },
]

/// Every pixel of x adds the filter, times itself, to y; `first` is taken away before the first rows and columns.
private func scattered(
  _ inputs: [[Double]], _ x: [Int], _ w: [Int], y size: [Int], strides: [Int] = [1, 1], first: [Int] = [0, 0],
  dilations: [Int] = [1, 1], groups: Int = 1
) -> [Double] {
  let shape = [x[0], w[1] * groups, size[0], size[1]]
  var y = array(shape) { i in inputs.count > 2 ? inputs[2][i[1]] : 0 }
  for n in 0..<x[0] {
    for (c, h, column) in indices(x[1], x[2], x[3]) {
      for (k, i, j) in indices(w[1], w[2], w[3]) {
        let row = h * strides[0] + i * dilations[0] - first[0], to = column * strides[1] + j * dilations[1] - first[1]
        guard (0..<size[0]).contains(row) && (0..<size[1]).contains(to) else { continue }
        y[place(shape, n, c / (x[1] / groups) * w[1] + k, row, to)] +=
          inputs[0][place(x, n, c, h, column)] * inputs[1][place(w, c, k, i, j)]
      }
    }
  }
  return y
}
