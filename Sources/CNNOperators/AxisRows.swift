// Rows along any axis of an array, and softmax of them.
import CNNCore
import Microkernels

/// An array as [outer][K][inner], whose rows are the K elements along an axis.
struct AxisRows {
  let outer: Int, K: Int, inner: Int

  init(_ x: Shape, axis: Int) {
    var (outer, inner) = (1, 1)
    for i in 0..<axis { outer *= x[i] }
    for i in axis + 1..<max(x.rank, axis + 1) { inner *= x[i] }
    (self.outer, K, self.inner) = (outer, x[axis], inner)
  }

  /// Calls body(first element, room for `rooms` rows) for each row.
  private func forEachRow<T: Element>(
    rooms: Int, _ body: (Int, UnsafeMutablePointer<T>) -> Void
  ) throws(CNNError) {
    if K == 0 { return }
    let rows = outer &* inner, together = max(1, 4096 / K)
    // Neighbouring rows together, as a task of one row would be too small.
    let tasks = (rows &+ together &- 1) / together, width = try parallelWidth(tasks, .elements(rows, K, 4))
    let scratch = try Scratch<T>(rooms &* K &* width)
    let room = scratch.data
    parallel(tasks, width: width) { task, worker in
      for row in task &* together..<min(rows, (task &+ 1) &* together) {
        body(row / inner &* K &* inner &+ row % inner, room + rooms &* K &* worker)
      }
    }
  }

  @_specialize(where T == Float) @_specialize(where T == Double)
  func softmax<T: Element>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, isLogarithm: Bool
  ) throws(CNNError) {
    try forEachRow(rooms: 2) { (first, room: UnsafeMutablePointer<T>) in
      let (scores, p, step) = (room, room + K, inner)
      for k in 0..<K { scores[k] = x[first &+ k &* step] }
      let (largest, sum) = T.kernels.softmaxRow(scores, p, K)
      if isLogarithm {
        let shift = T(logarithm(Double(sum)))
        for k in 0..<K { y[first &+ k &* step] = scores[k] - largest - shift }
      } else {
        for k in 0..<K { y[first &+ k &* step] = p[k] }
      }
    }
  }

  /// grad_x = y * (grad_y - the sum of grad_y * y); of the logarithm, grad_y - exp(y) * the sum of grad_y.
  @_specialize(where T == Float) @_specialize(where T == Double)
  func softmaxBackward<T: Element>(
    _ y: UnsafePointer<T>, _ gradY: UnsafePointer<T>, _ gradX: UnsafeMutablePointer<T>, isLogarithm: Bool
  ) throws(CNNError) {
    try forEachRow(rooms: 3) { (first, room: UnsafeMutablePointer<T>) in
      let (p, g, scores, step) = (room, room + K, room + 2 &* K, inner)
      for k in 0..<K {
        scores[k] = y[first &+ k &* step]
        g[k] = gradY[first &+ k &* step]
      }
      if isLogarithm {
        // The softmax of logarithms of probabilities is the probabilities.
        _ = T.kernels.softmaxRow(scores, p, K)
        let total = T.kernels.sum(g, K)
        for k in 0..<K { gradX[first &+ k &* step] = g[k] - p[k] * total }
      } else {
        let along = T.kernels.sumOfProducts(scores, 0, g, 0, K)
        for k in 0..<K { gradX[first &+ k &* step] = scores[k] * (g[k] - along) }
      }
    }
  }
}
