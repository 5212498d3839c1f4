// The affine layer (ONNX Gemm): y[N][M] = x[N][D] . weight[D][M] + bias[M].
package import CNNCore
import Microkernels

package enum Affine {
  @_specialize(where T == Float) @_specialize(where T == Double)
  package static func forward<T: Element>(
    _ x: Input<T>, _ weight: Input<T>, _ bias: Input<T>?, _ y: Output<T>
  ) throws(CNNError) {
    let (N, D, M) = try extents(x, weight)
    try bias?.wants(try Shape("bias", M))
    try y.wants(try Shape("y", N, M))
    try y.mustNotOverlap(x)
    try y.mustNotOverlap(weight)
    if let bias { try y.mustNotOverlap(bias) }
    try matrixProduct(N, M, D, rows(x, D), rows(weight, M), bias: bias?.data, y.data)
  }

  /// grad_x = grad_y . weightᵀ, grad_weight = xᵀ . grad_y, grad_bias = the column sums of grad_y.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package static func backward<T: Element>(
    _ x: Input<T>, _ weight: Input<T>, _ gradY: Input<T>, gradX: Output<T>?, gradWeight: Output<T>?, gradBias: Output<T>?
  ) throws(CNNError) {
    let (N, D, M) = try extents(x, weight)
    try gradY.wants(try Shape("grad_y", N, M))
    try gradX?.wants(x.shape)
    try gradWeight?.wants(weight.shape)
    try gradBias?.wants(try Shape("grad_bias", M))
    for output in [gradX, gradWeight, gradBias] {
      guard let output else { continue }
      for input in [x, weight, gradY] { try output.mustNotOverlap(input) }
    }
    if let gradX {
      try matrixProduct(
        N, D, M, rows(gradY, M), MatrixView(data: weight.data, rowStep: 1, columnStep: M), bias: nil, gradX.data)
    }
    if let gradWeight {
      try matrixProduct(
        D, M, N, MatrixView(data: x.data, rowStep: 1, columnStep: D), rows(gradY, M), bias: nil, gradWeight.data)
    }
    if let gradBias {
      zero(gradBias.data, M)
      T.kernels.addRows(gradY.data, M, N, gradBias.data, M)
    }
  }

  private static func rows<T>(_ x: Input<T>, _ step: Int) -> MatrixView<T> {
    MatrixView(data: x.data, rowStep: step, columnStep: 1)
  }
  private static func extents<T>(_ x: Input<T>, _ weight: Input<T>) throws(CNNError) -> (Int, Int, Int) {
    try x.wants(rank: 2, "[N][D]")
    try weight.wants(rank: 2, "[D][M]")
    guard x.shape[1] == weight.shape[0] else {
      throw .shape("weight: has \(weight.shape[0]) rows, x has \(x.shape[1]) columns; wanted the same")
    }
    return (x.shape[0], x.shape[1], weight.shape[1])
  }
}
