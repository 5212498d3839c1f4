// The fully connected layer, the activations between layers, and dropout.
public import CNNCore
import CNNOperators

/// The fully connected layer: `x[N][D], weight[D][M], bias[M] -> y[N][M]`, `y = x . weight + bias` (ONNX Gemm).
///
/// ```swift
/// let y = try Affine.forward(x.reshaped([n, 30 * 12 * 12]), weight: weight, bias: bias)
/// ```
public enum Affine {
  /// `y[N][M]`; no bias is a bias of 0.
  /// - Throws: `CNNError` where shapes do not fit, or there is no memory.
  public static func forward<Scalar: FloatingScalar>(
    _ x: Tensor<Scalar>, weight: Tensor<Scalar>, bias: Tensor<Scalar>? = nil
  ) throws(CNNError) -> Tensor<Scalar> {
    try call(lending: (x, weight, bias)) { () throws(CNNError) in
      let y = try Tensor<Scalar>(Shape("y", x.extents[0], weight.extents[1]))
      try CNNOperators.Affine.forward(x.input("x"), weight.input("weight"), bias?.input("bias"), y.output("y"))
      return y
    }
  }

  /// The gradients of a loss by `x`, `weight` and `bias[M]`, each like what it is of, given `gradient[N][M]`, that by `y`.
  /// - Throws: `CNNError` where shapes do not fit, or there is no memory.
  public static func backward<Scalar: FloatingScalar>(
    _ x: Tensor<Scalar>, weight: Tensor<Scalar>, gradient: Tensor<Scalar>
  ) throws(CNNError) -> (x: Tensor<Scalar>, weight: Tensor<Scalar>, bias: Tensor<Scalar>) {
    try call(lending: (x, weight, gradient)) { () throws(CNNError) in
      let ofX = try Tensor<Scalar>(x.extents), ofWeight = try Tensor<Scalar>(weight.extents)
      let ofBias = try Tensor<Scalar>(Shape("bias", weight.extents[1]))
      try CNNOperators.Affine.backward(
        x.input("x"), weight.input("weight"), gradient.input("gradient"), gradX: ofX.output("x"),
        gradWeight: ofWeight.output("weight"), gradBias: ofBias.output("bias"))
      return (ofX, ofWeight, ofBias)
    }
  }
}

/// Element by element, for tensors of any shape.
///
/// ```swift
/// let y = try Activation.relu.forward(x)
/// let gradientOfX = try Activation.relu.backward(y, gradient: gradientOfY)
/// ```
public enum Activation: Sendable, CaseIterable {
  /// `max(x, 0)`; NaN stays NaN (ONNX Relu).
  case relu
  /// `1 / (1 + exp(-x))` (ONNX Sigmoid).
  case sigmoid
  /// The hyperbolic tangent (ONNX Tanh).
  case tanh

  /// `y`, of the shape of `x`.
  /// - Throws: `CNNError` where there is no memory.
  public func forward<Scalar: FloatingScalar>(_ x: Tensor<Scalar>) throws(CNNError) -> Tensor<Scalar> {
    try call(lending: x) { () throws(CNNError) in
      let y = try Tensor<Scalar>(x.extents)
      switch self {
      case .relu: try CNNOperators.Relu.forward(x.input("x"), y.output("y"), mask: nil)
      case .sigmoid: try CNNOperators.Sigmoid.forward(x.input("x"), y.output("y"))
      case .tanh: try CNNOperators.Tanh.forward(x.input("x"), y.output("y"))
      }
      return y
    }
  }

  /// The gradient by `x`, given what `forward(_:)` gave and the gradient by that.
  /// - Throws: `CNNError` where shapes differ, or there is no memory.
  public func backward<Scalar: FloatingScalar>(
    _ y: Tensor<Scalar>, gradient: Tensor<Scalar>
  ) throws(CNNError) -> Tensor<Scalar> {
    try call(lending: (y, gradient)) { () throws(CNNError) in
      try gradient.input("gradient").wants(y.extents)
      let ofX = try Tensor<Scalar>(y.extents)
      switch self {
      case .relu: try CNNOperators.Relu.backward(y.input("y"), gradient.input("gradient"), ofX.output("x"))
      case .sigmoid: try CNNOperators.Sigmoid.backward(y.input("y"), gradient.input("gradient"), ofX.output("x"))
      case .tanh: try CNNOperators.Tanh.backward(y.input("y"), gradient.input("gradient"), ofX.output("x"))
      }
      return ofX
    }
  }
}

/// Dropout in training: each element of `x`, of any shape, is kept with probability `1 - ratio` and divided by it, or becomes 0
/// (ONNX Dropout; inverted). For inference `x` is used as it is.
///
/// ```swift
/// let dropout = Dropout(ratio: 0.5)
/// let (y, mask) = try dropout.forward(x, seed: step)
/// let gradientOfX = try dropout.backward(mask: mask, gradient: gradientOfY)
/// ```
public struct Dropout: Sendable {
  /// From 0 up to, not including, 1.
  public var ratio: Double

  public init(ratio: Double = 0.5) { self.ratio = ratio }

  /// `y` and `mask`, of the shape of `x`; `mask` is 1 where an element was kept, else 0. The same `seed` gives the same mask on
  /// every machine and for any number of threads (Philox 4x32-10).
  /// - Throws: `CNNError` where `ratio` is out of range, or there is no memory.
  public func forward<Scalar: FloatingScalar>(
    _ x: Tensor<Scalar>, seed: UInt64
  ) throws(CNNError) -> (y: Tensor<Scalar>, mask: Tensor<UInt8>) {
    try call(lending: x) { () throws(CNNError) in
      let y = try Tensor<Scalar>(x.extents), mask = try Tensor<UInt8>(x.extents)
      try CNNOperators.Dropout(ratio: ratio)
        .forward(x.input("x"), seed: seed, y.output("y"), mask: mask.output("mask"))
      return (y, mask)
    }
  }

  /// The gradient by `x`, given that by `y`, `gradient`, of the shape of `mask`.
  /// - Throws: `CNNError` where shapes differ, or as `forward(_:seed:)` does.
  public func backward<Scalar: FloatingScalar>(
    mask: Tensor<UInt8>, gradient: Tensor<Scalar>
  ) throws(CNNError) -> Tensor<Scalar> {
    try call(lending: (mask, gradient)) { () throws(CNNError) in
      let ofX = try Tensor<Scalar>(gradient.extents)
      try CNNOperators.Dropout(ratio: ratio)
        .backward(mask.input("mask"), gradient.input("gradient"), ofX.output("x"))
      return ofX
    }
  }
}
