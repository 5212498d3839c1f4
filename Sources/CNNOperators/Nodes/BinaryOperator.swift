// What Add, Sub, Mul and Div share: y = f(a, b), element by element, with broadcasting.
import CNNCore

class BinaryOperator<T: Element>: Operator<T> {
  init(_ attributes: Attributes) throws(CNNError) { super.init(try Signature(attributes, inputs: ["a", "b"])) }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [try broadcastShape(inputs[0], inputs[1])] }
  override var mayOverwriteInputs: [Int] { [0, 1] }
  override var hasBackward: Bool { true }
}

/// y = f(a, b).
@inline(__always)
func elementwise<T: Element>(_ a: Input<T>, _ b: Input<T>, _ y: Output<T>, _ f: (T, T) -> T) throws(CNNError) {
  let (left, right, to) = (a.data, b.data, y.data)
  if a.shape == y.shape && b.shape == y.shape {
    return try forEachPiece(y.shape.count) { start, count in
      for i in start..<start &+ count { to[i] = f(left[i], right[i]) }
    }
  }
  // The one of y's shape, if it is in y's memory, must not be overwritten by the other.
  let isInB = UnsafePointer(to) == right && b.shape == y.shape
  let (first, second) = isInB ? (b, a) : (a, b)
  try Broadcast(first.shape, to: y.shape, first.name).copy(first.data, to: to)
  try Broadcast(second.shape, to: y.shape, second.name).forEachRun { place, count, from, isOne in
    let x = second.data + from, run = to + place
    if isInB {
      for i in 0..<count { run[i] = f(x[isOne ? 0 : i], run[i]) }
    } else {
      for i in 0..<count { run[i] = f(run[i], x[isOne ? 0 : i]) }
    }
  }
}

/// grad = the sum of g(grad_y, z) over what `grad` was repeated to, where z broadcasts to grad_y.
@inline(__always)
func reduceThrough<T: Element>(_ gradY: Input<T>, _ z: Input<T>, _ grad: Output<T>, _ g: (T, T) -> T) throws(CNNError) {
  if grad.shape == gradY.shape { return try elementwise(gradY, z, grad, g) }
  let scratch = try Scratch<T>(gradY.shape.count)
  let product = Output("grad_y", gradY.shape, scratch.data)
  try elementwise(gradY, z, product, g)
  try Broadcast(grad.shape, to: gradY.shape, grad.name).reduce(UnsafePointer(product.data), to: grad.data)
}
