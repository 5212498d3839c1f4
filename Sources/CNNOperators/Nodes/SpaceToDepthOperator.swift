// SpaceToDepth: y[N][C*b²][H/b][W/b] of x[N][C][H][W]: the way back from DepthToSpace in the same mode, DCR or CRD.
import CNNCore

final class SpaceToDepthOperator<T: Element>: MovingOperator<T> {
  private let blocks: PixelBlocks

  init(_ attributes: Attributes) throws(CNNError) {
    let mode = try attributes.string("mode", default: "DCR")
    guard mode.is("DCR") || mode.is("CRD") else { throw attributes.wrong("mode", "DCR or CRD, got \(mode)") }
    blocks = try PixelBlocks(attributes, isChannelFirst: mode.is("CRD"))
    super.init(try Signature(attributes, inputs: ["input"]))
  }

  override func imageRule(_ inputs: [Shape]) -> ImageRule { .first }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [try blocks.small(inputs[0])] }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.anyInput(0), y = try arrays.anyOutput()
    try StridedWalk.move(x, blocks.blocks(x.shape), to: y, blocks.inOrder(y.shape))
  }

  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    let gradY = try arrays.gradOutput()
    try StridedWalk.copy(gradY.data, blocks.inOrder(gradY.shape), to: gradX.data, blocks.blocks(gradX.shape))
  }
}
