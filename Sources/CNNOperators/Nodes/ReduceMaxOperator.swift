// ReduceMax: the largest over the axes that `axes` names, or over all: of equals the first, to which the gradient goes; NaN wins.
import CNNCore

final class ReduceMaxOperator<T: Element>: Operator<T> {
  private let reduction: Reduction

  init(_ attributes: Attributes) throws(CNNError) {
    reduction = try Reduction(attributes)
    super.init(try Reduction.signature(attributes))
  }

  override func imageRule(_ inputs: [Shape]) -> ImageRule { reduction.imageRule(inputs[0]) }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    guard inputs[0].count <= Int(Int32.max) else {
      throw CNNError(.unsupported, "data: wanted fewer than 2^31 elements, got shape \(inputs[0].description)")
    }
    return [try reduction.outputShape(inputs[0])]
  }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    if let type = inputs[0], type.isInteger || type == .bool { return [type] }
    return try super.outputTypes(of: inputs)
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    if let type = arrays.inputType(0), type != T.elementType {
      let x = try arrays.anyInput(0)
      return try reduceIntegers(x, reduction.result(x.shape), arrays.anyOutput(), .largest)
    }
    let x = try arrays.input(0), y = try arrays.output()
    let winners: Output<Int32>? = arrays.mode == .train ? try arrays.kept(0) : nil
    try maximum(x, reduction.result(x.shape), y, winners: winners)
  }

  /// Where in x each maximum is; -1 where it is of nothing.
  override func kept(_ inputs: [Shape], _ outputs: [Shape]) throws(CNNError) -> [Kept] { [Kept(outputs[0], .int32)] }
  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    let winners: Output<Int32> = try arrays.kept(0)
    zero(gradX.data, gradX.shape.count)
    try toWinners(winners.input, arrays.gradOutput(), gradX)
  }
}

@_specialize(where T == Float) @_specialize(where T == Double)
private func maximum<T: Element>(
  _ x: Input<T>, _ view: StridedView, _ y: Output<T>, winners: Output<Int32>?
) throws(CNNError) {
  y.data.update(repeating: -.infinity, count: y.shape.count)
  winners?.data.update(repeating: -1, count: y.shape.count)
  let walk = StridedWalk(from: StridedView(x.shape), to: view), (a, b) = (walk.run.from, walk.run.to)
  try walk.forEachRun { from, to, count in
    for i in 0..<count {
      let place = from &+ i &* a, result = to &+ i &* b, value = x.data[place], best = y.data[result]
      if value > best || (value.isNaN && !best.isNaN) {
        y.data[result] = value
        winners?.data[result] = Int32(truncatingIfNeeded: place)
      } else if let winners, winners.data[result] < 0 {
        winners.data[result] = Int32(truncatingIfNeeded: place)
      }
    }
  }
}

@_specialize(where T == Float) @_specialize(where T == Double)
private func toWinners<T: Element>(_ winners: Input<Int32>, _ gradY: Input<T>, _ gradX: Output<T>) throws(CNNError) {
  try forEachPiece(gradY.shape.count) { start, count in
    for i in start..<start &+ count where winners.data[i] >= 0 { gradX.data[Int(winners.data[i])] = gradY.data[i] }
  }
}
