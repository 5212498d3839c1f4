// Which winners the way back of max pooling takes: they come from the caller, and name cells to write to.
import CNNCore
import CNNOperators
import TestSupport
import Testing

@Suite struct WinnersTests {
  /// Padded on no side, on one, on all; dilated; windows that lie beside the image, and none that lies in it.
  private static let windows: [(kernel: (Int, Int), stride: Int, pads: InlineArray<4, Int>, dilation: Int, image: (Int, Int))] =
    [
      ((2, 2), 2, [0, 0, 0, 0], 1, (6, 5)), ((3, 3), 2, [1, 1, 1, 1], 1, (7, 8)), ((3, 2), 1, [0, 1, 2, 0], 1, (4, 5)),
      ((2, 3), 2, [0, 2, 1, 2], 2, (5, 9)), ((3, 3), 1, [4, 0, 0, 4], 1, (3, 4)), ((4, 4), 1, [2, 2, 2, 2], 1, (2, 2)),
    ]

  @Test(arguments: 0..<windows.count) func everyPlace(_ i: Int) throws {
    try everyPlace(i, of: Float.self)
    try everyPlace(i, of: Double.self)
  }

  /// One window after the other wins every cell that it has, two before and two behind: what is no cell of the image is refused, and then
  /// nothing is written.
  private func everyPlace<T: Element>(_ i: Int, of _: T.Type) throws {
    let o = Self.windows[i], (H, W) = o.image
    let window = try Window(
      kernel: [o.kernel.0, o.kernel.1], strides: [o.stride, o.stride], pads: o.pads, dilations: [o.dilation, o.dilation])
    let pooling = Pooling(window), gradX = try Tensor<T>(2, 3, H, W), shape = try pooling.outputShape(gradX.shape)
    let (OH, OW, taps) = (shape[2], shape[3], o.kernel.0 * o.kernel.1)
    let gradY = try Tensor<T>(2, 3, OH, OW) { numbers($0, 1) }
    for place in 0..<shape.count {
      for winner in -3..<taps + 2 {
        var winners = [Int32](repeating: -1, count: shape.count)
        winners[place] = Int32(winner)
        let h = place / OW % OH * o.stride - o.pads[0] + winner / o.kernel.1 * o.dilation
        let w = place % OW * o.stride - o.pads[1] + winner % o.kernel.1 * o.dilation
        let isCell = (0..<taps).contains(winner) && (0..<H).contains(h) && (0..<W).contains(w)
        var wanted = [T](repeating: isCell || winner == -1 ? 0 : .untouched, count: gradX.shape.count)
        if isCell { wanted[(place / (OH * OW) * H + h) * W + w] = gradY.data[place] }
        gradX.data.update(repeating: .untouched, count: gradX.shape.count)
        let block = Block(winners), what = "window \(place) of \(o), winner \(winner)"
        do {
          try pooling.maxBackward(Input("winners", shape, UnsafePointer(block.data)), gradY.input, gradX.output)
          #expect(isCell || winner == -1, "\(what) was taken")
        } catch {
          #expect(!isCell && winner != -1 && error.message.hasPrefix("winners: wanted"), "\(what): \(error.message)")
        }
        gradX.block.expect(wanted, what)
      }
    }
  }
}
