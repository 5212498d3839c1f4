// CumSum: along `axis` the sum of all elements up to each, with it or without; from behind if wanted. CumProd: the products.
import CNNCore

final class CumSumOperator<T: Element>: Operator<T> {
  private let axis: Int, isExclusive: Bool, isReversed: Bool, isProduct: Bool

  init(_ attributes: Attributes) throws(CNNError) {
    isExclusive = try attributes.flag("exclusive", default: false)
    isReversed = try attributes.flag("reverse", default: false)
    isProduct = attributes.owner.is("CumProd")
    guard let axis = try attributes.integers(input: 1, "axis"), axis.count == 1 else {
      throw attributes.wrong("axis", "one integer")
    }
    self.axis = axis[0]
    super.init(try Signature(attributes, inputs: ["x", "axis"]))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    _ = try resolve(axis: axis, rank: inputs[0].rank, "axis")
    return [inputs[0]]
  }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    if inputs[0] == .bool { throw wrongType(0, "numbers or integers", .bool) }
    return [inputs[0] ?? T.elementType]
  }
  private func rows(_ x: Shape) throws(CNNError) -> AxisRows {
    AxisRows(x, axis: try resolve(axis: axis, rank: x.rank, "axis"))
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.anyInput(0), rows = try rows(x.shape)
    if x.type == T.elementType {
      let y = try arrays.output()
      return try accumulate(arrays.input(0).data, rows, y.data, first: isProduct ? 1 : 0, isReversed) {
        isProduct ? $0 * $1 : $0 + $1
      }
    }
    let wide = try Operand64(x, x.shape), sums = try Scratch<Int64>(x.shape.count)
    try accumulate(wide.data, rows, sums.data, first: isProduct ? 1 : 0, isReversed) { isProduct ? $0 &* $1 : $0 &+ $1 }
    Wide.store(UnsafePointer(sums.data), try arrays.anyOutput(), 0, x.shape.count)
  }
  private func accumulate<U>(
    _ x: UnsafePointer<U>, _ rows: AxisRows, _ y: UnsafeMutablePointer<U>, first: U, _ isReversed: Bool, _ next: (U, U) -> U
  ) throws(CNNError) {
    try forEachPiece(rows.outer &* rows.inner) { start, count in
      for row in start..<start &+ count {
        let begin = row / rows.inner &* rows.K &* rows.inner &+ row % rows.inner
        var sum = first
        for k in 0..<rows.K {
          let place = begin &+ (isReversed ? rows.K &- 1 &- k : k) &* rows.inner, with = next(sum, x[place])
          y[place] = isExclusive ? sum : with
          sum = with
        }
      }
    }
  }

  /// Of sums, the sums from the other side.
  override var hasBackward: Bool { !isProduct }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    try accumulate(arrays.gradOutput().data, rows(gradX.shape), gradX.data, first: 0, !isReversed) { $0 + $1 }
  }
}
