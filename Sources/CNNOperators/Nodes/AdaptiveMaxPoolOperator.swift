// AdaptiveMaxPool (not an operator of ONNX; PyTorch's AdaptiveMaxPool): y[N][C][output_size] of x[N][C][H][W] or x[N][C][W], the largest of
// the windows of AdaptiveAveragePool: of equals the first, to which the gradient goes; NaN wins.
import CNNCore

final class AdaptiveMaxPoolOperator<T: Element>: Operator<T> {
  private let windows: AdaptiveWindows

  init(_ attributes: Attributes) throws(CNNError) {
    windows = try AdaptiveWindows(attributes)
    super.init(try Signature(attributes, inputs: ["x"]))
  }

  override func imageRule(_ inputs: [Shape]) -> ImageRule { signature.outputs == 1 ? .first : .together }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let x = try SpatialAttributes.planar(inputs[0], "x")
    guard x.count <= Int(Int32.max) else {
      throw CNNError(.unsupported, "x: wanted fewer than 2^31 elements, got shape \(x.description)")
    }
    return [try windows.outputShape(inputs[0])]
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    try adaptiveMaximum(
      SpatialAttributes.planar(arrays.input(0)), SpatialAttributes.planar(arrays.output()),
      winners: arrays.mode == .train ? arrays.kept(0) : nil)
  }

  /// Where in its channel each maximum is.
  override func kept(_ inputs: [Shape], _ outputs: [Shape]) throws(CNNError) -> [Kept] { [Kept(outputs[0], .int32)] }
  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    let winners: Output<Int32> = try arrays.kept(0)
    try addToWinners(winners.input, arrays.gradOutput(), gradX)
  }
}

@_specialize(where T == Float) @_specialize(where T == Double)
private func adaptiveMaximum<T: Element>(_ x: Input<T>, _ y: Output<T>, winners: Output<Int32>?) throws(CNNError) {
  let (H, W, OH, OW) = (x.shape[2], x.shape[3], y.shape[2], y.shape[3]), channels = x.shape[0] &* x.shape[1]
  let rows = (0..<OH).map { AdaptiveWindows.window($0, of: OH, over: H) }
  let columns = (0..<OW).map { AdaptiveWindows.window($0, of: OW, over: W) }
  parallel(channels, width: try parallelWidth(channels, .elements(x.shape.count, 4))) { channel, _ in
    let x = x.data + channel &* H &* W
    var to = channel &* OH &* OW
    for window in rows {
      for span in columns {
        var winner = window.lowerBound &* W &+ span.lowerBound, best = x[winner]
        for h in window {
          for w in span {
            let value = x[h &* W &+ w]
            if value > best || (value.isNaN && !best.isNaN) { (winner, best) = (h &* W &+ w, value) }
          }
        }
        y.data[to] = best
        winners?.data[to] = Int32(truncatingIfNeeded: winner)
        to &+= 1
      }
    }
  }
}

@_specialize(where T == Float) @_specialize(where T == Double)
private func addToWinners<T: Element>(_ winners: Input<Int32>, _ gradY: Input<T>, _ gradX: Output<T>) throws(CNNError) {
  let channels = gradX.shape[0] &* gradX.shape[1]
  if channels == 0 { return }
  let area = gradX.shape.count / channels, pixels = gradY.shape.count / channels
  parallel(channels, width: try parallelWidth(channels, .elements(gradX.shape.count, 2))) { channel, _ in
    let to = gradX.data + channel &* area, first = channel &* pixels
    zero(to, area)
    for i in first..<first &+ pixels { to[Int(winners.data[i])] += gradY.data[i] }
  }
}
