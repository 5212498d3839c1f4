// Dropout: in training each element is kept with probability 1 - ratio and divided by it, or becomes 0; in inference y is x.
import CNNCore

final class DropoutOperator<T: Element>: Operator<T> {
  private let dropout: Dropout
  private let seed: UInt64

  init(_ attributes: Attributes) throws(CNNError) {
    // An attribute, until ONNX's version 12 made an input of it.
    let standard = try attributes.float("ratio", default: 0.5)
    let given = try attributes.numbers(input: 1, "ratio")
    guard given == nil || given?.count == 1 else { throw attributes.wrong("ratio", "one number") }
    dropout = try Dropout(ratio: given?[0] ?? standard)
    seed = UInt64(bitPattern: Int64(try attributes.int("seed", default: 0)))
    super.init(try Signature(attributes, inputs: ["data", "ratio"], required: 1))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [inputs[0]] }
  override func isView(_ mode: Mode) -> Bool { mode == .infer }
  override var mayOverwriteInputs: [Int] { [0] }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), y = try arrays.output()
    switch arrays.mode {
    case .train: try dropout.forward(x, seed: arrays.seed &+ seed, y, mask: arrays.kept(0))
    case .infer: arrays.copyThrough(x, y)
    }
  }

  /// The mask of what is kept.
  override func kept(_ inputs: [Shape], _ outputs: [Shape]) throws(CNNError) -> [Kept] { [Kept(outputs[0], .uint8)] }
  override var hasBackward: Bool { true }
  override var gradientMayOverwrite: [Int] { [0] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let mask: Output<UInt8> = try arrays.kept(0)
    if let gradX = try arrays.gradInput(0) { try dropout.backward(mask.input, arrays.gradOutput(), gradX) }
  }
}
