// A convolution's gradients where input channels are few, or filters have one cell, against plain loops: with grad_y spread, and read as it
// lies, by rows and flat.
import CNNCore
import CNNOperators
import TestSupport
import Testing

@Suite struct WeightGradientTests {
  private struct Case: Sendable {
    var N = 2, C = 1, K: Int, groups = 1, kernel: (Int, Int), strides = (1, 1), dilation = 1, pad = 0
    var image: (Int, Int)
    var output: (Int, Int) {
      (
        (image.0 + 2 * pad - (kernel.0 - 1) * dilation - 1) / strides.0 + 1,
        (image.1 + 2 * pad - (kernel.1 - 1) * dilation - 1) / strides.1 + 1
      )
    }
  }

  private static let cases = [
    // Rows of whole vectors, whatever the lanes; filters that are a whole number of tiles, or not, or too few for one.
    Case(K: 8, kernel: (5, 5), image: (12, 20)),
    Case(N: 3, K: 30, kernel: (5, 5), image: (28, 20)),
    Case(C: 3, K: 5, kernel: (7, 7), strides: (2, 2), pad: 3, image: (21, 31)),
    Case(C: 2, K: 3, kernel: (3, 3), pad: 1, image: (5, 16)),
    Case(C: 4, K: 7, groups: 2, kernel: (3, 2), strides: (1, 2), image: (9, 32)),
    // Rows of more than are done at once.
    Case(N: 1, K: 6, kernel: (1, 3), pad: 0, image: (3, 4098)),
    Case(K: 4, kernel: (3, 3), pad: 1, image: (7, 13)),
    // Images of whole vectors, of rows that are not; of more pixels than are done at once.
    Case(C: 2, K: 6, kernel: (3, 3), pad: 1, image: (12, 12)),
    Case(C: 3, K: 9, kernel: (3, 2), strides: (2, 3), dilation: 2, pad: 2, image: (16, 40)),
    Case(K: 4, kernel: (3, 1), image: (66, 64)),
    // Too large for a copy of x for each column of taps, and more rows than are done at once.
    Case(C: 3, K: 5, kernel: (5, 7), pad: 3, image: (40, 48)),
    // Filters of one cell and of more channels than stay in the second cache, a whole number of panels or not; images summed together.
    Case(N: 1, C: 320, K: 13, kernel: (1, 1), image: (20, 15)),
    Case(N: 5, C: 187, K: 25, groups: 2, kernel: (1, 1), image: (7, 9)),
  ]

  @Test(arguments: cases.indices) func bothWaysGiveTheSame(_ index: Int) throws {
    try bothWays(Self.cases[index], of: Float.self)
    try bothWays(Self.cases[index], of: Double.self)
  }

  private func bothWays<T: Element>(_ o: Case, of _: T.Type) throws {
    let (OH, OW) = o.output, C = o.C * o.groups, K = o.K * o.groups
    let x = try Tensor<T>(o.N, C, o.image.0, o.image.1) { numbers($0, 1) }
    let weight = try Tensor<T>(K, o.C, o.kernel.0, o.kernel.1) { numbers($0, 2) }
    let gradY = try Tensor<T>(o.N, K, OH, OW) { numbers($0, 3) }
    let convolution = try Convolution(
      strides: [o.strides.0, o.strides.1], pads: [o.pad, o.pad, o.pad, o.pad], dilations: [o.dilation, o.dilation],
      groups: o.groups)
    let wanted = plain(o, x.data, weight.data, gradY.data)
    for withInput in [false, true] {
      let gradX = try Tensor<T>(o.N, C, o.image.0, o.image.1)
      let gradWeight = try Tensor<T>(K, o.C, o.kernel.0, o.kernel.1), gradBias = try Tensor<T>(K)
      try convolution.backward(
        x.input, weight.input, gradY.input, gradX: withInput ? gradX.output : nil, gradWeight: gradWeight.output,
        gradBias: gradBias.output)
      gradWeight.block.expect(wanted.weight, withInput ? "with the gradient of x" : "alone")
      gradBias.block.expect(wanted.bias, withInput ? "bias, with the gradient of x" : "bias, alone")
      if withInput { gradX.block.expect(wanted.x, "the gradient of x") }
    }
    let gradBias = try Tensor<T>(K)
    try convolution.backward(x.input, weight.input, gradY.input, gradX: nil, gradWeight: nil, gradBias: gradBias.output)
    gradBias.block.expect(wanted.bias, "bias without the weight")
  }

  /// Of filters of one cell, whose rows are shared out by the number of threads, and of few channels.
  @Test(arguments: [0, cases.count - 2, cases.count - 1]) func sameBitsForAnyNumberOfThreads(_ index: Int) throws {
    let o = Self.cases[index], (OH, OW) = o.output, C = o.C * o.groups, K = o.K * o.groups
    let x = try Tensor<Float>(o.N, C, o.image.0, o.image.1) { numbers($0, 1) }
    let weight = try Tensor<Float>(K, o.C, o.kernel.0, o.kernel.1) { numbers($0, 2) }
    let gradY = try Tensor<Float>(o.N, K, OH, OW) { numbers($0, 3) }, convolution = try Convolution(groups: o.groups)
    func run(_ threads: Int) throws -> [Float] {
      try Threads.set(threads)
      defer { try? Threads.set(0) }
      let gradWeight = try Tensor<Float>(K, o.C, o.kernel.0, o.kernel.1)
      try convolution.backward(
        x.input, weight.input, gradY.input, gradX: nil, gradWeight: gradWeight.output, gradBias: nil)
      return (0..<gradWeight.shape.count).map { gradWeight.data[$0] }
    }
    let one = try run(1)
    for threads in [2, 3, 8] { #expect(try run(threads) == one) }
  }

  private func plain<T: Element>(
    _ o: Case, _ x: UnsafePointer<T>, _ filters: UnsafePointer<T>, _ gradY: UnsafePointer<T>
  ) -> (x: [Expected<T>], weight: [Expected<T>], bias: [Expected<T>]) {
    let (H, W) = o.image, (OH, OW) = o.output, (KH, KW) = o.kernel, C = o.C * o.groups, K = o.K * o.groups
    var weight = [Expected<T>](repeating: Expected(0), count: K * o.C * KH * KW)
    var bias = [Expected<T>](repeating: Expected(0), count: K)
    var gradX = [Expected<T>](repeating: Expected(0), count: o.N * C * H * W)
    for (n, k) in (0..<o.N).flatMap({ n in (0..<K).map { (n, $0) } }) {
      for (oh, ow) in (0..<OH).flatMap({ oh in (0..<OW).map { (oh, $0) } }) {
        let gradient = gradY[((n * K + k) * OH + oh) * OW + ow]
        bias[k] += gradient
        for (c, i) in (0..<o.C).flatMap({ c in (0..<KH).map { (c, $0) } }) {
          for j in 0..<KW {
            let h = oh * o.strides.0 - o.pad + i * o.dilation, w = ow * o.strides.1 - o.pad + j * o.dilation
            if h < 0 || h >= H || w < 0 || w >= W { continue }
            let cell = ((n * C + k / o.K * o.C + c) * H + h) * W + w, tap = ((k * o.C + c) * KH + i) * KW + j
            weight[tap] += gradient * x[cell]
            gradX[cell] += gradient * filters[tap]
          }
        }
      }
    }
    return (gradX, weight, bias)
  }
}
