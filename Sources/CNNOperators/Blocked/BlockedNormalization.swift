// Batch normalization of channel-blocked arrays: all channels of a block at once, one a lane.
import CNNCore
import Microkernels

/// Numbers for every channel, in whole blocks, zeros behind the last.
private struct Channels<T: Element>: ~Copyable {
  private let scratch: Scratch<T>
  var data: UnsafeMutablePointer<T> { scratch.data }

  init(_ x: BlockedArray<T>, _ values: UnsafePointer<T>? = nil) throws(CNNError) {
    let count = x.blocks &* BlockedArray<T>.lanes
    scratch = try Scratch(count)
    scratch.zero(count)
    if let values { copy(values, to: scratch.data, x.C) }
  }
}

extension BatchNormalization {
  /// See `train`; of checked shapes. A residual has y's layout.
  @_specialize(where T == Float) @_specialize(where T == Double)
  func blockedTrain<T: Element>(
    _ x: BlockedArray<T>, scale: UnsafePointer<T>, bias: UnsafePointer<T>, running: Running<T>, _ y: BlockedArray<T>,
    mean: UnsafeMutablePointer<T>, inverseDeviation: UnsafeMutablePointer<T>, residual: BlockedArray<T>?, rectified: Bool
  ) throws(CNNError) {
    guard x.N &* x.H &* x.W > 0 else {
      throw .shape("x: wanted at least one element a channel to take statistics of, got shape \(x.shape.description)")
    }
    let means = try Channels(x), squares = try Channels(x), factor = try Channels(x), shift = try Channels(x)
    let (meanData, factorData, shiftData) = (UnsafePointer(means.data), factor.data, shift.data)
    try x.statistics(means.data, squares: squares.data)
    let count = T(x.N &* x.H &* x.W)
    for c in 0..<x.C {
      let inverse = follow(
        c, meanData[c], squares: squares.data[c], of: count, running, mean: mean, inverseDeviation: inverseDeviation)
      factorData[c] = scale[c] * inverse
      shiftData[c] = bias[c] - meanData[c] * factorData[c]
    }
    try y.fill(
      x, scale: factorData, shift: shiftData, residual: residual, limits: rectified ? (0, .infinity) : nil)
  }

  /// See `backward`; of checked shapes, and one layout. Of grad_x and grad_residual one may be grad_y.
  @_specialize(where T == Float) @_specialize(where T == Double)
  static func blockedBackward<T: Element>(
    _ x: BlockedArray<T>, scale: UnsafePointer<T>, bias: UnsafePointer<T>?, mean: UnsafePointer<T>,
    inverseDeviation: UnsafePointer<T>, sum y: BlockedArray<T>?, _ gradY: BlockedArray<T>, gradX: BlockedArray<T>?,
    gradScale: UnsafeMutablePointer<T>?, gradBias: UnsafeMutablePointer<T>?, gradResidual: BlockedArray<T>?
  ) throws(CNNError) {
    let count = T(max(1, x.N &* x.H &* x.W)), lanes = T.lanes, kernels = T.kernels.blocked
    let from = UnsafePointer(x.data), received = UnsafePointer(gradY.data)
    // What passes the rectifier of a sum goes into an array, of which there is one as a rule.
    let room = try Scratch<T>(y != nil && gradResidual == nil && gradX == nil ? x.count : 0)
    let passed = y == nil ? nil : (gradResidual ?? gradX)?.data ?? room.data
    let fromY = passed.map { UnsafePointer($0) } ?? received
    let means = try Channels(x, mean), none = try Channels(x), meanData = UnsafePointer(means.data)
    let noneData = UnsafePointer(none.data), all = x.blocks &* lanes, scratch = try Scratch<T>(2 &* all)
    let (sums, projections) = (scratch.data, scratch.data + all)
    // Of y as it was made, where that matters.
    let factor = try Channels(x), shift = try Channels(x), (factorData, shiftData) = (factor.data, shift.data)
    if let bias {
      for c in 0..<x.C {
        factorData[c] = scale[c] * inverseDeviation[c]
        shiftData[c] = bias[c] - mean[c] * factorData[c]
      }
    }
    let isRectified = bias != nil
    func rectified(_ offset: Int, _ block: Int) -> RectifiedPixels<T> {
      RectifiedPixels(
        x: from + offset, gradY: fromY + offset, scale: factorData + block &* lanes, shift: shiftData + block &* lanes)
    }
    try x.sumOverImages(sums, count: 2, passes: 3) { offset, block, sums, pixels in
      if let y, let passed {
        return kernels.sumPassed(
          UnsafePointer(y.data) + offset, received + offset, passed + offset, sums(0),
          (from + offset, meanData + block &* lanes, sums(1)), pixels)
      }
      if isRectified {
        return kernels.sumRectified(rectified(offset, block), meanData + block &* lanes, sums(0), sums(1), pixels)
      }
      kernels.sum(fromY + offset, sums(0), pixels)
      kernels.sumProducts(from + offset, meanData + block &* lanes, fromY + offset, noneData, sums(1), pixels)
    }
    for c in 0..<x.C {
      gradBias?[c] = sums[c]
      gradScale?[c] = projections[c] * inverseDeviation[c]
    }
    if let gradResidual, y != nil, gradResidual.data != gradY.data { try gradResidual.clearHalo() }
    guard let gradX else { return }
    // grad_x = a * grad_y + b * x + c (see `backward`)
    let a = try Channels(x), b = try Channels(x), c = try Channels(x), (aData, bData, cData) = (a.data, b.data, c.data)
    for i in 0..<x.C {
      let inverse = inverseDeviation[i]
      aData[i] = scale[i] * inverse
      bData[i] = -aData[i] * inverse * inverse * projections[i] / count
      cData[i] = -aData[i] * sums[i] / count - bData[i] * meanData[i]
    }
    try x.forEachBlock(.elements(x.count, 3)) { n, block in
      let offset = x.inside(n, block) - x.data, first = block &* lanes, pixels = x.planeRun
      if isRectified {
        kernels.combineRectified(
          rectified(offset, block), aData + first, bData + first, cData + first, gradX.data + offset, pixels)
      } else {
        kernels.combine(
          fromY + offset, aData + first, from + offset, bData + first, cData + first, gradX.data + offset, pixels)
      }
      gradX.clearHalo(n, block)
    }
  }
}
