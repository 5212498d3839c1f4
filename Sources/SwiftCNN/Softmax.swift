// Softmax, and softmax with cross-entropy: the end of a classifier.
public import CNNCore
import CNNOperators

/// Softmax over the last of two axes: `x[N][K] -> y[N][K]`, `y = exp(x) / (the sum over K of exp(x))` (ONNX Softmax).
///
/// ```swift
/// let probabilities = try Softmax.forward(scores)
/// ```
public enum Softmax {
  /// `y[N][K]`; exact for any finite `x`.
  /// - Throws: `CNNError` where `x` has not 2 axes, or there is no memory.
  public static func forward<Scalar: FloatingScalar>(_ x: Tensor<Scalar>) throws(CNNError) -> Tensor<Scalar> {
    try call(lending: x) { () throws(CNNError) in
      let y = try Tensor<Scalar>(x.extents)
      try CNNOperators.Softmax.forward(x.input("x"), y.output("y"))
      return y
    }
  }

  /// The gradient by `x`, given `y[N][K]`, which `forward(_:)` gave, and `gradient[N][K]`, that by `y`.
  /// - Throws: `CNNError` where shapes do not fit, or there is no memory.
  public static func backward<Scalar: FloatingScalar>(
    _ y: Tensor<Scalar>, gradient: Tensor<Scalar>
  ) throws(CNNError) -> Tensor<Scalar> {
    try call(lending: (y, gradient)) { () throws(CNNError) in
      let ofX = try Tensor<Scalar>(y.extents)
      try CNNOperators.Softmax.backward(y.input("y"), gradient.input("gradient"), ofX.output("x"))
      return ofX
    }
  }
}

/// What a classifier should have said of each of N rows.
public enum Target<Scalar: FloatingScalar>: Sendable {
  /// The index of the true class of each row, `[N]`, from 0 to K - 1.
  case classes([Int])
  /// A distribution over the classes in each row, `[N][K]`, one-hot or not.
  case distribution(Tensor<Scalar>)
  /// The index of the true class at each place of a network's scores `[N][K][...]`: `[N][...]`.
  case indices(Tensor<Int64>)

  /// The numbers that a network should have given, of its output's shape: for losses that are not of classes.
  public static func values(_ values: Tensor<Scalar>) -> Target { .distribution(values) }

  func lend<R>(_ body: (CNNOperators.Target<Scalar>) throws(CNNError) -> R) throws(CNNError) -> R {
    switch self {
    case .classes(let list):
      let classes = try Tensor<Int64>([list.count]) { Int64(list[$0]) }
      return try withExtendedLifetime(classes) { () throws(CNNError) in try body(.indices64(classes.input("target"))) }
    case .indices(let classes):
      return try withExtendedLifetime(classes) { () throws(CNNError) in try body(.indices64(classes.input("target"))) }
    case .distribution(let target):
      return try withExtendedLifetime(target) { () throws(CNNError) in try body(.distribution(target.input("target"))) }
    }
  }
}

/// Softmax and cross-entropy in one: the mean over N of `-(the sum over K of target * log(softmax(x)))`
/// (ONNX SoftmaxCrossEntropyLoss).
///
/// ```swift
/// let (loss, probabilities) = try SoftmaxCrossEntropy.forward(scores, target: .classes([3, 0, 9]))
/// let gradientOfScores = try SoftmaxCrossEntropy.backward(probabilities, target: .classes([3, 0, 9]))
/// ```
public enum SoftmaxCrossEntropy {
  /// The loss, and `probabilities[N][K]`, the softmax of `x[N][K]`. Finite for any finite `x`: no logarithm is of 0.
  /// - Throws: `CNNError` where `x` has not 2 axes or is empty, `target` does not fit, or there is no memory.
  public static func forward<Scalar: FloatingScalar>(
    _ x: Tensor<Scalar>, target: Target<Scalar>
  ) throws(CNNError) -> (loss: Double, probabilities: Tensor<Scalar>) {
    try call(lending: x) { () throws(CNNError) in
      let probabilities = try Tensor<Scalar>(x.extents)
      let loss = try target.lend { target throws(CNNError) in
        try CNNOperators.Softmax.crossEntropy(x.input("x"), target, probabilities: probabilities.output("probabilities"))
      }
      return (loss, probabilities)
    }
  }

  /// The gradient by `x[N][K]` of `gradient` times the loss, given the probabilities that `forward(_:target:)` gave.
  /// - Throws: `CNNError` where `target` does not fit `probabilities`, or there is no memory.
  public static func backward<Scalar: FloatingScalar>(
    _ probabilities: Tensor<Scalar>, target: Target<Scalar>, gradient: Double = 1
  ) throws(CNNError) -> Tensor<Scalar> {
    try call(lending: probabilities) { () throws(CNNError) in
      let ofX = try Tensor<Scalar>(probabilities.extents)
      try target.lend { target throws(CNNError) in
        try CNNOperators.Softmax.crossEntropyBackward(
          probabilities.input("probabilities"), target, gradLoss: gradient, ofX.output("x"))
      }
      return ofX
    }
  }
}
