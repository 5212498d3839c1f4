// LRN: local response normalization over neighbouring channels.
import CNNCore

final class LRNOperator<T: Element>: Operator<T> {
  private let normalization: LocalResponseNormalization

  init(_ attributes: Attributes) throws(CNNError) {
    let size = try attributes.int("size", default: 0)
    guard size >= 1 && size <= 1 << 30 else {
      throw attributes.wrong("size", "the number of channels to sum over, 1 to 2^30, got \(size)")
    }
    normalization = LocalResponseNormalization(
      alpha: try attributes.float("alpha", default: 1e-4), beta: try attributes.float("beta", default: 0.75),
      bias: try attributes.float("bias", default: 1), size: size)
    super.init(try Signature(attributes, inputs: ["x"]))
  }

  override func imageRule(_ inputs: [Shape]) -> ImageRule { .first }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    try normalization.check(inputs[0])
    return [inputs[0]]
  }
  override var mayOverwriteInputs: [Int] { [0] }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    try normalization.forward(arrays.input(0), arrays.output())
  }

  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [0] }
  override var gradientMayOverwrite: [Int] { [0] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    if let gradX = try arrays.gradInput(0) { try normalization.backward(arrays.input(0), arrays.gradOutput(), gradX) }
  }
}
