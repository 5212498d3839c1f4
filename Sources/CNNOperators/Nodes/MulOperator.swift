// Mul: y = a * b, with broadcasting.
import CNNCore

final class MulOperator<T: Element>: BinaryOperator<T> {
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
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
