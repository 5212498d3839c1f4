// Softmax: y = exp(x) / the sum of exp(x) along an axis; LogSoftmax: its logarithm.
import CNNCore

final class SoftmaxOperator<T: Element>: Operator<T> {
  private let axis: Int
  private let isLogarithm: Bool

  private init(_ attributes: Attributes, isLogarithm: Bool) throws(CNNError) {
    axis = try attributes.int("axis", default: -1)
    self.isLogarithm = isLogarithm
    super.init(try Signature(attributes, inputs: ["x"]))
  }
  static func softmax(_ attributes: Attributes) throws(CNNError) -> Operator<T> {
    try SoftmaxOperator(attributes, isLogarithm: false)
  }
  static func logSoftmax(_ attributes: Attributes) throws(CNNError) -> Operator<T> {
    try SoftmaxOperator(attributes, isLogarithm: true)
  }

  override func imageRule(_ inputs: [Shape]) -> ImageRule { axis != 0 && axis != -inputs[0].rank ? .first : .together }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let x = inputs[0]
    guard axis >= -x.rank && axis < x.rank else {
      throw .argument("axis: wanted \(-x.rank) to \(x.rank - 1) for shape \(x.description), got \(axis)")
    }
    return [x]
  }
  private func rows(_ x: Shape) -> AxisRows { AxisRows(x, axis: axis < 0 ? axis + x.rank : axis) }

  override var mayOverwriteInputs: [Int] { [0] }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), y = try arrays.output()
    try rows(x.shape).softmax(x.data, y.data, isLogarithm: isLogarithm)
  }

  override var hasBackward: Bool { true }
  override var backwardReadsOutputs: [Int] { [0] }
  override var gradientMayOverwrite: [Int] { [0] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let y = try arrays.output(), gradY = try arrays.gradOutput()
    if let gradX = try arrays.gradInput(0) {
      try rows(y.shape).softmaxBackward(UnsafePointer(y.data), gradY.data, gradX.data, isLogarithm: isLogarithm)
    }
  }
}
