// Cross-entropy of scores x[N][K] or x[N][K][...] and classes t[N][...] or distributions t[N][K][...], with class weights w[K],
// label smoothing e and an ignored class. A row's loss is -sum of q * log(softmax(x)) over the classes, where
//   q[k] = w[k] * ((1 - e) * t[k] + e / K)        of a class index, t[k] is 1 at the index, else 0
// and the mean is over the rows; of indices with weights, over the sum of w[index]. Ignored rows count nothing; where all are
// ignored, the loss is 0.
import CNNCore
import Microkernels

struct CrossEntropy<T: Element> {
  var smoothing = 0.0
  var ignored: Int?
  var weights: [Double]?
  var isMean = true

  /// Throws where a target does not fit scores of shape `x`, which has two axes at least.
  @_specialize(where T == Float) @_specialize(where T == Double)
  func check(_ x: Shape, _ target: Target<T>) throws(CNNError) {
    let K = x[1], positions = try Shape("target", rank: x.rank - 1) { x[$0 == 0 ? 0 : $0 + 1] }
    if let weights, weights.count != K {
      throw .shape("weight: wanted \(K) numbers, one a class, got \(weights.count)")
    }
    switch target {
    case .distribution(let t): return try t.wants(x)
    case .indices32(let t): try t.wants(positions)
    case .indices64(let t): try t.wants(positions)
    }
    for n in 0..<positions.count {
      let index = target.index(n)
      if index != ignored && (index < 0 || index >= K) {
        throw .argument("target[\(n)]: wanted a class from 0 to \(K - 1), got \(index)")
      }
    }
  }

  /// The loss, and what is wanted of softmax(x) and of the gradient by x.
  @_specialize(where T == Float) @_specialize(where T == Double)
  func value(
    _ x: Input<T>, _ target: Target<T>, probabilities: Output<T>?, gradient: Output<T>?
  ) throws(CNNError) -> Double {
    let rows = CrossEntropyRows(self, x.shape, target), factor = rows.factor(isMean)
    let losses = try Scratch<Double>(rows.N)
    let sums = losses.data
    try rows.forEachImage(3) { n, room in
      sums[n] = rows.image(n, x.data, probabilities?.data, gradient?.data, T(factor), room)
    }
    var total = 0.0
    for n in 0..<rows.N { total += sums[n] }
    return total * factor
  }

  /// The gradient by x of gradLoss * the loss, out of softmax(x).
  func backward(
    _ probabilities: Input<T>, _ target: Target<T>, gradLoss: Double, _ gradX: Output<T>
  ) throws(CNNError) {
    let rows = CrossEntropyRows(self, probabilities.shape, target), factor = T(gradLoss * rows.factor(isMean))
    try rows.forEachImage(1) { n, q in rows.backward(n, probabilities.data, gradX.data, factor, q) }
  }
}

/// All rows: K scores each, `area` rows in an image.
private struct CrossEntropyRows<T: Element> {
  let N: Int, K: Int
  private let area: Int
  private let target: Target<T>
  private let smoothing: Double, ignored: Int?
  private let weights: [T]?

  init(_ rule: CrossEntropy<T>, _ x: Shape, _ target: Target<T>) {
    (N, K, area) = (x[0], x[1], x.count / max(1, x[0] * x[1]))
    self.target = target
    (smoothing, ignored, weights) = (rule.smoothing, rule.ignored, rule.weights?.map { T($0) })
  }

  private var isDistribution: Bool { if case .distribution = target { true } else { false } }

  /// By what the sum of losses is multiplied.
  @_specialize(where T == Float) @_specialize(where T == Double)
  func factor(_ isMean: Bool) -> Double {
    if !isMean { return 1 }
    var divisor = Double(N &* area)
    if !isDistribution {
      divisor = 0
      for row in 0..<N &* area where target.index(row) != ignored {
        divisor += weights.map { Double($0[target.index(row)]) } ?? 1
      }
    }
    return divisor == 0 ? 0 : 1 / divisor
  }

  /// Calls body(n, room for so many rows) for each image, on all threads.
  func forEachImage(_ rowsOfRoom: Int, _ body: (_ n: Int, _ room: UnsafeMutablePointer<T>) -> Void) throws(CNNError) {
    let width = try parallelWidth(N, .elements(N, K, area, 8)), scratch = try Scratch<T>(rowsOfRoom &* K &* width)
    let room = scratch.data
    parallel(N, width: width) { n, worker in body(n, room + rowsOfRoom &* K &* worker) }
  }

  /// q[K] of a row; false where it is ignored.
  @inline(__always)
  private func wanted(_ n: Int, _ position: Int, _ q: UnsafeMutablePointer<T>) -> Bool {
    let e = T(smoothing), share = e / T(K)
    let index = isDistribution ? -1 : target.index(n &* area &+ position)
    if !isDistribution && index == ignored { return false }
    for k in 0..<K { q[k] = share }
    if case .distribution(let t) = target {
      for k in 0..<K { q[k] += (1 - e) * t.data[n &* K &* area &+ position &+ k &* area] }
    } else {
      q[index] += 1 - e
    }
    if let weights { for k in 0..<K { q[k] *= weights[k] } }
    return true
  }

  /// The sum of the losses of image n, by log-sum-exp, so that no logarithm is of 0.
  @_specialize(where T == Float) @_specialize(where T == Double)
  func image(
    _ n: Int, _ x: UnsafePointer<T>, _ probabilities: UnsafeMutablePointer<T>?, _ gradient: UnsafeMutablePointer<T>?,
    _ factor: T, _ room: UnsafeMutablePointer<T>
  ) -> Double {
    let (scores, p, q) = (room, room + K, room + 2 &* K)
    var total = 0.0
    for position in 0..<area {
      let place = n &* K &* area &+ position
      for k in 0..<K { scores[k] = x[place &+ k &* area] }
      let (largest, sum) = T.kernels.softmaxRow(scores, p, K)
      if let to = probabilities { for k in 0..<K { to[place &+ k &* area] = p[k] } }
      guard wanted(n, position, q) else {
        if let to = gradient { for k in 0..<K { to[place &+ k &* area] = 0 } }
        continue
      }
      let logarithmOfSum = Double(largest) + logarithm(Double(sum))
      for k in 0..<K where q[k] != 0 { total += Double(q[k]) * (logarithmOfSum - Double(scores[k])) }
      if let to = gradient { slope(UnsafePointer(p), 1, q, factor, to + place) }
    }
    return total
  }

  /// The gradient of image n out of its probabilities.
  @_specialize(where T == Float) @_specialize(where T == Double)
  func backward(
    _ n: Int, _ probabilities: UnsafePointer<T>, _ gradX: UnsafeMutablePointer<T>, _ factor: T, _ q: UnsafeMutablePointer<T>
  ) {
    for position in 0..<area {
      let place = n &* K &* area &+ position
      if wanted(n, position, q) {
        slope(probabilities + place, area, q, factor, gradX + place)
      } else {
        for k in 0..<K { gradX[place &+ k &* area] = 0 }
      }
    }
  }

  /// (p * the sum of q - q) * factor, to every `area`-th; p has steps of its own.
  @inline(__always)
  private func slope(
    _ p: UnsafePointer<T>, _ step: Int, _ q: UnsafeMutablePointer<T>, _ factor: T, _ to: UnsafeMutablePointer<T>
  ) {
    var mass: T = 0
    for k in 0..<K { mass += q[k] }
    for k in 0..<K { to[k &* area] = (p[k &* step] * mass - q[k]) * factor }
  }
}
