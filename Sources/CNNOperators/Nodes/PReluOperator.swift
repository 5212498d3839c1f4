// PRelu: y = x where x >= 0, else slope * x; slope is of any shape that broadcasts to x's, such as [C][1][1].
import CNNCore

final class PReluOperator<T: Element>: Operator<T> {
  init(_ attributes: Attributes) throws(CNNError) { super.init(try Signature(attributes, inputs: ["x", "slope"])) }

  override func imageRule(_ inputs: [Shape]) -> ImageRule { .broadcast }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    _ = try Broadcast(inputs[1], to: inputs[0], "slope")
    return [inputs[0]]
  }
  override var mayOverwriteInputs: [Int] { [0] }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    try PRelu.forward(arrays.input(0), slope: arrays.input(1), arrays.output())
  }

  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [0, 1] }
  override var gradientMayOverwrite: [Int] { [0] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), gradY = try arrays.gradOutput()
    // The slope's first: grad_x may lie in grad_y.
    if let gradSlope = try arrays.gradInput(1) { try PRelu.slopeGradient(x, gradY, gradSlope) }
    if let gradX = try arrays.gradInput(0) { try PRelu.inputGradient(x, slope: arrays.input(1), gradY, gradX) }
  }
}

private enum PRelu {
  @_specialize(where T == Float) @_specialize(where T == Double)
  static func forward<T: Element>(_ x: Input<T>, slope: Input<T>, _ y: Output<T>) throws(CNNError) {
    try forEachElement(x, slope) { i, slope in y.data[i] = x.data[i] < 0 ? x.data[i] * slope : x.data[i] }
  }

  @_specialize(where T == Float) @_specialize(where T == Double)
  static func inputGradient<T: Element>(
    _ x: Input<T>, slope: Input<T>, _ gradY: Input<T>, _ gradX: Output<T>
  ) throws(CNNError) {
    try forEachElement(x, slope) { i, slope in gradX.data[i] = x.data[i] < 0 ? gradY.data[i] * slope : gradY.data[i] }
  }

  /// The sum of grad_y * min(x, 0) over the elements that a slope belongs to.
  @_specialize(where T == Float) @_specialize(where T == Double)
  static func slopeGradient<T: Element>(_ x: Input<T>, _ gradY: Input<T>, _ gradSlope: Output<T>) throws(CNNError) {
    let products = try Scratch<T>(x.shape.count)
    let to = products.data
    try forEachPiece(x.shape.count) { start, count in
      for i in start..<start &+ count { to[i] = x.data[i] < 0 ? gradY.data[i] * x.data[i] : 0 }
    }
    try Broadcast(gradSlope.shape, to: x.shape, "slope").reduce(UnsafePointer(to), to: gradSlope.data)
  }

  @inline(__always)
  private static func forEachElement<T: Element>(
    _ x: Input<T>, _ slope: Input<T>, _ body: (_ i: Int, _ slope: T) -> Void
  ) throws(CNNError) {
    try Broadcast(slope.shape, to: x.shape, "slope").forEachRun { place, count, from, isOne in
      let step = isOne ? 0 : 1
      for i in 0..<count { body(place &+ i, slope.data[from &+ i &* step]) }
    }
  }
}
