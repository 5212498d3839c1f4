// Where: x where the condition is true, else y, with broadcasting.
import CNNCore

final class WhereOperator<T: Element>: Operator<T> {
  init(_ attributes: Attributes) throws(CNNError) {
    super.init(try Signature(attributes, inputs: ["condition", "x", "y"]))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    [try broadcastShape(inputs[0], broadcastShape(inputs[1], inputs[2]))]
  }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    if let type = inputs[0], type != .bool { throw wrongType(0, "bool", type) }
    let type = inputs[1] ?? T.elementType
    try want(type, inputs, from: 1)
    return [type]
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let y = try arrays.anyOutput(), condition = try arrays.anyInput(0)
    let size = y.type.stride
    let mask = try Scratch<UInt8>(y.shape.count), first = try Scratch<UInt8>(y.shape.count * size)
    let chosen = try condition.broadcast(to: y.shape, in: mask.data).bound(to: UInt8.self).data
    let x = try arrays.anyInput(1).broadcast(to: y.shape, in: first.data)
    _ = try arrays.anyInput(2).broadcast(to: y.shape, in: y.data)
    switch size {
    case 1: try choose(chosen, x.bound(to: UInt8.self), y.bound())
    case 2: try choose(chosen, x.bound(to: UInt16.self), y.bound())
    case 4: try choose(chosen, x.bound(to: UInt32.self), y.bound())
    default: try choose(chosen, x.bound(to: UInt64.self), y.bound())
    }
  }
  private func choose<U: BitwiseCopyable>(_ mask: UnsafePointer<UInt8>, _ x: Input<U>, _ y: Output<U>) throws(CNNError) {
    try forEachPiece(y.shape.count) { start, count in
      for i in start..<start &+ count where mask[i] != 0 { y.data[i] = x.data[i] }
    }
  }

  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [0] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let gradY = try arrays.gradOutput(), condition = try arrays.anyInput(0)
    let mask = try Scratch<UInt8>(gradY.shape.count), part = try Scratch<T>(gradY.shape.count)
    let chosen = try condition.broadcast(to: gradY.shape, in: mask.data).bound(to: UInt8.self).data
    for input in 1...2 {
      guard let grad = try arrays.gradInput(input) else { continue }
      for i in 0..<gradY.shape.count { part.data[i] = (chosen[i] != 0) == (input == 1) ? gradY.data[i] : 0 }
      try Broadcast(grad.shape, to: gradY.shape, grad.name).reduce(UnsafePointer(part.data), to: grad.data)
    }
  }
}
