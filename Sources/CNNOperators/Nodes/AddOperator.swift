// Add: y = a + b, with broadcasting.
import CNNCore

final class AddOperator<T: Element>: Operator<T> {
  init(_ attributes: Attributes) throws(CNNError) { super.init(try Signature(attributes, inputs: ["a", "b"])) }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [try broadcastShape(inputs[0], inputs[1])] }
  override var mayOverwriteInputs: [Int] { [0, 1] }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let a = try arrays.input(0), b = try arrays.input(1), y = try arrays.output()
    // Where y lies in the memory of b, b comes first: it would be gone after a.
    let (first, second) = UnsafePointer(y.data) == b.data ? (b, a) : (a, b)
    try Broadcast(first.shape, to: y.shape, first.name).copy(first.data, to: y.data)
    try Broadcast(second.shape, to: y.shape, second.name).add(second.data, times: 1, to: y.data)
  }

  override var hasBackward: Bool { true }
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
