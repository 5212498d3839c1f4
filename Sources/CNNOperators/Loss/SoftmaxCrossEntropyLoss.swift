// SoftmaxCrossEntropyLoss as a loss of networks: CrossEntropy.swift is what it is.
import CNNCore

final class SoftmaxCrossEntropyLoss<T: Element>: Loss<T> {
  private var rule = CrossEntropy<T>()

  init(_ attributes: Attributes, isMean: Bool) throws(CNNError) {
    rule.isMean = isMean
    rule.smoothing = try attributes.float("label_smoothing", default: 0)
    guard rule.smoothing >= 0 && rule.smoothing <= 1 else {
      throw attributes.wrong("label_smoothing", "0 to 1, got \(rule.smoothing)")
    }
    rule.ignored = attributes.has("ignore_index") ? try attributes.int("ignore_index", default: 0) : nil
    rule.weights = try attributes.floats("weight")
    for weight in rule.weights ?? [] where !(weight >= 0 && weight < .infinity) {
      throw attributes.wrong("weight", "numbers from 0, got \(weight)")
    }
    super.init(isMean: isMean)
  }

  override var isOfClasses: Bool { true }
  override func check(_ x: Shape, _ target: Target<T>) throws(CNNError) {
    guard x.rank >= 2, x.count > 0 else {
      throw .shape("output: wanted scores [N][K] or [N][K][...] of at least one row, got shape \(x.description)")
    }
    try rule.check(x, target)
  }
  override func value(_ x: Input<T>, _ target: Target<T>, gradient: Output<T>) throws(CNNError) -> Double {
    try rule.value(x, target, probabilities: nil, gradient: gradient)
  }
}
