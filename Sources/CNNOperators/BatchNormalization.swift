// Batch normalization (ONNX BatchNormalization; Ioffe and Szegedy 2015) of x[N][C] or x[N][C][...], per channel.
package import CNNCore
import Microkernels

package struct BatchNormalization {
  let epsilon: Double, momentum: Double
  /// Whether the running variance follows the sum of squares over one less than their number, as PyTorch has it, and not over
  /// their number, as ONNX has it.
  let isUnbiased: Bool

  package init(epsilon: Double, momentum: Double, isUnbiased: Bool = false) throws(CNNError) {
    guard epsilon >= 0 && epsilon < .infinity else { throw .argument("epsilon: wanted 0 or more, got \(epsilon)") }
    guard momentum >= 0 && momentum <= 1 else { throw .argument("momentum: wanted 0 to 1, got \(momentum)") }
    (self.epsilon, self.momentum, self.isUnbiased) = (epsilon, momentum, isUnbiased)
  }

  /// N images of C channels of `area` elements, each channel's contiguous.
  private struct Sizes {
    let N: Int, C: Int, area: Int
    init<T>(_ x: Input<T>) throws(CNNError) {
      guard x.shape.rank >= 2 else { throw .shape("x: wanted [N][C] or [N][C][...], got shape \(x.shape.description)") }
      N = x.shape[0]
      C = x.shape[1]
      var product = 1
      for axis in 2..<max(x.shape.rank, 2) { product *= x.shape[axis] }
      area = product
    }
    /// Calls body(offset) for the run of each image's channel c.
    func forEachRun(_ c: Int, _ body: (Int) -> Void) { for n in 0..<N { body((n &* C &+ c) &* area) } }
  }

  package struct Running<T: Element> {
    package let mean: Output<T>, variance: Output<T>
    package init(mean: Output<T>, variance: Output<T>) { (self.mean, self.variance) = (mean, variance) }
  }

  /// y = scale * (x - mean) / sqrt(variance + epsilon) + bias + residual with the batch's own mean and biased variance; rectified:
  /// max(y, 0). y may be x or residual.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func train<T: Element>(
    _ x: Input<T>, scale: Input<T>, bias: Input<T>, running: Running<T>?, _ y: Output<T>, mean: Output<T>,
    inverseDeviation: Output<T>, residual: Input<T>? = nil, rectified: Bool = false
  ) throws(CNNError) {
    let sizes = try Sizes(x)
    let channels = try Shape("channels", sizes.C)
    for vector in [scale, bias, mean.input, inverseDeviation.input] { try vector.wants(channels) }
    try running?.mean.wants(channels)
    try running?.variance.wants(channels)
    try y.wants(x.shape)
    try y.mustNotOverlap(x, sameAllowed: true)
    try residual?.wants(x.shape)
    if let residual { try y.mustNotOverlap(residual, sameAllowed: true) }
    var outputs = [y, mean, inverseDeviation]
    if let running { outputs += [running.mean, running.variance] }
    for (i, output) in outputs.enumerated() {
      if i > 0 { try output.mustNotOverlap(x) }
      for input in [scale, bias] { try output.mustNotOverlap(input) }
      for j in 0..<i { try output.mustNotOverlap(outputs[j].input) }
    }
    guard sizes.N * sizes.area > 0 || sizes.C == 0 else {
      throw .shape("x: wanted at least one element a channel to take statistics of, got shape \(x.shape.description)")
    }
    let kernels = T.kernels, count = T(sizes.N &* sizes.area)
    let width = try parallelWidth(sizes.C, .elements(x.shape.count, 3))
    let scratch = try Scratch<T>(residual == nil ? 0 : width * sizes.area), scratchData = scratch.data
    parallel(sizes.C, width: width) { c, worker in
      var total: T = 0, squares: T = 0
      sizes.forEachRun(c) { total += kernels.sum(x.data + $0, sizes.area) }
      let m = total / count
      sizes.forEachRun(c) { squares += kernels.sumOfProducts(x.data + $0, m, x.data + $0, m, sizes.area) }
      let inverse = follow(
        c, m, squares: squares, of: count, running, mean: mean.data, inverseDeviation: inverseDeviation.data)
      let factor = scale.data[c] * inverse, shift = bias.data[c]
      sizes.forEachRun(c) {
        // Not in y, which may be the residual.
        let normal = residual == nil ? y.data + $0 : scratchData + worker &* sizes.area
        kernels.scaleShift(x.data + $0, factor, shift - m * factor, normal, sizes.area)
        if let residual {
          kernels.arithmetic(.sum, UnsafePointer(normal), false, residual.data + $0, false, y.data + $0, sizes.area)
        }
        if rectified { kernels.relu(UnsafePointer(y.data) + $0, y.data + $0, nil, sizes.area) }
      }
    }
  }

  /// Keeps a channel's statistics, of so many elements whose squared distances from their mean m have the sum `squares`, lets the
  /// running ones follow; returns 1 / sqrt(variance + epsilon).
  @inline(__always)
  func follow<T: Element>(
    _ c: Int, _ m: T, squares: T, of count: T, _ running: Running<T>?, mean: UnsafeMutablePointer<T>,
    inverseDeviation: UnsafeMutablePointer<T>
  ) -> T {
    let momentum = T(momentum), variance = squares / count, inverse = 1 / (variance + T(epsilon)).squareRoot()
    mean[c] = m
    inverseDeviation[c] = inverse
    if let running {
      running.mean.data[c] = running.mean.data[c] * momentum + m * (1 - momentum)
      let followed = isUnbiased ? squares / max(1, count - 1) : variance
      running.variance.data[c] = running.variance.data[c] * momentum + followed * (1 - momentum)
    }
    return inverse
  }

  /// With given statistics it is y = factor[C] * x + shift[C].
  @_specialize(where T == Float) @_specialize(where T == Double)
  func coefficients<T: Element>(
    _ C: Int, scale: Input<T>, bias: Input<T>, mean: Input<T>, variance: Input<T>, factor: UnsafeMutablePointer<T>,
    shift: UnsafeMutablePointer<T>
  ) {
    for c in 0..<C {
      factor[c] = scale.data[c] / (variance.data[c] + T(epsilon)).squareRoot()
      shift[c] = bias.data[c] - mean.data[c] * factor[c]
    }
  }

  /// The same with given statistics.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func infer<T: Element>(
    _ x: Input<T>, scale: Input<T>, bias: Input<T>, mean: Input<T>, variance: Input<T>, _ y: Output<T>
  ) throws(CNNError) {
    let sizes = try Sizes(x)
    let channels = try Shape("channels", sizes.C)
    for vector in [scale, bias, mean, variance] {
      try vector.wants(channels)
      try y.mustNotOverlap(vector)
    }
    try y.wants(x.shape)
    try y.mustNotOverlap(x, sameAllowed: true)
    let epsilon = T(epsilon)
    parallel(sizes.C, width: try parallelWidth(sizes.C, .elements(x.shape.count, 3))) { c, _ in
      let factor = scale.data[c] / (variance.data[c] + epsilon).squareRoot()
      let shift = bias.data[c] - mean.data[c] * factor
      sizes.forEachRun(c) { T.kernels.scaleShift(x.data + $0, factor, shift, y.data + $0, sizes.area) }
    }
  }

  /// Where y was rectified, the bias that it was made with; or, with a residual, y itself as `sum`. Of grad_x and grad_residual one may be
  /// grad_y; without a rectifier the latter is grad_y, and not for here.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package static func backward<T: Element>(
    _ x: Input<T>, scale: Input<T>, bias: Input<T>? = nil, mean: Input<T>, inverseDeviation: Input<T>, sum y: Input<T>? = nil,
    _ gradY: Input<T>, gradX: Output<T>?, gradScale: Output<T>?, gradBias: Output<T>?, gradResidual: Output<T>? = nil
  ) throws(CNNError) {
    let sizes = try Sizes(x)
    let channels = try Shape("channels", sizes.C)
    for vector in [scale, bias ?? scale, mean, inverseDeviation] { try vector.wants(channels) }
    try gradY.wants(x.shape)
    try y?.wants(x.shape)
    for output in [gradX, gradResidual] {
      try output?.wants(x.shape)
      try output?.mustNotOverlap(gradY, sameAllowed: true)
      if let y { try output?.mustNotOverlap(y) }
    }
    if let gradX { try gradResidual?.mustNotOverlap(gradX.input) }
    try gradScale?.wants(channels)
    try gradBias?.wants(channels)
    try gradScale?.mustNotOverlap(gradY)
    try gradBias?.mustNotOverlap(gradY)
    for output in [gradX, gradScale, gradBias, gradResidual] {
      guard let output else { continue }
      for input in [x, scale, mean, inverseDeviation] { try output.mustNotOverlap(input) }
    }
    let kernels = T.kernels, count = T(max(1, sizes.N &* sizes.area))
    let width = try parallelWidth(sizes.C, .elements(x.shape.count, 3))
    let isRectified = bias != nil || y != nil
    let scratch = try Scratch<T>(isRectified ? width * sizes.area : 0), scratchData = scratch.data
    parallel(sizes.C, width: width) { c, worker in
      let m = mean.data[c], inverse = inverseDeviation.data[c]
      /// A run of grad_y, where it passes the rectifier: y is made again, where it was not a sum.
      func gradient(_ offset: Int) -> UnsafePointer<T> {
        let own = scratchData + worker &* sizes.area
        if let y {
          let passed = gradResidual.map { $0.data + offset } ?? own
          kernels.reluBackward(y.data + offset, gradY.data + offset, passed, sizes.area)
          return UnsafePointer(passed)
        }
        guard let bias else { return gradY.data + offset }
        let factor = scale.data[c] * inverse
        kernels.scaleShift(x.data + offset, factor, bias.data[c] - m * factor, own, sizes.area)
        kernels.reluBackward(UnsafePointer(own), gradY.data + offset, own, sizes.area)
        return UnsafePointer(own)
      }
      var sum: T = 0, projection: T = 0
      sizes.forEachRun(c) {
        let gradY = gradient($0)
        sum += kernels.sum(gradY, sizes.area)
        projection += kernels.sumOfProducts(x.data + $0, m, gradY, 0, sizes.area)
      }
      gradBias?.data[c] = sum
      gradScale?.data[c] = projection * inverse
      guard let gradX else { return }
      // grad_x = scale/σ * (grad_y - mean(grad_y) - (x - m)/σ² * mean(grad_y * (x - m)))
      let a = scale.data[c] * inverse
      let b = -a * inverse * inverse * projection / count
      sizes.forEachRun(c) {
        kernels.combine(gradient($0), a, x.data + $0, b, -a * sum / count - b * m, gradX.data + $0, sizes.area)
      }
    }
  }
}
