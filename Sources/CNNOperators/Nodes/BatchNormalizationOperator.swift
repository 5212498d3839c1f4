// BatchNormalization: y = scale * (x - mean) / sqrt(variance + epsilon) + b of x[N][C] or x[N][C][...]. In training mean and variance
// are the batch's own, and input_mean and input_var follow them; input_var with the attribute unbiased, which is not ONNX's, as
// PyTorch has it. In training it takes over what a residual network has behind it, an Add and a Relu: the way through all of them is one,
// there and back.
import CNNCore
import Microkernels

final class BatchNormalizationOperator<T: Element>: Operator<T> {
  let normalization: BatchNormalization
  /// What was absorbed: `residual` is the input that is added, and of the sum what is less than 0 becomes 0.
  private let residual: Int?, isRectified: Bool

  init(_ attributes: Attributes) throws(CNNError) {
    normalization = try BatchNormalization(
      epsilon: attributes.float("epsilon", default: 1e-5), momentum: attributes.float("momentum", default: 0.9),
      isUnbiased: attributes.flag("unbiased", default: false))
    (residual, isRectified) = (nil, false)
    super.init(try Signature(attributes, inputs: ["x", "scale", "b", "input_mean", "input_var"]))
  }
  private init(_ first: BatchNormalizationOperator, absorbing next: Operator<T>, residual: Int?, rectified: Bool) {
    (normalization, self.residual, isRectified) = (first.normalization, residual, rectified)
    super.init(Signature(first.signature, absorbing: next.signature))
  }
  override func absorbing(_ next: Neighbour<T>, _ mode: Mode, inputs: [Shape]) throws(CNNError) -> Operator<T>? {
    guard mode == .train, !isRectified else { return nil }
    if next.node is ReluOperator<T> {
      return BatchNormalizationOperator(self, absorbing: next.node, residual: residual, rectified: true)
    }
    guard next.node is AddOperator<T>, residual == nil, next.others[0] == inputs[0] else { return nil }
    return BatchNormalizationOperator(self, absorbing: next.node, residual: signature.inputs.count, rectified: false)
  }

  override func imageRule(_ inputs: [Shape]) -> ImageRule { .first }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    try Self.check(inputs, signature)
    return [inputs[0]]
  }
  static func check(_ inputs: [Shape], _ signature: Signature) throws(CNNError) {
    let x = inputs[0], channels = try Shape("channels", x[1])
    guard x.rank >= 2 else { throw .shape("x: wanted [N][C] or [N][C][...], got shape \(x.description)") }
    for i in 1..<5 where inputs[i] != channels {
      throw .shape("\(signature.inputs[i]): wanted shape [\(x[1])], got \(inputs[i].description)")
    }
  }

  override var mayOverwriteInputs: [Int] { if let residual { [0, residual] } else { [0] } }
  override var updatedInputs: [Int] { [3, 4] }
  override func layoutRule(inputs: [Shape], _ mode: Mode) throws(CNNError) -> LayoutRule? {
    guard let residual, inputs[0].rank == 4 else { return .elementwise(inputs[0]) }
    let wishes: [LayoutRule.Wish] = inputs.indices.map { $0 == 0 || $0 == residual ? .blocked(halo: 0) : .planar }
    return LayoutRule(wishes, .asInputs, gain: 0)
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    if let x = try arrays.blockedInput(0), let y = try arrays.blockedOutput() {
      if arrays.mode == .train {
        let mean: Output<T> = try arrays.kept(0), inverseDeviation: Output<T> = try arrays.kept(1)
        return try normalization.blockedTrain(
          x, scale: arrays.input(1).data, bias: arrays.input(2).data,
          running: .init(mean: arrays.updatedInput(3), variance: arrays.updatedInput(4)), y, mean: mean.data,
          inverseDeviation: inverseDeviation.data,
          residual: residual.flatMap { i throws(CNNError) in try arrays.blockedInput(i) }, rectified: isRectified)
      }
      let count = x.blocks &* T.lanes, factor = try Scratch<T>(count), shift = try Scratch<T>(count)
      factor.zero(count)
      shift.zero(count)
      try normalization.coefficients(
        x.C, scale: arrays.input(1), bias: arrays.input(2), mean: arrays.input(3), variance: arrays.input(4),
        factor: factor.data, shift: shift.data)
      return try y.fill(x, scale: factor.data, shift: shift.data)
    }
    let x = try arrays.input(0), scale = try arrays.input(1), bias = try arrays.input(2), y = try arrays.output()
    switch arrays.mode {
    case .train:
      try normalization.train(
        x, scale: scale, bias: bias, running: .init(mean: arrays.updatedInput(3), variance: arrays.updatedInput(4)), y,
        mean: arrays.kept(0), inverseDeviation: arrays.kept(1),
        residual: residual.map { i throws(CNNError) in try arrays.input(i) }, rectified: isRectified)
    case .infer:
      try normalization.infer(x, scale: scale, bias: bias, mean: arrays.input(3), variance: arrays.input(4), y)
    }
  }

  /// The batch's mean, and 1 / sqrt(variance + epsilon).
  override func kept(_ inputs: [Shape], _ outputs: [Shape]) throws(CNNError) -> [Kept] {
    [Kept(inputs[1], .network), Kept(inputs[1], .network)]
  }
  override var hasBackward: Bool { true }
  /// Whether a gradient passes a rectifier is told by y where y is a sum, and else by x.
  private var readsSum: Bool { isRectified && residual != nil }
  override var backwardReadsInputs: [Int] { isRectified && residual == nil ? [0, 1, 2] : [0, 1] }
  override var backwardReadsOutputs: [Int] { readsSum ? [0] : [] }
  /// The way of what is added is the shorter one: the other then reads what has passed.
  override var gradientMayOverwrite: [Int] { [residual ?? 0] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let mean: Output<T> = try arrays.kept(0), inverseDeviation: Output<T> = try arrays.kept(1)
    let bias = isRectified && residual == nil ? try arrays.input(2) : nil
    if let x = try arrays.blockedInput(0), let gradY = try arrays.blockedGradOutput() {
      let gradResidual = try residual.flatMap { i throws(CNNError) in try arrays.blockedGradInput(i) }
      if let gradResidual, !readsSum { try arrays.copyThrough(gradY.flat("grad_y").input, gradResidual.flat("grad")) }
      return try BatchNormalization.blockedBackward(
        x, scale: arrays.input(1).data, bias: bias?.data, mean: mean.data, inverseDeviation: inverseDeviation.data,
        sum: readsSum ? arrays.blockedOutput() : nil, gradY, gradX: arrays.blockedGradInput(0),
        gradScale: arrays.gradInput(1)?.data, gradBias: arrays.gradInput(2)?.data, gradResidual: gradResidual)
    }
    let gradY = try arrays.gradOutput()
    let gradResidual = try residual.flatMap { i throws(CNNError) in try arrays.gradInput(i) }
    if let gradResidual, !readsSum { arrays.copyThrough(gradY, gradResidual) }
    try BatchNormalization.backward(
      arrays.input(0), scale: arrays.input(1), bias: bias, mean: mean.input, inverseDeviation: inverseDeviation.input,
      sum: readsSum ? arrays.output().input : nil, gradY, gradX: arrays.gradInput(0), gradScale: arrays.gradInput(1),
      gradBias: arrays.gradInput(2), gradResidual: readsSum ? gradResidual : nil)
  }
}
