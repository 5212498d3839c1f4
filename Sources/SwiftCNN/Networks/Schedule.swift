// How the learning rate goes.
import CNNCore
import CNNNetwork

/// A factor of the learning rate over the epochs, or updates, of training; the factors of several are multiplied. PyTorch's schedules,
/// but that `cosine` stays at its minimum.
///
/// ```swift
/// try network.compile(optimizer: .sgd(learningRate: 0.1), schedules: [.linear(from: 0.1, over: 5), .cosine(over: 60)])
/// ```
public struct Schedule: Sendable {
  /// What a schedule counts; an update is a step of training, or where the optimizer accumulates, several.
  public enum Unit: String, Sendable {
    case epoch
    case update = "step"
  }

  let description: Description

  /// The engine's schedule of this name, by its own attributes.
  public init(_ name: String, _ attributes: KeyValuePairs<String, AttributeValue> = [:]) {
    description = Description(name, attributes)
  }
  private init(_ name: String, _ unit: Unit, _ items: Description.Item...) {
    description = Description(name, items + [.init("unit", .string(unit.rawValue))])
  }

  /// `factor` once more after every `every` units.
  public static func step(every: Int, factor: Double = 0.1, unit: Unit = .epoch) -> Schedule {
    .init("StepLR", unit, .init("step_size", .int(every), from: "every"), .init("gamma", .float(factor), from: "factor"))
  }
  /// `factor` once more after each unit.
  public static func exponential(factor: Double, unit: Unit = .epoch) -> Schedule {
    .init("ExponentialLR", unit, .init("gamma", .float(factor), from: "factor"))
  }
  /// Half a cosine, from the optimizer's rate down to `minimum`, where it stays.
  public static func cosine(over length: Int, minimum: Double = 0, unit: Unit = .epoch) -> Schedule {
    .init(
      "CosineAnnealingLR", unit, .init("T_max", .int(length), from: "over"), .init("eta_min", .float(minimum), from: "minimum"))
  }
  /// A straight line between two factors: a warm-up.
  public static func linear(
    from first: Double = 1.0 / 3, to last: Double = 1, over length: Int = 5, unit: Unit = .epoch
  ) -> Schedule {
    .init(
      "LinearLR", unit, .init("start_factor", .float(first), from: "from"), .init("end_factor", .float(last), from: "to"),
      .init("total_iters", .int(length), from: "over"))
  }
  /// Half a cosine from `maximum / divisor` up to `maximum`, for `rise` of the way, and another down to
  /// `maximum / divisor / finalDivisor` (Smith and Topin 2019).
  public static func oneCycle(
    maximum: Double, over length: Int, rise: Double = 0.3, divisor: Double = 25, finalDivisor: Double = 1e4,
    unit: Unit = .update
  ) -> Schedule {
    .init(
      "OneCycleLR", unit, .init("max_lr", .float(maximum), from: "maximum"), .init("total_steps", .int(length), from: "over"),
      .init("pct_start", .float(rise), from: "rise"), .init("div_factor", .float(divisor), from: "divisor"),
      .init("final_div_factor", .float(finalDivisor), from: "finalDivisor"))
  }
  /// `factor` once more where the metric has not been better for more than `patience` epochs. `fit` reports the loss of validation,
  /// or without that the training's, after each epoch; `Network.report(_:)` reports another number.
  public static func reduceOnPlateau(
    factor: Double = 0.1, patience: Int = 10, threshold: Double = 1e-4, minimum: Double = 0, rises: Bool = false
  ) -> Schedule {
    .init(
      "ReduceLROnPlateau", .epoch, .init("factor", .float(factor)), .init("patience", .int(patience)),
      .init("threshold", .float(threshold)), .init("min_lr", .float(minimum), from: "minimum"),
      .init("mode", .string(rises ? "max" : "min"), from: "rises"))
  }

  func core() throws(CNNError) -> CNNNetwork.Schedule {
    try description.decoded { attributes throws(CNNError) in try CNNNetwork.Schedule(attributes) }
  }
}
