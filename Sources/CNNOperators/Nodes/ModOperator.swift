// Mod: the remainder of a / b, with broadcasting: with the sign of b, or where `fmod` is 1 with that of a.
import CNNCore

final class ModOperator<T: Element>: BinaryOperator<T> {
  private let hasSignOfDividend: Bool
  override init(_ attributes: Attributes) throws(CNNError) {
    hasSignOfDividend = try attributes.flag("fmod", default: false)
    try super.init(attributes)
  }

  override var ofIntegers: IntegerFunction? { hasSignOfDividend ? .remainder : .modulo }
  override var hasBackward: Bool { false }
  override func compute(_ arrays: Arrays<T>) throws(CNNError) {
    try remainders(arrays.anyInput(0), arrays.anyInput(1), arrays.output(), hasSignOfDividend: hasSignOfDividend)
  }
}

@_specialize(where T == Float) @_specialize(where T == Double)
private func remainders<T: Element>(
  _ a: AnyInput, _ b: AnyInput, _ y: Output<T>, hasSignOfDividend: Bool
) throws(CNNError) {
  let left = try OperandNumbers<T>(a, y.shape), right = try OperandNumbers<T>(b, y.shape), (a, b) = (left.data, right.data)
  try forEachPiece(y.shape.count) { start, count in
    for i in start..<start &+ count {
      let rest = a[i].truncatingRemainder(dividingBy: b[i])
      y.data[i] = !hasSignOfDividend && rest != 0 && (rest < 0) != (b[i] < 0) ? rest + b[i] : rest
    }
  }
}
