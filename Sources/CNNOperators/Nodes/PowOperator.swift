// Pow: y = a to the power of b, with broadcasting, in the type of a; each of them of numbers or integers.
import CNNCore
import Microkernels

final class PowOperator<T: Element>: BinaryOperator<T> {
  override var ofIntegers: IntegerFunction? { .power }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    for i in 0..<2 { if inputs[i] == .bool { throw wrongType(i, "numbers or integers", .bool) } }
    return [inputs[0] ?? T.elementType]
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let a = try arrays.anyInput(0), b = try arrays.anyInput(1), y = try arrays.anyOutput()
    if a.type != T.elementType && b.type != T.elementType { return try IntegerFunction.power.apply(a, b, y) }
    if y.type == T.elementType { return try power(a, b, arrays.output()) }
    let scratch = try Scratch<T>(y.shape.count), result = Output("y", y.shape, scratch.data)
    try power(a, b, result)
    try convert(AnyInput(result.input), to: y, T.self)
  }

  override var backwardReadsInputs: [Int] { [0, 1] }
  override var backwardReadsOutputs: [Int] { [0] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let a = try arrays.anyInput(0), b = try arrays.anyInput(1), y = try arrays.output(), gradY = try arrays.gradOutput()
    let slopes = try Scratch<T>(y.shape.count)
    for input in 0..<2 {
      guard let grad = try arrays.gradInput(input) else { continue }
      try powerSlopes(a, b, y.input, gradY, slopes.data, ofExponent: input == 1)
      try Broadcast(grad.shape, to: gradY.shape, grad.name).reduce(UnsafePointer(slopes.data), to: grad.data)
    }
  }
}

/// The usual exponents have loops without the C library's function.
@_specialize(where T == Float) @_specialize(where T == Double)
private func power<T: Element>(_ a: AnyInput, _ b: AnyInput, _ y: Output<T>) throws(CNNError) {
  let base = try OperandNumbers<T>(a, y.shape), x = base.data
  if b.shape.count == 1 {
    let one = try OperandNumbers<T>(b, b.shape), exponent = one.data[0]
    return try forEachPiece(y.shape.count) { start, count in
      let range = start..<start &+ count
      switch exponent {
      case 2: for i in range { y.data[i] = x[i] * x[i] }
      case 1: for i in range { y.data[i] = x[i] }
      case 3: for i in range { y.data[i] = x[i] * x[i] * x[i] }
      case 0.5: for i in range { y.data[i] = x[i].squareRoot() }
      case -1: for i in range { y.data[i] = 1 / x[i] }
      default: for i in range { y.data[i] = pow(x[i], exponent) }
      }
    }
  }
  let exponents = try OperandNumbers<T>(b, y.shape), z = exponents.data
  try forEachPiece(y.shape.count) { start, count in
    for i in start..<start &+ count { y.data[i] = pow(x[i], z[i]) }
  }
}

/// grad_y * b * a^(b - 1); of the exponent grad_y * y * log(a), and 0 where a is 0.
@_specialize(where T == Float) @_specialize(where T == Double)
private func powerSlopes<T: Element>(
  _ a: AnyInput, _ b: AnyInput, _ y: Input<T>, _ gradY: Input<T>, _ slopes: UnsafeMutablePointer<T>, ofExponent: Bool
) throws(CNNError) {
  let base = try OperandNumbers<T>(a, y.shape), exponents = try OperandNumbers<T>(b, y.shape)
  let (x, z) = (base.data, exponents.data)
  try forEachPiece(y.shape.count) { start, count in
    for i in start..<start &+ count {
      slopes[i] =
        ofExponent
        ? (x[i] == 0 ? 0 : gradY.data[i] * y.data[i] * log(x[i]))
        : (z[i] == 0 ? 0 : gradY.data[i] * z[i] * pow(x[i], z[i] - 1))
    }
  }
}
