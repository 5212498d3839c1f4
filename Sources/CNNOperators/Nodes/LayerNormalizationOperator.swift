// LayerNormalization: y of x, with a scale and perhaps a bias for each element of a row; the means and the inverse deviations are
// outputs 1 and 2, where they are wanted.
import CNNCore

final class LayerNormalizationOperator<T: Element>: Operator<T> {
  private let axis: Int
  private let epsilon: Double

  init(_ attributes: Attributes) throws(CNNError) {
    axis = try attributes.int("axis", default: -1)
    epsilon = try attributes.epsilon()
    try attributes.checkStashType()
    super.init(try Signature(attributes, inputs: ["x", "scale", "bias"], required: 2, outputs: 3))
  }

  private func normalization(_ x: Shape) throws(CNNError) -> LayerNormalization {
    try LayerNormalization(x, axis: axis, epsilon: epsilon)
  }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let normalization = try normalization(inputs[0])
    for i in 1..<inputs.count { try normalization.check(inputs[i], signature.inputs[i]) }
    return [inputs[0], normalization.statistics, normalization.statistics]
  }

  override var mayOverwriteInputs: [Int] { [0] }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0)
    var statistics: [[Output<T>]] = [[], []]
    for i in 0..<2 {
      if arrays.mode == .train { statistics[i].append(try arrays.kept(i)) }
      if signature.outputs > i + 1 { statistics[i].append(try arrays.output(i + 1)) }
    }
    try normalization(x.shape).forward(
      x, scale: arrays.input(1), bias: arrays.optionalInput(2), arrays.output(), means: statistics[0],
      inverseDeviations: statistics[1])
  }

  /// Means and inverse deviations.
  override func kept(_ inputs: [Shape], _ outputs: [Shape]) throws(CNNError) -> [Kept] {
    [Kept(outputs[1], .network), Kept(outputs[2], .network)]
  }
  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [0, 1] }
  override var gradientMayOverwrite: [Int] { [0] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), gradY = try arrays.gradOutput(), normalization = try normalization(x.shape)
    let means: Output<T> = try arrays.kept(0), inverseDeviations: Output<T> = try arrays.kept(1)
    let kept = LayerNormalization.KeptStatistics(
      means: means.input, inverseDeviations: inverseDeviations.input,
      gradMeans: signature.outputs > 1 ? try arrays.gradOutput(1) : nil,
      gradInverseDeviations: signature.outputs > 2 ? try arrays.gradOutput(2) : nil)
    // The parameters' first: grad_x may lie in grad_y.
    try normalization.parameterGradients(
      x, kept, gradY, gradScale: arrays.gradInput(1), gradBias: arrays.gradInput(2))
    if let gradX = try arrays.gradInput(0) {
      try normalization.inputGradient(x, scale: arrays.input(1), kept, gradY, gradX)
    }
  }
}
