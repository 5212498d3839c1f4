// ReduceL1, ReduceL2, ReduceLogSum, ReduceLogSumExp, ReduceMin, ReduceProd and ReduceSumSquare over the axes that `axes` names, or over all. Of
// integers those that stay integers.
import CNNCore
import Microkernels

final class ReductionOperator<T: Element>: Operator<T> {
  private let reduction: Reduction, kind: ReductionKind

  private init(_ attributes: Attributes, _ kind: ReductionKind) throws(CNNError) {
    reduction = try Reduction(attributes)
    self.kind = kind
    super.init(try Reduction.signature(attributes))
  }
  static func l1(_ attributes: Attributes) throws(CNNError) -> Operator<T> { try ReductionOperator(attributes, .l1) }
  static func l2(_ attributes: Attributes) throws(CNNError) -> Operator<T> { try ReductionOperator(attributes, .l2) }
  static func logSum(_ attributes: Attributes) throws(CNNError) -> Operator<T> { try ReductionOperator(attributes, .logSum) }
  static func logSumExp(_ attributes: Attributes) throws(CNNError) -> Operator<T> {
    try ReductionOperator(attributes, .logSumExp)
  }
  static func least(_ attributes: Attributes) throws(CNNError) -> Operator<T> { try ReductionOperator(attributes, .least) }
  static func product(_ attributes: Attributes) throws(CNNError) -> Operator<T> { try ReductionOperator(attributes, .product) }
  static func sumSquare(_ attributes: Attributes) throws(CNNError) -> Operator<T> {
    try ReductionOperator(attributes, .sumSquare)
  }

  override func imageRule(_ inputs: [Shape]) -> ImageRule { reduction.imageRule(inputs[0]) }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [try reduction.outputShape(inputs[0])] }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    guard let type = inputs[0], type != T.elementType else { return [T.elementType] }
    guard kind.ofIntegers, type.isInteger || kind == .least else { throw wrongType(0, "\(T.elementType.description)", type) }
    return [type]
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.anyInput(0)
    if x.type != T.elementType { return try reduceIntegers(x, reduction.result(x.shape), arrays.anyOutput(), kind) }
    try reduce(arrays.input(0), reduction.result(x.shape), arrays.output(), kind)
  }

  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [0] }
  override var backwardReadsOutputs: [Int] { [0] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    let x = try arrays.input(0), view = try reduction.result(x.shape), all = StridedView(x.shape)
    // Of each element its result, and the gradient of that.
    let results = try Scratch<T>(x.shape.count)
    try StridedWalk.copy(arrays.output().data, view, to: results.data, all)
    try StridedWalk.copy(arrays.gradOutput().data, view, to: gradX.data, all)
    if kind == .product {
      try productSlopes(x, view, gradX)
    } else {
      try reductionSlopes(x, UnsafePointer(results.data), gradX, kind)
    }
  }
}

enum ReductionKind {
  case l1, l2, logSum, logSumExp, sumSquare, least, product, sum, mean, largest
  var ofIntegers: Bool { self != .l2 && self != .logSum && self != .logSumExp }
}

@_specialize(where T == Float) @_specialize(where T == Double)
private func reduce<T: Element>(
  _ x: Input<T>, _ view: StridedView, _ y: Output<T>, _ kind: ReductionKind
) throws(CNNError) {
  let all = StridedView(x.shape), count = y.shape.count
  switch kind {
  case .least, .product:
    y.data.update(repeating: kind == .product ? 1 : .infinity, count: count)
    let walk = StridedWalk(from: all, to: view), (a, b) = (walk.run.from, walk.run.to)
    try walk.forEachRun { from, to, count in
      for i in 0..<count {
        let value = x.data[from &+ i &* a], place = to &+ i &* b
        if kind == .product {
          y.data[place] *= value
        } else if value < y.data[place] || value.isNaN {
          y.data[place] = value
        }
      }
    }
  case .logSumExp:
    let largest = try Scratch<T>(count), terms = try Scratch<T>(x.shape.count)
    largest.data.update(repeating: -.infinity, count: count)
    let walk = StridedWalk(from: all, to: view), (a, b) = (walk.run.from, walk.run.to)
    let most = largest.data
    try walk.forEachRun { from, to, count in
      for i in 0..<count {
        let value = x.data[from &+ i &* a], place = to &+ i &* b
        if value > most[place] || value.isNaN { most[place] = value }
      }
    }
    // What is infinite has no difference to itself.
    for i in 0..<count where most[i].magnitude == .infinity { most[i] = 0 }
    try StridedWalk.copy(UnsafePointer(most), view, to: terms.data, all)
    let differences = terms.data
    try forEachPiece(x.shape.count) { start, count in
      for i in start..<start &+ count { differences[i] = exp(x.data[i] - differences[i]) }
    }
    zero(y.data, count)
    try StridedWalk.add(UnsafePointer(differences), all, to: y.data, view)
    for i in 0..<count { y.data[i] = log(y.data[i]) + most[i] }
  case .l1, .l2, .sumSquare, .logSum, .sum, .mean, .largest:
    let terms = try Scratch<T>(x.shape.count), mapped = terms.data
    try forEachPiece(x.shape.count) { start, count in
      switch kind {
      case .l1: for i in start..<start &+ count { mapped[i] = abs(x.data[i]) }
      case .logSum: for i in start..<start &+ count { mapped[i] = x.data[i] }
      default: for i in start..<start &+ count { mapped[i] = x.data[i] * x.data[i] }
      }
    }
    zero(y.data, count)
    try StridedWalk.add(UnsafePointer(mapped), all, to: y.data, view)
    for i in 0..<count where kind == .l2 || kind == .logSum {
      y.data[i] = kind == .l2 ? y.data[i].squareRoot() : log(y.data[i])
    }
  }
}

