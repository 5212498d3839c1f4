// What training makes small.
import CNNCore
import CNNOperators

/// One number for what a network gave and what was wanted; `Network.compile(loss:optimizer:schedules:)` takes it.
///
/// ```swift
/// try network.compile(loss: .softmaxCrossEntropy(labelSmoothing: 0.1))
/// ```
public struct Loss: Sendable {
  /// How the losses of the elements (or rows of classes) become one.
  public enum Reduction: String, Sendable { case mean, sum }

  let description: Description

  /// The engine's loss of this name, by its own attributes.
  public init(_ name: String, _ attributes: KeyValuePairs<String, AttributeValue> = [:]) {
    description = Description(name, attributes)
  }
  private init(_ name: String, _ reduction: Reduction, _ items: [Description.Item] = []) {
    description = Description(name, [.init("reduction", .string(reduction.rawValue))] + items)
  }

  /// Softmax and cross-entropy of scores `[N][K]` or `[N][K][...]` (ONNX SoftmaxCrossEntropyLoss). The target is `.classes`,
  /// `.indices` or a `.distribution`.
  /// - Parameters:
  ///   - weight: a factor for each class; none by default. The mean is then a weighted one.
  ///   - labelSmoothing: the share of the target that is spread over all classes, 0 to 1.
  ///   - ignoring: a class whose rows count nothing; none by default.
  public static func softmaxCrossEntropy(
    weight: [Double]? = nil, labelSmoothing: Double = 0, ignoring: Int? = nil, reduction: Reduction = .mean
  ) -> Loss {
    var items = [Description.Item("label_smoothing", .float(labelSmoothing), from: "labelSmoothing")]
    if let weight { items.append(.init("weight", .floats(weight))) }
    if let ignoring { items.append(.init("ignore_index", .int(ignoring), from: "ignoring")) }
    return Loss("SoftmaxCrossEntropyLoss", reduction, items)
  }
  /// Binary cross-entropy of the sigmoid of each output, against numbers from 0 to 1.
  public static func binaryCrossEntropyWithLogits(reduction: Reduction = .mean) -> Loss {
    Loss("BCEWithLogitsLoss", reduction)
  }
  /// The squares of the differences.
  public static func meanSquaredError(reduction: Reduction = .mean) -> Loss { Loss("MSELoss", reduction) }
  /// The differences without their signs.
  public static func meanAbsoluteError(reduction: Reduction = .mean) -> Loss { Loss("L1Loss", reduction) }
  /// Half the squares of differences up to `delta`, and beyond it a straight line of slope `delta` (Huber 1964).
  public static func huber(delta: Double = 1, reduction: Reduction = .mean) -> Loss {
    Loss("HuberLoss", reduction, [.init("delta", .float(delta))])
  }

  func core<Scalar: FloatingScalar>(_: Scalar.Type) throws(CNNError) -> CNNOperators.Loss<Scalar> {
    try description.decoded { attributes throws(CNNError) in try CNNOperators.Loss.make(attributes) }
  }
}
