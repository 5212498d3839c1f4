// ArgMax and ArgMin: where along `axis` (0) the largest or least element is, as int64: the first of equals, or the last.
import CNNCore

final class ArgMaxOperator<T: Element>: Operator<T> {
  private let axis: Int, keepsAxis: Bool, takesLast: Bool, isOfLeast: Bool

  init(_ attributes: Attributes) throws(CNNError) {
    axis = try attributes.int("axis", default: 0)
    keepsAxis = try attributes.flag("keepdims", default: true)
    takesLast = try attributes.flag("select_last_index", default: false)
    isOfLeast = attributes.owner.is("ArgMin")
    super.init(try Signature(attributes, inputs: ["data"]))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let x = inputs[0], axis = try resolve(axis: axis, rank: x.rank, "axis")
    guard x[axis] > 0 || x.count == 0 else { throw .shape("data: axis \(axis) has no element") }
    let extents = x.extents.enumerated().compactMap { i, n in i != axis ? n : keepsAxis ? 1 : nil }
    return [try Shape("reduced", extents: extents)]
  }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] { [.int64] }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.anyInput(0), rows = AxisRows(x.shape, axis: try resolve(axis: axis, rank: x.shape.rank, "axis"))
    let y: Output<Int64> = try arrays.anyOutput().bound()
    if x.type == T.elementType { return try find(arrays.input(0).data, rows, y.data) }
    let wide = try Operand64(x, x.shape)
    try find(wide.data, rows, y.data)
  }
  private func find<U: Comparable>(_ x: UnsafePointer<U>, _ rows: AxisRows, _ y: UnsafeMutablePointer<Int64>) throws(CNNError) {
    let step = rows.inner
    try forEachPiece(rows.outer &* rows.inner) { start, count in
      for row in start..<start &+ count {
        let x = x + (row / step &* rows.K &* step &+ row % step)
        var best = 0
        for k in 1..<max(rows.K, 1) {
          let (a, b) = (x[k &* step], x[best &* step])
          let wins = isOfLeast ? a < b : b < a
          if wins || (takesLast && a == b) { best = k }
        }
        y[row] = Int64(best)
      }
    }
  }
}
