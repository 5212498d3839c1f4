// LpPool: y[N][C][OH][OW] of x[N][C][H][W], or y[N][C][OW] of x[N][C][W], the p-norm of each window.
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
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let y = try pooling(inputs[0]).outputShape(SpatialAttributes.planar(inputs[0], "x"))
    return [try SpatialAttributes.shape(y, like: inputs[0])]
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0)
    try pooling(x.shape).lpForward(norm, SpatialAttributes.planar(x), SpatialAttributes.planar(arrays.output()))
  }

  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [0] }
  override var backwardReadsOutputs: [Int] { [0] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    let x = try arrays.input(0)
    try pooling(x.shape).lpBackward(
      norm, SpatialAttributes.planar(x), SpatialAttributes.planar(arrays.output().input),
      SpatialAttributes.planar(arrays.gradOutput()), SpatialAttributes.planar(gradX))
  }
}
