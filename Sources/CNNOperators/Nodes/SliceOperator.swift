// Slice: along the axes that `axes` names (all), the elements from `starts` to before `ends`, every `steps`-th (1), backwards where
// a step is negative. Negative starts and ends count from behind, and what is outside is as far as there are elements.
import CNNCore

final class SliceOperator<T: Element>: MovingOperator<T> {
  private let starts: [Int], ends: [Int]
  private let axes: [Int], steps: [Int]

  init(_ attributes: Attributes) throws(CNNError) {
    guard let starts = try attributes.integers("starts", orInput: 1) else {
      throw attributes.wrong("starts", "where each axis begins, got none")
    }
    guard let ends = try attributes.integers("ends", orInput: 2) else {
      throw attributes.wrong("ends", "where each axis ends, got none")
    }
    self.starts = starts
    self.ends = ends
    axes = try attributes.integers("axes", orInput: 3) ?? Array(0..<starts.count)
    steps = try attributes.integers(input: 4, "steps") ?? starts.map { _ in 1 }
    for (name, list) in [("ends", ends), ("axes", axes), ("steps", steps)] as [(StaticString, [Int])] {
      guard list.count == starts.count else {
        throw attributes.wrong(name, "\(starts.count) integers, as many as starts, got \(list.count)")
      }
    }
    for step in steps where step == 0 { throw attributes.wrong("steps", "none that is 0") }
    super.init(try Signature(attributes, inputs: ["data", "starts", "ends", "axes", "steps"], required: 1))
  }

  private func part(_ x: Shape) throws(CNNError) -> StridedView {
    var view = StridedView(x)
    for (i, axis) in try resolve(axes: axes, rank: x.rank, "axes").enumerated() {
      let n = x[axis], step = max(steps[i], -Int.max)
      // Before the first element a slice that goes backwards can end, but not begin.
      let last = step > 0 ? n : n - 1, least = step > 0 ? 0 : -1
      let start = min(max(starts[i] < 0 ? starts[i] + n : starts[i], 0), last)
      let end = min(max(ends[i] < 0 ? ends[i] + n : ends[i], least), last)
      let distance = step > 0 ? end - start : start - end
      view = view.part(axis, first: start, step: step, count: distance <= 0 ? 0 : (distance - 1) / abs(step) + 1)
    }
    return view
  }
  override func imageRule(_ inputs: [Shape]) -> ImageRule {
    axes.contains { $0 == 0 || $0 == -inputs[0].rank } ? .together : .first
  }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    [try Shape("output", extents: part(inputs[0]).axes.map { $0.extent })]
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.anyInput(0), y = try arrays.anyOutput()
    try StridedWalk.move(x, part(x.shape), to: y, StridedView(y.shape))
  }

  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    let gradY = try arrays.gradOutput()
    zero(gradX.data, gradX.shape.count)
    try StridedWalk.copy(gradY.data, StridedView(gradY.shape), to: gradX.data, part(gradX.shape))
  }
}
