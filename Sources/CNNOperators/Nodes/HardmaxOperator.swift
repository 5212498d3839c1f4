// Hardmax: along `axis` (-1), 1 where the first of the largest elements is, and 0 elsewhere. Up to operator set 12 of x as a matrix.
import CNNCore

final class HardmaxOperator<T: Element>: Operator<T> {
  private let axis: Int

  init(_ attributes: Attributes) throws(CNNError) {
    axis = try attributes.int("axis", default: -1)
    super.init(try Signature(attributes, inputs: ["input"]))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    _ = try resolve(axis: axis, rank: inputs[0].rank, "axis")
    return [inputs[0]]
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), y = try arrays.output()
    let rows = AxisRows(x.shape, axis: try resolve(axis: axis, rank: x.shape.rank, "axis")), step = rows.inner
    zero(y.data, y.shape.count)
    for row in 0..<(rows.K == 0 ? 0 : rows.outer * step) {
      let first = row / step * rows.K * step + row % step
      var best = 0
      for k in 1..<rows.K where x.data[first + k * step] > x.data[first + best * step] { best = k }
      y.data[first + best * step] = 1
    }
  }
}
