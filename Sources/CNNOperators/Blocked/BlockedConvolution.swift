// Convolution by the kernels of channel-blocked arrays: which form it has, its packed filters, and the call.
package import CNNCore
import Microkernels

package final class BlockedConvolution<T: Element> {
  private let sizes: Convolution.Sizes<T>
  private let filters: BlockedFilters<T>
  private let winograd: Winograd<T>?

  /// `blocked`: for blocked arrays; a planar x may then be of few channels only. nil where there is no such form: of groups that share a
  /// block of channels; and of planar arrays of so few output channels that pixels are better in the lanes.
  package init?(_ convolution: Convolution, x: Shape, weight: Shape, fewChannels: Bool, blocked: Bool) throws(CNNError) {
    sizes = try convolution.sizes(x, weight, of: T.self)
    guard sizes.N * sizes.G * sizes.C * sizes.K * sizes.taps * sizes.pixels > 0 else { return nil }
    guard blocked ? sizes.groupsAreWholeBlocks || sizes.isDepthwise && !fewChannels : sizes.channelsInLanes || sizes.isDepthwise
    else { return nil }
    filters = BlockedFilters(sizes, planar: fewChannels)
    winograd = fewChannels ? nil : try sizes.winograd(reused: true)
  }

  /// What this saves in inference, in elements copied (see LayoutRule): planar arrays are blocked too, but a part at a time that stays in
  /// the second cache. Less what it wastes on lanes behind the last channel, written and read.
  package var gain: Int { (sizes.N &* sizes.G &* sizes.C &* sizes.imageCells &+ sizes.y.count) / 4 &* 3 &- wasted }
  /// In training a direct convolution saves about a fifth of its time, in which one element is copied for 40 multiply-adds, and a depthwise
  /// one most of it, with both gradients.
  package var trainingGain: Int {
    if winograd != nil { return 2 &* gain }
    let products = sizes.y.count &* sizes.C &* sizes.taps
    return 2 &* ((isDepthwise ? products / 3 : products / 200) &- wasted)
  }
  private var wasted: Int {
    let lanes = T.lanes
    func wasted(_ channels: Int) -> Int { (channels &+ lanes &- 1) / lanes &* lanes &- channels }
    let x = filters.planar ? 0 : sizes.N &* sizes.imageCells &* wasted(sizes.G &* sizes.C)
    return 2 &* (x &+ sizes.N &* sizes.pixels &* wasted(sizes.G &* sizes.K))
  }
  package var outputShape: Shape { sizes.y }
  /// The halo that a blocked x must have at least: the largest padding.
  package var halo: Int { sizes.neededHalo }
  private var isDepthwise: Bool { sizes.isDepthwise && !filters.planar }

  /// Elements of the packed filters and biases.
  package var preparedCount: Int { winograd?.preparedCount ?? directCount }
  /// See Prepared.
  package var form: Int { winograd?.form ?? 1 }
  private var directCount: Int { isDepthwise ? sizes.depthwiseCount : filters.count }
  /// factor: what filter k is multiplied by, as a normalization behind the convolution wants it. No bias: zeros.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func prepare(
    _ weight: UnsafePointer<T>, factor: UnsafePointer<T>?, bias: UnsafePointer<T>?, _ to: UnsafeMutablePointer<T>
  ) throws(CNNError) {
    if let winograd { return try winograd.prepare(weight, factor: factor, bias: bias, to) }
    if isDepthwise { return sizes.packDepthwise(weight, factor: factor, bias: bias, to) }
    try filters.pack(weight, factor: factor, bias: bias, to)
  }

  /// What halo y must have, so that its gradient has it too.
  package var gradientHalo: Int { sizes.neededGradientHalo }

  /// Whether `backward` can add to the gradient of x that is there.
  package var addsToGradient: Bool { !isDepthwise }

  /// The gradients of a blocked x, the weight and the bias that are wanted. adds: that of x is added to what is there.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func backward(
    _ x: BlockedArray<T>, _ weight: UnsafePointer<T>, _ gradY: BlockedArray<T>, gradX: BlockedArray<T>?, adds: Bool = false,
    gradWeight: UnsafeMutablePointer<T>?, gradBias: UnsafeMutablePointer<T>?
  ) throws(CNNError) {
    if isDepthwise {
      if gradWeight != nil || gradBias != nil { try sizes.depthwiseWeightGradient(x, gradY, gradWeight, gradBias) }
    } else {
      if let gradBias { try gradY.sumChannels(gradBias) }
      if let gradWeight, let winograd {
        try winograd.weightGradient(.blocked(x), .blocked(gradY), gradWeight)
      } else if let gradWeight {
        try sizes.directWeightGradient(x, gradY, gradWeight)
      }
    }
    guard let gradX else { return }
    if isDepthwise {
      try sizes.depthwiseInputGradient(weight, gradY, gradX)
    } else if let winograd = try sizes.winogradOfInputGradient() {
      let epilogue = Epilogue(residual: adds ? gradX : nil)
      try winograd.forward(.blocked(gradY), weight: weight, turned: true, bias: nil, epilogue, .blocked(gradX))
    } else {
      try sizes.directInputGradient(weight, gradY, gradX, adds: adds)
    }
  }

  /// y = limited(x * filters + bias + residual), or the maxima of that, of a blocked y halo and all; a planar one has no residual.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func forward(
    _ x: ImageArray<T>, _ prepared: UnsafePointer<T>, _ y: ImageArray<T>, _ epilogue: Epilogue<T>
  ) throws(CNNError) {
    switch (x, y) {
    case _ where epilogue.maxPooling != nil && !filters.planar:
      throw CNNError(.unsupported, "convolution: pools what it makes of few channels only")
    case _ where winograd != nil: try winograd?.forward(x, prepared, epilogue, y)
    case (.planar(let x), _) where filters.planar: try sizes.directForward(fewChannels: x, filters, prepared, y, epilogue)
    case (.blocked(let x), .blocked(let y)) where isDepthwise: try sizes.depthwiseForward(x, prepared, y, epilogue)
    case (.blocked(let x), .blocked(let y)): try sizes.directForward(x, filters, prepared, y, epilogue)
    case (.planar(let x), .planar(let y)) where isDepthwise:
      try sizes.depthwiseForward(planar: x, prepared, planar: y, limits: epilogue.limits)
    case (.planar(let x), .planar(let y)):
      try sizes.directForward(planar: x, filters, prepared, planar: y, limits: epilogue.limits)
    default: throw CNNError(.unsupported, "convolution: wanted x and y in the same layout")
    }
  }
}
