// CausalConvWithState: y[N][C][L] of x[N][C][L], weight[C][1][K] and bias[C]: each channel is convolved by a filter of its own that sees
// no later column. Before the first are the K - 1 of past_state[N][C][K-1], or zeros; the last K - 1 of all go out as present_state,
// for a call on what follows.
import CNNCore

final class CausalConvWithStateOperator<T: Element>: Operator<T> {
  private let swish: ActivationLoops<T>?

  init(_ attributes: Attributes) throws(CNNError) {
    let activation = try attributes.string("activation", default: "none")
    if activation.is("silu") || activation.is("swish") {
      swish = ActivationLoops(Swish(alpha: 1))
    } else if activation.is("none") {
      swish = nil
    } else {
      throw attributes.wrong("activation", "none, silu or swish, got \(activation)")
    }
    super.init(
      try Signature(attributes, inputs: ["input", "weight", "bias", "past_state"], required: 2, outputs: 2))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let (x, w) = (inputs[0], inputs[1])
    guard x.rank == 3 && x[2] >= 1 else { throw .shape("input: wanted [N][C][L], got shape \(x.description)") }
    guard w.rank == 3 && w[0] == x[1] && w[1] == 1 && w[2] >= 1 else {
      throw .shape("weight: wanted shape [\(x[1]), 1, K], got \(w.description)")
    }
    let state = try Shape("present_state", x[0], x[1], w[2] - 1)
    for (i, wanted) in [(2, try Shape("bias", x[1])), (3, state)] where i < inputs.count && inputs[i].rank > 0 {
      guard inputs[i] == wanted else {
        throw .shape("\(signature.inputs[i]): wanted shape \(wanted.description), got \(inputs[i].description)")
      }
    }
    return [x, state]
  }

  /// x behind its past, as images of one row; and how it is convolved.
  private struct Lines {
    let shape: Shape, weight: Shape, y: Shape
    let past: Int
    let convolution: Convolution
    init(_ x: Shape, _ w: Shape) throws(CNNError) {
      past = w[2] - 1
      shape = try Shape("input", x[0], x[1], 1, past + x[2])
      weight = try Shape("weight", w[0], 1, 1, w[2])
      y = try Shape("output", x[0], x[1], 1, x[2])
      convolution = try Convolution(strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: x[1])
    }
    /// The columns of x, those of its past, and the last.
    var own: StridedView { columns(from: past, y[3]) }
    var before: StridedView { columns(from: 0, past) }
    var last: StridedView { columns(from: y[3], past) }
    private func columns(from first: Int, _ count: Int) -> StridedView {
      StridedView([shape[0], shape[1], shape[3]]).part(2, first: first, count: count)
    }
  }
  private func gather(_ arrays: Arrays<T>, _ lines: Lines, _ to: UnsafeMutablePointer<T>) throws(CNNError) -> Input<T> {
    let x = try arrays.input(0)
    try StridedWalk.copy(x.data, StridedView(x.shape), to: to, lines.own)
    if let past = try arrays.optionalInput(3) {
      try StridedWalk.copy(past.data, StridedView(past.shape), to: to, lines.before)
    } else {
      for line in 0..<lines.shape[0] * lines.shape[1] { zero(to + line * lines.shape[3], lines.past) }
    }
    return Input("input", lines.shape, UnsafePointer(to))
  }
  private func weight(_ arrays: Arrays<T>, _ lines: Lines) throws(CNNError) -> Input<T> {
    Input("weight", lines.weight, try arrays.input(1).data)
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let lines = try Lines(arrays.inputShape(0), arrays.inputShape(1)), scratch = try Scratch<T>(lines.shape.count)
    let x = try gather(arrays, lines, scratch.data), y = Output("output", lines.y, try arrays.output().data)
    try lines.convolution.forward(x, weight(arrays, lines), arrays.optionalInput(2), y)
    try swish?.forward(y.input, y)
    if signature.outputs > 1 {
      let state = try arrays.output(1)
      try StridedWalk.copy(x.data, lines.last, to: state.data, StridedView(state.shape))
    }
  }

  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [0, 1, 2, 3] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let lines = try Lines(arrays.inputShape(0), arrays.inputShape(1)), scratch = try Scratch<T>(lines.shape.count)
    let x = try gather(arrays, lines, scratch.data), w = try weight(arrays, lines)
    var gradY = Input("grad_y", lines.y, try arrays.gradOutput().data)
    let inner = try Scratch<T>(swish == nil ? 0 : lines.y.count)
    if let swish {
      let result = Output("output", lines.y, inner.data)
      try lines.convolution.forward(x, w, arrays.optionalInput(2), result)
      try swish.backward(result.input, gradY, result)
      gradY = result.input
    }
    let gradX = try arrays.gradInput(0), gradPast = try arrays.gradInput(3)
    let slopes = try Scratch<T>(gradX == nil && gradPast == nil ? 0 : lines.shape.count)
    try lines.convolution.backward(
      x, w, gradY, gradX: gradX == nil && gradPast == nil ? nil : Output("grad_x", lines.shape, slopes.data),
      gradWeight: arrays.gradInput(1).map { Output("grad_w", lines.weight, $0.data) }, gradBias: arrays.gradInput(2))
    if gradX == nil && gradPast == nil { return }
    if signature.outputs > 1 {
      let gradState = try arrays.gradOutput(1)
      try StridedWalk.add(gradState.data, StridedView(gradState.shape), to: slopes.data, lines.last)
    }
    let from = UnsafePointer(slopes.data)
    if let gradX { try StridedWalk.copy(from, lines.own, to: gradX.data, StridedView(gradX.shape)) }
    if let gradPast { try StridedWalk.copy(from, lines.before, to: gradPast.data, StridedView(gradPast.shape)) }
  }
}
