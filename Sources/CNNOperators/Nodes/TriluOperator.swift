// Trilu: of matrices x[...][M][N] the upper triangle, or the lower one, from diagonal number k; else 0.
import CNNCore

final class TriluOperator<T: Element>: MovingOperator<T> {
  private let isUpper: Bool, k: Int

  init(_ attributes: Attributes) throws(CNNError) {
    isUpper = try attributes.flag("upper", default: true)
    let given = try attributes.integers(input: 1, "k")
    guard given == nil || given?.count == 1 else { throw attributes.wrong("k", "one integer") }
    k = max(-(1 << 40), min(1 << 40, given?[0] ?? 0))
    super.init(try Signature(attributes, inputs: ["input", "k"], required: 1))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    guard inputs[0].rank >= 2 else { throw .shape("input: wanted matrices, got shape \(inputs[0].description)") }
    return [inputs[0]]
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) { try mask(arrays.anyInput(0), arrays.anyOutput()) }

  private func mask(_ x: AnyInput, _ y: AnyOutput) throws(CNNError) {
    let size = x.type.stride, N = x.shape[x.shape.rank - 1], M = x.shape[x.shape.rank - 2]
    if x.shape.count == 0 { return }
    try forEachPiece(x.shape.count / N) { start, count in
      for row in start..<start &+ count {
        let diagonal = min(max(row % M &+ k &+ (isUpper ? 0 : 1), 0), N), kept = isUpper ? diagonal..<N : 0..<diagonal
        let first = row &* N
        y.data.advanced(by: first &* size).initializeMemory(as: UInt8.self, repeating: 0, count: N &* size)
        copyBytes(
          x.data + (first &+ kept.lowerBound) &* size, to: y.data + (first &+ kept.lowerBound) &* size, kept.count &* size)
      }
    }
  }

  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    try mask(AnyInput(arrays.gradOutput()), AnyOutput(gradX))
  }
}
