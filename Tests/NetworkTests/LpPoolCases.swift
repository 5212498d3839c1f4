// Pooling by norm, as lines of the battery.
import CNNOperators
import Foundation

let lpPoolCases: [OperatorCase] = [windows, global].flatMap { $0 }

private let windows: [OperatorCase] = [
  .init(
    "LpPool", [.ints("kernel_shape", [3])], .shape([3, 2, 7]),
    reference: lpPool(images: 6, (1, 7), kernel: (1, 3), strides: (1, 1), pads: (0, 0), output: (1, 5), p: 2)),
  .init(
    "LpPool", [.ints("kernel_shape", [3]), .ints("strides", [2]), .int("p", 1), .int("ceil_mode", 1)], .shape([2, 2, 8]),
    reference: lpPool(images: 4, (1, 8), kernel: (1, 3), strides: (1, 2), pads: (0, 0), output: (1, 4), p: 1)),
  .init(
    "LpPool", [.ints("kernel_shape", [2, 3]), .ints("strides", [2, 1]), .ints("pads", [1, 0, 1, 2]), .int("p", 3)],
    .shape([2, 2, 5, 4]),
    reference: lpPool(images: 4, (5, 4), kernel: (2, 3), strides: (2, 1), pads: (1, 0), output: (3, 4), p: 3)),
  .init(
    "LpPool", [.ints("kernel_shape", [2, 2]), .ints("strides", [2, 2]), .string("auto_pad", "SAME_UPPER")],
    .shape([2, 2, 5, 6]),
    reference: lpPool(images: 4, (5, 6), kernel: (2, 2), strides: (2, 2), pads: (0, 0), output: (3, 3), p: 2)),
  .init("LpPool", [.ints("kernel_shape", [2, 3]), .string("auto_pad", "SAME_LOWER"), .int("p", 4)], .shape([2, 2, 5, 6])),
  .init("LpPool", [.ints("kernel_shape", [2, 2]), .ints("dilations", [2, 3])], .shape([2, 2, 5, 6])),
]
private func lpPool(
  images: Int, _ extents: (Int, Int), kernel: (Int, Int), strides: (Int, Int), pads: (Int, Int), output: (Int, Int), p: Double
) -> @Sendable ([[Double]]) -> [Double] {
  { x in
    indices(images, output.0, output.1).map { image, oh, ow in
      var total = 0.0
      for (i, j, _) in indices(kernel.0, kernel.1, 1) {
        let h = oh * strides.0 - pads.0 + i, w = ow * strides.1 - pads.1 + j
        if (0..<extents.0).contains(h) && (0..<extents.1).contains(w) {
          total += pow(abs(x[0][(image * extents.0 + h) * extents.1 + w]), p)
        }
      }
      return pow(total, 1 / p)
    }
  }
}

private let global: [OperatorCase] = [
  .init("GlobalLpPool", [], .shape([3, 2, 4, 5]), reference: norms(of: 20, p: 2)),
  .init("GlobalLpPool", [.int("p", 1)], .shape([3, 2, 7]), reference: norms(of: 7, p: 1)),
  .init("GlobalLpPool", [.int("p", 3)], .shape([2, 3, 2, 2, 3]), reference: norms(of: 12, p: 3)),
]
private func norms(of count: Int, p: Double) -> @Sendable ([[Double]]) -> [Double] {
  { x in
    stride(from: 0, to: x[0].count, by: count).map { first in
      pow(x[0][first..<first + count].map { pow(abs($0), p) }.reduce(0, +), 1 / p)
    }
  }
}
