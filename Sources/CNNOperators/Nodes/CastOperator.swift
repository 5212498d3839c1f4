// Cast and CastLike: x in another type: numbers are cut off towards 0, integers wrap, what is not 0 is true. All floating types of a file are
// the network's own; to those narrower than float32, numbers are rounded.
import CNNCore

final class CastOperator<T: Element>: Operator<T> {
  /// nil: that of input 1.
  private let to: FileType?

  init(_ attributes: Attributes) throws(CNNError) {
    _ = try attributes.int("saturate", default: 1)  // of float8 alone
    _ = try attributes.string("round_mode", default: "up")  // of float8e8m0 alone
    if attributes.owner.is("CastLike") {
      to = nil
      super.init(try Signature(attributes, inputs: ["input", "target_type"]))
    } else {
      let number = try attributes.int("to", default: 0)
      guard let type = FileType(number) else { throw attributes.wrong("to", "a type of numbers or bool, got \(number)") }
      to = type
      super.init(try Signature(attributes, inputs: ["input"]))
    }
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [inputs[0]] }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    [to.map { $0.elementType(T.self) } ?? inputs[1] ?? T.elementType]
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.anyInput(0), y = try arrays.anyOutput()
    try convert(x, to: y, T.self)
    if y.type == T.elementType, let to { try to.round(arrays.output()) }
  }

  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    if let gradX = try arrays.gradInput(0) { arrays.copyThrough(try arrays.gradOutput(), gradX) }
  }
}
