// ReverseSequence: of each element of the batch axis (1), its first `sequence_lens` steps along the time axis (0) backwards.
import CNNCore

final class ReverseSequenceOperator<T: Element>: Operator<T> {
  private let batchAxis: Int, timeAxis: Int

  init(_ attributes: Attributes) throws(CNNError) {
    batchAxis = try attributes.int("batch_axis", default: 1)
    timeAxis = try attributes.int("time_axis", default: 0)
    guard batchAxis + timeAxis == 1 && batchAxis * timeAxis == 0 else {
      throw attributes.wrong("batch_axis", "0 and time_axis 1, or 1 and 0")
    }
    super.init(try Signature(attributes, inputs: ["input", "sequence_lens"]))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    guard inputs[0].rank >= 2, inputs[1].rank == 1, inputs[1][0] == inputs[0][batchAxis] else {
      throw .shape("sequence_lens: wanted one for each element of axis \(batchAxis), got shape \(inputs[1].description)")
    }
    return [inputs[0]]
  }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    try wantIndices(1, inputs)
    return [inputs[0] ?? T.elementType]
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    try reverse(arrays.anyInput(0), arrays.anyInput(1), arrays.anyOutput())
  }
  private func reverse(_ x: AnyInput, _ lengths: AnyInput, _ y: AnyOutput) throws(CNNError) {
    let steps = x.shape[timeAxis], checked = try Indices(lengths, of: steps + 1), length = checked.data
    let cells = x.shape.count / max(1, x.shape[0] * x.shape[1]) * x.type.stride, columns = x.shape[1]
    for row in 0..<x.shape[0] {
      for column in 0..<columns {
        let (time, batch) = timeAxis == 0 ? (row, column) : (column, row)
        let from = time < length[batch] ? length[batch] - 1 - time : time
        let place = timeAxis == 0 ? from * columns + column : row * columns + from
        copyBytes(x.data + place * cells, to: y.data + (row * columns + column) * cells, cells)
      }
    }
  }

  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [1] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    try reverse(AnyInput(arrays.gradOutput()), arrays.anyInput(1), AnyOutput(gradX))
  }
}
