// Sum, Mean, Max and Min of any number of arrays, element by element, with broadcasting.
import CNNCore
import Microkernels

final class VariadicOperator<T: Element>: Operator<T> {
  private enum Kind { case sum, mean, largest, least }
  private let kind: Kind

  private init(_ attributes: Attributes, _ kind: Kind) throws(CNNError) {
    self.kind = kind
    super.init(try Signature(attributes, inputs: ["inputs"], variadic: true))
  }
  static func sum(_ attributes: Attributes) throws(CNNError) -> Operator<T> { try VariadicOperator(attributes, .sum) }
  static func mean(_ attributes: Attributes) throws(CNNError) -> Operator<T> { try VariadicOperator(attributes, .mean) }
  static func max(_ attributes: Attributes) throws(CNNError) -> Operator<T> { try VariadicOperator(attributes, .largest) }
  static func min(_ attributes: Attributes) throws(CNNError) -> Operator<T> { try VariadicOperator(attributes, .least) }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    var shape = inputs[0]
    for other in inputs.dropFirst() { shape = try broadcastShape(shape, other) }
    return [shape]
  }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    let takesIntegers = kind == .largest || kind == .least
    guard takesIntegers, let type = inputs[0], type.isInteger else { return try super.outputTypes(of: inputs) }
    try want(type, inputs)
    return [type]
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let y = try arrays.anyOutput(), first = try arrays.anyInput(0)
    try StridedWalk.move(first, StridedView(first.shape, broadcastTo: y.shape), to: y, StridedView(y.shape))
    for i in 1..<arrays.inputCount {
      let x = try arrays.anyInput(i)
      if y.type != T.elementType {
        try (kind == .largest ? IntegerFunction.largest : .least).apply(y.input, x, y)
      } else if kind == .sum || kind == .mean {
        try Broadcast(x.shape, to: y.shape, "inputs").add(x.bound().data, times: 1, to: arrays.output().data)
      } else {
        try extremes(x, arrays.output(), isLargest: kind == .largest, nil, number: i)
      }
    }
    if kind == .mean { try divide(arrays.output(), by: T(arrays.inputCount)) }
  }

  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { kind == .sum || kind == .mean ? [] : Array(0..<signature.inputs.count) }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let gradY = try arrays.gradOutput(), n = gradY.shape.count, isExtreme = kind == .largest || kind == .least
    let part = try Scratch<T>(n), winners = try Scratch<Int32>(isExtreme ? n : 0), best = try Scratch<T>(isExtreme ? n : 0)
    if isExtreme {
      let y = Output("y", gradY.shape, best.data)
      _ = try arrays.anyInput(0).broadcast(to: gradY.shape, in: best.data)
      zero(winners.data, n)
      for i in 1..<arrays.inputCount {
        try extremes(arrays.anyInput(i), y, isLargest: kind == .largest, winners.data, number: i)
      }
    }
    for input in 0..<arrays.inputCount {
      guard let grad = try arrays.gradInput(input) else { continue }
      var from = gradY.data
      if isExtreme {
        for i in 0..<n { part.data[i] = winners.data[i] == Int32(truncatingIfNeeded: input) ? gradY.data[i] : 0 }
        from = UnsafePointer(part.data)
      }
      try Broadcast(grad.shape, to: gradY.shape, "inputs").reduce(from, to: grad.data)
      if kind == .mean { try divide(grad, by: T(arrays.inputCount)) }
    }
  }
}

/// y = the larger, or the smaller, of y and x; NaN wins. `winners`: whose elements these are, the first of equals.
@_specialize(where T == Float) @_specialize(where T == Double)
private func extremes<T: Element>(
  _ x: AnyInput, _ y: Output<T>, isLargest: Bool, _ winners: UnsafeMutablePointer<Int32>?, number: Int
) throws(CNNError) {
  let operand = try OperandNumbers<T>(x, y.shape), x = operand.data, number = Int32(truncatingIfNeeded: number)
  try forEachPiece(y.shape.count) { start, count in
    for i in start..<start &+ count where (isLargest ? x[i] > y.data[i] : x[i] < y.data[i]) || x[i].isNaN {
      y.data[i] = x[i]
      winners?[i] = number
    }
  }
}
@_specialize(where T == Float) @_specialize(where T == Double)
private func divide<T: Element>(_ y: Output<T>, by number: T) throws(CNNError) { try scale(y.input, by: 1 / number, y) }
