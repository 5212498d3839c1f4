// GroupNormalization (opset 21) and InstanceNormalization: y of x[N][C] or x[N][C][...], with scale[C] and bias[C].
import CNNCore

class GroupNormalizationOperator<T: Element>: Operator<T> {
  /// nil: as many as channels.
  private let groups: Int?
  private let epsilon: Double

  convenience init(_ attributes: Attributes) throws(CNNError) {
    let groups = try attributes.int("num_groups", default: 0)
    guard groups > 0 else { throw attributes.wrong("num_groups", "the number of groups, 1 or more, got \(groups)") }
    try attributes.checkStashType()
    try self.init(attributes, groups: groups)
  }
  fileprivate init(_ attributes: Attributes, groups: Int?) throws(CNNError) {
    self.groups = groups
    epsilon = try attributes.epsilon()
    super.init(try Signature(attributes, inputs: ["x", "scale", "bias"]))
  }

  private func normalization(_ x: Shape) throws(CNNError) -> GroupNormalization {
    try GroupNormalization(x, groups: groups, epsilon: epsilon)
  }
  override func imageRule(_ inputs: [Shape]) -> ImageRule { .first }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let x = inputs[0]
    _ = try normalization(x)
    let channels = try Shape("channels", x[1])
    for i in 1...2 where inputs[i] != channels {
      throw .shape("\(signature.inputs[i]): wanted shape [\(x[1])], got \(inputs[i].description)")
    }
    return [x]
  }

  override var mayOverwriteInputs: [Int] { [0] }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), isTraining = arrays.mode == .train
    try normalization(x.shape).forward(
      x, scale: arrays.input(1), bias: arrays.input(2), arrays.output(), mean: isTraining ? arrays.kept(0) : nil,
      inverseDeviation: isTraining ? arrays.kept(1) : nil)
  }

  /// Means and inverse deviations.
  override func kept(_ inputs: [Shape], _ outputs: [Shape]) throws(CNNError) -> [Kept] {
    let statistics = try normalization(inputs[0]).statistics
    return [Kept(statistics, .network), Kept(statistics, .network)]
  }
  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [0, 1] }
  override var gradientMayOverwrite: [Int] { [0] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), mean: Output<T> = try arrays.kept(0), inverseDeviation: Output<T> = try arrays.kept(1)
    try normalization(x.shape).backward(
      x, scale: arrays.input(1), mean: mean.input, inverseDeviation: inverseDeviation.input, arrays.gradOutput(),
      gradX: arrays.gradInput(0), gradScale: arrays.gradInput(1), gradBias: arrays.gradInput(2))
  }
}

final class InstanceNormalizationOperator<T: Element>: GroupNormalizationOperator<T> {
  init(_ attributes: Attributes) throws(CNNError) { try super.init(attributes, groups: nil) }
}
