// SoftmaxCrossEntropyLoss of scores x[N][K] or x[N][K][...]: classes t[N][...], or distributions t[N][K][...], with class weights
// w[K], label smoothing e and an ignored class. A row's loss is -sum of q * log(softmax(x)) over the classes, where
//   q[k] = w[k] * ((1 - e) * t[k] + e / K)        of a class index, t[k] is 1 at the index, else 0
// and the mean is over the rows; of indices with weights, over the sum of w[index]. Ignored rows count nothing; where all are
// ignored, the loss is 0.
import CNNCore
import Microkernels

final class SoftmaxCrossEntropyLoss<T: Element>: Loss<T> {
  private let smoothing: Double
  private let ignored: Int?
  private let weights: [Double]?

  init(_ attributes: Attributes, isMean: Bool) throws(CNNError) {
    smoothing = try attributes.float("label_smoothing", default: 0)
    guard smoothing >= 0 && smoothing <= 1 else { throw attributes.wrong("label_smoothing", "0 to 1, got \(smoothing)") }
    ignored = attributes.has("ignore_index") ? try attributes.int("ignore_index", default: 0) : nil
    weights = try attributes.floats("weight")
    for weight in weights ?? [] where !(weight >= 0 && weight < .infinity) {
      throw attributes.wrong("weight", "numbers from 0, got \(weight)")
    }
    super.init(isMean: isMean)
  }

  override var isOfClasses: Bool { true }
  override func check(_ x: Shape, _ target: Target<T>) throws(CNNError) {
    guard x.rank >= 2, x.count > 0 else {
      throw .shape("output: wanted scores [N][K] or [N][K][...] of at least one row, got shape \(x.description)")
    }
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

  override func value(_ x: Input<T>, _ target: Target<T>, gradient: Output<T>) throws(CNNError) -> Double {
    let rows = CrossEntropyRows<T>(
      N: x.shape[0], K: x.shape[1], area: x.shape.count / (x.shape[0] * x.shape[1]), x: x.data, target: target,
      gradient: gradient.data, smoothing: smoothing, ignored: ignored, weights: weights?.map { T($0) })
    let divisor = isMean ? rows.divisor() : 1
    return try rows.run(factor: divisor == 0 ? 0 : 1 / divisor)
  }
}

/// All rows: K scores each, `area` rows in an image.
private struct CrossEntropyRows<T: Element> {
  let N: Int, K: Int, area: Int
  let x: UnsafePointer<T>
  let target: Target<T>
  let gradient: UnsafeMutablePointer<T>
  let smoothing: Double, ignored: Int?
  let weights: [T]?

  private var isDistribution: Bool { if case .distribution = target { true } else { false } }

  /// What the sum of losses is divided by for their mean.
  func divisor() -> Double {
    if isDistribution { return Double(N &* area) }
    var total = 0.0
    for row in 0..<N &* area where target.index(row) != ignored {
      total += weights.map { Double($0[target.index(row)]) } ?? 1
    }
    return total
  }

  /// The sum of losses times factor, and its gradient.
  func run(factor: Double) throws(CNNError) -> Double {
    let losses = try Scratch<Double>(N)
    let width = try parallelWidth(N, .elements(N, K, area, 8))
    let scratch = try Scratch<T>(3 &* K &* width)
    let (sums, room) = (losses.data, scratch.data)
    parallel(N, width: width) { n, worker in sums[n] = image(n, T(factor), room + 3 &* K &* worker) }
    var total = 0.0
    for n in 0..<N { total += sums[n] }
    return total * factor
  }

  /// The sum of the losses of image n.
  @_specialize(where T == Float) @_specialize(where T == Double)
  private func image(_ n: Int, _ factor: T, _ room: UnsafeMutablePointer<T>) -> Double {
    let (scores, p, q) = (room, room + K, room + 2 &* K)
    let e = T(smoothing), share = e / T(K)
    var total = 0.0
    for position in 0..<area {
      let from = x + (n &* K &* area &+ position), to = gradient + (n &* K &* area &+ position)
      let index = isDistribution ? -1 : target.index(n &* area &+ position)
      if !isDistribution && index == ignored {
        for k in 0..<K { to[k &* area] = 0 }
        continue
      }
      for k in 0..<K {
        scores[k] = from[k &* area]
        q[k] = share
      }
      if case .distribution(let t) = target {
        for k in 0..<K { q[k] += (1 - e) * t.data[n &* K &* area &+ position &+ k &* area] }
      } else {
        q[index] += 1 - e
      }
      if let weights { for k in 0..<K { q[k] *= weights[k] } }
      let (largest, sum) = T.kernels.softmaxRow(scores, p, K)
      let logarithmOfSum = Double(largest) + logarithm(Double(sum))
      var mass: T = 0
      for k in 0..<K where q[k] != 0 {
        mass += q[k]
        total += Double(q[k]) * (logarithmOfSum - Double(scores[k]))
      }
      for k in 0..<K { to[k &* area] = (p[k] * mass - q[k]) * factor }
    }
    return total
  }
}
