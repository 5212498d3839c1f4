// Dropout: in training each element is kept with probability 1 - ratio and divided by it, or becomes 0; in inference y is x, unless training_mode is
// true. Output 1, where it is wanted, is true for what is kept.
import CNNCore

final class DropoutOperator<T: Element>: Operator<T> {
  private let dropout: Dropout
  private let seed: UInt64
  /// Whether elements are dropped in inference too.
  private let isAlwaysTraining: Bool

  init(_ attributes: Attributes) throws(CNNError) {
    // An attribute, until ONNX's version 12 made an input of it.
    let standard = try attributes.float("ratio", default: 0.5)
    let given = try attributes.numbers(input: 1, "ratio")
    guard given == nil || given?.count == 1 else { throw attributes.wrong("ratio", "one number") }
    dropout = try Dropout(ratio: given?[0] ?? standard)
    seed = UInt64(bitPattern: Int64(try attributes.int("seed", default: 0)))
    let training = try attributes.integers(input: 2, "training_mode")
    guard training == nil || training?.count == 1 else { throw attributes.wrong("training_mode", "one bool") }
    isAlwaysTraining = (training?[0] ?? 0) != 0
    super.init(try Signature(attributes, inputs: ["data", "ratio", "training_mode"], required: 1, outputs: 2))
  }

  override func imageRule(_ inputs: [Shape]) -> ImageRule { .first }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [inputs[0], inputs[0]] }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    try want(T.elementType, inputs)
    return [T.elementType, .bool]
  }
  override var isDeterministic: Bool { !isAlwaysTraining }
  override func isView(_ mode: Mode) -> Bool { mode == .infer && !isAlwaysTraining && signature.outputs == 1 }
  override var mayOverwriteInputs: [Int] { [0] }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), y = try arrays.output(), drops = arrays.mode == .train || isAlwaysTraining
    let own = try Scratch<UInt8>(drops && arrays.mode == .infer ? x.shape.count : 0)
    let mask: Output<UInt8> = arrays.mode == .train ? try arrays.kept(0) : Output("mask", x.shape, own.data)
    if drops { try dropout.forward(x, seed: arrays.seed &+ seed, y, mask: mask) } else { arrays.copyThrough(x, y) }
    guard signature.outputs > 1 else { return }
    let kept: Output<UInt8> = try arrays.anyOutput(1).bound()
    if drops { copy(UnsafePointer(mask.data), to: kept.data, x.shape.count) } else { try arrays.anyOutput(1).fill(1) }
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
