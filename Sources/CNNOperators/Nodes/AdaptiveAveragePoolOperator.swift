// AdaptiveAveragePool (not an operator of ONNX; PyTorch's AdaptiveAvgPool): y[N][C][output_size] of x[N][C][...], any number of axes of
// pixels. Element o of an axis of m is the mean of the elements floor(o * n / m) ..< ceil((o + 1) * n / m) of n.
import CNNCore

/// The windows of pooling to a given size.
struct AdaptiveWindows {
  private let outputSize: [Int]

  init(_ attributes: Attributes) throws(CNNError) {
    guard let outputSize = try attributes.ints("output_size") else {
      throw attributes.wrong("output_size", "the extents of the result, got none")
    }
    for extent in outputSize where extent < 1 || extent > 1 << 30 {
      throw attributes.wrong("output_size", "extents from 1 to 2^30, got \(extent)")
    }
    self.outputSize = outputSize
  }

  func outputShape(_ x: Shape) throws(CNNError) -> Shape {
    guard x.rank == outputSize.count + 2 && x.rank > 2 else {
      throw .shape("x: wanted [N][C] and \(outputSize.count) axes of pixels, as output_size, got shape \(x.description)")
    }
    for axis in 2..<x.rank where x[axis] == 0 { throw .shape("x: wanted pixels, got shape \(x.description)") }
    return try Shape("y", rank: x.rank) { $0 < 2 ? x[$0] : outputSize[$0 - 2] }
  }

  static func window(_ o: Int, of m: Int, over n: Int) -> Range<Int> { o * n / m..<((o + 1) * n + m - 1) / m }
}

final class AdaptiveAveragePoolOperator<T: Element>: Operator<T> {
  private let windows: AdaptiveWindows

  init(_ attributes: Attributes) throws(CNNError) {
    windows = try AdaptiveWindows(attributes)
    super.init(try Signature(attributes, inputs: ["x"]))
  }

  private func resampling(_ x: Shape, _ y: Shape) -> Resampling<T> {
    Resampling(
      axes: (0..<x.rank).map { i in
        if x[i] == y[i] { return nil }
        var axis = ResampledAxis<T>(from: x[i])
        for o in 0..<y[i] {
          let window = AdaptiveWindows.window(o, of: y[i], over: x[i])
          axis.append(window.lowerBound, [T](repeating: 1 / T(window.count), count: window.count))
        }
        return axis
      })
  }
  override func imageRule(_ inputs: [Shape]) -> ImageRule { .first }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [try windows.outputShape(inputs[0])] }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), y = try arrays.output()
    try resampling(x.shape, y.shape).apply(x, y)
  }

  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    let gradY = try arrays.gradOutput()
    try resampling(gradX.shape, gradY.shape).transposed.apply(gradY, gradX)
  }
}
