// Add: y = a + b, with broadcasting.
import CNNCore

final class AddOperator<T: Element>: BinaryOperator<T> {
  override func forward(_ arrays: Arrays<T>) throws(CNNError) { try add(arrays.input(0), arrays.input(1), arrays.output()) }

  override var gradientMayOverwrite: [Int] { [0, 1] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let gradY = try arrays.gradOutput()
    for i in 0..<2 {
      if let grad = try arrays.gradInput(i) {
        try Broadcast(grad.shape, to: gradY.shape, grad.name).reduce(gradY.data, to: grad.data)
      }
    }
  }
}

@_specialize(where T == Float) @_specialize(where T == Double)
private func add<T: Element>(_ a: Input<T>, _ b: Input<T>, _ y: Output<T>) throws(CNNError) {
  try elementwise(a, b, y, Sum())
}
