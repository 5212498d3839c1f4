// MaxPool: y[N][C][OH][OW] of x[N][C][H][W], or y[N][C][OW] of x[N][C][W].
import CNNCore

final class MaxPoolOperator<T: Element>: Operator<T> {
  private let spatial: SpatialAttributes
  private let kernel: [Int]
  private let ceilMode: Bool

  init(_ attributes: Attributes) throws(CNNError) {
    spatial = try SpatialAttributes(attributes)
    ceilMode = try attributes.flag("ceil_mode", default: false)
    kernel = try spatial.requiredKernel()
    guard try attributes.int("storage_order", default: 0) == 0 else { throw attributes.wrong("storage_order", "0: row major") }
    super.init(try Signature(attributes, inputs: ["x"]))
  }

  private func pooling(_ x: Shape) throws(CNNError) -> Pooling {
    Pooling(try spatial.window(over: x, kernel: kernel, ceilMode: ceilMode))
  }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let y = try pooling(inputs[0]).outputShape(SpatialAttributes.planar(inputs[0], "x"))
    return [try SpatialAttributes.shape(y, like: inputs[0])]
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0)
    try pooling(x.shape).maxForward(
      SpatialAttributes.planar(x), SpatialAttributes.planar(arrays.output()),
      winners: arrays.mode == .train ? SpatialAttributes.planar(arrays.kept(0)) : nil)
  }

  override var takesMaxima: Bool { spatial.alwaysMeetsImage }

  /// Each maximum's place in its window.
  override func kept(_ inputs: [Shape], _ outputs: [Shape]) throws(CNNError) -> [Kept] { [Kept(outputs[0], .int32)] }
  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    let winners: Output<Int32> = try SpatialAttributes.planar(arrays.kept(0))
    try pooling(gradX.shape).maxBackward(
      winners.input, SpatialAttributes.planar(arrays.gradOutput()), SpatialAttributes.planar(gradX))
  }
}
