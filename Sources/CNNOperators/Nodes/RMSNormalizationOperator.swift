// RMSNormalization: y = scale * x / sqrt(mean of x² + epsilon), of rows of all axes from `axis` (-1) on (Zhang and Sennrich 2019).
import CNNCore
import Microkernels

final class RMSNormalizationOperator<T: Element>: Operator<T> {
  private let axis: Int, epsilon: Double

  init(_ attributes: Attributes) throws(CNNError) {
    axis = try attributes.int("axis", default: -1)
    epsilon = try attributes.epsilon()
    try attributes.checkStashType()
    super.init(try Signature(attributes, inputs: ["X", "scale"]))
  }

  /// The shape of a row.
  private func row(_ x: Shape) throws(CNNError) -> Shape {
    try Shape("row", extents: Array(x.extents[resolve(axis: axis, rank: x.rank, "axis")...]))
  }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    _ = try Broadcast(inputs[1], to: row(inputs[0]), "scale")
    return [inputs[0]]
  }

  override var mayOverwriteInputs: [Int] { [0] }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), row = try row(x.shape)
    let scale = try OperandNumbers<T>(AnyInput(arrays.input(1)), row)
    try normalize(x, scale.data, row.count, T(epsilon), arrays.output())
  }

  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [0, 1] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), row = try row(x.shape), scale = try OperandNumbers<T>(AnyInput(arrays.input(1)), row)
    let spare = try Scratch<T>(x.shape.count), slopes = try Scratch<T>(row.count)
    let gradX = try arrays.gradInput(0) ?? Output("grad_x", x.shape, spare.data)
    try normalizeBackward(x, scale.data, row.count, T(epsilon), arrays.gradOutput(), gradX, slopes.data)
    if let grad = try arrays.gradInput(1) {
      try Broadcast(grad.shape, to: row, "scale").reduce(UnsafePointer(slopes.data), to: grad.data)
    }
  }
}

@_specialize(where T == Float) @_specialize(where T == Double)
private func normalize<T: Element>(
  _ x: Input<T>, _ scale: UnsafePointer<T>, _ D: Int, _ epsilon: T, _ y: Output<T>
) throws(CNNError) {
  let rows = x.shape.count / max(1, D), kernels = T.kernels
  parallel(rows, width: try parallelWidth(rows, .elements(rows, D, 2))) { row, _ in
    let x = x.data + row &* D, y = y.data + row &* D
    let factor = 1 / (kernels.sumOfProducts(x, 0, x, 0, D) / T(D) + epsilon).squareRoot()
    for d in 0..<D { y[d] = x[d] * factor * scale[d] }
  }
}
/// With r = 1 / sqrt(…) and g = grad_y * scale: grad_x = r * g - x * r³ * mean(g * x); the slopes of scale are sums of grad_y * x * r.
@_specialize(where T == Float) @_specialize(where T == Double)
private func normalizeBackward<T: Element>(
  _ x: Input<T>, _ scale: UnsafePointer<T>, _ D: Int, _ epsilon: T, _ gradY: Input<T>, _ gradX: Output<T>,
  _ slopes: UnsafeMutablePointer<T>
) throws(CNNError) {
  let kernels = T.kernels
  zero(slopes, D)
  for row in 0..<x.shape.count / max(1, D) {
    let x = x.data + row &* D, gradY = gradY.data + row &* D, to = gradX.data + row &* D
    let r = 1 / (kernels.sumOfProducts(x, 0, x, 0, D) / T(D) + epsilon).squareRoot()
    var along: T = 0
    for d in 0..<D { along += gradY[d] * scale[d] * x[d] }
    let back = along * r * r * r / T(D)
    for d in 0..<D {
      slopes[d] += gradY[d] * x[d] * r
      to[d] = r * gradY[d] * scale[d] - x[d] * back
    }
  }
}
