// What the layers compute, in Float and in Double, against plain loops over the definitions.
import Foundation
import SwiftCNN
import Testing

private func both(_ body: (any FloatingScalar.Type) throws -> Void) rethrows {
  try body(Float.self)
  try body(Double.self)
}
private func doubles<T: FloatingScalar>(_ x: Tensor<T>) -> [Double] { x.elements.map { Double($0) } }

@Suite struct LayerTests {
  private func convolution<T: FloatingScalar>(_: T.Type) throws {
    let x: Tensor<T> = try numbers([2, 4, 6, 5]), weight: Tensor<T> = try numbers([6, 2, 2, 3], seed: 2)
    let bias: Tensor<T> = try numbers([6], seed: 3)
    let layer = Convolution2D(strides: (2, 1), pads: (1, 0, 2, 3), dilations: (2, 1), groups: 2)
    let shape = [2, 6, 4, 6]
    #expect(try layer.outputShape(x: x.shape, weight: weight.shape) == shape)
    var sums: [Double] = []
    forEachIndex(2, 6, 4, 6) { at in
      var sum = Double(bias.elements[at[1]])
      forEachIndex(2, 2, 3) { tap in
        let pixel = [at[0], at[1] / 3 * 2 + tap[0], at[2] * 2 - 1 + tap[1] * 2, at[3] + tap[2]]
        guard let from = place(pixel, x.shape), let by = place([at[1]] + tap, weight.shape) else { return }
        sum += Double(x.elements[from]) * Double(weight.elements[by])
      }
      sums.append(sum)
    }
    expectClose(try layer.forward(x, weight: weight, bias: bias), sums, shape: shape)
    let without = try layer.forward(x, weight: weight)
    #expect(try without == layer.forward(x, weight: weight, bias: Tensor([6])))
  }
  @Test func convolutionIsTheSumOverItsWindow() throws { try both { try convolution($0) } }

  private func pooling<T: FloatingScalar>(_: T.Type) throws {
    let x: Tensor<T> = try numbers([2, 3, 5, 6]), window = Window2D((2, 3), strides: (2, 2), pads: (0, 1, 1, 0))
    let shape = [2, 3, 3, 3]
    var largest: [Double] = [], mean: [Double] = [], padded: [Double] = [], col: [Double] = []
    forEachIndex(2, 3, 3, 3) { at in
      var cells: [Double] = []
      forEachIndex(2, 3) { tap in
        let pixel = place([at[0], at[1], at[2] * 2 + tap[0], at[3] * 2 - 1 + tap[1]], x.shape)
        if let pixel { cells.append(Double(x.elements[pixel])) }
      }
      largest.append(cells.max() ?? -.infinity)
      mean.append(cells.reduce(0, +) / Double(cells.count))
      padded.append(cells.reduce(0, +) / 6)
    }
    expectClose(try MaxPooling2D(window).forward(x), largest, shape: shape)
    expectClose(try AveragePooling2D(window).forward(x), mean, shape: shape)
    expectClose(try AveragePooling2D(window, countsPadding: true).forward(x), padded, shape: shape)
    let (y, winners) = try MaxPooling2D(window).forwardWithWinners(x)
    expectClose(y, largest, shape: shape)
    #expect(winners.shape == shape && winners.elements.allSatisfy { (0..<6).contains($0) })

    forEachIndex(2, 3, 3) { window in
      forEachIndex(3, 2, 3) { tap in
        let pixel = place([window[0], tap[0], window[1] * 2 + tap[1], window[2] * 2 - 1 + tap[2]], x.shape)
        col.append(pixel.map { Double(x.elements[$0]) } ?? 0)
      }
    }
    expectClose(try window.im2col(x), col, shape: [18, 18])
  }
  @Test func poolingAndIm2colReadTheirWindows() throws { try both { try pooling($0) } }

  private func dense<T: FloatingScalar>(_: T.Type) throws {
    let x: Tensor<T> = try numbers([3, 5]), weight: Tensor<T> = try numbers([5, 4], seed: 2)
    let bias: Tensor<T> = try numbers([4], seed: 3)
    var sums: [Double] = []
    forEachIndex(3, 4) { at in
      sums.append(
        (0..<5).reduce(Double(bias.elements[at[1]])) {
          $0 + Double(x.elements[at[0] * 5 + $1]) * Double(weight.elements[$1 * 4 + at[1]])
        })
    }
    expectClose(try Affine.forward(x, weight: weight, bias: bias), sums, shape: [3, 4])
    expectClose(try Activation.relu.forward(x), doubles(x).map { max($0, 0) }, shape: [3, 5])
    let sigmoid = doubles(try Activation.sigmoid.forward(x)), tanh = doubles(try Activation.tanh.forward(x))
    let twice = try Activation.sigmoid.forward(Tensor([3, 5]) { 2 * x.elements[$0] })
    // tanh(x) = 2 sigmoid(2x) - 1, and sigmoid(x) + sigmoid(-x) = 1
    expectClose(twice, tanh.map { ($0 + 1) / 2 }, shape: [3, 5], tolerance: T.self == Float.self ? 1e-6 : 1e-14)
    expectClose(
      try Activation.sigmoid.forward(Tensor([3, 5]) { -x.elements[$0] }), sigmoid.map { 1 - $0 }, shape: [3, 5],
      tolerance: T.self == Float.self ? 1e-6 : 1e-14)
  }
  @Test func affineAndActivations() throws { try both { try dense($0) } }

