// NegativeLogLikelihoodLoss of logarithms of probabilities x[N][K][…], and SoftmaxCrossEntropyLoss of scores: as nodes of a graph, of classes
// target[N][…]. (What a network is trained with is in Loss.)
import CNNCore

final class ClassLossOperator<T: Element>: Operator<T> {
  private enum Reduction { case none, sum, mean }
  private let reduction: Reduction
  private let ignored: Int?
  private let takesScores: Bool

  init(_ attributes: Attributes) throws(CNNError) {
    let name = try attributes.string("reduction", default: "mean")
    guard name.is("none") || name.is("sum") || name.is("mean") else {
      throw attributes.wrong("reduction", "none, sum or mean, got \(name)")
    }
    reduction = name.is("none") ? .none : name.is("sum") ? .sum : .mean
    ignored = attributes.has("ignore_index") ? try attributes.int("ignore_index", default: 0) : nil
    takesScores = attributes.owner.is("SoftmaxCrossEntropyLoss")
    super.init(
      try Signature(
        attributes, inputs: [takesScores ? "scores" : "input", takesScores ? "labels" : "target", "weight"], required: 2,
        outputs: takesScores ? 2 : 1))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let x = inputs[0], target = inputs[1]
    guard x.rank >= 2 else { throw .shape("\(signature.inputs[0]): wanted [N][K][…], got shape \(x.description)") }
    let wanted = try Shape("target", rank: x.rank - 1) { $0 == 0 ? x[0] : x[$0 + 1] }
    guard target == wanted else {
      throw .shape("\(signature.inputs[1]): wanted shape \(wanted.description), got \(target.description)")
    }
    if inputs.count > 2, inputs[2].rank > 0, inputs[2] != (try Shape("weight", x[1])) {
      throw .shape("weight: wanted [\(x[1])], got shape \(inputs[2].description)")
    }
    return [reduction == .none ? wanted : try Shape("loss"), x]
  }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    try wantIndices(1, inputs)
    for i in [0, 2] where i < inputs.count {
      if let type = inputs[i], type != T.elementType { throw wrongType(i, "\(T.elementType.description)", type) }
    }
    return [ElementType](repeating: T.elementType, count: signature.outputs)
  }

  private struct Row { let number: Int, place: Int, weight: T }
  /// Of each row its number, the place of its class in x, and its weight; rows that are ignored are left out. To be asked for before
  /// anything is written: a class may be refused.
  private func rows(_ x: Shape, _ target: AnyInput, _ weight: Input<T>?) throws(CNNError) -> [Row] {
    var list: [Row] = []
    let classes = try Scratch<Int64>(target.shape.count), rows = AxisRows(x, axis: 1)
    Wide.load(target, 0, target.shape.count, classes.data)
    for row in 0..<target.shape.count {
      let k = Int(classes.data[row])
      if k == ignored { continue }
      guard k >= 0 && k < rows.K else { throw .argument("\(target.name): wanted classes from 0 to \(rows.K - 1), got \(k)") }
      let place = (row / rows.inner * rows.K + k) * rows.inner + row % rows.inner
      list.append(Row(number: row, place: place, weight: weight.map { $0.data[k] } ?? 1))
    }
    return list
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), y = try arrays.output(), weight = try arrays.optionalInput(2)
    let rows = try rows(x.shape, arrays.anyInput(1), weight)
    let own = try Scratch<T>(takesScores && signature.outputs < 2 ? x.shape.count : 0)
    var logarithms = x.data
    if takesScores {
      let to = signature.outputs > 1 ? try arrays.output(1).data : own.data
      try AxisRows(x.shape, axis: 1).softmax(x.data, to, isLogarithm: true)
      logarithms = UnsafePointer(to)
    }
    zero(y.data, y.shape.count)
    var (sum, total): (T, T) = (0, 0)
    for row in rows {
      let loss = -row.weight * logarithms[row.place]
      if reduction == .none { y.data[row.number] = loss }
      sum += loss
      total += row.weight
    }
    if reduction == .sum { y.data[0] = sum }
    if reduction == .mean { y.data[0] = sum / total }
  }

  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [0, 1, 2] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    let x = try arrays.input(0), gradY = try arrays.gradOutput(), axis = AxisRows(x.shape, axis: 1)
    let rows = try rows(x.shape, arrays.anyInput(1), arrays.optionalInput(2))
    let total = rows.reduce(T(0)) { $0 + $1.weight }
    let slopes = try Scratch<T>(x.shape.count), onX = slopes.data
    zero(onX, x.shape.count)
    if takesScores && signature.outputs > 1 { copy(try arrays.gradOutput(1).data, to: onX, x.shape.count) }
    for row in rows {
      let slope = reduction == .none ? gradY.data[row.number] : reduction == .sum ? gradY.data[0] : gradY.data[0] / total
      onX[row.place] -= row.weight * slope
    }
    guard takesScores else { return copy(UnsafePointer(onX), to: gradX.data, x.shape.count) }
    let logarithms = try Scratch<T>(x.shape.count)
    try axis.softmax(x.data, logarithms.data, isLogarithm: true)
    try axis.softmaxBackward(UnsafePointer(logarithms.data), UnsafePointer(onX), gradX.data, isLogarithm: true)
  }
}
