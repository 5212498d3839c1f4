// A convolution's input gradient, by both of its algorithms, against plain loops.
import CNNCore
import CNNOperators
import TestSupport
import Testing

@Suite struct InputGradientTests {
  private struct Case: Sendable {
    var N = 2, C: Int, K: Int, groups = 1, kernel: (Int, Int), dilations = (1, 1), pads = (0, 0, 0, 0), image: (Int, Int)
    /// Output rows and columns, with stride 1.
    var output: (Int, Int) {
      (
        image.0 + pads.0 + pads.2 - (kernel.0 - 1) * dilations.0, image.1 + pads.1 + pads.3 - (kernel.1 - 1) * dilations.1
      )
    }
    func convolution() throws -> Convolution {
      try Convolution(
        strides: [1, 1], pads: [pads.0, pads.1, pads.2, pads.3], dilations: [dilations.0, dilations.1], groups: groups)
    }
  }

  private static let cases = [
    Case(C: 8, K: 1, kernel: (1, 1), image: (3, 5)),
    Case(N: 1, C: 8, K: 5, kernel: (3, 3), pads: (1, 1, 1, 1), image: (7, 9)),
    Case(C: 11, K: 7, kernel: (5, 2), pads: (0, 1, 4, 0), image: (5, 19)),
    Case(C: 17, K: 3, kernel: (2, 3), dilations: (3, 2), pads: (3, 2, 1, 4), image: (6, 13)),
    Case(C: 22, K: 18, groups: 2, kernel: (3, 3), dilations: (1, 2), pads: (2, 0, 0, 3), image: (8, 7)),
    // Filters of one cell that outweigh an image: several slices of terms, several bands of images, several parts of the channels.
    Case(N: 14, C: 37, K: 300, kernel: (1, 1), image: (4, 5)),
    Case(C: 42, K: 18, groups: 2, kernel: (1, 1), image: (3, 3)),
    Case(N: 140, C: 1100, K: 30, kernel: (1, 1), image: (3, 3)),
    // By taps in several strips, of more blocks of rows than are done at once.
    Case(N: 17, C: 9, K: 20, kernel: (3, 3), pads: (1, 1, 1, 1), image: (15, 40)),
    Case(N: 17, C: 9, K: 2, kernel: (1, 16), pads: (0, 15, 0, 8), image: (2, 37)),
  ]

  @Test(arguments: cases.indices) func bothWaysGiveTheSame(_ index: Int) throws {
    try bothWays(Self.cases[index], of: Float.self)
    try bothWays(Self.cases[index], of: Double.self)
  }

  /// With stride 1 and no pad larger than the window's span, the gradient is a convolution; with a larger pad the taps' shares
  /// are added. Such a pad brings windows that see nothing but padding: with a gradient of 0 there, both are the same.
  private func bothWays<T: Element>(_ o: Case, of _: T.Type) throws {
    let span = ((o.kernel.0 - 1) * o.dilations.0, (o.kernel.1 - 1) * o.dilations.1)
    let (more, beside) = (span.0 + 1 - o.pads.0, 2)
    var wide = o
    wide.pads = (o.pads.0 + more, o.pads.1 + beside, o.pads.2, o.pads.3 + 1)
    let (OH, OW) = o.output, (wideOH, wideOW) = wide.output

    let x = try Tensor<T>(o.N, o.C, o.image.0, o.image.1) { numbers($0, 1) }
    let weight = try Tensor<T>(o.K, o.C / o.groups, o.kernel.0, o.kernel.1) { numbers($0, 2) }
    let gradY = try Tensor<T>(o.N, o.K, OH, OW) { numbers($0, 3) }
    let wideGradY = try Tensor<T>(o.N, o.K, wideOH, wideOW) { [T](repeating: 0, count: $0) }
    for plane in 0..<o.N * o.K {
      for h in 0..<OH {
        for w in 0..<OW {
          wideGradY.data[(plane * wideOH + h + more) * wideOW + w + beside] = gradY.data[(plane * OH + h) * OW + w]
        }
      }
    }
    let gradX = try Tensor<T>(o.N, o.C, o.image.0, o.image.1), byTaps = try Tensor<T>(o.N, o.C, o.image.0, o.image.1)
    try o.convolution().backward(
      x.input, weight.input, gradY.input, gradX: gradX.output, gradWeight: nil, gradBias: nil)
    try wide.convolution().backward(
      x.input, weight.input, wideGradY.input, gradX: byTaps.output, gradWeight: nil, gradBias: nil)

    let wanted = plain(o, weight.data, gradY.data)
    gradX.block.expect(wanted, "as a convolution")
    byTaps.block.expect(wanted, "by taps")
  }

  /// Each window gives each of its cells its gradient times the weight there.
  private func plain<T: Element>(_ o: Case, _ weight: UnsafePointer<T>, _ gradY: UnsafePointer<T>) -> [Expected<T>] {
    let (H, W) = o.image, (OH, OW) = o.output, (KH, KW) = o.kernel, C = o.C / o.groups, K = o.K / o.groups
    var gradX = [Expected<T>](repeating: Expected(0), count: o.N * o.C * H * W)
    for (n, k) in (0..<o.N).flatMap({ n in (0..<o.K).map { (n, $0) } }) {
      for (c, oh) in (0..<C).flatMap({ c in (0..<OH).map { (c, $0) } }) {
        for (ow, i) in (0..<OW).flatMap({ ow in (0..<KH).map { (ow, $0) } }) {
          for j in 0..<KW {
            let h = oh - o.pads.0 + i * o.dilations.0, w = ow - o.pads.1 + j * o.dilations.1
            if h < 0 || h >= H || w < 0 || w >= W { continue }
            gradX[((n * o.C + k / K * C + c) * H + h) * W + w] +=
              weight[((k * C + c) * KH + i) * KW + j] * gradY[((n * o.K + k) * OH + oh) * OW + ow]
          }
        }
      }
    }
    return gradX
  }
}