  private func losses<T: FloatingScalar>(_: T.Type) throws {
    let x: Tensor<T> = try numbers([4, 5]), classes = [4, 0, 2, 2]
    let y = try Softmax.forward(x)
    for n in 0..<4 { #expect(abs(doubles(y)[n * 5..<n * 5 + 5].reduce(0, +) - 1) < 1e-6) }
    let oneHot = try Tensor<T>([4, 5]) { $0 % 5 == classes[$0 / 5] ? 1 : 0 }
    let (loss, probabilities) = try SoftmaxCrossEntropy.forward(x, target: .classes(classes))
    #expect(probabilities == y)
    let (other, _) = try SoftmaxCrossEntropy.forward(x, target: .distribution(oneHot))
    #expect(abs(loss - other) <= 1e-12 * loss)
    let wanted = (0..<4).map { -Foundation.log(doubles(y)[$0 * 5 + classes[$0]]) }.reduce(0, +) / 4
    #expect(abs(loss - wanted) < 1e-6)
  }
  @Test func softmaxAndItsLoss() throws { try both { try losses($0) } }

  private func statistics<T: FloatingScalar>(_: T.Type) throws {
    let x: Tensor<T> = try numbers([4, 3, 2, 2]), scale: Tensor<T> = try numbers([3], seed: 2)
    let bias: Tensor<T> = try numbers([3], seed: 3), layer = BatchNormalization(epsilon: 1e-3, momentum: 0.75)
    var running = try RunningStatistics<T>(channels: 3)
    let start = running
    let (y, batch) = try layer.train(x, scale: scale, bias: bias, running: &running)
    #expect(start == (try RunningStatistics(channels: 3)), "training changed a copy of the running statistics")
    var means = [0.0, 0, 0], variances = [0.0, 0, 0]
    for (i, x) in doubles(x).enumerated() { means[i / 4 % 3] += x / 16 }
    for (i, x) in doubles(x).enumerated() { variances[i / 4 % 3] += (x - means[i / 4 % 3]) * (x - means[i / 4 % 3]) / 16 }
    expectClose(batch.mean, means, shape: [3])
    expectClose(running.mean, means.map { 0.25 * $0 }, shape: [3])
    expectClose(running.variance, variances.map { 0.75 + 0.25 * $0 }, shape: [3])
    func normalized(_ mean: [Double], _ variance: [Double]) -> [Double] {
      doubles(x).enumerated().map { i, x in
        let c = i / 4 % 3, deviation = (variance[c] + 1e-3).squareRoot()
        return doubles(scale)[c] * (x - mean[c]) / deviation + doubles(bias)[c]
      }
    }
    expectClose(y, normalized(means, variances), shape: x.shape)
    #expect(try layer.train(x, scale: scale, bias: bias).y == y)
    expectClose(
      try layer.infer(x, scale: scale, bias: bias, running: running),
      normalized(doubles(running.mean), doubles(running.variance)), shape: x.shape)
  }
  @Test func batchNormalizationTakesAndKeepsStatistics() throws { try both { try statistics($0) } }

  private func dropout<T: FloatingScalar>(_: T.Type) throws {
    let x: Tensor<T> = try numbers([100, 100])
    let (y, mask) = try Dropout(ratio: 0.25).forward(x, seed: 42)
    for (y, (x, kept)) in zip(y.elements, zip(x.elements, mask.elements)) {
      #expect(abs(y - (kept == 1 ? x / 0.75 : 0)) <= 4 * .ulpOfOne)
    }
    // A binomial of 10,000 with 0.75: its deviation is 43, so 250 is more than five of them.
    #expect(abs(mask.elements.reduce(0) { $0 + Int($1) } - 7500) < 250)
    #expect(try Dropout(ratio: 0.25).forward(x, seed: 42).mask == mask)
    #expect(try Dropout(ratio: 0.25).forward(x, seed: 43).mask != mask)
  }
  @Test func dropoutKeepsWhatItsMaskSays() throws { try both { try dropout($0) } }
}
