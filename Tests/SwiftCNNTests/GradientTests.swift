// Every layer's gradients through the Swift face, in Double, against numerical ones.
import SwiftCNN
import Testing

/// A layer: what its output depends on, and its two directions.
struct Layer: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let inputs: @Sendable () throws -> [Tensor<Double>]
  let forward: @Sendable ([Tensor<Double>]) throws -> Tensor<Double>
  let backward: @Sendable ([Tensor<Double>], Tensor<Double>) throws -> [Tensor<Double>]
}

private func convolution(_ name: String, _ layer: Convolution2D, x: [Int], weight: [Int]) -> Layer {
  Layer(testDescription: name) {
    try [numbers(x), numbers(weight, seed: 2), numbers([weight[0]], seed: 3)]
  } forward: {
    try layer.forward($0[0], weight: $0[1], bias: $0[2])
  } backward: {
    let gradient = try layer.backward($0[0], weight: $0[1], gradient: $1)
    return [gradient.x, gradient.weight, gradient.bias]
  }
}

private func maxPooling(_ name: String, _ layer: MaxPooling2D, x: [Int]) -> Layer {
  Layer(testDescription: name) {
    [try spread(x)]
  } forward: {
    try layer.forward($0[0])
  } backward: {
    [try layer.backward($0[0], winners: layer.forwardWithWinners($0[0]).winners, gradient: $1)]
  }
}

private func averagePooling(_ name: String, _ layer: AveragePooling2D, x: [Int]) -> Layer {
  Layer(testDescription: name) {
    [try numbers(x)]
  } forward: {
    try layer.forward($0[0])
  } backward: {
    [try layer.backward($0[0], gradient: $1)]
  }
}

private func crossEntropy(_ name: String, _ target: @escaping @Sendable () throws -> Target<Double>) -> Layer {
  Layer(testDescription: name) {
    [try numbers([4, 5])]
  } forward: {
    let loss = try SoftmaxCrossEntropy.forward($0[0], target: target()).loss
    return try Tensor([1]) { _ in loss }
  } backward: {
    let probabilities = try SoftmaxCrossEntropy.forward($0[0], target: target()).probabilities
    return [try SoftmaxCrossEntropy.backward(probabilities, target: target(), gradient: $1.elements[0])]
  }
}

private let normalization = BatchNormalization(epsilon: 1e-3)
private func normalization(_ name: String, x: [Int]) -> Layer {
  Layer(testDescription: name) {
    try [numbers(x), numbers([x[1]], seed: 2), numbers([x[1]], seed: 3)]
  } forward: {
    try normalization.train($0[0], scale: $0[1], bias: $0[2]).y
  } backward: {
    let batch = try normalization.train($0[0], scale: $0[1], bias: $0[2]).batch
    let gradient = try normalization.backward($0[0], scale: $0[1], batch: batch, gradient: $1)
    return [gradient.x, gradient.scale, gradient.bias]
  }
}

