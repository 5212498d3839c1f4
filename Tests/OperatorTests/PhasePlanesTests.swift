// The planes of a padded image, against what defines them: which pixel each tap of each window is.
import CNNCore
import CNNOperators
import TestSupport
import Testing

@Suite struct PhasePlanesTests {
  /// Small images and windows of any stride, pad and dilation, larger than the image or far outside it too.
  private struct Drawn {
    let window: Window
    let image: (Int, Int), output: (Int, Int)

    init?(_ dice: inout Dice) throws {
      window = try Window(
        kernel: [dice(1...5), dice(1...5)], strides: [dice(1...4), dice(1...4)],
        pads: [dice(0...6), dice(0...6), dice(0...6), dice(0...6)], dilations: [dice(1...3), dice(1...3)],
        ceilMode: dice(0...1) == 1)
      image = (dice(1...9), dice(1...41))
      // Some windows are too large for their image.
      guard let rows = try? window.outputExtent(0, of: image.0), let columns = try? window.outputExtent(1, of: image.1) else {
        return nil
      }
      output = (rows, columns)
    }
    var pixels: Int { image.0 * image.1 }
    var what: String {
      let axes = [0, 1].map {
        "kernel \(window.kernel[$0]) stride \(window.strides[$0]) pads \(window.pads[$0]) \(window.pads[$0 + 2]) "
          + "dilation \(window.dilations[$0])"
      }
      return "image \(image), output \(output), vertical \(axes[0]), horizontal \(axes[1])"
    }
  }

  private func forEachDrawn(seed: UInt64, _ body: (Drawn, inout Dice) throws -> Void) throws {
    var dice = Dice(seed: seed), count = 0
    while count < 400 {
      guard let drawn = try Drawn(&dice) else { continue }
      try body(drawn, &dice)
      count += 1
    }
  }

  @Test func everyTapOfEveryWindowIsItsPixelOrPadding() throws {
    try fill(of: Float.self)
    try fill(of: Double.self)
  }

  private func fill<T: Element>(of _: T.Type) throws {
    try forEachDrawn(seed: 1) { drawn, dice in
      let window = drawn.window, (H, W) = drawn.image, x = Block<T>(numbers(drawn.pixels))
      // The whole, and a band of its rows of windows.
      let first = dice(0...drawn.output.0 - 1), rows = dice(1...drawn.output.0 - first)
      for (firstRow, rows) in [(0, drawn.output.0), (first, rows)] {
        for padding: T in [0, -.infinity] {
          let planes = try PhasePlanes(window, image: drawn.image, output: (rows, drawn.output.1))
          let cells = Block([T](repeating: .nan, count: planes.cells))
          planes.fill(cells.data, x.data, padding: padding, firstRow: firstRow)
          let areFilled = (0..<cells.count).allSatisfy { !cells.data[$0].isNaN }
          #expect(areFilled, "\(T.self) rows \(firstRow)..<\(firstRow + rows), cells are missing: \(drawn.what)")
          let isRight = (0..<rows * drawn.output.1 * window.taps).allSatisfy { n in
            let (t, oh, ow) = (n % window.taps, n / window.taps / drawn.output.1, n / window.taps % drawn.output.1)
            let (i, j) = (t / window.kernel[1], t % window.kernel[1])
            let h = (firstRow + oh) * window.strides[0] - window.pads[0] + i * window.dilations[0]
            let w = ow * window.strides[1] - window.pads[1] + j * window.dilations[1]
            let isInside = h >= 0 && h < H && w >= 0 && w < W
            return cells.data[planes.offset(i, j) + oh * planes.width + ow] == (isInside ? x.data[h * W + w] : padding)
          }
          #expect(isRight, "\(T.self) rows \(firstRow)..<\(firstRow + rows): \(drawn.what)")
        }
      }
    }
  }

  @Test func drainIsTheAdjointOfFill() throws {
    try drain(of: Float.self)
    try drain(of: Double.self)
  }

  /// <fill(x), p> = <x, drain(p)>. The numbers are whole and the sums under 2^24, so they are exact in either order.
  private func drain<T: Element>(of _: T.Type) throws {
    try forEachDrawn(seed: 2) { (drawn, _) throws in
      let planes = try PhasePlanes(drawn.window, image: drawn.image, output: drawn.output)
      let x = Block(numbers(drawn.pixels, 1, of: T.self).map { ($0 * 4).rounded() })
      let p = Block(numbers(planes.cells, 2, of: T.self).map { ($0 * 4).rounded() })
      let filled = Block([T](repeating: .nan, count: planes.cells)), drained = Block([T](repeating: .nan, count: drawn.pixels))
      planes.fill(filled.data, x.data, padding: 0)
      planes.drain(p.data, drained.data)
      let (inPlanes, inImage) = (dot(filled, p), dot(x, drained))
      #expect(inPlanes == inImage, "\(T.self) \(drawn.what)")
    }
  }
  private func dot<T: Element>(_ a: Block<T>, _ b: Block<T>) -> T {
    (0..<a.count).reduce(0) { $0 + a.data[$1] * b.data[$1] }
  }
}
