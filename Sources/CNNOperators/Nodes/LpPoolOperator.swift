// LpPool: y[N][C][OH][OW] of x[N][C][H][W], or with one axis of pixels, or three: the p-norm of each window.
import CNNCore

final class LpPoolOperator<T: Element>: Operator<T> {
  private let spatial: SpatialAttributes
  private let kernel: [Int]
  private let ceilMode: Bool
  private let norm: LpNorm

  init(_ attributes: Attributes) throws(CNNError) {
    spatial = try SpatialAttributes(attributes)
    ceilMode = try attributes.flag("ceil_mode", default: false)
    kernel = try spatial.requiredKernel()
    norm = try LpNorm(attributes)
    super.init(try Signature(attributes, inputs: ["x"]))
  }

  private func pooling(_ x: Shape) throws(CNNError) -> Pooling {
    Pooling(try spatial.window(over: x, kernel: kernel, ceilMode: ceilMode))
  }
  /// nil unless x[N][C][D][H][W] is of volumes.
  private func volume(_ x: Shape) throws(CNNError) -> VolumePooling? {
    x.rank == 5 ? try VolumePooling(spatial, x, kernel: kernel, ceilMode: ceilMode) : nil
  }
  override func imageRule(_ inputs: [Shape]) -> ImageRule { .first }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    if let volume = try volume(inputs[0]) { return [volume.y] }
    let y = try pooling(inputs[0]).outputShape(SpatialAttributes.planar(inputs[0], "x"))
    return [try SpatialAttributes.shape(y, like: inputs[0])]
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0)
    if let volume = try volume(x.shape) {
      return try volume.lpForward(norm, x, arrays.output(), norms: arrays.mode == .train ? arrays.kept(0) : nil)
    }
    try pooling(x.shape).lpForward(norm, SpatialAttributes.planar(x), SpatialAttributes.planar(arrays.output()))
  }

  /// Of volumes, the norms of their planes.
  override func kept(_ inputs: [Shape], _ outputs: [Shape]) throws(CNNError) -> [Kept] {
    try volume(inputs[0]).map { [Kept($0.between, .network)] } ?? []
  }
  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [0] }
  override var backwardReadsOutputs: [Int] { [0] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    let x = try arrays.input(0)
    if let volume = try volume(x.shape) {
      let norms: Output<T> = try arrays.kept(0)
      return try volume.lpBackward(norm, x, norms: norms.input, arrays.output().input, arrays.gradOutput(), gradX)
    }
    try pooling(x.shape).lpBackward(
      norm, SpatialAttributes.planar(x), SpatialAttributes.planar(arrays.output().input),
      SpatialAttributes.planar(arrays.gradOutput()), SpatialAttributes.planar(gradX))
  }
}
