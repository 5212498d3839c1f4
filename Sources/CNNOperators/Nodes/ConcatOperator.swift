// Concat: arrays one behind another along an axis.
import CNNCore
import Microkernels

final class ConcatOperator<T: Element>: MovingOperator<T> {
  private let axis: Int

  init(_ attributes: Attributes) throws(CNNError) {
    guard attributes.has("axis") else { throw attributes.wrong("axis", "an axis, got none") }
    axis = try attributes.int("axis", default: 0)
    super.init(try Signature(attributes, inputs: ["inputs"], variadic: true))
  }

  private func checkedAxis(_ x: Shape) throws(CNNError) -> Int {
    guard axis >= -x.rank && axis < x.rank else {
      throw .argument("axis: wanted \(-x.rank) to \(x.rank - 1) for shape \(x.description), got \(axis)")
    }
    return axis < 0 ? axis + x.rank : axis
  }

  override func imageRule(_ inputs: [Shape]) -> ImageRule { (try? checkedAxis(inputs[0])) != 0 ? .all : .together }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let first = inputs[0], axis = try checkedAxis(first)
    var extent = 0
    for x in inputs {
      let fits = x.rank == first.rank && (0..<x.rank).allSatisfy { $0 == axis || x[$0] == first[$0] }
      let sum = extent.addingReportingOverflow(x[axis])
      guard fits && !sum.overflow else {
        throw .shape("inputs: wanted shapes like \(first.description) but for axis \(axis), got \(x.description)")
      }
      extent = sum.partialValue
    }
    return [try Shape("y", rank: first.rank) { $0 == axis ? extent : first[$0] }]
  }

  override func isJoin(_ inputs: [Shape]) throws(CNNError) -> Bool {
    let axis = try checkedAxis(inputs[0])
    return (0..<axis).allSatisfy { inputs[0][$0] == 1 }
  }

  /// Calls body(input, its elements in a row, rows, and where in a row of y they begin, elements in a row of y).
  private func forEachPart(
    _ arrays: Arrays<T>, _ y: Shape, _ body: (Int, Int, Int, Int, Int) throws(CNNError) -> Void
  ) throws(CNNError) {
    let axis = try checkedAxis(y)
    var rows = 1
    for i in 0..<axis { rows *= y[i] }
    if rows == 0 { return }
    var start = 0
    for i in 0..<arrays.inputCount {
      let columns = try arrays.inputShape(i).count / rows
      try body(i, columns, rows, start, y.count / rows)
      start += columns
    }
  }

  /// Of channels, where each array but the last has whole blocks of them. Halos are the same for a single image, whose arrays then lie one
  /// behind another, and so for any number, as layouts do not depend on it.
  override func layoutRule(inputs: [Shape], _ mode: Mode) throws(CNNError) -> LayoutRule? {
    guard inputs[0].rank == 4, try checkedAxis(inputs[0]) == 1 else { return nil }
    guard inputs.dropLast().allSatisfy({ $0[1] % T.lanes == 0 }) else { return nil }
    return LayoutRule(inputs.map { _ in .blocked(halo: 0) }, .asInputs, gain: 0)
  }
  /// Nothing is to be done for what was written where it belongs.
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    if let y = try arrays.blockedOutput() {
      var block = 0
      for i in 0..<arrays.inputCount {
        guard let x = try arrays.blockedInput(i) else { continue }
        if x.inside(0, 0) != y.inside(0, block) { try y.copyChannels(x, toBlock: block) }
        block += x.blocks
      }
      return
    }
    let y = try arrays.anyOutput(), size = y.type.stride
    try forEachPart(arrays, y.shape) { i, columns, rows, start, step throws(CNNError) in
      let x = try arrays.anyInput(i)
      if x.data == UnsafeRawPointer(y.data + start &* size) { return }
      parallel(rows, width: try parallelWidth(rows, .elements(x.shape.count))) { row, _ in
        copyBytes(x.data + row &* columns &* size, to: y.data + (row &* step &+ start) &* size, columns &* size)
      }
    }
  }

  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    if let gradY = try arrays.blockedGradOutput() {
      var block = 0
      for i in 0..<arrays.inputCount {
        let lanes = T.lanes
        if let gradX = try arrays.blockedGradInput(i) { try gradX.fillChannels(gradY, fromBlock: block) }
        block += (try arrays.inputShape(i)[1] + lanes - 1) / lanes
      }
      return
    }
    let gradY = try arrays.gradOutput()
    try forEachPart(arrays, gradY.shape) { i, columns, rows, start, step throws(CNNError) in
      guard let gradX = try arrays.gradInput(i) else { return }
      parallel(rows, width: try parallelWidth(rows, .elements(gradX.shape.count))) { row, _ in
        copy(gradY.data + (row &* step &+ start), to: gradX.data + row &* columns, columns)
      }
    }
  }
}
