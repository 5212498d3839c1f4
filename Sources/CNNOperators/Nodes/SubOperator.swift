// Sub: y = a - b, with broadcasting.
import CNNCore

final class SubOperator<T: Element>: BinaryOperator<T> {
  override var ofIntegers: IntegerFunction? { .difference }

  override func compute(_ arrays: Arrays<T>) throws(CNNError) {
    try subtract(arrays.input(0), arrays.input(1), arrays.output())
  }

  override var gradientMayOverwrite: [Int] { [0] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let gradY = try arrays.gradOutput()
    if let gradB = try arrays.gradInput(1) {
      try Broadcast(gradB.shape, to: gradY.shape, "b").reduce(gradY.data, to: gradB.data)
      try scale(gradB.input, by: -1, gradB)
    }
    if let gradA = try arrays.gradInput(0) {
      try Broadcast(gradA.shape, to: gradY.shape, "a").reduce(gradY.data, to: gradA.data)
    }
  }
}

@_specialize(where T == Float) @_specialize(where T == Double)
private func subtract<T: Element>(_ a: Input<T>, _ b: Input<T>, _ y: Output<T>) throws(CNNError) {
  try elementwise(a, b, y, Difference())
}
