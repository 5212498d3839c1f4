// Normalizations, as lines of the battery.
import CNNOperators
import Foundation

let normalizationCases: [OperatorCase] = [group, instance, layer, localResponse].flatMap { $0 }

private let group: [OperatorCase] = [
  .init(
    "GroupNormalization", [.int("num_groups", 2)], .shape([3, 4, 5]), .shape([4]), .shape([4]),
    reference: normalized(channels: 4, groupsOf: 2, area: 5, epsilon: 1e-5)),
  .init(
    "GroupNormalization", [.int("num_groups", 1), .float("epsilon", 0.1)], .shape([2, 3, 2, 3]), .positive([3]), .shape([3]),
    reference: normalized(channels: 3, groupsOf: 3, area: 6, epsilon: 0.1)),
  .init("GroupNormalization", [.int("num_groups", 2), .int("stash_type", 1)], .shape([2, 6]), .shape([6]), .shape([6])),
]

private let instance: [OperatorCase] = [
  .init(
    "InstanceNormalization", [], .shape([3, 4, 5]), .shape([4]), .shape([4]),
    reference: normalized(channels: 4, groupsOf: 1, area: 5, epsilon: 1e-5)),
  .init("InstanceNormalization", [.float("epsilon", 0.01)], .shape([2, 3, 4, 5]), .shape([3]), .shape([3])),
]

private let layer: [OperatorCase] = [
  .init(
    "LayerNormalization", [], .shape([3, 4, 5]), .shape([5]), .shape([5]),
    reference: { standardized($0, row: 5).map(\.value) }),
  .init(
    "LayerNormalization", [.int("axis", 1), .float("epsilon", 0.1)], .shape([3, 2, 7]), .shape([2, 7]),
    reference: { standardized($0, row: 14, epsilon: 0.1).map(\.value) }),
  // More columns than one strip has, and more rows.
  .init("LayerNormalization", [.int("axis", -2)], .shape([2, 3, 7, 11]), .shape([7, 1]), .shape([11])),
  .init("LayerNormalization", [.int("axis", 0)], .shape([2, 3, 4]), .shape([2, 3, 4]), .shape([1]), perImage: false),
  .init(
    "LayerNormalization", [], .shape([3, 4, 5]), .shape([5]), .shape([5]), outputs: 3, addsOutputs: true,
    reference: { standardized($0, row: 5).map { $0.value + $0.mean + $0.inverse } }),
  .init("LayerNormalization", [.int("stash_type", 1)], .shape([3, 4, 5]), .shape([5]), outputs: 2, addsOutputs: true),
]

private let localResponse: [OperatorCase] = [
  // The defaults change x by a ten-thousandth: these show a wrong neighbour.
  .init(
    "LRN", [.int("size", 3), .float("alpha", 1.5), .float("beta", 0.5), .float("bias", 0.8)], .shape([3, 5, 4]),
    reference: lrn(channels: 5, area: 4, before: 1, after: 1, alpha: 1.5 / 3, beta: 0.5, bias: 0.8)),
  .init(
    "LRN", [.int("size", 4), .float("alpha", 2)], .shape([2, 6, 2, 3]),
    reference: lrn(channels: 6, area: 6, before: 1, after: 2, alpha: 2.0 / 4, beta: 0.75, bias: 1)),
  .init(
    "LRN", [.int("size", 1)], .wide([3, 4]),
    reference: lrn(channels: 4, area: 1, before: 0, after: 0, alpha: 1e-4, beta: 0.75, bias: 1)),
  // More pixels than one strip has.
  .init("LRN", [.int("size", 9), .float("alpha", 3)], .shape([1, 2, 520]), perImage: false),
]
private func lrn(
  channels: Int, area: Int, before: Int, after: Int, alpha: Double, beta: Double, bias: Double
) -> @Sendable ([[Double]]) -> [Double] {
  { x in
    x[0].indices.map { i in
      let channel = i / area % channels
      var squares = 0.0
      for j in max(0, channel - before)...min(channels - 1, channel + after) {
        squares += pow(x[0][i + (j - channel) * area], 2)
      }
      return x[0][i] / pow(bias + alpha * squares, beta)
    }
  }
}

/// x in rows, each with mean 0 and variance 1, times x[1], plus x[2] if there is one.
private func standardized(
  _ x: [[Double]], row: Int, epsilon: Double = 1e-5
) -> [(value: Double, mean: Double, inverse: Double)] {
  x[0].indices.map { i in
    let elements = x[0][(i / row * row)..<(i / row * row + row)], mean = elements.reduce(0, +) / Double(row)
    let variance = elements.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(row)
    let inverse = 1 / (variance + epsilon).squareRoot()
    return ((x[0][i] - mean) * inverse * x[1][i % row] + (x.count > 2 ? x[2][i % row] : 0), mean, inverse)
  }
}

/// The same with groups of channels for rows, and scale and bias by channel.
private func normalized(
  channels: Int, groupsOf: Int, area: Int, epsilon: Double
) -> @Sendable ([[Double]]) -> [Double] {
  { x in
    let one = [Double](repeating: 1, count: groupsOf * area)
    let whitened = standardized([x[0], one], row: groupsOf * area, epsilon: epsilon).map(\.value)
    return whitened.indices.map { whitened[$0] * x[1][$0 / area % channels] + x[2][$0 / area % channels] }
  }
}
