// Two-dimensional convolution, forward and backward.
public import CNNCore
import CNNOperators

/// Convolution of images: `x[N][C][H][W], weight[K][C/groups][KH][KW], bias[K] -> y[N][K][OH][OW]` (ONNX Conv), with
/// `OH = (H + top + bottom - dilation*(KH-1) - 1) / stride + 1`.
///
/// ```swift
/// let convolution = Convolution2D(pads: (1, 1, 1, 1))
/// let y = try convolution.forward(x, weight: weight, bias: bias)
/// let gradient = try convolution.backward(x, weight: weight, gradient: gradientOfY)
/// try weight.update(with: gradient.weight) { $0 -= 0.1 * $1 }
/// ```
public struct Convolution2D: Sendable {
  /// The steps of the window; 1 by default.
  public var strides: Window2D.Pair
  /// Rows and columns of zeros around the image; none by default.
  public var pads: Window2D.Pads
  /// The distances of the window's cells in the image; 1 by default.
  public var dilations: Window2D.Pair
  /// How many groups channels and filters are split into, which do not see each other; 1 by default.
  public var groups: Int
  /// Whether only algorithms are used whose sums are those of the definition; false by default. Else windows of 3 x 3 and stride 1
  /// may go by Winograd's algorithm, which errs by up to 1e-5 of the largest output in `Float`.
  public var exact = false

  /// A convolution. It has no state: weights are arguments of its functions, which also check these numbers.
  public init(
    strides: Window2D.Pair = (1, 1), pads: Window2D.Pads = (0, 0, 0, 0), dilations: Window2D.Pair = (1, 1), groups: Int = 1
  ) {
    (self.strides, self.pads, self.dilations, self.groups) = (strides, pads, dilations, groups)
  }

  private func checked() throws(CNNError) -> Convolution {
    try Convolution(strides: list(strides), pads: list(pads), dilations: list(dilations), groups: groups, exact: exact)
  }

  /// The shape of `y`, for the shapes of `x` and `weight`.
  /// - Throws: `CNNError` where they do not fit, or a stride, pad, dilation or the number of groups is out of range.
  public func outputShape(x: [Int], weight: [Int]) throws(CNNError) -> [Int] {
    let x = try Shape("x", rank: x.count) { x[$0] }, weight = try Shape("weight", rank: weight.count) { weight[$0] }
    return list(try checked().outputShape(x, weight))
  }

  /// `y[N][K][OH][OW]`; no bias is a bias of 0.
  /// - Throws: `CNNError` as `outputShape(x:weight:)` does, or where `bias` does not fit, or there is no memory.
  public func forward<Scalar: FloatingScalar>(
    _ x: Tensor<Scalar>, weight: Tensor<Scalar>, bias: Tensor<Scalar>? = nil
  ) throws(CNNError) -> Tensor<Scalar> {
    try call(lending: (x, weight, bias)) { () throws(CNNError) in
      let convolution = try checked()
      let y = try Tensor<Scalar>(convolution.outputShape(x.extents, weight.extents))
      try convolution.forward(x.input("x"), weight.input("weight"), bias?.input("bias"), y.output("y"))
      return y
    }
  }

  /// The gradients of a loss by `x`, `weight` and `bias[K]`, each like what it is of, given `gradient[N][K][OH][OW]`, that by
  /// `y`.
  /// - Throws: `CNNError` as `outputShape(x:weight:)` does, or where `gradient` does not fit, or there is no memory.
  public func backward<Scalar: FloatingScalar>(
    _ x: Tensor<Scalar>, weight: Tensor<Scalar>, gradient: Tensor<Scalar>
  ) throws(CNNError) -> (x: Tensor<Scalar>, weight: Tensor<Scalar>, bias: Tensor<Scalar>) {
    try call(lending: (x, weight, gradient)) { () throws(CNNError) in
      let ofX = try Tensor<Scalar>(x.extents), ofWeight = try Tensor<Scalar>(weight.extents)
      let ofBias = try Tensor<Scalar>(Shape("bias", weight.extents[0]))
      try checked().backward(
        x.input("x"), weight.input("weight"), gradient.input("gradient"), gradX: ofX.output("x"),
        gradWeight: ofWeight.output("weight"), gradBias: ofBias.output("bias"))
      return (ofX, ofWeight, ofBias)
    }
  }

  /// The gradient by `weight` and `bias` alone: what a first layer needs, whose `x` is data.
  /// - Throws: as `backward(_:weight:gradient:)` does.
  public func parameterGradients<Scalar: FloatingScalar>(
    _ x: Tensor<Scalar>, weight: Tensor<Scalar>, gradient: Tensor<Scalar>
  ) throws(CNNError) -> (weight: Tensor<Scalar>, bias: Tensor<Scalar>) {
    try call(lending: (x, weight, gradient)) { () throws(CNNError) in
      let ofWeight = try Tensor<Scalar>(weight.extents), ofBias = try Tensor<Scalar>(Shape("bias", weight.extents[0]))
      try checked().backward(
        x.input("x"), weight.input("weight"), gradient.input("gradient"), gradX: nil,
        gradWeight: ofWeight.output("weight"), gradBias: ofBias.output("bias"))
      return (ofWeight, ofBias)
    }
  }
}
