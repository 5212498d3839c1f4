// What Add, Sub, Mul and Div share: y = f(a, b), element by element, with broadcasting.
import CNNCore

class BinaryOperator<T: Element>: Operator<T> {
  init(_ attributes: Attributes) throws(CNNError) { super.init(try Signature(attributes, inputs: ["a", "b"])) }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [try broadcastShape(inputs[0], inputs[1])] }
  override var mayOverwriteInputs: [Int] { [0, 1] }
  override var hasBackward: Bool { true }
}

/// A function of two elements: a type and not a closure, so that loops are compiled for it.
protocol BinaryFunction {
  func of<T: Element>(_ a: T, _ b: T) -> T
}
struct Sum: BinaryFunction { func of<T: Element>(_ a: T, _ b: T) -> T { a + b } }
struct Difference: BinaryFunction { func of<T: Element>(_ a: T, _ b: T) -> T { a - b } }
struct Product: BinaryFunction { func of<T: Element>(_ a: T, _ b: T) -> T { a * b } }
struct Quotient: BinaryFunction { func of<T: Element>(_ a: T, _ b: T) -> T { a / b } }

/// y = f(a, b).
func elementwise<T: Element, F: BinaryFunction>(_ a: Input<T>, _ b: Input<T>, _ y: Output<T>, _ f: F) throws(CNNError) {
  if a.shape == y.shape && b.shape == y.shape {
    return try forEachPiece(y.shape.count) { map(a.data + $0, b.data + $0, y.data + $0, $1, f) }
  }
  // The one of y's shape, if it is in y's memory, must not be overwritten by the other.
  let isInB = UnsafePointer(y.data) == b.data && b.shape == y.shape
  let (first, second) = isInB ? (b, a) : (a, b)
  try Broadcast(first.shape, to: y.shape, first.name).copy(first.data, to: y.data)
  try Broadcast(second.shape, to: y.shape, second.name).forEachRun { place, count, from, isOne in
    let x = second.data + from, run = y.data + place
    switch (isInB, isOne) {
    case (false, false): map(run, x, run, count, f)
    case (true, false): map(x, run, run, count, f)
    case (false, true): mapRight(run, x.pointee, run, count, f)
    case (true, true): mapLeft(x.pointee, run, run, count, f)
    }
  }
}

private func map<T: Element, F: BinaryFunction>(
  _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ count: Int, _ f: F
) {
  for i in 0..<count { y[i] = f.of(a[i], b[i]) }
}
private func mapRight<T: Element, F: BinaryFunction>(
  _ a: UnsafePointer<T>, _ b: T, _ y: UnsafeMutablePointer<T>, _ count: Int, _ f: F
) {
  for i in 0..<count { y[i] = f.of(a[i], b) }
}
private func mapLeft<T: Element, F: BinaryFunction>(
  _ a: T, _ b: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ count: Int, _ f: F
) {
  for i in 0..<count { y[i] = f.of(a, b[i]) }
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
