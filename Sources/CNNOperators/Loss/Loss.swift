// Losses: one number for what a network gave and what was wanted, and its gradient. By name and attributes, as operators are:
// PyTorch's, but for SoftmaxCrossEntropyLoss, which is ONNX's.
package import CNNCore

package class Loss<T: Element> {
  /// Losses of elements (or of rows of classes) become one: their mean, or their sum.
  package let isMean: Bool
  /// Whether outputs are scores of classes, so that the largest can be right or wrong.
  package var isOfClasses: Bool { false }

  init(isMean: Bool) { self.isMean = isMean }

  /// Throws where a target does not fit outputs of shape `x`.
  package func check(_ x: Shape, _ target: Target<T>) throws(CNNError) {}
  /// Of what has been checked.
  func value(_ x: Input<T>, _ target: Target<T>, gradient: Output<T>) throws(CNNError) -> Double {
    throw CNNError(.unsupported, "this loss has no value")
  }

  /// The loss of the outputs `x` of a network, and its gradient by x.
  package final func evaluate(_ x: Input<T>, _ target: Target<T>, gradient: Output<T>) throws(CNNError) -> Double {
    try check(x.shape, target)
    try gradient.wants(x.shape)
    return try value(x, target, gradient: gradient)
  }

  package static func make(_ attributes: Attributes) throws(CNNError) -> Loss<T> {
    let reduction = try attributes.string("reduction", default: "mean")
    guard reduction.is("mean") || reduction.is("sum") else {
      throw attributes.wrong("reduction", "mean or sum, got \(reduction)")
    }
    let isMean = reduction.is("mean"), name = attributes.owner
    let made: Loss<T>
    if name.is("SoftmaxCrossEntropyLoss") {
      made = try SoftmaxCrossEntropyLoss(attributes, isMean: isMean)
    } else if name.is("MSELoss") {
      made = ElementLoss(.squared, isMean: isMean)
    } else if name.is("L1Loss") {
      made = ElementLoss(.absolute, isMean: isMean)
    } else if name.is("HuberLoss") {
      let delta = try attributes.float("delta", default: 1)
      guard delta > 0 && delta < .infinity else { throw attributes.wrong("delta", "a number above 0, got \(delta)") }
      made = ElementLoss(.huber(delta: delta), isMean: isMean)
    } else if name.is("BCEWithLogitsLoss") {
      made = ElementLoss(.binaryCrossEntropy, isMean: isMean)
    } else {
      throw CNNError(.unsupported, "loss: \(name) is not one that this version has")
    }
    try attributes.finish()
    return made
  }
}
