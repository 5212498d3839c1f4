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
  ///
  /// Times are counted in products of vectors, of which direct tiles do nine in ten cycles. Winograd's matrix products come a little behind,
  /// but there are up to four times less; each tile costs `transforms` for each block of channels of x and of y, of which half is spent on
  /// moving planar arrays, and so does each vector of filters. All of it for one image, whatever N is: an image has
  /// the same bits in every batch. So few channels as have direct kernels of their own keep them. Beyond so many channels the sums
  /// would err by more than 1e-5.
  func winograd(reused: Bool = false) throws(CNNError) -> Winograd<T>? {
    let override = try ConvolutionAlgorithm.override.get(), window = planes.window
    guard !exact && override != .direct && G == 1 && N > 0 && C > 0 && K > 0 && C <= 2048 && K <= 2048 else { return nil }
    for axis in 0..<2 where window.kernel[axis] != 3 || window.strides[axis] != 1 || window.dilations[axis] != 1 { return nil }
    guard
      let winograd = Winograd<T>(
        N: N, C: C, K: K, image: planes.image, output: planes.output, top: window.pads[0], left: window.pads[1],
        reused: reused)
    else { return nil }
    if override == .winograd { return winograd }
    if C <= Convolution.planarChannels || !channelsInLanes { return nil }
    let lanes = T.lanes, inputs = (C + lanes - 1) / lanes, outputs = (K + lanes - 1) / lanes
    let transforms = 450.0, filters = 150.0
    let axes = (winograd.tiling.rows, winograd.tiling.columns)
    let tiles = Double(axes.0.count * axes.1.count), products = Double(axes.0.products * axes.1.products)
    let fast =
      products * Double(C * outputs) / 0.85 + tiles * Double(inputs + outputs) * transforms + Double(C * outputs) * filters
    let direct = Double(pixels) * Double(9 * C * outputs) / 0.9
    return fast < direct ? winograd : nil
  }
}
