// Tile: x side by side with itself, `repeats` times along each axis.
import CNNCore

final class TileOperator<T: Element>: MovingOperator<T> {
  private let repeats: [Int]

  init(_ attributes: Attributes) throws(CNNError) {
    repeats = try attributes.integers(input: 1, "repeats") ?? []
    for count in repeats where count < 0 { throw attributes.wrong("repeats", "0 or more, got \(count)") }
    super.init(try Signature(attributes, inputs: ["input", "repeats"]))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let x = inputs[0]
    guard repeats.count == x.rank else { throw .shape("repeats: wanted \(x.rank) for as many axes, got \(repeats.count)") }
    for i in 0..<x.rank where x[i].multipliedReportingOverflow(by: repeats[i]).overflow {
      throw .shape("repeats: \(repeats[i]) times \(x[i]) elements overflow")
    }
    return [try Shape("output", rank: x.rank) { x[$0] * repeats[$0] }]
  }
  /// x and y with two axes for each of theirs: which copy, and where in it.
  private func views(_ x: Shape) -> (x: StridedView, y: StridedView) {
    var small = StridedView((0..<x.rank).flatMap { [1, x[$0]] })
    for i in 0..<x.rank { small = small.part(2 * i, first: 0, step: 0, count: repeats[i]) }
    return (small, StridedView((0..<x.rank).flatMap { [repeats[$0], x[$0]] }))
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.anyInput(0), views = views(x.shape)
    try StridedWalk.move(x, views.x, to: arrays.anyOutput(), views.y)
  }

  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    let views = views(gradX.shape)
    zero(gradX.data, gradX.shape.count)
    try StridedWalk.add(arrays.gradOutput().data, views.y, to: gradX.data, views.x)
  }
}
