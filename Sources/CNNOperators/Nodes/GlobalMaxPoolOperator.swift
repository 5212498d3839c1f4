// GlobalMaxPool: y[N][C][1][1] of x[N][C][H][W], with any number of axes of pixels.
import CNNCore

final class GlobalMaxPoolOperator<T: Element>: Operator<T> {
  init(_ attributes: Attributes) throws(CNNError) { super.init(try Signature(attributes, inputs: ["x"])) }

  override func imageRule(_ inputs: [Shape]) -> ImageRule { .first }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [try GlobalPooling.outputShape(inputs[0])] }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    try GlobalPooling.maxForward(
      arrays.input(0), arrays.output(), winners: arrays.mode == .train ? arrays.kept(0) : nil)
  }

  override func kept(_ inputs: [Shape], _ outputs: [Shape]) throws(CNNError) -> [Kept] { [Kept(outputs[0], .int32)] }
  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let winners: Output<Int32> = try arrays.kept(0)
    if let gradX = try arrays.gradInput(0) { try GlobalPooling.maxBackward(winners.input, arrays.gradOutput(), gradX) }
  }
}
