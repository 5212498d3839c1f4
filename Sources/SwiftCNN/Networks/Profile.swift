// What the steps of a prediction take.
public import CNNCore
import CNNNetwork

/// What one step of a prediction takes: a layer's work, or that of several which the engine does together.
public struct NetworkStep: Sendable {
  /// Of the first layer.
  public let name: String
  /// All operators in it, in their order, such as `["Conv", "BatchNormalization", "Relu"]`.
  public let operators: [String]
  /// The median of all runs.
  public let seconds: Double
  /// Multiply-adds of its products, as plain sums, whatever the algorithm.
  public let multiplyAdds: Int
  /// Of the arrays that it reads and writes.
  public let bytes: Int
}

extension Network {
  /// The steps of `predict(x)`, all of `x` in one batch, with what they took: in `runs` predictions, after one that is not timed.
  /// - Throws: `CNNError` where `runs` is not from 1 to 1,000,000, `x` does not fit, or as `build(for:)` does.
  public func profile(_ x: Tensor<Scalar>, runs: Int = 10) throws(CNNError) -> [NetworkStep] {
    try call(lending: x) { () throws(CNNError) in
      try core(for: x.extents).profile([AnyInput(x.input("x"))], runs: runs).map {
        NetworkStep(
          name: $0.name.description, operators: $0.operators.map { $0.description }, seconds: $0.seconds,
          multiplyAdds: $0.multiplyAdds, bytes: $0.bytes)
      }
    }
  }
}
