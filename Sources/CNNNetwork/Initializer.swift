// How parameters begin. Element i takes number i of its parameter's key, so the numbers are the same for every language, any number
// of threads and every instruction set.
package import CNNCore
package import CNNOperators

package enum Initializer: Sendable {
  case constant(Double)
  case uniform(low: Double, high: Double)
  case normal(mean: Double, deviation: Double)
  /// Rows or columns, whichever are fewer, that are orthogonal and of this length (Saxe et al. 2014).
  case orthogonal(gain: Double)

  /// He, Xavier (Glorot) and LeCun take their variance from the numbers of weights into and out of a neuron: of shape
  /// [out][in][...], as Conv and Gemm with transB have it; the attributes fan_in and fan_out say otherwise.
  package init(_ attributes: Attributes, _ shape: Shape) throws(CNNError) {
    let name = attributes.owner
    var taps = 1
    for axis in 2..<max(shape.rank, 2) { taps *= shape[axis] }
    func fan(_ name: StaticString, _ standard: Int) throws(CNNError) -> Double {
      let count = try attributes.int(name, default: standard)
      guard count >= 0 else { throw attributes.wrong(name, "0 or more, got \(count)") }
      return Double(count)
    }
    let fanIn = try fan("fan_in", shape[1] * taps), fanOut = try fan("fan_out", shape[0] * taps)
    let gain = try attributes.float("gain", default: 1)
    func scaled(_ variance: Double, isNormal: Bool) -> Initializer {
      let deviation = gain * variance.squareRoot()
      return isNormal
        ? .normal(mean: 0, deviation: deviation)
        : .uniform(low: -deviation * 3.0.squareRoot(), high: deviation * 3.0.squareRoot())
    }
    let (into, through) = (max(1, fanIn), max(1, fanIn + fanOut))
    if name.is("Constant") {
      self = .constant(try attributes.float("value", default: 0))
    } else if name.is("Uniform") {
      self = .uniform(low: try attributes.float("low", default: -1), high: try attributes.float("high", default: 1))
    } else if name.is("Normal") {
      self = .normal(mean: try attributes.float("mean", default: 0), deviation: try attributes.float("deviation", default: 1))
    } else if name.is("HeNormal") {
      self = scaled(2 / into, isNormal: true)
    } else if name.is("HeUniform") {
      self = scaled(2 / into, isNormal: false)
    } else if name.is("XavierNormal") {
      self = scaled(2 / through, isNormal: true)
    } else if name.is("XavierUniform") {
      self = scaled(2 / through, isNormal: false)
    } else if name.is("LeCunNormal") {
      self = scaled(1 / into, isNormal: true)
    } else if name.is("LeCunUniform") {
      self = scaled(1 / into, isNormal: false)
    } else if name.is("Orthogonal") {
      self = .orthogonal(gain: gain)
    } else {
      throw CNNError(.unsupported, "initializer: \(name) is not one that this version has")
    }
    try attributes.finish()
  }

  package func fill<T: Element>(_ array: Output<T>, key: UInt64) throws(CNNError) {
    switch self {
    case .constant(let value): array.data.update(repeating: T(value), count: array.shape.count)
    case .uniform(let low, let high): try initialize(array, .uniform, key, from: low, step: high - low)
    case .normal(let mean, let deviation): try initialize(array, .normal, key, from: mean, step: deviation)
    case .orthogonal(let gain): try orthogonal(array, gain, key)
    }
  }

  /// Gram and Schmidt, twice, on normal numbers.
  private func orthogonal<T: Element>(_ array: Output<T>, _ gain: Double, _ key: UInt64) throws(CNNError) {
    let rows = array.shape[0], columns = rows == 0 ? 0 : array.shape.count / rows
    let (vectors, length) = rows <= columns ? (rows, columns) : (columns, rows)
    let scratch = try Scratch<Double>(array.shape.count)
    let v = scratch.data
    try forEachRandom(vectors * length, .normal, key: key) { first, numbers, count in
      copy(numbers, to: v + first, count)
    }
    for i in 0..<vectors {
      for _ in 0..<2 {
        for j in 0..<i {
          var along = 0.0
          for k in 0..<length { along += v[i * length + k] * v[j * length + k] }
          for k in 0..<length { v[i * length + k] -= along * v[j * length + k] }
        }
      }
      var square = 0.0
      for k in 0..<length { square += v[i * length + k] * v[i * length + k] }
      let scale = square > 0 ? 1 / square.squareRoot() : 0
      for k in 0..<length { v[i * length + k] *= scale }
    }
    for i in 0..<vectors {
      for k in 0..<length {
        array.data[rows <= columns ? i * columns + k : k * columns + i] = T(gain * v[i * length + k])
      }
    }
  }
}

/// start + step * x, of random numbers x.
@_specialize(where T == Float) @_specialize(where T == Double)
private func initialize<T: Element>(
  _ array: Output<T>, _ distribution: Distribution, _ key: UInt64, from start: Double, step: Double
) throws(CNNError) {
  let data = array.data
  try forEachRandom(array.shape.count, distribution, key: key) { first, numbers, count in
    for i in 0..<count { data[first &+ i] = T(start + step * numbers[i]) }
  }
}