private let wide = Window2D((2, 3), strides: (2, 1), pads: (1, 0, 1, 2), dilations: (2, 1))
let layers: [Layer] =
  [
    convolution("convolution", Convolution2D(), x: [2, 3, 5, 4], weight: [4, 3, 3, 2]),
    convolution(
      "convolution, pads and strides", Convolution2D(strides: (2, 2), pads: (1, 1, 1, 1)), x: [2, 2, 6, 5],
      weight: [3, 2, 3, 3]),
    convolution(
      "convolution, general", Convolution2D(strides: (2, 1), pads: (1, 0, 2, 3), dilations: (2, 1), groups: 2),
      x: [2, 4, 6, 5],
      weight: [6, 2, 2, 3]),
    maxPooling("max pooling", MaxPooling2D(Window2D((2, 2), strides: (2, 2))), x: [2, 3, 4, 5]),
    maxPooling("max pooling, general", MaxPooling2D(wide, ceilMode: true), x: [1, 2, 7, 5]),
    averagePooling("average pooling", AveragePooling2D(Window2D((2, 2), strides: (2, 2))), x: [2, 3, 4, 5]),
    averagePooling("average pooling, general", AveragePooling2D(wide, ceilMode: true), x: [1, 2, 7, 5]),
    averagePooling("average pooling, counting pads", AveragePooling2D(wide, countsPadding: true), x: [1, 2, 7, 5]),
    crossEntropy("cross-entropy of classes") { .classes([4, 0, 2, 2]) },
    crossEntropy("cross-entropy of a distribution") {
      .distribution(try Softmax.forward(numbers([4, 5], seed: 9)))
    },
    normalization("batch normalization", x: [5, 3]),
    normalization("batch normalization of images", x: [2, 3, 2, 3]),
    Layer(testDescription: "affine") {
      try [numbers([3, 5]), numbers([5, 4], seed: 2), numbers([4], seed: 3)]
    } forward: {
      try Affine.forward($0[0], weight: $0[1], bias: $0[2])
    } backward: {
      let gradient = try Affine.backward($0[0], weight: $0[1], gradient: $1)
      return [gradient.x, gradient.weight, gradient.bias]
    },
    Layer(testDescription: "softmax") {
      [try numbers([3, 5])]
    } forward: {
      try Softmax.forward($0[0])
    } backward: {
      [try Softmax.backward(Softmax.forward($0[0]), gradient: $1)]
    },
    Layer(testDescription: "dropout") {
      [try numbers([3, 5])]
    } forward: {
      try Dropout(ratio: 0.4).forward($0[0], seed: 7).y
    } backward: {
      let mask = try Dropout(ratio: 0.4).forward($0[0], seed: 7).mask
      return [try Dropout(ratio: 0.4).backward(mask: mask, gradient: $1)]
    },
    // Linear, and each the other's adjoint.
    Layer(testDescription: "im2col") {
      [try numbers([2, 3, 7, 5])]
    } forward: {
      try wide.im2col($0[0])
    } backward: {
      [try wide.col2im($1, shape: $0[0].shape)]
    },
  ]
  + Activation.allCases.map { activation in
    Layer(testDescription: "\(activation)") {
      [try spread([3, 5])]
    } forward: {
      try activation.forward($0[0])
    } backward: {
      [try activation.backward(activation.forward($0[0]), gradient: $1)]
    }
  }

@Suite struct GradientTests {
  /// The loss is the sum of y * r. Central differences with h = 1e-5 are off by about h² times the third derivative, and by the
  /// rounding of the loss over h: about 1e-10 either way.
  @Test(arguments: layers) func gradientsAreThoseOfDifferences(_ layer: Layer) throws {
    let inputs = try layer.inputs(), step = 1e-5
    let r = try numbers(layer.forward(inputs).shape, seed: 5, Double.self)
    let gradients = try layer.backward(inputs, r)
    #expect(gradients.count == inputs.count)
    for (i, gradient) in gradients.enumerated() {
      let numerical = try (0..<inputs[i].count).map { place in
        let losses = try [step, -step].map { step in
          var elements = inputs[i].elements, moved = inputs
          elements[place] += step
          moved[i] = try Tensor(inputs[i].shape, elements: elements)
          return product(try layer.forward(moved), r)
        }
        return (losses[0] - losses[1]) / (2 * step)
      }
      expectClose(gradient, numerical, shape: inputs[i].shape, tolerance: 1e-7, "gradient \(i)")
    }
  }

  @Test func theFirstLayersGradientsAreThoseOfTheWhole() throws {
    let convolution = Convolution2D(pads: (1, 1, 1, 1))
    let x: Tensor<Double> = try numbers([2, 3, 5, 4]), weight: Tensor<Double> = try numbers([4, 3, 3, 2], seed: 2)
    let r: Tensor<Double> = try numbers(convolution.outputShape(x: x.shape, weight: weight.shape))
    let all = try convolution.backward(x, weight: weight, gradient: r)
    let some = try convolution.parameterGradients(x, weight: weight, gradient: r)
    #expect(some.weight == all.weight && some.bias == all.bias)
  }
}
