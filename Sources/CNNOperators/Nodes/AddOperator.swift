// Add: y = a + b, with broadcasting.
import CNNCore

final class AddOperator<T: Element>: BinaryOperator<T> {
  override var ofIntegers: IntegerFunction? { .sum }

  /// Of equal shapes in one layout, zeros included.
  override func layoutRule(inputs: [Shape], _ mode: Mode) throws(CNNError) -> LayoutRule? {
    inputs[0] == inputs[1] && inputs[0].rank == 4
      ? LayoutRule([.blocked(halo: 0), .blocked(halo: 0)], .asInputs, gain: 0) : nil
  }

  override func compute(_ arrays: Arrays<T>) throws(CNNError) {
    if let y = try arrays.blockedOutput(), let a = try arrays.blockedInput(0), let b = try arrays.blockedInput(1) {
      return try add(a.flat("a").input, b.flat("b").input, y.flat("y"))
    }
    try add(arrays.input(0), arrays.input(1), arrays.output())
  }

  override var isCommutative: Bool { true }
  override var gradientMayOverwrite: [Int] { [0, 1] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    if let gradY = try arrays.blockedGradOutput()?.flat("grad_y") {
      for i in 0..<2 { if let grad = try arrays.blockedGradInput(i)?.flat("grad") { arrays.copyThrough(gradY.input, grad) } }
      return
    }
    let gradY = try arrays.gradOutput()
    for i in 0..<2 {
      if let grad = try arrays.gradInput(i) {
        try Broadcast(grad.shape, to: gradY.shape, grad.name).reduce(gradY.data, to: grad.data)
      }
    }
  }
}

@_specialize(where T == Float) @_specialize(where T == Double)
func add<T: Element>(_ a: Input<T>, _ b: Input<T>, _ y: Output<T>) throws(CNNError) {
  try elementwise(a, b, y, Sum())
}
