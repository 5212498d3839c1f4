// Batch normalization: in training, in inference, and backward.
public import CNNCore
import CNNOperators

/// Batch normalization per channel (ONNX BatchNormalization; Ioffe and Szegedy 2015):
/// `y = scale[C] * (x - mean[C]) / sqrt(variance[C] + epsilon) + bias[C]`, for `x[N][C]` or `x[N][C][...]`.
///
/// ```swift
/// let normalization = BatchNormalization()
/// var running = try RunningStatistics<Float>(channels: 30)
/// let (y, batch) = try normalization.train(x, scale: scale, bias: bias, running: &running)
/// let gradient = try normalization.backward(x, scale: scale, batch: batch, gradient: gradientOfY)
/// let prediction = try normalization.infer(x, scale: scale, bias: bias, running: running)
/// ```
public struct BatchNormalization: Sendable {
  /// What is added to the variance; 1e-5 by default, as in ONNX.
  public var epsilon: Double
  /// `running = momentum * running + (1 - momentum) * batch`; 0.9 by default, as in ONNX.
  public var momentum: Double

  /// A normalization; its functions check these numbers.
  public init(epsilon: Double = 1e-5, momentum: Double = 0.9) { (self.epsilon, self.momentum) = (epsilon, momentum) }

  private func checked() throws(CNNError) -> CNNOperators.BatchNormalization {
    try CNNOperators.BatchNormalization(epsilon: epsilon, momentum: momentum)
  }

  /// `y`, of the shape of `x`, by the batch's own mean and biased variance, which `running` then takes in; and the batch's
  /// statistics, for `backward(_:scale:batch:gradient:)`.
  /// - Throws: `CNNError` where `x` has less than 2 axes or no elements, `scale[C]`, `bias[C]` or `running` do not fit, `epsilon`
  ///   or `momentum` is out of range, or there is no memory; `running` is then as it was.
  public func train<Scalar: FloatingScalar>(
    _ x: Tensor<Scalar>, scale: Tensor<Scalar>, bias: Tensor<Scalar>, running: inout RunningStatistics<Scalar>
  ) throws(CNNError) -> (y: Tensor<Scalar>, batch: BatchStatistics<Scalar>) {
    try running.mean.makeUnique()
    try running.variance.makeUnique()
    let (mean, variance) = (running.mean.output("running.mean"), running.variance.output("running.variance"))
    return try call(lending: running) { () throws(CNNError) in
      try train(x, scale, bias, running: .init(mean: mean, variance: variance))
    }
  }

  /// The same without running statistics.
  /// - Throws: as `train(_:scale:bias:running:)` does.
  public func train<Scalar: FloatingScalar>(
    _ x: Tensor<Scalar>, scale: Tensor<Scalar>, bias: Tensor<Scalar>
  ) throws(CNNError) -> (y: Tensor<Scalar>, batch: BatchStatistics<Scalar>) {
    try train(x, scale, bias, running: nil)
  }

  private func train<Scalar: FloatingScalar>(
    _ x: Tensor<Scalar>, _ scale: Tensor<Scalar>, _ bias: Tensor<Scalar>,
    running: CNNOperators.BatchNormalization.Running<Scalar>?
  ) throws(CNNError) -> (y: Tensor<Scalar>, batch: BatchStatistics<Scalar>) {
    try call(lending: (x, scale, bias)) { () throws(CNNError) in
      let channels = try Shape("x", x.extents[1])
      let y = try Tensor<Scalar>(x.extents)
      let mean = try Tensor<Scalar>(channels), inverseDeviation = try Tensor<Scalar>(channels)
      try checked().train(
        x.input("x"), scale: scale.input("scale"), bias: bias.input("bias"), running: running, y.output("y"),
        mean: mean.output("mean"), inverseDeviation: inverseDeviation.output("inverseDeviation"))
      return (y, BatchStatistics(mean: mean, inverseDeviation: inverseDeviation))
    }
  }

  /// `y`, of the shape of `x`, by the running statistics.
  /// - Throws: as `train(_:scale:bias:running:)` does.
  public func infer<Scalar: FloatingScalar>(
    _ x: Tensor<Scalar>, scale: Tensor<Scalar>, bias: Tensor<Scalar>, running: RunningStatistics<Scalar>
  ) throws(CNNError) -> Tensor<Scalar> {
    try call(lending: (x, scale, bias, running)) { () throws(CNNError) in
      let y = try Tensor<Scalar>(x.extents)
      try checked().infer(
        x.input("x"), scale: scale.input("scale"), bias: bias.input("bias"), mean: running.mean.input("running.mean"),
        variance: running.variance.input("running.variance"), y.output("y"))
      return y
    }
  }

  /// The gradients of a loss by `x`, `scale[C]` and `bias[C]`, through the statistics that `train` gave for this `x`, given
  /// `gradient`, that by `y`.
  /// - Throws: `CNNError` where shapes do not fit, or there is no memory.
  public func backward<Scalar: FloatingScalar>(
    _ x: Tensor<Scalar>, scale: Tensor<Scalar>, batch: BatchStatistics<Scalar>, gradient: Tensor<Scalar>
  ) throws(CNNError) -> (x: Tensor<Scalar>, scale: Tensor<Scalar>, bias: Tensor<Scalar>) {
    try call(lending: (x, scale, batch, gradient)) { () throws(CNNError) in
      let channels = try Shape("x", x.extents[1])
      let ofX = try Tensor<Scalar>(x.extents)
      let ofScale = try Tensor<Scalar>(channels), ofBias = try Tensor<Scalar>(channels)
      try CNNOperators.BatchNormalization.backward(
        x.input("x"), scale: scale.input("scale"), mean: batch.mean.input("batch.mean"),
        inverseDeviation: batch.inverseDeviation.input("batch.inverseDeviation"), gradient.input("gradient"),
        gradX: ofX.output("x"), gradScale: ofScale.output("scale"), gradBias: ofBias.output("bias"))
      return (ofX, ofScale, ofBias)
    }
  }
}

/// What training keeps for inference: the moving mean and variance of each channel.
public struct RunningStatistics<Scalar: FloatingScalar>: Sendable, Equatable {
  /// `mean[C]` and `variance[C]`.
  public var mean: Tensor<Scalar>, variance: Tensor<Scalar>

  public init(mean: Tensor<Scalar>, variance: Tensor<Scalar>) { (self.mean, self.variance) = (mean, variance) }

  /// Where training starts: mean 0 and variance 1.
  /// - Throws: `CNNError` where `channels` is negative, or there is no memory.
  public init(channels: Int) throws(CNNError) {
    mean = try Tensor([channels])
    variance = try Tensor([channels]) { _ in 1 }
  }
}

/// The statistics of one batch in training: all that backward needs besides its inputs.
public struct BatchStatistics<Scalar: FloatingScalar>: Sendable, Equatable {
  /// `mean[C]`, and `inverseDeviation[C]`, which is `1 / sqrt(variance + epsilon)`.
  public let mean: Tensor<Scalar>, inverseDeviation: Tensor<Scalar>
}