/// grad_x, which holds the gradient of each element's result, times the slope.
@_specialize(where T == Float) @_specialize(where T == Double)
private func reductionSlopes<T: Element>(
  _ x: Input<T>, _ y: UnsafePointer<T>, _ gradX: Output<T>, _ kind: ReductionKind
) throws(CNNError) {
  try forEachPiece(x.shape.count) { start, count in
    for i in start..<start &+ count {
      let value = x.data[i]
      switch kind {
      case .l1: gradX.data[i] *= value > 0 ? 1 : value < 0 ? -1 : 0
      case .l2: gradX.data[i] *= y[i] == 0 ? 0 : value / y[i]
      case .sumSquare: gradX.data[i] *= 2 * value
      case .logSum: gradX.data[i] /= exp(y[i])
      case .logSumExp: gradX.data[i] *= exp(value - y[i])
      default: gradX.data[i] *= value == y[i] ? 1 : 0
      }
    }
  }
}

/// grad_x times the product of the others: where one element is 0, that of all but it; where several are, 0.
@_specialize(where T == Float) @_specialize(where T == Double)
private func productSlopes<T: Element>(_ x: Input<T>, _ view: StridedView, _ gradX: Output<T>) throws(CNNError) {
  let count = view.axes.reduce(1) { $1.stride == 0 ? $0 : $0 * $1.extent }
  let products = try Scratch<T>(count), zeros = try Scratch<Int>(count), (others, missing) = (products.data, zeros.data)
  others.update(repeating: 1, count: count)
  zero(missing, count)
  let walk = StridedWalk(from: StridedView(x.shape), to: view), (a, b) = (walk.run.from, walk.run.to)
  try walk.forEachRun { from, to, count in
    for i in 0..<count {
      let value = x.data[from &+ i &* a], place = to &+ i &* b
      if value == 0 { missing[place] += 1 } else { others[place] *= value }
    }
  }
  try walk.forEachRun { from, to, count in
    for i in 0..<count {
      let element = from &+ i &* a, place = to &+ i &* b, value = x.data[element]
      gradX.data[element] *=
        value == 0 ? (missing[place] == 1 ? others[place] : 0) : missing[place] > 0 ? 0 : others[place] / value
    }
  }
}

/// In 64 bits, wrapping; a mean is cut off towards 0.
func reduceIntegers(_ x: AnyInput, _ view: StridedView, _ y: AnyOutput, _ kind: ReductionKind) throws(CNNError) {
  let wide = try Operand64(x, x.shape), sums = try Scratch<Int64>(y.shape.count), (from, to) = (wide.data, sums.data)
  let isUnsigned = x.type == .uint64
  let first: Int64 =
    switch kind {
    case .product: 1
    case .least: x.type == .bool ? 1 : isUnsigned ? -1 : .max
    case .largest: x.type == .bool || isUnsigned ? 0 : .min
    default: 0
    }
  to.update(repeating: first, count: y.shape.count)
  func isLess(_ a: Int64, _ b: Int64) -> Bool { isUnsigned ? UInt64(bitPattern: a) < UInt64(bitPattern: b) : a < b }
  let walk = StridedWalk(from: StridedView(x.shape), to: view), (a, b) = (walk.run.from, walk.run.to)
  try walk.forEachRun { start, end, count in
    for i in 0..<count {
      let value = from[start &+ i &* a], place = end &+ i &* b
      switch kind {
      case .product: to[place] = to[place] &* value
      case .least: if isLess(value, to[place]) { to[place] = value }
      case .largest: if isLess(to[place], value) { to[place] = value }
      case .l1: to[place] = to[place] &+ (value < 0 && !isUnsigned ? 0 &- value : value)
      case .sumSquare: to[place] = to[place] &+ value &* value
      default: to[place] = to[place] &+ value
      }
    }
  }
  if kind == .mean {
    let n = Int64(x.shape.count / max(1, y.shape.count))
    for i in 0..<y.shape.count { to[i] = n == 0 ? 0 : to[i] / n }
  }
  Wide.store(UnsafePointer(to), y, 0, y.shape.count)
}
