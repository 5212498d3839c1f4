// Windows that slide over images: im2col and col2im, max and average pooling.
public import CNNCore
import CNNOperators

/// A window that slides over the rows and columns of images `x[N][C][H][W]`, at `OH` by `OW` places:
/// `OH = (H + top + bottom - dilation*(KH-1) - 1) / stride + 1`.
///
/// ```swift
/// let col = try Window2D((2, 2)).im2col(Tensor<Float>([1, 1, 3, 3]) { Float($0) })
/// print(col.elements[..<4])  // [0.0, 1.0, 3.0, 4.0]
/// ```
public struct Window2D: Sendable {
  /// (vertical, horizontal).
  public typealias Pair = (vertical: Int, horizontal: Int)
  /// (top, left, bottom, right), as in ONNX.
  public typealias Pads = (top: Int, left: Int, bottom: Int, right: Int)

  /// The cells of the window, `(KH, KW)`.
  public var kernel: Pair
  /// Its steps; 1 by default.
  public var strides: Pair
  /// Rows and columns around the image that windows may reach into; none by default.
  public var pads: Pads
  /// The distances of its cells in the image; 1 by default.
  public var dilations: Pair

  /// A window; what uses it checks its numbers.
  public init(_ kernel: Pair, strides: Pair = (1, 1), pads: Pads = (0, 0, 0, 0), dilations: Pair = (1, 1)) {
    (self.kernel, self.strides, self.pads, self.dilations) = (kernel, strides, pads, dilations)
  }

  fileprivate func checked(ceilMode: Bool = false) throws(CNNError) -> Window {
    try Window(
      kernel: list(kernel), strides: list(strides), pads: list(pads), dilations: list(dilations), ceilMode: ceilMode)
  }

  /// `col[N*OH*OW][C*KH*KW]` of `x[N][C][H][W]`: row `(n*OH + oh)*OW + ow` holds the cells of one window in the order c, i, j;
  /// outside the image there are zeros.
  /// - Throws: `CNNError` where `x` has not 4 axes, the window does not fit, a number is out of range, or there is no memory.
  public func im2col<Scalar: FloatingScalar>(_ x: Tensor<Scalar>) throws(CNNError) -> Tensor<Scalar> {
    try call(lending: x) { () throws(CNNError) in
      let im2col = Im2col(try checked())
      try x.input("x").wants(rank: 4, "[N][C][H][W]")
      let col = try Tensor<Scalar>(im2col.shape(x.extents))
      try im2col.forward(x.input("x"), col.output("col"))
      return col
    }
  }

  /// The adjoint of `im2col(_:)`: images of `shape` `[N, C, H, W]`, each pixel the sum of the elements of
  /// `col[N*OH*OW][C*KH*KW]` that would have been read from it.
  /// - Throws: `CNNError` where `col` does not fit `shape`, or as `im2col(_:)` does.
  public func col2im<Scalar: FloatingScalar>(_ col: Tensor<Scalar>, shape: [Int]) throws(CNNError) -> Tensor<Scalar> {
    try call(lending: col) { () throws(CNNError) in
      let x = try Tensor<Scalar>(uninitialized: shape)
      try Im2col(checked()).adjoint(col.input("col"), x.output("shape"))
      return x
    }
  }
}

/// Max pooling: `x[N][C][H][W] -> y[N][C][OH][OW]`, the largest element of each window (ONNX MaxPool). Padding never wins over
/// an element of the image, and NaN wins over every number.
///
/// ```swift
/// let pooling = MaxPooling2D(Window2D((2, 2), strides: (2, 2)))
/// let (y, winners) = try pooling.forwardWithWinners(x)
/// let gradientOfX = try pooling.backward(x, winners: winners, gradient: gradientOfY)
/// ```
public struct MaxPooling2D: Sendable {
  public var window: Window2D
  /// Whether a last window counts that starts inside the image or its leading pad but ends outside; false by default.
  public var ceilMode: Bool

  public init(_ window: Window2D, ceilMode: Bool = false) { (self.window, self.ceilMode) = (window, ceilMode) }

  private func checked() throws(CNNError) -> Pooling { Pooling(try window.checked(ceilMode: ceilMode)) }

