// LpNormalization: x divided by the sum of |x| (p = 1), or its root of the sum of squares (2), along `axis` (-1); 0 where that is 0.
import CNNCore

final class LpNormalizationOperator<T: Element>: Operator<T> {
  private let axis: Int, p: Int

  init(_ attributes: Attributes) throws(CNNError) {
    axis = try attributes.int("axis", default: -1)
    p = try attributes.int("p", default: 2)
    guard p == 1 || p == 2 else { throw attributes.wrong("p", "1 or 2, got \(p)") }
    super.init(try Signature(attributes, inputs: ["input"]))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    _ = try resolve(axis: axis, rank: inputs[0].rank, "axis")
    return [inputs[0]]
  }
  private func rows(_ x: Shape) throws(CNNError) -> AxisRows {
    AxisRows(x, axis: try resolve(axis: axis, rank: x.rank, "axis"))
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0)
    try lpNormalize(x.data, rows(x.shape), isOfSquares: p == 2, arrays.output().data)
  }
  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [0] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    try lpNormalizeBackward(arrays.input(0).data, rows(gradX.shape), isOfSquares: p == 2, arrays.gradOutput().data, gradX.data)
  }
}

extension AxisRows {
  /// Calls body(first element) for each row, on all threads.
  fileprivate func forEach(_ body: (Int) -> Void) throws(CNNError) {
    try forEachPiece(outer &* inner) { start, count in
      for row in start..<start &+ count { body(row / inner &* K &* inner &+ row % inner) }
    }
  }
  fileprivate func norm<T: Element>(_ x: UnsafePointer<T>, _ isOfSquares: Bool) -> T {
    var sum: T = 0
    for k in 0..<K {
      let value = x[k &* inner]
      sum += isOfSquares ? value * value : abs(value)
    }
    return isOfSquares ? sum.squareRoot() : sum
  }
}
@_specialize(where T == Float) @_specialize(where T == Double)
private func lpNormalize<T: Element>(
  _ x: UnsafePointer<T>, _ rows: AxisRows, isOfSquares: Bool, _ y: UnsafeMutablePointer<T>
) throws(CNNError) {
  try rows.forEach { first in
    let norm = rows.norm(x + first, isOfSquares)
    for k in 0..<rows.K {
      let place = first &+ k &* rows.inner
      y[place] = norm == 0 ? 0 : x[place] / norm
    }
  }
}
/// grad_x = (grad_y - d norm/dx * sum(grad_y * y)) / norm.
@_specialize(where T == Float) @_specialize(where T == Double)
private func lpNormalizeBackward<T: Element>(
  _ x: UnsafePointer<T>, _ rows: AxisRows, isOfSquares: Bool, _ gradY: UnsafePointer<T>, _ gradX: UnsafeMutablePointer<T>
) throws(CNNError) {
  try rows.forEach { first in
    let norm = rows.norm(x + first, isOfSquares)
    var along: T = 0
    for k in 0..<rows.K { along += gradY[first &+ k &* rows.inner] * x[first &+ k &* rows.inner] }
    for k in 0..<rows.K {
      let place = first &+ k &* rows.inner, value = x[place], slope: T = isOfSquares ? value / norm : value < 0 ? -1 : 1
      gradX[place] = norm == 0 ? 0 : (gradY[place] - slope * along / norm) / norm
    }
  }
}
