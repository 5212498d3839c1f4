// How parameters begin.
import CNNCore
import CNNNetwork

/// How a parameter begins, drawn from the network's seed (Philox 4x32-10): the same numbers in every language, on every machine and
/// for any number of threads.
///
/// Variances are those for a weight `[out][in][...]`, of which fan_in is `in` times the cells of a filter, fan_out likewise.
///
/// ```swift
/// Conv2D(30, kernel: 5, initializer: .normal(deviation: 0.01))
/// ```
public struct Initializer: Sendable {
  let description: Description

  /// The engine's initializer of this name, by its own attributes.
  public init(_ name: String, _ attributes: KeyValuePairs<String, AttributeValue> = [:]) {
    description = Description(name, attributes)
  }
  private init(_ name: String, _ items: Description.Item...) { description = Description(name, items) }

  /// Every element `value`.
  public static func constant(_ value: Double) -> Initializer { .init("Constant", .init("value", .float(value))) }
  /// Uniform from `low` to `high`.
  public static func uniform(low: Double, high: Double) -> Initializer {
    .init("Uniform", .init("low", .float(low)), .init("high", .float(high)))
  }
  /// Normal.
  public static func normal(mean: Double = 0, deviation: Double) -> Initializer {
    .init("Normal", .init("mean", .float(mean)), .init("deviation", .float(deviation)))
  }
  /// Normal, of variance `gain² 2 / fan_in` (He et al. 2015): for ReLU.
  public static func heNormal(gain: Double = 1) -> Initializer { .init("HeNormal", .init("gain", .float(gain))) }
  /// Uniform, of variance `gain² 2 / fan_in` (He et al. 2015): for ReLU.
  public static func heUniform(gain: Double = 1) -> Initializer { .init("HeUniform", .init("gain", .float(gain))) }
  /// Normal, of variance `gain² 2 / (fan_in + fan_out)` (Glorot and Bengio 2010): for sigmoid and tanh.
  public static func xavierNormal(gain: Double = 1) -> Initializer { .init("XavierNormal", .init("gain", .float(gain))) }
  /// Uniform, of variance `gain² 2 / (fan_in + fan_out)` (Glorot and Bengio 2010): for sigmoid and tanh.
  public static func xavierUniform(gain: Double = 1) -> Initializer { .init("XavierUniform", .init("gain", .float(gain))) }
  /// Normal, of variance `gain² / fan_in` (LeCun et al. 1998).
  public static func leCunNormal(gain: Double = 1) -> Initializer { .init("LeCunNormal", .init("gain", .float(gain))) }
  /// Uniform, of variance `gain² / fan_in` (LeCun et al. 1998).
  public static func leCunUniform(gain: Double = 1) -> Initializer { .init("LeCunUniform", .init("gain", .float(gain))) }
  /// Rows or columns, whichever are fewer, orthogonal and of length `gain` (Saxe et al. 2014).
  public static func orthogonal(gain: Double = 1) -> Initializer { .init("Orthogonal", .init("gain", .float(gain))) }

  func core(_ shape: Shape) throws(CNNError) -> CNNNetwork.Initializer {
    try description.decoded { attributes throws(CNNError) in try CNNNetwork.Initializer(attributes, shape) }
  }
}