  /// `y[N][C][OH][OW]`.
  /// - Throws: `CNNError` where `x` has not 4 axes, the window does not fit, a number is out of range, or there is no memory.
  public func forward<Scalar: FloatingScalar>(_ x: Tensor<Scalar>) throws(CNNError) -> Tensor<Scalar> {
    try call(lending: x) { () throws(CNNError) in
      let pooling = try checked()
      let y = try Tensor<Scalar>(pooling.outputShape(x.extents))
      try pooling.maxForward(x.input("x"), y.output("y"), winners: nil)
      return y
    }
  }

  /// `y`, and what `backward(_:winners:gradient:)` needs: `winners[N][C][OH][OW]`, where in its window each maximum was, as
  /// `i*KW + j`, the first of equals; -1 where a window lies wholly in the padding.
  /// - Throws: as `forward(_:)` does.
  public func forwardWithWinners<Scalar: FloatingScalar>(
    _ x: Tensor<Scalar>
  ) throws(CNNError) -> (y: Tensor<Scalar>, winners: Tensor<Int32>) {
    try call(lending: x) { () throws(CNNError) in
      let pooling = try checked(), shape = try pooling.outputShape(x.extents)
      let y = try Tensor<Scalar>(shape), winners = try Tensor<Int32>(shape)
      try pooling.maxForward(x.input("x"), y.output("y"), winners: winners.output("winners"))
      return (y, winners)
    }
  }

  /// The gradient by `x`, given `gradient[N][C][OH][OW]`, that by `y`: each goes to the winner of its window. Of `x` only the
  /// shape is used.
  /// - Throws: `CNNError` where shapes do not fit, or a winner is not an element of its window inside the image.
  public func backward<Scalar: FloatingScalar>(
    _ x: Tensor<Scalar>, winners: Tensor<Int32>, gradient: Tensor<Scalar>
  ) throws(CNNError) -> Tensor<Scalar> {
    try call(lending: (winners, gradient)) { () throws(CNNError) in
      let pooling = try checked()
      _ = try pooling.outputShape(x.extents)
      let ofX = try Tensor<Scalar>(x.extents)
      try pooling.maxBackward(winners.input("winners"), gradient.input("gradient"), ofX.output("x"))
      return ofX
    }
  }
}

/// Average pooling: `x[N][C][H][W] -> y[N][C][OH][OW]`, the mean of each window (ONNX AveragePool).
///
/// ```swift
/// let y = try AveragePooling2D(Window2D((2, 2), strides: (2, 2))).forward(x)
/// ```
public struct AveragePooling2D: Sendable {
  public var window: Window2D
  /// As for `MaxPooling2D`; false by default.
  public var ceilMode: Bool
  /// Whether the zeros of the padding count in the mean; false by default.
  public var countsPadding: Bool

  public init(_ window: Window2D, ceilMode: Bool = false, countsPadding: Bool = false) {
    (self.window, self.ceilMode, self.countsPadding) = (window, ceilMode, countsPadding)
  }

  private func checked() throws(CNNError) -> Pooling {
    Pooling(try window.checked(ceilMode: ceilMode), countIncludePad: countsPadding)
  }

  /// `y[N][C][OH][OW]`.
  /// - Throws: `CNNError` where `x` has not 4 axes, the window does not fit, a number is out of range, or there is no memory.
  public func forward<Scalar: FloatingScalar>(_ x: Tensor<Scalar>) throws(CNNError) -> Tensor<Scalar> {
    try call(lending: x) { () throws(CNNError) in
      let pooling = try checked()
      let y = try Tensor<Scalar>(pooling.outputShape(x.extents))
      try pooling.averageForward(x.input("x"), y.output("y"))
      return y
    }
  }

  /// The gradient by `x`, given `gradient[N][C][OH][OW]`, that by `y`. Of `x` only the shape is used.
  /// - Throws: `CNNError` where shapes do not fit.
  public func backward<Scalar: FloatingScalar>(
    _ x: Tensor<Scalar>, gradient: Tensor<Scalar>
  ) throws(CNNError) -> Tensor<Scalar> {
    try call(lending: gradient) { () throws(CNNError) in
      let pooling = try checked()
      _ = try pooling.outputShape(x.extents)
      let ofX = try Tensor<Scalar>(x.extents)
      try pooling.averageBackward(gradient.input("gradient"), ofX.output("x"))
      return ofX
    }
  }
}
