// GlobalLpPool: y[N][C][1][...] of x[N][C][...], the p-norm of each image's channel.
import CNNCore

final class GlobalLpPoolOperator<T: Element>: Operator<T> {
  private let norm: LpNorm

  init(_ attributes: Attributes) throws(CNNError) {
    norm = try LpNorm(attributes)
    super.init(try Signature(attributes, inputs: ["x"]))
  }

  override func imageRule(_ inputs: [Shape]) -> ImageRule { .first }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [try GlobalPooling.outputShape(inputs[0])] }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) { try norm.globalForward(arrays.input(0), arrays.output()) }

  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [0] }
  override var backwardReadsOutputs: [Int] { [0] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    if let gradX = try arrays.gradInput(0) {
      try norm.globalBackward(arrays.input(0), arrays.output().input, arrays.gradOutput(), gradX)
    }
  }
}
