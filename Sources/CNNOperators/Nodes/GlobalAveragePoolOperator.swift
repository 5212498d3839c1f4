// GlobalAveragePool: y[N][C][1][1] of x[N][C][H][W], with any number of axes of pixels.
import CNNCore

final class GlobalAveragePoolOperator<T: Element>: Operator<T> {
  init(_ attributes: Attributes) throws(CNNError) { super.init(try Signature(attributes, inputs: ["x"])) }

  override func imageRule(_ inputs: [Shape]) -> ImageRule { .first }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [try GlobalPooling.outputShape(inputs[0])] }
  override func layoutRule(inputs: [Shape], _ mode: Mode) throws(CNNError) -> LayoutRule? {
    inputs[0].rank == 4 ? LayoutRule([.blocked(halo: 0)], .blocked, gain: 0) : nil
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    if let x = try arrays.blockedInput(0), let y = try arrays.blockedOutput() { return try y.fillWithMeans(x) }
    try GlobalPooling.averageForward(arrays.input(0), arrays.output())
  }

  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    if let gradX = try arrays.blockedGradInput(0), let gradY = try arrays.blockedGradOutput() {
      return try gradX.fillWithShares(gradY)
    }
    if let gradX = try arrays.gradInput(0) { try GlobalPooling.averageBackward(arrays.gradOutput(), gradX) }
  }
}
