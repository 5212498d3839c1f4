// AveragePool: y[N][C][OH][OW] of x[N][C][H][W], or with one axis of pixels, or three.
import CNNCore

final class AveragePoolOperator<T: Element>: Operator<T> {
  private let spatial: SpatialAttributes
  private let kernel: [Int]
  private let ceilMode: Bool, countIncludePad: Bool

  init(_ attributes: Attributes) throws(CNNError) {
    spatial = try SpatialAttributes(attributes)
    kernel = try spatial.requiredKernel()
    ceilMode = try attributes.flag("ceil_mode", default: false)
    countIncludePad = try attributes.flag("count_include_pad", default: false)
    super.init(try Signature(attributes, inputs: ["x"]))
  }

  private func pooling(_ x: Shape) throws(CNNError) -> Pooling {
    Pooling(try spatial.window(over: x, kernel: kernel, ceilMode: ceilMode), countIncludePad: countIncludePad)
  }
  /// nil unless x[N][C][D][H][W] is of volumes.
  private func volume(_ x: Shape) throws(CNNError) -> VolumePooling? {
    if x.rank != 5 { return nil }
    return try VolumePooling(spatial, x, kernel: kernel, ceilMode: ceilMode, countIncludePad: countIncludePad)
  }
  override func imageRule(_ inputs: [Shape]) -> ImageRule { .first }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    if let volume = try volume(inputs[0]) { return [volume.y] }
    let y = try pooling(inputs[0]).outputShape(SpatialAttributes.planar(inputs[0], "x"))
    return [try SpatialAttributes.shape(y, like: inputs[0])]
  }

  override func layoutRule(inputs: [Shape], _ mode: Mode) throws(CNNError) -> LayoutRule? {
    inputs[0].rank == 4 && mode == .infer ? LayoutRule([.blocked(halo: 0)], .blocked, gain: 0) : nil
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    if let x = try arrays.blockedInput(0), let y = try arrays.blockedOutput() {
      return try pooling(x.shape).blockedAverageForward(x, y)
    }
    let x = try arrays.input(0)
    if let volume = try volume(x.shape) { return try volume.averageForward(x, arrays.output()) }
    try pooling(x.shape).averageForward(SpatialAttributes.planar(x), SpatialAttributes.planar(arrays.output()))
  }

  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    if let volume = try volume(gradX.shape) { return try volume.averageBackward(arrays.gradOutput(), gradX) }
    try pooling(gradX.shape)
      .averageBackward(SpatialAttributes.planar(arrays.gradOutput()), SpatialAttributes.planar(gradX))
  }
}
