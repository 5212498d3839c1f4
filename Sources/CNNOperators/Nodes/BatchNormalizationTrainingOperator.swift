// BatchNormalization with training_mode = 1: with the batch's own statistics whatever the network's mode is, and running statistics that follow
// them as outputs 1 and 2; input_mean and input_var stay as they are.
import CNNCore

final class BatchNormalizationTrainingOperator<T: Element>: Operator<T> {
  private let normalization: BatchNormalization

  init(_ attributes: Attributes) throws(CNNError) {
    normalization = try BatchNormalization(
      epsilon: attributes.float("epsilon", default: 1e-5), momentum: attributes.float("momentum", default: 0.9))
    super.init(try Signature(attributes, inputs: ["x", "scale", "b", "input_mean", "input_var"], outputs: 3))
  }
  /// Which of the two a node is.
  static func make(_ attributes: Attributes) throws(CNNError) -> Operator<T> {
    try attributes.flag("training_mode", default: false)
      ? BatchNormalizationTrainingOperator(attributes) : BatchNormalizationOperator(attributes)
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    try BatchNormalizationOperator<T>.check(inputs, signature)
    return [inputs[0], inputs[1], inputs[1]]
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), statistics = try arrays.inputShape(1), C = statistics.count
    let own = try Scratch<T>(4 * C)
    func room(_ i: Int) -> Output<T> { Output("statistics", statistics, own.data + i * C) }
    let running = signature.outputs > 2 ? (try arrays.output(1), try arrays.output(2)) : (room(0), room(1))
    copy(try arrays.input(3).data, to: running.0.data, C)
    copy(try arrays.input(4).data, to: running.1.data, C)
    let isTraining = arrays.mode == .train
    try normalization.train(
      x, scale: arrays.input(1), bias: arrays.input(2), running: .init(mean: running.0, variance: running.1), arrays.output(),
      mean: isTraining ? arrays.kept(0) : room(2), inverseDeviation: isTraining ? arrays.kept(1) : room(3))
  }

  override func kept(_ inputs: [Shape], _ outputs: [Shape]) throws(CNNError) -> [Kept] {
    [Kept(inputs[1], .network), Kept(inputs[1], .network)]
  }
  /// Of y alone: running statistics are not trained.
  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [0, 1] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let mean: Output<T> = try arrays.kept(0), inverseDeviation: Output<T> = try arrays.kept(1)
    try BatchNormalization.backward(
      arrays.input(0), scale: arrays.input(1), mean: mean.input, inverseDeviation: inverseDeviation.input, arrays.gradOutput(),
      gradX: arrays.gradInput(0), gradScale: arrays.gradInput(1), gradBias: arrays.gradInput(2))
    for i in 3..<5 { if let grad = try arrays.gradInput(i) { zero(grad.data, grad.shape.count) } }
  }
}
