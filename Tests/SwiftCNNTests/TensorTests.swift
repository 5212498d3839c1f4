// Tensors as values, and a network that learns through the Swift face.
import SwiftCNN
import Testing

@Suite struct TensorTests {
  @Test func aCopyDoesNotSeeItsOriginalChange() throws {
    var a = try Tensor([2, 2]) { Float($0) }
    let b = a, c = try a.reshaped([4])
    try a.update(with: b) { $0 += 10 * $1 }
    #expect(a.elements == [0, 11, 22, 33])
    #expect(b.elements == [0, 1, 2, 3] && c.elements == [0, 1, 2, 3] && c.shape == [4])
    let before = a
    try a.update(with: a) { $0 -= $1 }
    #expect(a == (try Tensor([2, 2])) && a != before)
  }

  @Test func equalityIsOfShapesAndNumbers() throws {
    let a = try Tensor([2, 3]) { Double($0) }
    #expect(try a == Tensor([2, 3], elements: a.elements) && a != a.reshaped([3, 2]))
    let unknown = try Tensor([1]) { _ in Double.nan }
    #expect(unknown != unknown)
  }

  @Test(arguments: [[], [0], [3, 0, 2], [1, 1, 1, 1, 1, 1, 1, 1]]) func anyShapeHasItsElements(_ shape: [Int]) throws {
    let x = try Tensor(shape) { Double($0) }
    #expect(x.shape == shape && x.count == shape.reduce(1, *) && x.elements == (0..<x.count).map(Double.init))
    #expect(try Activation.relu.forward(x) == x)
  }

  @Test func emptyBatchesGoThrough() throws {
    let x: Tensor<Float> = try Tensor([0, 2, 4, 4])
    let weight: Tensor<Float> = try numbers([3, 2, 3, 3])
    let y = try Convolution2D().forward(x, weight: weight)
    #expect(y.shape == [0, 3, 2, 2])
    let gradient = try Convolution2D().backward(x, weight: weight, gradient: y)
    #expect(try gradient.x == x && gradient.weight == Tensor([3, 2, 3, 3]) && gradient.bias == Tensor([3]))
    #expect(try MaxPooling2D(Window2D((2, 2))).forwardWithWinners(x).winners.shape == [0, 2, 3, 3])
  }

  @Test func tensorsGoBetweenThreads() async throws {
    let x: Tensor<Float> = try numbers([2, 3, 8, 8]), weight: Tensor<Float> = try numbers([4, 3, 3, 3], seed: 2)
    let wanted = try Convolution2D().forward(x, weight: weight)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<8 { group.addTask { try Convolution2D().forward(x, weight: weight) == wanted } }
      for try await same in group { #expect(same) }
    }
  }

  @Test func theEngineSaysWhatItUses() throws {
    #expect(["avx512", "avx2", "baseline"].contains(try Engine.instructionSet))
    let before = try Engine.threads
    #expect(before >= 1)
    Engine.releaseMemory()
  }

  /// Which half of the image is bright: convolution, relu, pooling, affine and the loss, by gradient descent.
  private func learn<T: FloatingScalar>(_: T.Type) throws -> (first: Double, last: Double) {
    let convolution = Convolution2D(pads: (1, 1, 1, 1)), pooling = MaxPooling2D(Window2D((2, 2), strides: (2, 2)))
    let target = Target<T>.classes((0..<8).map { $0 % 2 })
    let x = try Tensor<T>([8, 1, 4, 4]) { i in
      let bright = i % 16 / 8 == i / 16 % 2
      return T(i * 37 % 11) / 20 + (bright ? 1 : 0)
    }
    var kernel: Tensor<T> = try numbers([3, 1, 3, 3]), bias: Tensor<T> = try Tensor([3])
    var weight: Tensor<T> = try numbers([12, 2], seed: 2), offset: Tensor<T> = try Tensor([2])
    let rate: T = 0.05
    var losses: [Double] = []
    for _ in 0..<60 {
      let relu = try Activation.relu.forward(convolution.forward(x, weight: kernel, bias: bias))
      let (pooled, winners) = try pooling.forwardWithWinners(relu)
      let flat = try pooled.reshaped([8, 12])
      let (loss, probabilities) = try SoftmaxCrossEntropy.forward(
        Affine.forward(flat, weight: weight, bias: offset), target: target)
      losses.append(loss)

      let affine = try Affine.backward(
        flat, weight: weight, gradient: SoftmaxCrossEntropy.backward(probabilities, target: target))
      let unpooled = try pooling.backward(relu, winners: winners, gradient: affine.x.reshaped(pooled.shape))
      let first = try convolution.parameterGradients(
        x, weight: kernel, gradient: Activation.relu.backward(relu, gradient: unpooled))
      try kernel.update(with: first.weight) { $0 -= rate * $1 }
      try bias.update(with: first.bias) { $0 -= rate * $1 }
      try weight.update(with: affine.weight) { $0 -= rate * $1 }
      try offset.update(with: affine.bias) { $0 -= rate * $1 }
    }
    return (losses[0], losses[59])
  }
  @Test func aNetworkLearns() throws {
    let single = try learn(Float.self), double = try learn(Double.self)
    #expect(double.last < 0.1 && double.last < double.first / 5)
    #expect(abs(single.last - double.last) < 1e-3)
  }
}
