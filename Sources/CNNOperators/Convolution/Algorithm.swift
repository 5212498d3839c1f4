// Which algorithm a convolution gets: one formula over its shape. Nothing is tried out at run time, so that results do not vary.
import CNNCore
import CPlatform
import Microkernels

enum ConvolutionAlgorithm {
  /// Register tiles over all taps: as exact as sums in the element type are.
  case direct
  /// See Winograd.swift: fewer products, and sums that err more (docs/performance.md says how much).
  case winograd

  /// SWIFTCNN_ALGORITHM=direct or winograd takes it wherever it can be, for experiments. nil: the formula decides.
  static let override: Result<ConvolutionAlgorithm?, CNNError> = {
    guard let text = platform_environment("SWIFTCNN_ALGORITHM"), text[0] != 0 else { return .success(nil) }
    if equal(text, "direct") { return .success(.direct) }
    if equal(text, "winograd") { return .success(.winograd) }
    return .failure(
      CNNError(.environment, "SWIFTCNN_ALGORITHM=\(String(cString: text)): wanted direct or winograd"))
  }()
}

extension Convolution.Sizes {
  /// The convolution by Winograd's algorithm, where that can be and is faster; nil: direct.
  func winograd(reused: Bool = false) throws(CNNError) -> Winograd<T>? {
    let window = planes.window, stride = window.strides[0]
    guard allowsWinograd else { return nil }
    return try fast(
      Winograd<T>(
        N: N, C: C, K: K, image: planes.image, output: planes.output, stride: stride, top: window.pads[0], left: window.pads[1],
        reused: reused))
  }

  /// The same of the way from the gradient of y to that of x. Where windows are 2 apart, only with the usual pad of one above and to the
  /// left, of images that pairs of cells cut up.
  func winogradOfInputGradient() throws(CNNError) -> Winograd<T>? {
    if let transposed = try transposed() { return try transposed.winograd() }
    let window = planes.window, (H, W) = planes.image
    let isUsual = window.strides[0] == 2 && window.pads[0] == 1 && window.pads[1] == 1
    guard allowsWinograd && isUsual && H % 2 == 0 && W % 2 == 0 else { return nil }
    return try fast(
      Winograd<T>(
        N: N, C: K, K: C, image: planes.output, output: planes.image, stride: 2, givesGradient: true, top: 0, left: 0,
        reused: false))
  }

  /// Filters of 3 x 3 that move by 1 or 2. Beyond so many channels the sums would err by more than 1e-5.
  private var allowsWinograd: Bool {
    let window = planes.window, stride = window.strides[0]
    guard !exact && stride <= 2 && G == 1 && N > 0 && C > 0 && K > 0 && C <= 2048 && K <= 2048 else { return false }
    for axis in 0..<2 where window.kernel[axis] != 3 || window.strides[axis] != stride || window.dilations[axis] != 1 {
      return false
    }
    return true
  }

  /// What may be Winograd's, if it is the faster way for these sizes.
  ///
  /// Times are counted in products of vectors, of which direct tiles do nine in ten cycles. Winograd's matrix products come a little behind,
  /// but there are up to four times less; each tile costs `transforms` for each block of channels that comes and goes, of which half is
  /// spent on moving planar arrays, and so does each vector of filters. All of it for one image, whatever N is: an image has
  /// the same bits in every batch. So few channels as have direct kernels of their own keep them.
  private func fast(_ winograd: Winograd<T>?) throws(CNNError) -> Winograd<T>? {
    let override = try ConvolutionAlgorithm.override.get()
    guard let winograd, override != .direct else { return nil }
    if override == .winograd { return winograd }
    if winograd.C <= Convolution.planarChannels || !Convolution.channelsInLanes(winograd.K, of: T.self) { return nil }
    let inputs = winograd.channelBlocks, outputs = winograd.filters.blocks, products = Double(winograd.C * outputs)
    let transforms = 12.5 * Double(winograd.tiling.planes), filters = 150.0
    let axes = (winograd.tiling.rows, winograd.tiling.columns)
    let tiles = Double(axes.0.count * axes.1.count)
    let fast =
      Double(axes.0.products * axes.1.products) * products / 0.85 + tiles * Double(inputs + outputs) * transforms
      + products * filters
    let direct = Double(pixels * 9) * products / 0.9
    return fast < direct ? winograd : nil
  }
}
