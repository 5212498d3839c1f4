// Softmax (ONNX's), and softmax with the mean cross-entropy of Loss/CrossEntropy.swift, over the last of two axes.
package import CNNCore
import Microkernels

/// What the probabilities are compared with.
package enum Target<T: Element> {
  /// Class indices t[N].
  case indices32(Input<Int32>), indices64(Input<Int64>)
  /// A distribution t[N][K], one-hot or not.
  case distribution(Input<T>)

  package var shape: Shape {
    switch self {
    case .indices32(let t): t.shape
    case .indices64(let t): t.shape
    case .distribution(let t): t.shape
    }
  }

  /// How many rows of scores x[N][K] or x[N][K][...] have their largest where the target says, and of how many. Classes that are
  /// none, such as ignored ones, are not counted; where x and target are not scores and classes, nothing is.
  package func score(_ x: Input<T>) throws(CNNError) -> (right: Int, rows: Int) {
    guard x.shape.rank >= 2, x.shape.count > 0, x.shape[1] > 1 else { return (0, 0) }
    let (N, K) = (x.shape[0], x.shape[1])
    let area = x.shape.count / (N * K)
    if case .distribution(let t) = self, t.shape != x.shape { return (0, 0) }
    func largest(_ data: UnsafePointer<T>, _ n: Int, _ position: Int) -> Int {
      let row = data + (n &* K &* area &+ position)
      var best = 0
      for k in 1..<K where row[k &* area] > row[best &* area] { best = k }
      return best
    }
    var right = 0, rows = 0
    for n in 0..<N {
      for position in 0..<area {
        let wanted = if case .distribution(let t) = self { largest(t.data, n, position) } else { index(n &* area &+ position) }
        if wanted < 0 || wanted >= K { continue }
        rows &+= 1
        if largest(x.data, n, position) == wanted { right &+= 1 }
      }
    }
    return (right, rows)
  }

  /// The class of row n; only where the target is indices.
  package func index(_ n: Int) -> Int {
    switch self {
    case .indices32(let t): Int(t.data[n])
    case .indices64(let t): Int(t.data[n])
    case .distribution: 0
    }
  }
  fileprivate func mustNotBe(_ output: Output<T>) throws(CNNError) {
    switch self {
    case .distribution(let t): try output.mustNotOverlap(t)
    case .indices32(let t): try output.mustNotOverlap(t)
    case .indices64(let t): try output.mustNotOverlap(t)
    }
  }
}

package enum Softmax {
  @_specialize(where T == Float) @_specialize(where T == Double)
  package static func forward<T: Element>(_ x: Input<T>, _ y: Output<T>) throws(CNNError) {
    try x.wants(rank: 2, "[N][K]")
    try y.wants(x.shape)
    try y.mustNotOverlap(x, sameAllowed: true)
    let K = x.shape[1]
    if K == 0 { return }
    parallel(x.shape[0], width: try parallelWidth(x.shape[0], .elements(x.shape.count))) { n, _ in
      _ = T.kernels.softmaxRow(x.data + n &* K, y.data + n &* K, K)
    }
  }

  /// grad_x = y * (grad_y - the sum over K of grad_y * y).
  @_specialize(where T == Float) @_specialize(where T == Double)
  package static func backward<T: Element>(_ y: Input<T>, _ gradY: Input<T>, _ gradX: Output<T>) throws(CNNError) {
    try y.wants(rank: 2, "[N][K]")
    try gradY.wants(y.shape)
    try gradX.wants(y.shape)
    try gradX.mustNotOverlap(y, sameAllowed: true)
    try gradX.mustNotOverlap(gradY, sameAllowed: true)
    let K = y.shape[1]
    parallel(y.shape[0], width: try parallelWidth(y.shape[0], .elements(y.shape.count))) { n, _ in
      let row = n &* K
      let along = T.kernels.sumOfProducts(y.data + row, 0, gradY.data + row, 0, K)
      for i in row..<row &+ K { gradX.data[i] = y.data[i] * (gradY.data[i] - along) }
    }
  }

  /// The mean over N of -sum of t * log(softmax(x)).
  package static func crossEntropy<T: Element>(
    _ x: Input<T>, _ target: Target<T>, probabilities: Output<T>
  ) throws(CNNError) -> Double {
    try x.wants(rank: 2, "[N][K]")
    try probabilities.wants(x.shape)
    try probabilities.mustNotOverlap(x)
    guard x.shape.count > 0 else {
      throw .shape("x: wanted at least one row and one class, got shape \(x.shape.description)")
    }
    try target.mustNotBe(probabilities)
    let rule = CrossEntropy<T>()
    try rule.check(x.shape, target)
    return try rule.value(x, target, probabilities: probabilities, gradient: nil)
  }

  /// grad_x = (probabilities * sum of t - t) * grad_loss / N; the sum is 1 for indices.
  package static func crossEntropyBackward<T: Element>(
    _ probabilities: Input<T>, _ target: Target<T>, gradLoss: Double, _ gradX: Output<T>
  ) throws(CNNError) {
    try probabilities.wants(rank: 2, "[N][K]")
    try gradX.wants(probabilities.shape)
    try gradX.mustNotOverlap(probabilities, sameAllowed: true)
    try target.mustNotBe(gradX)
    let rule = CrossEntropy<T>()
    try rule.check(probabilities.shape, target)
    try rule.backward(probabilities, target, gradLoss: gradLoss, gradX)
  }
}
