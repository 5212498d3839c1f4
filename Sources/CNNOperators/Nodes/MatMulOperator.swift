// MatMul: y[...][M][N] = a[...][M][K] . b[...][K][N], where the axes in front broadcast; a vector a[K] or b[K] is a matrix of one row
// or column that y has not.
import CNNCore
import Microkernels

final class MatMulOperator<T: Element>: Operator<T> {
  init(_ attributes: Attributes) throws(CNNError) { super.init(try Signature(attributes, inputs: ["a", "b"])) }

  override func imageRule(_ inputs: [Shape]) -> ImageRule { inputs[0].rank > 1 && inputs[1].rank <= 2 ? .first : .together }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [try MatrixStack(inputs[0], inputs[1]).result] }

  override func multiplyAdds(_ inputs: [Shape], _ outputs: [Shape]) -> Int {
    saturatingProduct(outputs[0].count, inputs[0][inputs[0].rank - 1])
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let a = try arrays.input(0), b = try arrays.input(1), y = try arrays.output()
    let stack = try MatrixStack(a.shape, b.shape), (M, N, K) = (stack.M, stack.N, stack.K)
    for i in 0..<stack.count {
      try matrixProduct(
        M, N, K, rows(a.data + stack.a(i), K), rows(b.data + stack.b(i), N), bias: nil, y.data + i * M * N)
    }
  }

  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [0, 1] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let a = try arrays.input(0), b = try arrays.input(1), gradY = try arrays.gradOutput()
    let stack = try MatrixStack(a.shape, b.shape), (M, N, K) = (stack.M, stack.N, stack.K)
    if let gradA = try arrays.gradInput(0) {
      try sum(stack.count, gradA, M * K, stack.a) { i, to throws(CNNError) in
        try matrixProduct(M, K, N, rows(gradY.data + i * M * N, N), columns(b.data + stack.b(i), N), bias: nil, to)
      }
    }
    if let gradB = try arrays.gradInput(1) {
      try sum(stack.count, gradB, K * N, stack.b) { i, to throws(CNNError) in
        try matrixProduct(K, N, M, columns(a.data + stack.a(i), K), rows(gradY.data + i * M * N, N), bias: nil, to)
      }
    }
  }

  /// Each matrix of `grad` is the sum of what `product` writes for those i that place it there, in their order.
  private func sum(
    _ count: Int, _ grad: Output<T>, _ cells: Int, _ place: (Int) -> Int,
    _ product: (Int, UnsafeMutablePointer<T>) throws(CNNError) -> Void
  ) throws(CNNError) {
    if count * cells == grad.shape.count {
      for i in 0..<count { try product(i, grad.data + place(i)) }
      return
    }
    zero(grad.data, grad.shape.count)
    let scratch = try Scratch<T>(cells)
    for i in 0..<count {
      try product(i, scratch.data)
      T.kernels.addTo(grad.data + place(i), scratch.data, cells)
    }
  }

  private func rows(_ data: UnsafePointer<T>, _ step: Int) -> MatrixView<T> {
    MatrixView(data: data, rowStep: step, columnStep: 1)
  }
  private func columns(_ data: UnsafePointer<T>, _ step: Int) -> MatrixView<T> {
    MatrixView(data: data, rowStep: 1, columnStep: step)
  }
}

/// Pairs of matrices to be multiplied. Where b is one matrix, those of a are one with all their rows.
private struct MatrixStack {
  let result: Shape
  let M: Int, N: Int, K: Int
  let count: Int
  private let ofA: Broadcast?, ofB: Broadcast?

  init(_ a: Shape, _ b: Shape) throws(CNNError) {
    guard a.rank >= 1 else { throw .shape("a: wanted at least one axis, got a number") }
    guard b.rank >= 1 else { throw .shape("b: wanted at least one axis, got a number") }
    let depth = a[a.rank - 1], rows = a.rank == 1 ? 1 : a[a.rank - 2]
    let columns = b.rank == 1 ? 1 : b[b.rank - 1]
    guard b[max(b.rank - 2, 0)] == depth else {
      throw .shape("b: wanted \(depth) rows for \(depth) columns of a, got shape \(b.description) for \(a.description)")
    }
    let frontA = try Shape("a", rank: max(a.rank - 2, 0)) { a[$0] }, frontB = try Shape("b", rank: max(b.rank - 2, 0)) { b[$0] }
    let front = try broadcastShape(frontA, frontB)
    let tail = (a.rank == 1 ? [] : [rows]) + (b.rank == 1 ? [] : [columns])
    result = try Shape("y", rank: front.rank + tail.count) { $0 < front.rank ? front[$0] : tail[$0 - front.rank] }
    (N, K) = (columns, depth)
    if frontB.count == 1 && frontA == front {
      (M, count, ofA, ofB) = (rows * front.count, 1, nil, nil)
    } else {
      (M, count) = (rows, front.count)
      ofA = try Broadcast(frontA, to: front, "a")
      ofB = try Broadcast(frontB, to: front, "b")
    }
  }
  /// Where the matrix of pair i begins.
  func a(_ i: Int) -> Int { (ofA?.place(of: i) ?? 0) * M * K }
  func b(_ i: Int) -> Int { (ofB?.place(of: i) ?? 0) * K * N }
}
