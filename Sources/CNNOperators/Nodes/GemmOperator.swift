// Gemm: y[M][N] = alpha * a[M][K] . b[K][N] + beta * c, where a and b may be transposed, and c is of any shape that broadcasts
// to [M][N]: the fully connected layer, with c its bias.
import CNNCore

final class GemmOperator<T: Element>: Operator<T> {
  private let alpha: T, beta: T
  private let transA: Bool, transB: Bool
  /// y is then max(y, 0).
  private let relu: Bool

  init(_ attributes: Attributes) throws(CNNError) {
    alpha = T(try attributes.float("alpha", default: 1))
    beta = T(try attributes.float("beta", default: 1))
    transA = try attributes.flag("transA", default: false)
    transB = try attributes.flag("transB", default: false)
    relu = false
    super.init(try Signature(attributes, inputs: ["a", "b", "c"], required: 2))
  }

  private init(_ first: GemmOperator, absorbing next: Operator<T>) {
    (alpha, beta, transA, transB, relu) = (first.alpha, first.beta, first.transA, first.transB, true)
    super.init(Signature(first.signature, absorbing: next.signature))
  }
  override func absorbing(_ next: Neighbour<T>, _ mode: Mode, inputs: [Shape]) throws(CNNError) -> Operator<T>? {
    mode == .infer && !relu && next.node is ReluOperator<T> ? GemmOperator(self, absorbing: next.node) : nil
  }

  private func extents(_ a: Shape, _ b: Shape) throws(CNNError) -> (M: Int, N: Int, K: Int) {
    guard a.rank == 2 else { throw .shape("a: wanted 2 axes, got shape \(a.description)") }
    guard b.rank == 2 else { throw .shape("b: wanted 2 axes, got shape \(b.description)") }
    let (M, K) = transA ? (a[1], a[0]) : (a[0], a[1])
    let (rows, N) = transB ? (b[1], b[0]) : (b[0], b[1])
    guard K == rows else {
      throw .shape("b: wanted \(K) rows for \(K) columns of a, got \(rows) (shapes \(a.description) and \(b.description))")
    }
    return (M, N, K)
  }

  override func imageRule(_ inputs: [Shape]) -> ImageRule {
    !transA && (inputs.count < 3 || inputs[2].rank < 2 || inputs[2][0] == 1) ? .first : .together
  }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let (M, N, _) = try extents(inputs[0], inputs[1])
    let y = try Shape("y", M, N)
    if inputs.count > 2 { _ = try Broadcast(inputs[2], to: y, "c") }
    return [y]
  }

  override func multiplyAdds(_ inputs: [Shape], _ outputs: [Shape]) -> Int {
    saturatingProduct(outputs[0].count, inputs[0].count / max(1, outputs[0][0]))
  }

  private func view(_ x: Input<T>, transposed: Bool) -> MatrixView<T> {
    transposed
      ? MatrixView(data: x.data, rowStep: 1, columnStep: x.shape[1])
      : MatrixView(data: x.data, rowStep: x.shape[1], columnStep: 1)
  }

  // Weights that stay as they are lie ready in panels.

  override func prepared(inputs: [Shape], _ layouts: Layouts, _ mode: Mode) throws(CNNError) -> Prepared? {
    let (_, N, K) = try extents(inputs[0], inputs[1])
    if mode == .train || N == 0 { return nil }
    return Prepared(reads: [1], replaces: [1], [Kept(try Shape("panels", packedCells(K, N, of: T.self)), .network)])
  }
  override func prepare(_ arrays: Arrays<T>) throws(CNNError) {
    guard let to: Output<T> = try arrays.prepared(0) else { return }
    let b = try arrays.input(1)
    let (_, N, K) = try extents(arrays.inputShape(0), b.shape)
    try packPanels(view(b, transposed: transB), K, N, to.data)
  }

  @_specialize(where T == Float) @_specialize(where T == Double)
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    try product(arrays)
    if relu {
      let y = try arrays.output()
      try Relu.forward(y.input, y, mask: nil)
    }
  }
  private func product(_ arrays: Arrays<T>) throws(CNNError) {
    let b = try arrays.input(1), right = view(b, transposed: transB)
    if arrays.mode == .train { return try product(arrays, .view(right)) }
    let (_, N, K) = try extents(arrays.inputShape(0), b.shape)
    if let ready: Output<T> = try arrays.prepared(0) { return try product(arrays, panels(UnsafePointer(ready.data), K)) }
    // Of weights that another node computes as well: panels, for the same bits.
    let packed = try Scratch<T>(packedCells(K, N, of: T.self))
    try packPanels(right, K, N, packed.data)
    try product(arrays, panels(UnsafePointer(packed.data), K))
  }
  private func product(_ arrays: Arrays<T>, _ right: RightMatrix<T>) throws(CNNError) {
    let a = try arrays.input(0), c = try arrays.optionalInput(2), y = try arrays.output()
    let (M, N, K) = try extents(a.shape, arrays.inputShape(1)), left = view(a, transposed: transA)
    // A bias[N] goes into the product.
    if let c, c.shape.count == N, c.shape[c.shape.rank - 1] == N, alpha == 1, beta == 1 {
      return try matrixProduct(M, N, K, left, right, bias: c.data, y.data)
    }
    try matrixProduct(M, N, K, left, right, bias: nil, y.data)
    if alpha != 1 { try scale(y.input, by: alpha, y) }
    if let c { try Broadcast(c.shape, to: y.shape, "c").add(c.data, times: beta, to: y.data) }
  }

  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [0, 1] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let a = try arrays.input(0), b = try arrays.input(1), gradY = try arrays.gradOutput()
    let (M, N, K) = try extents(a.shape, b.shape)
    if let gradA = try arrays.gradInput(0) {
      // grad_a = alpha * grad_y . bᵀ, or of the transposed a, alpha * b . grad_yᵀ.
      if transA {
        try matrixProduct(
          K, M, N, view(b, transposed: transB), view(gradY, transposed: true), bias: nil, gradA.data)
      } else {
        try matrixProduct(
          M, K, N, view(gradY, transposed: false), view(b, transposed: !transB), bias: nil, gradA.data)
      }
      if alpha != 1 { try scale(gradA.input, by: alpha, gradA) }
    }
    if let gradB = try arrays.gradInput(1) {
      if transB {
        try matrixProduct(
          N, K, M, view(gradY, transposed: true), view(a, transposed: transA), bias: nil, gradB.data)
      } else {
        try matrixProduct(
          K, N, M, view(a, transposed: !transA), view(gradY, transposed: false), bias: nil, gradB.data)
      }
      if alpha != 1 { try scale(gradB.input, by: alpha, gradB) }
    }
    if let gradC = try arrays.gradInput(2) {
      try Broadcast(gradC.shape, to: gradY.shape, "c").reduce(gradY.data, to: gradC.data)
      if beta != 1 { try scale(gradC.input, by: beta, gradC) }
    }
  }
}
