// Layer normalization (Ba, Kiros and Hinton 2016; ONNX LayerNormalization): x as rows of all axes from `axis` on, each with
// statistics of its own; scale and bias are of one row's shape, or broadcast to it.
import CNNCore
import Microkernels

struct LayerNormalization {
  let epsilon: Double
  private let rows: Int, D: Int
  /// The shape of a row, and that of the statistics: x's, with the axes of a row 1.
  private let row: Shape
  let statistics: Shape

  init(_ x: Shape, axis: Int, epsilon: Double) throws(CNNError) {
    guard axis >= -x.rank && axis < x.rank else {
      throw .argument("axis: wanted \(-x.rank) to \(x.rank - 1) for x of shape \(x.description), got \(axis)")
    }
    let first = axis < 0 ? axis + x.rank : axis
    row = try Shape("row", rank: x.rank - first) { x[first + $0] }
    statistics = try Shape("statistics", rank: x.rank) { $0 < first ? x[$0] : 1 }
    (rows, D) = (statistics.count, row.count)
    self.epsilon = epsilon
    guard D > 0 || rows == 0 else {
      throw .shape("x: wanted at least one element a row to take statistics of, got shape \(x.description)")
    }
  }
  func check(_ vector: Shape, _ name: StaticString) throws(CNNError) { _ = try Broadcast(vector, to: row, name) }

  /// Tasks are some rows, of about 16 Ki elements.
  private func forEachRow(_ body: (_ number: Int, _ place: Int) -> Void) throws(CNNError) {
    let together = max(1, 1 << 14 / max(D, 1)), tasks = (rows &+ together &- 1) / together
    parallel(tasks, width: try parallelWidth(tasks, .elements(rows, D, 3))) { task, _ in
      for number in task &* together..<min(rows, (task &+ 1) &* together) { body(number, number &* D) }
    }
  }

  /// y = scale * (x - mean) * inverse_deviation + bias; the statistics are left where they are wanted.
  @_specialize(where T == Float) @_specialize(where T == Double)
  func forward<T: Element>(
    _ x: Input<T>, scale: Input<T>, bias: Input<T>?, _ y: Output<T>, means: [Output<T>], inverseDeviations: [Output<T>]
  ) throws(CNNError) {
    let scratch = try Scratch<T>(2 &* D)
    let (factors, shifts) = (scratch.data, scratch.data + D)
    try Broadcast(scale.shape, to: row, "scale").copy(scale.data, to: factors)
    if let bias { try Broadcast(bias.shape, to: row, "bias").copy(bias.data, to: shifts) } else { zero(shifts, D) }
    try forEachRow { number, place in
      let x = x.data + place, y = y.data + place, statistics = Statistics(of: x, D, epsilon: T(epsilon))
      let mean = statistics.mean, inverse = statistics.inverseDeviation
      for output in means { output.data[number] = mean }
      for output in inverseDeviations { output.data[number] = inverse }
      for d in 0..<D { y[d] = (x[d] - mean) * inverse * factors[d] + shifts[d] }
    }
  }

  /// What backward finds of the statistics, and the gradients of those that are outputs.
  struct KeptStatistics<T: Element> {
    let means: Input<T>, inverseDeviations: Input<T>
    let gradMeans: Input<T>?, gradInverseDeviations: Input<T>?
  }

  @_specialize(where T == Float) @_specialize(where T == Double)
  func inputGradient<T: Element>(
    _ x: Input<T>, scale: Input<T>, _ kept: KeptStatistics<T>, _ gradY: Input<T>, _ gradX: Output<T>
  ) throws(CNNError) {
    let scratch = try Scratch<T>(D)
    let factors = scratch.data, kernels = T.kernels
    try Broadcast(scale.shape, to: row, "scale").copy(scale.data, to: factors)
    try forEachRow { number, place in
      let x = x.data + place, gradY = gradY.data + place, g = gradX.data + place
      let statistics = Statistics(mean: kept.means.data[number], inverseDeviation: kept.inverseDeviations.data[number])
      for d in 0..<D { g[d] = gradY[d] * factors[d] }
      var sum = kernels.sum(g, D), projection = kernels.sumOfProducts(x, statistics.mean, g, 0, D)
      // The mean's slope is 1/D and the inverse deviation's -inverse_deviation³ * (x - mean) / D.
      if let gradMeans = kept.gradMeans { sum -= gradMeans.data[number] / statistics.inverseDeviation }
      if let gradInverses = kept.gradInverseDeviations { projection += gradInverses.data[number] }
      let (onX, constant) = statistics.inputGradient(sum: sum, projection: projection, D)
      kernels.combine(g, statistics.inverseDeviation, x, onX, constant, g, D)
    }
  }

  /// The sums over rows of grad_y * (x - mean) * inverse_deviation, and of grad_y. Tasks are strips of 64 columns.
  @_specialize(where T == Float) @_specialize(where T == Double)
  func parameterGradients<T: Element>(
    _ x: Input<T>, _ kept: KeptStatistics<T>, _ gradY: Input<T>, gradScale: Output<T>?, gradBias: Output<T>?
  ) throws(CNNError) {
    if gradScale == nil && gradBias == nil { return }
    let scratch = try Scratch<T>(2 &* D), width = 64, tasks = (D &+ width &- 1) / width
    let (onScale, onBias) = (scratch.data, scratch.data + D)
    scratch.zero(2 &* D)
    parallel(tasks, width: try parallelWidth(tasks, .elements(rows, D, 2))) { task, _ in
      let columns = task &* width..<min(D, (task &+ 1) &* width)
      for number in 0..<rows {
        let mean = kept.means.data[number], inverse = kept.inverseDeviations.data[number]
        let x = x.data + number &* D, g = gradY.data + number &* D
        for d in columns {
          onScale[d] += g[d] * (x[d] - mean) * inverse
          onBias[d] += g[d]
        }
      }
    }
    for (sums, gradient) in [(onScale, gradScale), (onBias, gradBias)] {
      guard let gradient else { continue }
      try Broadcast(gradient.shape, to: row, gradient.name).reduce(UnsafePointer(sums), to: gradient.data)
    }
  }
}
