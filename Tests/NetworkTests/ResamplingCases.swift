// Operators that make images of another size, as lines of the battery.
import CNNOperators

let adaptiveAveragePool: [OperatorCase] = [
  .init("AdaptiveAveragePool", [.ints("output_size", [3, 2])], .shape([2, 3, 7, 4])) { x in
    adaptive(x[0], [2, 3, 7, 4], [3, 2]) { $0.reduce(0, +) / Double($0.count) }
  },
  .init("AdaptiveAveragePool", [.ints("output_size", [5])], .shape([2, 3, 3])),
  .init("AdaptiveAveragePool", [.ints("output_size", [2, 3, 1])], .shape([2, 1, 3, 3, 4])),
]
let adaptiveMaxPool: [OperatorCase] = [
  .init("AdaptiveMaxPool", [.ints("output_size", [3, 2])], .shape([2, 3, 7, 4])) { x in
    adaptive(x[0], [2, 3, 7, 4], [3, 2]) { $0.max() ?? .nan }
  },
  .init("AdaptiveMaxPool", [.ints("output_size", [4])], .shape([2, 3, 6])),
]
private func adaptive(_ x: [Double], _ shape: [Int], _ size: [Int], _ pool: ([Double]) -> Double) -> [Double] {
  array([shape[0], shape[1], size[0], size[1]]) { i in
    var window: [Double] = []
    for h in 0..<shape[2] where h >= i[2] * shape[2] / size[0] && h * size[0] < (i[2] + 1) * shape[2] {
      for w in 0..<shape[3] where w >= i[3] * shape[3] / size[1] && w * size[1] < (i[3] + 1) * shape[3] {
        window.append(x[place(shape, i[0], i[1], h, w)])
      }
    }
    return pool(window)
  }
}

// x is [2][2][4][5] everywhere here, and the result [2][2][6][10], [2][2][6][2] or [2][2][9][3]; factors are exact in binary.

private let images = OperatorCase.Input.shape([2, 2, 4, 5])
private let larger = OperatorCase.Input.constant([4], [1, 1, 1.5, 2])

let resize: [OperatorCase] = [
  .init("Resize", [], images, .absent, larger) { x in
    resized(x[0], (6, 10)) { o, n, m in
      (o + 0.5) * n / m - 0.5
    } taps: {
      [(Int(($0 - 0.5).rounded(.up)), 1)]
    }
  },
  .init(
    "Resize", [.string("nearest_mode", "round_prefer_ceil"), .string("coordinate_transformation_mode", "align_corners")],
    images, .absent, .absent, .integers([2, 2, 9, 3]), perImage: false
  ) { x in
    resized(x[0], (9, 3)) { o, n, m in
      o * (n - 1) / (m - 1)
    } taps: {
      [(Int(($0 + 0.5).rounded(.down)), 1)]
    }
  },
  .init(
    "Resize", [.string("nearest_mode", "ceil"), .string("coordinate_transformation_mode", "asymmetric")], images, .absent,
    larger
  ) { x in
    resized(x[0], (6, 10)) { o, n, m in
      o * n / m
    } taps: {
      [(Int($0.rounded(.up)), 1)]
    }
  },
  .init(
    "Resize", [.string("nearest_mode", "floor"), .ints("axes", [3, 2])], images, .absent, .constant([0], []),
    .integers([2, 6])
  ) { x in
    resized(x[0], (6, 2)) { o, n, m in
      (o + 0.5) * n / m - 0.5
    } taps: {
      [(Int($0.rounded(.down)), 1)]
    }
  },
  .init("Resize", [.string("mode", "linear")], images, .absent, larger) { x in
    resized(x[0], (6, 10)) { o, n, m in
      (o + 0.5) * n / m - 0.5
    } taps: {
      linear($0)
    }
  },
  .init(
    "Resize", [.string("mode", "linear"), .string("coordinate_transformation_mode", "align_corners")], images, .absent,
    .absent, .integers([2, 2, 9, 3]), perImage: false
  ) { x in
    resized(x[0], (9, 3)) { o, n, m in
      o * (n - 1) / (m - 1)
    } taps: {
      linear($0)
    }
  },
  .init("Resize", [.string("mode", "linear")], images, larger) { x in
    resized(x[0], (6, 10)) { o, n, m in
      o * n / m
    } taps: {
      linear($0)
    }
  },
  .init(
    "Resize", [.string("mode", "cubic"), .float("cubic_coeff_a", -0.5)], images, .absent, .absent, .integers([2, 2, 6, 2]),
    perImage: false
  ) { x in
    resized(x[0], (6, 2)) { o, n, m in
      (o + 0.5) * n / m - 0.5
    } taps: {
      cubic($0, -0.5)
    }
  },
  .init("Resize", [.string("mode", "cubic"), .int("exclude_outside", 1)], images, .absent, larger),
  .init(
    "Resize", [.string("mode", "linear"), .string("coordinate_transformation_mode", "pytorch_half_pixel")],
    .shape([2, 3, 3, 5]), .absent, .absent, .integers([2, 5, 1, 2]), perImage: false),
  .init(
    "Resize", [.string("mode", "linear"), .string("coordinate_transformation_mode", "half_pixel_symmetric")],
    .shape([2, 1, 5]), .absent, .constant([3], [1, 1, 1.75])),
]

