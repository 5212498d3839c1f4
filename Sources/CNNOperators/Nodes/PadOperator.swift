// Pad: x with a border of so many elements before and after each axis; a negative number takes them away. `mode` says what the border
// is: constant, reflect (mirrored at the first and last element), edge (they are repeated), or wrap (x again).
import CNNCore

final class PadOperator<T: Element>: MovingOperator<T> {
  private enum Filling { case constant, reflect, edge, wrap }
  private let filling: Filling
  private let pads: [Int], axes: [Int]?
  private let value: Double

  init(_ attributes: Attributes) throws(CNNError) {
    let mode = try attributes.string("mode", default: "constant")
    if mode.is("constant") {
      filling = .constant
    } else if mode.is("reflect") {
      filling = .reflect
    } else if mode.is("edge") {
      filling = .edge
    } else if mode.is("wrap") {
      filling = .wrap
    } else {
      throw attributes.wrong("mode", "constant, reflect, edge or wrap, got \(mode)")
    }
    guard let pads = try attributes.integers("pads", orInput: 1) else {
      throw attributes.wrong("pads", "the elements before and after each axis, got none")
    }
    for pad in pads where pad < -(1 << 30) || pad > 1 << 30 { throw attributes.wrong("pads", "-2^30 to 2^30, got \(pad)") }
    self.pads = pads
    axes = try attributes.integers(input: 3, "axes")
    let attribute = try attributes.float("value", default: 0), input = try attributes.numbers(input: 2, "constant_value")
    value = input?.first ?? attribute
    super.init(try Signature(attributes, inputs: ["data", "pads", "constant_value", "axes"], required: 1))
  }

  /// Elements of the result that are elements of x: `count` from `place` on are x's from `first` on, `step` apart.
  private struct Segment { var place: Int, first: Int, step: Int, count: Int }

  /// What the result consists of along an axis of n elements, the border of a constant left out.
  private func segments(_ n: Int, before: Int, after: Int) -> [Segment] {
    if filling == .constant || (before <= 0 && after <= 0) {
      let skipped = max(0, -before), count = max(0, n - skipped - max(0, -after))
      return [Segment(place: max(0, before), first: skipped, step: 1, count: count)]
    }
    var list: [Segment] = [], last = 0
    for place in 0..<n + before + after {
      let i = source(of: place - before, n)
      if place > 0, list[list.count - 1].count == 1 { list[list.count - 1].step = i - last }
      if place > 0, i - last == list[list.count - 1].step {
        list[list.count - 1].count += 1
      } else {
        list.append(Segment(place: place, first: i, step: 0, count: 1))
      }
      last = i
    }
    return list
  }

  /// The element that is at place i, before the first and behind the last of n too.
  private func source(of i: Int, _ n: Int) -> Int {
    switch filling {
    case .constant, .edge: return min(max(i, 0), n - 1)
    case .wrap: return (i % n + n) % n
    case .reflect:
      let period = max(1, 2 * (n - 1)), phase = (i % period + period) % period
      return min(phase, period - phase) % n
    }
  }

  /// The elements before and after each axis of x.
  private func border(_ x: Shape) throws(CNNError) -> [(before: Int, after: Int)] {
    var border = [(before: Int, after: Int)](repeating: (0, 0), count: x.rank)
    let axes = try resolve(axes: axes ?? Array(0..<x.rank), rank: x.rank, "axes")
    guard pads.count == 2 * axes.count else {
      throw .argument("pads: wanted \(2 * axes.count) integers for \(axes.count) axes, got \(pads.count)")
    }
    for (i, axis) in axes.enumerated() { border[axis] = (pads[i], pads[i + axes.count]) }
    return border
  }
  override func imageRule(_ inputs: [Shape]) -> ImageRule {
    (try? border(inputs[0]).first).map { $0 == (0, 0) } == true ? .first : .together
  }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let x = inputs[0], border = try border(x)
    for axis in 0..<x.rank {
      let (before, after) = border[axis], n = x[axis]
      guard n + before + after >= 0 else {
        throw .shape("pads: \(before) and \(after) take away more than axis \(axis) has, \(n)")
      }
      guard n > 0 || filling == .constant || max(before, after) <= 0 else {
        throw .shape("pads: axis \(axis) has no element to make a border of")
      }
    }
    return [try Shape("output", rank: x.rank) { x[$0] + border[$0].before + border[$0].after }]
  }

  /// Calls body(a part of x, where it is in y) for every combination of the axes' segments.
  private func forEachPart(
    _ x: Shape, _ y: Shape, _ body: (StridedView, StridedView) throws(CNNError) -> Void
  ) throws(CNNError) {
    let axes = try border(x).enumerated().map { axis, border in segments(x[axis], before: border.before, after: border.after) }
    func descend(_ axis: Int, _ from: StridedView, _ to: StridedView) throws(CNNError) {
      if axis == axes.count { return try body(from, to) }
      for s in axes[axis] {
        try descend(
          axis + 1, from.part(axis, first: s.first, step: s.step, count: s.count),
          to.part(axis, first: s.place, count: s.count))
      }
    }
    try descend(0, StridedView(x), StridedView(y))
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.anyInput(0), y = try arrays.anyOutput()
    if filling == .constant { y.fill(value) }
    try forEachPart(x.shape, y.shape) { from, to throws(CNNError) in try StridedWalk.move(x, from, to: y, to) }
  }

  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    let gradY = try arrays.gradOutput()
    zero(gradX.data, gradX.shape.count)
    try forEachPart(gradX.shape, gradY.shape) { from, to throws(CNNError) in
      try StridedWalk.add(gradY.data, to, to: gradX.data, from)
    }
  }
}
