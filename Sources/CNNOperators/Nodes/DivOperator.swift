// Div: y = a / b, with broadcasting.
import CNNCore

final class DivOperator<T: Element>: BinaryOperator<T> {
  override var ofIntegers: IntegerFunction? { .quotient }

  override func compute(_ arrays: Arrays<T>) throws(CNNError) { try divide(arrays.input(0), arrays.input(1), arrays.output()) }

  override var backwardReadsInputs: [Int] { [0, 1] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let a = try arrays.input(0), b = try arrays.input(1), gradY = try arrays.gradOutput()
    if let gradA = try arrays.gradInput(0) { try divideReduced(gradY, b, gradA) }
    if let gradB = try arrays.gradInput(1) {
      // -grad_y * a / b²: the sum of grad_y * a first, since b is the same over it.
      try multiplyReduced(gradY, a, gradB)
      try divideBySquare(gradB, b)
    }
  }
}

@_specialize(where T == Float) @_specialize(where T == Double)
private func divide<T: Element>(_ a: Input<T>, _ b: Input<T>, _ y: Output<T>) throws(CNNError) {
  try elementwise(a, b, y, Quotient())
}
@_specialize(where T == Float) @_specialize(where T == Double)
private func divideReduced<T: Element>(_ gradY: Input<T>, _ b: Input<T>, _ grad: Output<T>) throws(CNNError) {
  try reduceThrough(gradY, b, grad, Quotient())
}
/// grad = -grad / b².
@_specialize(where T == Float) @_specialize(where T == Double)
private func divideBySquare<T: Element>(_ grad: Output<T>, _ b: Input<T>) throws(CNNError) {
  try elementwise(grad.input, b, grad, MinusOverSquare())
}
private struct MinusOverSquare: BinaryFunction { func of<T: Element>(_ a: T, _ b: T) -> T { -a / (b * b) } }
