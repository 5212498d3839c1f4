// What GroupNormalization, InstanceNormalization and LayerNormalization have in common: the statistics of one run of elements, and
// what the input's gradient owes to them.
import CNNCore
import Microkernels

struct Statistics<T: Element> {
  let mean: T
  /// 1 / sqrt(variance + epsilon), of the biased variance.
  let inverseDeviation: T

  init(mean: T, inverseDeviation: T) { (self.mean, self.inverseDeviation) = (mean, inverseDeviation) }

  /// In two passes: a mean of squares minus a square of means would cancel.
  @inline(__always)
  init(of x: UnsafePointer<T>, _ count: Int, epsilon: T) {
    let mean = T.kernels.sum(x, count) / T(count)
    let variance = T.kernels.sumOfProducts(x, mean, x, mean, count) / T(count)
    self.init(mean: mean, inverseDeviation: 1 / (variance + epsilon).squareRoot())
  }

  /// With g = the gradient of (x - mean) * inverseDeviation, its sum, and `projection` = the sum of g * (x - mean),
  ///   grad_x = inverseDeviation * g + x * onX + constant.
  @inline(__always)
  func inputGradient(sum: T, projection: T, _ count: Int) -> (onX: T, constant: T) {
    let onX = -inverseDeviation * inverseDeviation * inverseDeviation * projection / T(count)
    return (onX, -inverseDeviation * sum / T(count) - onX * mean)
  }
}

extension Attributes {
  /// What is added to the variance.
  func epsilon() throws(CNNError) -> Double {
    let epsilon = try float("epsilon", default: 1e-5)
    guard epsilon >= 0 && epsilon < .infinity else { throw wrong("epsilon", "0 or more, got \(epsilon)") }
    return epsilon
  }
  /// The type of the statistics, 1 for float32. Here they are of the network's own type, which is no less exact.
  func checkStashType() throws(CNNError) {
    let type = try int("stash_type", default: 1)
    guard type == 1 else { throw wrong("stash_type", "1, got \(type)") }
  }
}
