// DepthToSpace: y[N][C/b²][H*b][W*b] of x[N][C][H][W]: blocks of b x b pixels, b being blocksize, from the channels of one. The block's row
// and column come before the channel (mode DCR) or behind it (CRD).
import CNNCore

/// How channels of small images are blocks of pixels of large ones.
struct PixelBlocks {
  private let size: Int
  private let isChannelFirst: Bool

  init(_ attributes: Attributes, isChannelFirst: Bool) throws(CNNError) {
    size = try attributes.int("blocksize", default: 0)
    self.isChannelFirst = isChannelFirst
    guard size >= 1 && size <= 1 << 15 else { throw attributes.wrong("blocksize", "1 to 2^15, got \(size)") }
  }

  private func check(_ x: Shape) throws(CNNError) {
    guard x.rank == 4 else { throw .shape("input: wanted [N][C][H][W], got shape \(x.description)") }
  }
  func large(_ x: Shape) throws(CNNError) -> Shape {
    try check(x)
    let area = size * size
    guard x[1] % area == 0 else { throw .shape("input: wanted a multiple of \(area) channels, got shape \(x.description)") }
    guard max(x[2], x[3]) <= Int.max >> 16 else { throw .shape("input: the size of the result overflows") }
    return try Shape("output", x[0], x[1] / area, x[2] * size, x[3] * size)
  }
  func small(_ x: Shape) throws(CNNError) -> Shape {
    try check(x)
    guard x[2] % size == 0 && x[3] % size == 0 else {
      throw .shape("input: wanted multiples of \(size) rows and columns, got shape \(x.description)")
    }
    guard x[1] <= Int.max >> 32 else { throw .shape("input: the size of the result overflows") }
    return try Shape("output", x[0], x[1] * size * size, x[2] / size, x[3] / size)
  }

  /// The small images in the order of the large ones. Stated by strides, as Embedded Swift mixes up two lists of constants of which one is
  /// chosen.
  func inOrder(_ small: Shape) -> StridedView {
    let (N, C, H, W) = (small[0], small[1] / (size * size), small[2], small[3]), plane = H * W
    let (channel, pixel) = isChannelFirst ? (size * size * plane, plane) : (plane, C * plane)
    return StridedView(axes: [
      StridedView.Axis(extent: N, stride: C * size * size * plane), StridedView.Axis(extent: C, stride: channel),
      StridedView.Axis(extent: H, stride: W), StridedView.Axis(extent: size, stride: size * pixel),
      StridedView.Axis(extent: W, stride: 1), StridedView.Axis(extent: size, stride: pixel),
    ])
  }
  /// The large images, with the axes of `inOrder`.
  func blocks(_ large: Shape) -> StridedView {
    StridedView([large[0], large[1], large[2] / size, size, large[3] / size, size])
  }
}

final class DepthToSpaceOperator<T: Element>: MovingOperator<T> {
  private let blocks: PixelBlocks

  init(_ attributes: Attributes) throws(CNNError) {
    let mode = try attributes.string("mode", default: "DCR")
    guard mode.is("DCR") || mode.is("CRD") else { throw attributes.wrong("mode", "DCR or CRD, got \(mode)") }
    blocks = try PixelBlocks(attributes, isChannelFirst: mode.is("CRD"))
    super.init(try Signature(attributes, inputs: ["input"]))
  }

  override func imageRule(_ inputs: [Shape]) -> ImageRule { .first }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [try blocks.large(inputs[0])] }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.anyInput(0), y = try arrays.anyOutput()
    try StridedWalk.move(x, blocks.inOrder(x.shape), to: y, blocks.blocks(y.shape))
  }

  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    let gradY = try arrays.gradOutput()
    try StridedWalk.copy(gradY.data, blocks.blocks(gradY.shape), to: gradX.data, blocks.inOrder(gradX.shape))
  }
}
