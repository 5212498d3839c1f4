// Convolution, pooling, the affine layer, relu and the softmax loss, forward and backward, as functions of tensors.
public import CNNCore
import CNNOperators

/// `y[N][K][OH][OW] = x[N][C][H][W] * weight[K][C/groups][KH][KW] + bias[K]` (ONNX Conv).
public struct Convolution2D: Sendable {
  /// Vertical and horizontal step of the window.
  public var strides = (1, 1)
  /// Rows and columns of zeros around the image: top, left, bottom, right.
  public var pads = (0, 0, 0, 0)
  /// Distance between the taps of the window.
  public var dilations = (1, 1)
  /// Groups of channels that do not see each other.
  public var groups = 1

  /// A convolution; the weights are arguments of its functions.
  public init(strides: (Int, Int) = (1, 1), pads: (Int, Int, Int, Int) = (0, 0, 0, 0), groups: Int = 1) {
    (self.strides, self.pads, self.groups) = (strides, pads, groups)
  }

  private func operation() throws(CNNError) -> Convolution {
    try Convolution(
      strides: [strides.0, strides.1], pads: [pads.0, pads.1, pads.2, pads.3], dilations: [dilations.0, dilations.1],
      groups: groups)
  }

  /// The convolution of `x`.
  /// - Throws: `CNNError` where shapes do not fit.
  public func forward(_ x: Tensor, weight: Tensor, bias: Tensor) throws(CNNError) -> Tensor {
    let operation = try operation()
    return try x.input("x") { x throws(CNNError) in
      try weight.input("weight") { weight throws(CNNError) in
        try bias.input("bias") { bias throws(CNNError) in
          var y = try Tensor(operation.outputShape(x.shape, weight.shape))
          try y.output("y") { y throws(CNNError) in try operation.forward(x, weight, bias, y) }
          return y
        }
      }
    }
  }

  /// The gradients of `x`, `weight` and the bias, given that of the output.
  /// - Throws: `CNNError` where shapes do not fit.
  public func backward(
    _ x: Tensor, weight: Tensor, gradient: Tensor
  ) throws(CNNError) -> (x: Tensor, weight: Tensor, bias: Tensor) {
    let operation = try operation()
    var gradX = try Tensor(x.shape), gradWeight = try Tensor(weight.shape)
    var gradBias = try Tensor([weight.shape.first ?? 0])
    try x.input("x") { x throws(CNNError) in
      try weight.input("weight") { weight throws(CNNError) in
        try gradient.input("gradient") { gradient throws(CNNError) in
          try gradX.output("gradX") { gx throws(CNNError) in
            try gradWeight.output("gradWeight") { gw throws(CNNError) in
              try gradBias.output("gradBias") { gb throws(CNNError) in
                try operation.backward(x, weight, gradient, gradX: gx, gradWeight: gw, gradBias: gb)
              }
            }
          }
        }
      }
    }
    return (gradX, gradWeight, gradBias)
  }
}

extension Tensor {
  /// `self[N][D] . weight[D][M] + bias[M]` (ONNX Gemm).
  /// - Throws: `CNNError` where shapes do not fit.
  public func affine(weight: Tensor, bias: Tensor) throws(CNNError) -> Tensor {
    try input("x") { x throws(CNNError) in
      try weight.input("weight") { weight throws(CNNError) in
        try bias.input("bias") { bias throws(CNNError) in
          var y = try Tensor([x.shape[0], weight.shape[1]])
          try y.output("y") { y throws(CNNError) in try Affine.forward(x, weight, bias, y) }
          return y
        }
      }
    }
  }

  /// The larger of each element and 0 (ONNX Relu).
  public func relu() throws(CNNError) -> Tensor {
    try input("x") { x throws(CNNError) in
      var y = try Tensor(x.shape)
      try y.output("y") { y throws(CNNError) in try Relu.forward(x, y, mask: nil) }
      return y
    }
  }

  /// The largest element of each window of `self[N][C][H][W]` (ONNX MaxPool).
  /// - Throws: `CNNError` where the window does not fit.
  public func maxPooled(_ size: (Int, Int), strides: (Int, Int)) throws(CNNError) -> Tensor {
    let window = try Window(
      kernel: [size.0, size.1], strides: [strides.0, strides.1], pads: [0, 0, 0, 0], dilations: [1, 1])
    let pooling = Pooling(window)
    return try input("x") { x throws(CNNError) in
      var y = try Tensor(pooling.outputShape(x.shape))
      try y.output("y") { y throws(CNNError) in try pooling.maxForward(x, y, winners: nil) }
      return y
    }
  }

  /// exp(x) over its sum along each row of `self[N][K]` (ONNX Softmax).
  /// - Throws: `CNNError` unless there are two axes.
  public func softmax() throws(CNNError) -> Tensor {
    try input("x") { x throws(CNNError) in
      var y = try Tensor(x.shape)
      try y.output("y") { y throws(CNNError) in try Softmax.forward(x, y) }
      return y
    }
  }
}
