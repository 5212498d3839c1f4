// Bad input through the Swift face: an error of the right kind that names the argument, whatever is wrong.
import SwiftCNN
import Testing

private typealias Reals = Tensor<Double>
private func zeros(_ shape: Int...) throws -> Reals { try Tensor(shape) }

/// A call that must be refused, and the argument at fault.
struct Refused: Sendable, CustomTestStringConvertible {
  let argument: String, kind: CNNError.Kind, testDescription: String
  let call: @Sendable () throws -> Void

  init(_ argument: String, _ kind: CNNError.Kind, _ what: String, _ call: @escaping @Sendable () throws -> Void) {
    (self.argument, self.kind, self.call) = (argument, kind, call)
    testDescription = "\(argument): \(what)"
  }
}

private let convolution = Convolution2D(), pooling = MaxPooling2D(Window2D((2, 2))),
  average = AveragePooling2D(Window2D((2, 2)))
private let normalization = BatchNormalization()

let refused: [Refused] = [
  Refused("shape", .shape, "negative") { _ = try zeros(2, -1) },
  Refused("shape", .shape, "overflows") { _ = try zeros(1 << 40, 1 << 40) },
  Refused("shape", .shape, "overflows beside 0") { _ = try zeros(0, .max, .max) },
  Refused("shape", .shape, "nine axes") { _ = try Reals([Int](repeating: 1, count: 9)) },
  Refused("shape", .memory, "more than there is") { _ = try zeros(1 << 50) },
  Refused("elements", .shape, "too few") { _ = try Reals([2, 2], elements: [1, 2, 3]) },
  Refused("shape", .shape, "other count") { _ = try zeros(2, 3).reshaped([5]) },
  Refused("other", .shape, "other shape") {
    var x = try zeros(2, 3)
    try x.update(with: zeros(3, 2)) { $0 += $1 }
  },
  Refused("count", .argument, "threads") { try Engine.setThreads(-1) },

  Refused("x", .shape, "rank") { _ = try convolution.forward(zeros(2, 2), weight: zeros(1, 1, 1, 1)) },
  Refused("weight", .shape, "rank") { _ = try convolution.forward(zeros(1, 1, 3, 3), weight: zeros(1, 1)) },
  Refused("weight", .shape, "channels") { _ = try convolution.forward(zeros(1, 3, 3, 3), weight: zeros(1, 2, 1, 1)) },
  Refused("kernel", .shape, "too large") { _ = try convolution.forward(zeros(1, 1, 3, 3), weight: zeros(1, 1, 4, 1)) },
  Refused("bias", .shape, "length") {
    _ = try convolution.forward(zeros(1, 1, 3, 3), weight: zeros(2, 1, 1, 1), bias: zeros(3))
  },
  Refused("strides", .argument, "0") {
    _ = try Convolution2D(strides: (0, 1)).forward(zeros(1, 1, 3, 3), weight: zeros(1, 1, 1, 1))
  },
  Refused("pads", .argument, "negative") {
    _ = try Convolution2D(pads: (0, 0, -1, 0)).outputShape(x: [1, 1, 3, 3], weight: [1, 1, 1, 1])
  },
  Refused("dilations", .argument, "huge") {
    _ = try Convolution2D(dilations: (1, .max)).outputShape(x: [1, 1, 3, 3], weight: [1, 1, 1, 1])
  },
  Refused("groups", .argument, "does not divide") {
    _ = try Convolution2D(groups: 2).forward(zeros(1, 3, 3, 3), weight: zeros(1, 1, 1, 1))
  },
  Refused("gradient", .shape, "of convolution") {
    _ = try convolution.backward(zeros(1, 1, 3, 3), weight: zeros(1, 1, 2, 2), gradient: zeros(1, 1, 3, 3))
  },
  Refused("x", .shape, "negative, for its output") {
    _ = try convolution.outputShape(x: [1, 1, -3, 3], weight: [1, 1, 1, 1])
  },

  Refused("x", .shape, "rank, im2col") { _ = try Window2D((1, 1)).im2col(zeros(3, 3)) },
  Refused("kernel", .argument, "0") { _ = try Window2D((0, 1)).im2col(zeros(1, 1, 3, 3)) },
  Refused("col", .shape, "other shape") { _ = try Window2D((1, 1)).col2im(zeros(4, 2), shape: [1, 1, 2, 2]) },
  Refused("shape", .shape, "rank, col2im") { _ = try Window2D((1, 1)).col2im(zeros(4, 1), shape: [2, 2]) },
  Refused("x", .shape, "rank, max pooling") { _ = try pooling.forward(zeros(3, 3)) },
  Refused("x", .shape, "rank, winners") { _ = try pooling.forwardWithWinners(zeros(3, 3)) },
  Refused("x", .shape, "rank, max pooling backward") {
    _ = try pooling.backward(zeros(3, 3), winners: Tensor([1, 1, 1, 1]), gradient: zeros(1, 1, 1, 1))
  },
  Refused("winners", .shape, "other shape") {
    _ = try pooling.backward(zeros(1, 1, 3, 3), winners: Tensor([1, 1, 1, 2]), gradient: zeros(1, 1, 2, 2))
  },
  Refused("winners", .argument, "outside the window") {
    _ = try pooling.backward(zeros(1, 1, 2, 2), winners: Tensor([1, 1, 1, 1]) { _ in 4 }, gradient: zeros(1, 1, 1, 1))
  },
  Refused("gradient", .shape, "of max pooling") {
    _ = try pooling.backward(zeros(1, 1, 3, 3), winners: Tensor([1, 1, 2, 2]), gradient: zeros(1, 1, 3, 3))
  },
  Refused("kernel", .shape, "too large, average") { _ = try average.forward(zeros(1, 1, 1, 3)) },
  Refused("gradient", .shape, "of average pooling") {
    _ = try average.backward(zeros(1, 1, 3, 3), gradient: zeros(1, 1, 3, 3))
  },

  Refused("x", .shape, "rank, affine") { _ = try Affine.forward(zeros(3), weight: zeros(3, 2)) },
  Refused("weight", .shape, "rows") { _ = try Affine.forward(zeros(2, 3), weight: zeros(4, 2)) },
  Refused("bias", .shape, "of affine") { _ = try Affine.forward(zeros(2, 3), weight: zeros(3, 2), bias: zeros(3)) },
  Refused("gradient", .shape, "of affine") {
    _ = try Affine.backward(zeros(2, 3), weight: zeros(3, 2), gradient: zeros(2, 3))
  },
  Refused("gradient", .shape, "of relu") { _ = try Activation.relu.backward(zeros(2, 3), gradient: zeros(3, 2)) },
  Refused("gradient", .shape, "of sigmoid") { _ = try Activation.sigmoid.backward(zeros(2, 3), gradient: zeros(6)) },
  Refused("gradient", .shape, "of tanh") { _ = try Activation.tanh.backward(zeros(2, 3), gradient: zeros(2)) },
  Refused("ratio", .argument, "1") { _ = try Dropout(ratio: 1).forward(zeros(2), seed: 1) },
  Refused("ratio", .argument, "not a number") { _ = try Dropout(ratio: .nan).backward(mask: Tensor([2]), gradient: zeros(2)) },
  Refused("mask", .shape, "other shape") { _ = try Dropout().backward(mask: Tensor([3]), gradient: zeros(2)) },

  Refused("x", .shape, "rank, softmax") { _ = try Softmax.forward(zeros(3)) },
  Refused("gradient", .shape, "of softmax") { _ = try Softmax.backward(zeros(2, 3), gradient: zeros(3, 2)) },
  Refused("x", .shape, "empty") { _ = try SoftmaxCrossEntropy.forward(zeros(0, 3), target: .classes([])) },
  Refused("target", .shape, "length") { _ = try SoftmaxCrossEntropy.forward(zeros(2, 3), target: .classes([1])) },
  Refused("target", .argument, "no such class") { _ = try SoftmaxCrossEntropy.forward(zeros(2, 3), target: .classes([1, 3])) },
  Refused("target", .argument, "negative class") {
    _ = try SoftmaxCrossEntropy.backward(zeros(2, 3), target: .classes([-1, 0]))
  },
  Refused("target", .shape, "distribution") {
    _ = try SoftmaxCrossEntropy.forward(zeros(2, 3), target: .distribution(zeros(3, 2)))
  },

  Refused("x", .shape, "rank, normalization") { _ = try normalization.train(zeros(3), scale: zeros(3), bias: zeros(3)) },
  Refused("scale", .shape, "length") { _ = try normalization.train(zeros(2, 3), scale: zeros(2), bias: zeros(3)) },
  Refused("bias", .shape, "of normalization") { _ = try normalization.train(zeros(2, 3), scale: zeros(3), bias: zeros(2)) },
  Refused("running.variance", .shape, "length") {
    var running = try RunningStatistics<Double>(mean: zeros(3), variance: zeros(2))
    defer { #expect(running.mean.elements == [0, 0, 0], "changed by a call that failed") }
    _ = try normalization.train(numbers([2, 3]), scale: zeros(3), bias: zeros(3), running: &running)
  },
  Refused("running.mean", .shape, "length, in use") {
    _ = try normalization.infer(zeros(2, 3), scale: zeros(3), bias: zeros(3), running: RunningStatistics(channels: 4))
  },
  Refused("gradient", .shape, "of normalization") {
    let batch = try normalization.train(zeros(2, 3), scale: zeros(3), bias: zeros(3)).batch
    _ = try normalization.backward(zeros(2, 3), scale: zeros(3), batch: batch, gradient: zeros(3, 2))
  },
  Refused("epsilon", .argument, "negative") {
    _ = try BatchNormalization(epsilon: -1).train(zeros(2, 3), scale: zeros(3), bias: zeros(3))
  },
  Refused("momentum", .argument, "over 1") {
    _ = try BatchNormalization(momentum: 1.5).train(zeros(2, 3), scale: zeros(3), bias: zeros(3))
  },
]

@Suite struct ErrorTests {
  @Test(arguments: refused) func anErrorNamesTheArgument(_ refused: Refused) {
    #expect {
      try refused.call()
    } throws: {
      guard let error = $0 as? CNNError else { return false }
      // "weight: …" or "pads[2]: …"
      let named = error.message.prefix { $0 != ":" && $0 != "[" }
      return error.kind == refused.kind && named == refused.argument
    }
  }
}