let upsample: [OperatorCase] = [
  .init("Upsample", [], images, larger) { x in
    resized(x[0], (6, 10)) { o, n, m in
      o * n / m
    } taps: {
      [(Int($0.rounded(.down)), 1)]
    }
  },
  .init("Upsample", [.string("mode", "linear"), .floats("scales", [1, 1, 1.5, 2])], images) { x in
    resized(x[0], (6, 10)) { o, n, m in
      o * n / m
    } taps: {
      linear($0)
    }
  },
]

/// y of x[2][2][4][5] as ONNX states it: the sum of x at the taps of the place that a pixel comes from, repeated at the edges.
private func resized(
  _ x: [Double], _ size: (Int, Int), place source: (_ o: Double, _ n: Double, _ m: Double) -> Double,
  taps: (Double) -> [(at: Int, weight: Double)]
) -> [Double] {
  array([2, 2, size.0, size.1]) { i in
    var total = 0.0
    for row in taps(source(Double(i[2]), 4, Double(size.0))) {
      for column in taps(source(Double(i[3]), 5, Double(size.1))) {
        let (h, w) = (max(0, min(3, row.at)), max(0, min(4, column.at)))
        total += row.weight * column.weight * x[place([2, 2, 4, 5], i[0], i[1], h, w)]
      }
    }
    return total
  }
}
private func linear(_ place: Double) -> [(Int, Double)] {
  let i = Int(place.rounded(.down))
  return [(i, Double(i) + 1 - place), (i + 1, place - Double(i))]
}
private func cubic(_ place: Double, _ a: Double) -> [(Int, Double)] {
  let i = Int(place.rounded(.down))
  return (i - 1...i + 2).map { j in
    let d = abs(place - Double(j))
    return (j, d <= 1 ? (a + 2) * d * d * d - (a + 3) * d * d + 1 : a * (d * d * d - 5 * d * d + 8 * d - 4))
  }
}

let maxUnpool: [OperatorCase] = [
  .init(
    "MaxUnpool", [.ints("kernel_shape", [2, 2]), .ints("strides", [2, 2])], .shape([1, 2, 2, 2]),
    .typed([1, 2, 2, 2], [5, 7, 13, 15, 16, 19, -1, 31], .int64), perImage: false
  ) { x in unpooled(x[0], [(1, 1), (1, 3), (3, 1), (3, 3), (4, 0), (4, 3), nil, (7, 3)], rows: 8, columns: 4) },
  .init(
    "MaxUnpool", [.ints("kernel_shape", [2, 2]), .ints("strides", [2, 2])], .shape([1, 1, 2, 2]),
    .typed([1, 1, 2, 2], [5, 7, 13, 15], .int64), .integers([1, 1, 5, 6]), perImage: false
  ) { x in unpooled(x[0], [(1, 1), (1, 3), (3, 1), (3, 3)], rows: 5, columns: 6) },
  .init(
    "MaxUnpool", [.ints("kernel_shape", [3]), .ints("strides", [2]), .ints("pads", [1, 0])], .shape([2, 1, 3]),
    .typed([2, 1, 3], [0, 2, 5, 6, 9, 11], .int64), perImage: false
  ) { x in unpooled(x[0], [(0, 0), (0, 2), (0, 5), (1, 0), (1, 3), (1, 5)], rows: 2, columns: 6) },
]
/// Element i at (row, column) number i, all channels' rows below each other.
private func unpooled(_ x: [Double], _ places: [(Int, Int)?], rows: Int, columns: Int) -> [Double] {
  var y = [Double](repeating: 0, count: rows * columns)
  for (i, place) in places.enumerated() {
    if let place { y[place.0 * columns + place.1] = x[i] }
  }
  return y
}
