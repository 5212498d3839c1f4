// ScatterElements (once Scatter) and ScatterND: x, with the elements or parts that `indices` names replaced by `updates`, or, as `reduction` says,
// the sum, product, largest or least of both; of indices that come several times, in their order.
import CNNCore

final class ScatterOperator<T: Element>: Operator<T> {
  private enum Reduction { case none, sum, product, largest, least }
  private let reduction: Reduction
  /// nil: of parts.
  private let axis: Int?

  private init(_ attributes: Attributes, axis: Int?) throws(CNNError) {
    let name = try attributes.string("reduction", default: "none")
    let all: [(StaticString, Reduction)] = [
      ("none", .none), ("add", .sum), ("mul", .product), ("max", .largest), ("min", .least),
    ]
    guard let chosen = all.first(where: { name.is($0.0) }) else {
      throw attributes.wrong("reduction", "none, add, mul, max or min, got \(name)")
    }
    (reduction, self.axis) = (chosen.1, axis)
    super.init(try Signature(attributes, inputs: ["data", "indices", "updates"]))
  }
  static func elements(_ attributes: Attributes) throws(CNNError) -> Operator<T> {
    try ScatterOperator(attributes, axis: attributes.int("axis", default: 0))
  }
  static func parts(_ attributes: Attributes) throws(CNNError) -> Operator<T> { try ScatterOperator(attributes, axis: nil) }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let (x, indices, updates) = (inputs[0], inputs[1], inputs[2]), wanted: Shape
    if let axis {
      try wantWithin(indices, x, axis: axis)
      wanted = indices
    } else {
      let depth = try PartPlaces.Layout(x, indices, batchAxes: 0).depth
      wanted = try Shape("updates", extents: indices.extents.dropLast() + x.extents[depth...])
    }
    guard updates == wanted else {
      throw .shape("updates: wanted shape \(wanted.description), got \(updates.description)")
    }
    return [x]
  }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    try wantIndices(1, inputs)
    let type = inputs[0] ?? T.elementType
    if let updates = inputs[2], updates != type { throw wrongType(2, "\(type.description)", updates) }
    if type == .bool && reduction != .none { throw wrongType(0, "numbers or integers", type) }
    return [type]
  }

  /// Calls body(first of the updates, first element in x, how many), in order.
  private func forEach(_ indices: AnyInput, _ x: Shape, _ body: (Int, Int, Int) -> Void) throws(CNNError) {
    if let axis { return try ElementPlaces(indices, of: x, axis: axis).forEach { body($0, $1, 1) } }
    let parts = try PartPlaces(indices, of: x), count = parts.count
    parts.forEach { body($0 &* count, $1, count) }
  }

  override var mayOverwriteInputs: [Int] { [0] }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.anyInput(0), indices = try arrays.anyInput(1), updates = try arrays.anyInput(2),
      y = try arrays.anyOutput()
    // Checked before anything is written.
    try forEach(indices, x.shape) { _, _, _ in }
    if x.data != UnsafeRawPointer(y.data) { copyBytes(x.data, to: y.data, x.bytes) }
    let size = x.type.stride
    if reduction == .none {
      return try forEach(indices, x.shape) { from, to, count in
        copyBytes(updates.data + from &* size, to: y.data + to &* size, count &* size)
      }
    }
    if x.type == T.elementType {
      let u: Input<T> = updates.bound(), y: Output<T> = y.bound()
      return try forEach(indices, x.shape) { from, to, count in
        for i in 0..<count {
          y.data[to &+ i] = reduced(y.data[to &+ i], u.data[from &+ i]) {
            $0 + $1
          } _: {
            $0 * $1
          }
        }
      }
    }
    let wide = try Operand64(y.input, y.shape), whole = try Scratch<Int64>(y.shape.count), all = whole.data
    copy(wide.data, to: all, y.shape.count)
    let values = try Operand64(updates, updates.shape), u = values.data
    try forEach(indices, x.shape) { from, to, count in
      for i in 0..<count {
        all[to &+ i] = reduced(all[to &+ i], u[from &+ i]) {
          $0 &+ $1
        } _: {
          $0 &* $1
        }
      }
    }
    Wide.store(UnsafePointer(all), y, 0, y.shape.count)
  }
  private func reduced<U: Comparable>(_ a: U, _ b: U, _ sum: (U, U) -> U, _ product: (U, U) -> U) -> U {
    switch reduction {
    case .none: b
    case .sum: sum(a, b)
    case .product: product(a, b)
    case .largest: a < b ? b : a
    case .least: b < a ? b : a
    }
  }

  override var hasBackward: Bool { reduction == .none || reduction == .sum }
  override var backwardReadsInputs: [Int] { [1] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let gradY = try arrays.gradOutput(), indices = try arrays.anyInput(1)
    if let gradX = try arrays.gradInput(0) {
      copy(gradY.data, to: gradX.data, gradY.shape.count)
      if reduction == .none {
        try forEach(indices, gradY.shape) { _, to, count in zero(gradX.data + to, count) }
      }
    }
    if let grad = try arrays.gradInput(2) {
      try forEach(indices, gradY.shape) { from, to, count in copy(gradY.data + to, to: grad.data + from, count) }
    }
  }
}
