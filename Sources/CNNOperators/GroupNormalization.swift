// Group normalization (Wu and He 2018; ONNX GroupNormalization of opset 21) of x[N][C] or x[N][C][...]: each group of neighbouring
// channels of an image has statistics of its own. With groups of one channel it is InstanceNormalization (Ulyanov et al. 2016).
import CNNCore
import Microkernels

struct GroupNormalization {
  let epsilon: Double
  /// N images of G groups of `channels` channels of `area` elements; a group is contiguous, and so is a channel.
  private let N: Int, G: Int, channels: Int, area: Int
  private var C: Int { G &* channels }
  /// The shape of the statistics, [N][G].
  let statistics: Shape

  /// `groups` nil: as many as channels.
  init(_ x: Shape, groups: Int?, epsilon: Double) throws(CNNError) {
    guard x.rank >= 2 else { throw .shape("x: wanted [N][C] or [N][C][...], got shape \(x.description)") }
    (N, G) = (x[0], groups ?? x[1])
    guard G > 0 ? x[1] % G == 0 : x[1] == 0 else {
      throw .shape("x: wanted channels that divide into \(G) groups, got shape \(x.description)")
    }
    channels = G > 0 ? x[1] / G : 0
    var area = 1
    for axis in 2..<x.rank { area *= x[axis] }
    self.area = area
    self.epsilon = epsilon
    statistics = try Shape("statistics", N, G)
    guard x.count > 0 || N * G == 0 else {
      throw .shape("x: wanted at least one element a group to take statistics of, got shape \(x.description)")
    }
  }

  /// y = scale * (x - mean) * inverse_deviation + bias; the statistics are left where they are wanted.
  @_specialize(where T == Float) @_specialize(where T == Double)
  func forward<T: Element>(
    _ x: Input<T>, scale: Input<T>, bias: Input<T>, _ y: Output<T>, mean: Output<T>?, inverseDeviation: Output<T>?
  ) throws(CNNError) {
    parallel(N &* G, width: try parallelWidth(N &* G, .elements(x.shape.count, 3))) { group, _ in
      let first = group &* channels
      let statistics = Statistics(of: x.data + first &* area, channels &* area, epsilon: T(epsilon))
      mean?.data[group] = statistics.mean
      inverseDeviation?.data[group] = statistics.inverseDeviation
      for channel in first..<first &+ channels {
        let factor = scale.data[channel % C] * statistics.inverseDeviation, run = channel &* area
        T.kernels.scaleShift(
          x.data + run, factor, bias.data[channel % C] - statistics.mean * factor, y.data + run, area)
      }
    }
  }

  @_specialize(where T == Float) @_specialize(where T == Double)
  func backward<T: Element>(
    _ x: Input<T>, scale: Input<T>, mean: Input<T>, inverseDeviation: Input<T>, _ gradY: Input<T>, gradX: Output<T>?,
    gradScale: Output<T>?, gradBias: Output<T>?
  ) throws(CNNError) {
    // For each image's channel, the sums of grad_y, and of grad_y * (x - mean) * inverse_deviation.
    let scratch = try Scratch<T>(2 &* N &* C)
    let sums = scratch.data, projections = scratch.data + N &* C, kernels = T.kernels
    parallel(N &* G, width: try parallelWidth(N &* G, .elements(x.shape.count, 3))) { group, _ in
      let statistics = Statistics(mean: mean.data[group], inverseDeviation: inverseDeviation.data[group])
      let members = group &* channels..<(group &+ 1) &* channels
      var sum: T = 0, projection: T = 0
      for channel in members {
        let run = channel &* area, factor = scale.data[channel % C]
        let onBias = kernels.sum(gradY.data + run, area)
        let onDeviation = kernels.sumOfProducts(x.data + run, statistics.mean, gradY.data + run, 0, area)
        sums[channel] = onBias
        projections[channel] = onDeviation * statistics.inverseDeviation
        sum += onBias * factor
        projection += onDeviation * factor
      }
      guard let gradX else { return }
      let (onX, constant) = statistics.inputGradient(sum: sum, projection: projection, channels &* area)
      for channel in members {
        let run = channel &* area
        kernels.combine(
          gradY.data + run, scale.data[channel % C] * statistics.inverseDeviation, x.data + run, onX, constant,
          gradX.data + run, area)
      }
    }
    for (perImage, gradient) in [(sums, gradBias), (projections, gradScale)] {
      guard let gradient else { continue }
      zero(gradient.data, C)
      kernels.addRows(UnsafePointer(perImage), C, N, gradient.data, C)
    }
  }
}
