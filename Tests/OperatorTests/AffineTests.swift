// The matrix product in the three layouts that the affine layer has it in, against three loops.
import CNNCore
import CNNOperators
import TestSupport
import Testing

/// The sums over k < inner of a(i, k) * b(k, j) + start(j), i < rows, j < columns.
private func product<T: Element>(
  _ rows: Int, _ columns: Int, _ inner: Int, _ a: (Int, Int) -> T, _ b: (Int, Int) -> T, _ start: (Int) -> T = { _ in 0 }
) -> [Expected<T>] {
  var c: [Expected<T>] = []
  for i in 0..<rows {
    for j in 0..<columns {
      var sum = Expected(start(j))
      for k in 0..<inner { sum += a(i, k) * b(k, j) }
      c.append(sum)
    }
  }
  return c
}

@Suite struct AffineTests {
  /// N, D, M. One of everything, odd sizes around tiles and panels, inner sizes in more than one part of 256, and more rows
  /// than a task takes.
  private static let sizes = [
    (1, 1, 1), (1, 5, 3), (3, 0, 5), (0, 3, 5), (2, 7, 16), (5, 17, 33), (13, 31, 61), (29, 67, 31), (61, 257, 37),
    (7, 521, 65),
    (257, 3, 129), (1031, 3, 19), (3, 1031, 19), (19, 3, 1031),
  ]

  @Test(arguments: sizes) func products(_ N: Int, _ D: Int, _ M: Int) throws {
    try products(N, D, M, of: Float.self)
    try products(N, D, M, of: Double.self)
  }

  private func products<T: Element>(_ N: Int, _ D: Int, _ M: Int, of _: T.Type) throws {
    let x = try Tensor<T>(N, D) { numbers($0, 1) }, weight = try Tensor<T>(D, M) { numbers($0, 2) }
    let bias = try Tensor<T>(M) { numbers($0, 3) }, gradY = try Tensor<T>(N, M) { numbers($0, 4) }
    let y = try Tensor<T>(N, M), yUnbiased = try Tensor<T>(N, M)
    let gradX = try Tensor<T>(N, D), gradWeight = try Tensor<T>(D, M), gradBias = try Tensor<T>(M)
    try Affine.forward(x.input, weight.input, bias.input, y.output)
    try Affine.forward(x.input, weight.input, nil, yUnbiased.output)
    try Affine.backward(
      x.input, weight.input, gradY.input, gradX: gradX.output, gradWeight: gradWeight.output, gradBias: gradBias.output)

    y.block.expect(product(N, M, D, { x.data[$0 * D + $1] }, { weight.data[$0 * M + $1] }, { bias.data[$0] }), "y")
    yUnbiased.block.expect(product(N, M, D, { x.data[$0 * D + $1] }, { weight.data[$0 * M + $1] }), "y without bias")
    gradX.block.expect(product(N, D, M, { gradY.data[$0 * M + $1] }, { weight.data[$1 * M + $0] }), "grad_x")
    gradWeight.block.expect(product(D, M, N, { x.data[$1 * D + $0] }, { gradY.data[$0 * M + $1] }), "grad_weight")
    gradBias.block.expect(product(1, M, N, { _, _ in 1 }, { gradY.data[$0 * M + $1] }), "grad_bias")
  }
}
