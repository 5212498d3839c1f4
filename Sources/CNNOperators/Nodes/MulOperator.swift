// Mul: y = a * b, with broadcasting.
import CNNCore

final class MulOperator<T: Element>: BinaryOperator<T> {
  override var ofIntegers: IntegerFunction? { .product }

  /// Of equal shapes; or of images and one number for each of their channels, as squeeze-and-excitation has.
  override func layoutRule(inputs: [Shape], _ mode: Mode) throws(CNNError) -> LayoutRule? {
    let (a, b) = (inputs[0], inputs[1])
    guard mode == .infer, a.rank == 4, b.rank == 4, a[0] == b[0], a[1] == b[1] else { return nil }
    guard a == b || a[2] == 1 && a[3] == 1 || b[2] == 1 && b[3] == 1 else { return nil }
    return LayoutRule([.blocked(halo: 0), .blocked(halo: 0)], .asInputs, gain: 0)
  }
  override func compute(_ arrays: Arrays<T>) throws(CNNError) {
    if let y = try arrays.blockedOutput(), let a = try arrays.blockedInput(0), let b = try arrays.blockedInput(1) {
      if a.shape == b.shape { return try multiply(a.flat("a").input, b.flat("b").input, y.flat("y")) }
      return try a.shape == y.shape ? y.fill(a, timesChannels: b) : y.fill(b, timesChannels: a)
    }
    try multiply(arrays.input(0), arrays.input(1), arrays.output())
  }

  override var backwardReadsInputs: [Int] { [0, 1] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let a = try arrays.input(0), b = try arrays.input(1), gradY = try arrays.gradOutput()
    if let gradA = try arrays.gradInput(0) { try multiplyReduced(gradY, b, gradA) }
    if let gradB = try arrays.gradInput(1) { try multiplyReduced(gradY, a, gradB) }
  }
}

@_specialize(where T == Float) @_specialize(where T == Double)
private func multiply<T: Element>(_ a: Input<T>, _ b: Input<T>, _ y: Output<T>) throws(CNNError) {
  try elementwise(a, b, y, Product())
}
@_specialize(where T == Float) @_specialize(where T == Double)
func multiplyReduced<T: Element>(_ gradY: Input<T>, _ other: Input<T>, _ grad: Output<T>) throws(CNNError) {
  try reduceThrough(gradY, other, grad, Product())
}
