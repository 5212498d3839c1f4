// What Add, Sub, Mul, Div and their like share: y = f(a, b), element by element, with broadcasting.
import CNNCore
import Microkernels

class BinaryOperator<T: Element>: Operator<T> {
  init(_ attributes: Attributes) throws(CNNError) { super.init(try Signature(attributes, inputs: ["a", "b"])) }

  override func imageRule(_ inputs: [Shape]) -> ImageRule { .broadcast }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [try broadcastShape(inputs[0], inputs[1])] }
  /// Both inputs are of one type, and so is the output.
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    guard let type = inputs[0], type != T.elementType, let ofIntegers else { return try super.outputTypes(of: inputs) }
    guard ofIntegers.takes(type) else { throw wrongType(0, ofIntegers.wanted, type) }
    try want(type, inputs)
    return [ofIntegers.result(type)]
  }
  override var mayOverwriteInputs: [Int] { [0, 1] }
  override var hasBackward: Bool { true }

  /// What it does with integers; nil: it does not take any.
  var ofIntegers: IntegerFunction? { nil }
  /// What it does with numbers of the network's type.
  func compute(_ arrays: Arrays<T>) throws(CNNError) { throw .type("a: wanted integers, got numbers") }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    if let ofIntegers, let type = arrays.inputType(0), type != T.elementType {
      try ofIntegers.apply(arrays.anyInput(0), arrays.anyInput(1), arrays.anyOutput())
    } else {
      try compute(arrays)
    }
  }
}

/// A function of two elements: a type and not a closure, so that loops are compiled for it.
protocol BinaryFunction {
  func of<T: Element>(_ a: T, _ b: T) -> T
  /// The kernel that does it; nil: a loop.
  var kernel: Arithmetic? { get }
}
extension BinaryFunction {
  var kernel: Arithmetic? { nil }
}
struct Sum: BinaryFunction {
  func of<T: Element>(_ a: T, _ b: T) -> T { a + b }
  var kernel: Arithmetic? { .sum }
}
struct Difference: BinaryFunction {
  func of<T: Element>(_ a: T, _ b: T) -> T { a - b }
  var kernel: Arithmetic? { .difference }
}
struct Product: BinaryFunction {
  func of<T: Element>(_ a: T, _ b: T) -> T { a * b }
  var kernel: Arithmetic? { .product }
}
struct Quotient: BinaryFunction {
  func of<T: Element>(_ a: T, _ b: T) -> T { a / b }
  var kernel: Arithmetic? { .quotient }
}

/// y = f(a, b). y may lie in the memory of the one that has its shape.
func elementwise<T: Element, F: BinaryFunction>(_ a: Input<T>, _ b: Input<T>, _ y: Output<T>, _ f: F) throws(CNNError) {
  if a.shape == y.shape && b.shape == y.shape {
    return try forEachPiece(y.shape.count) { map(a.data + $0, false, b.data + $0, false, y.data + $0, $1, f) }
  }
  if b.shape == y.shape {
    return try Broadcast(a.shape, to: y.shape, a.name).forEachRun { place, count, from, isOne in
      map(a.data + from, isOne, b.data + place, false, y.data + place, count, f)
    }
  }
  // Without one of y's shape, a is repeated to it first.
  var whole = a.data
  if a.shape != y.shape {
    try Broadcast(a.shape, to: y.shape, a.name).copy(a.data, to: y.data)
    whole = UnsafePointer(y.data)
  }
  try Broadcast(b.shape, to: y.shape, b.name).forEachRun { place, count, from, isOne in
    map(whole + place, false, b.data + from, isOne, y.data + place, count, f)
  }
}

/// A run: of arrays, or of one that is a number for all.
private func map<T: Element, F: BinaryFunction>(
  _ a: UnsafePointer<T>, _ isOneA: Bool, _ b: UnsafePointer<T>, _ isOneB: Bool, _ y: UnsafeMutablePointer<T>, _ count: Int,
  _ f: F
) {
  // A row shorter than a vector is done before a kernel is called.
  if let kernel = f.kernel, count >= T.lanes { return T.kernels.arithmetic(kernel, a, isOneA, b, isOneB, y, count) }
  let (stepA, stepB) = (isOneA ? 0 : 1, isOneB ? 0 : 1)
  for i in 0..<count { y[i] = f.of(a[i &* stepA], b[i &* stepB]) }
}

/// grad = the sum of f(grad_y, z) over what `grad` was repeated to, where z broadcasts to grad_y.
func reduceThrough<T: Element, F: BinaryFunction>(
  _ gradY: Input<T>, _ z: Input<T>, _ grad: Output<T>, _ f: F
) throws(CNNError) {
  if grad.shape == gradY.shape { return try elementwise(gradY, z, grad, f) }
  let scratch = try Scratch<T>(gradY.shape.count)
  let product = Output("grad_y", gradY.shape, scratch.data)
  try elementwise(gradY, z, product, f)
  try Broadcast(grad.shape, to: gradY.shape, grad.name).reduce(UnsafePointer(product.data), to: grad.data)
}
