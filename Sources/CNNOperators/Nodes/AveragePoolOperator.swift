// AveragePool: y[N][C][OH][OW] of x[N][C][H][W], or y[N][C][OW] of x[N][C][W].
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
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let y = try pooling(inputs[0]).outputShape(SpatialAttributes.planar(inputs[0], "x"))
    return [try SpatialAttributes.shape(y, like: inputs[0])]
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0)
    try pooling(x.shape).averageForward(SpatialAttributes.planar(x), SpatialAttributes.planar(arrays.output()))
  }

  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    try pooling(gradX.shape)
      .averageBackward(SpatialAttributes.planar(arrays.gradOutput()), SpatialAttributes.planar(gradX))
  }
}
