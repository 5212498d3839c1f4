// DeformConv: a convolution whose cells lie where `offset` moves them to, between pixels, and count as `mask` says (Dai et al. 2017, Zhu et al. 2018).
// x[N][C][H][W], w[K][C/group][KH][KW], offset[N][offset_group * KH * KW * 2][OH][OW], b[K], mask[N][offset_group * KH * KW][OH][OW].
import CNNCore
import Microkernels

final class DeformConvOperator<T: Element>: Operator<T> {
  private let spatial: SpatialAttributes
  private let group: Int, offsetGroups: Int

  init(_ attributes: Attributes) throws(CNNError) {
    spatial = try SpatialAttributes(attributes)
    group = try attributes.int("group", default: 1)
    offsetGroups = try attributes.int("offset_group", default: 1)
    guard group >= 1 && offsetGroups >= 1 else { throw attributes.wrong("group, offset_group", "1 or more") }
    super.init(try Signature(attributes, inputs: ["X", "W", "offset", "B", "mask"], required: 3))
  }

  private func window(_ x: Shape, _ w: Shape) throws(CNNError) -> Window { try spatial.window(over: x, kernel: [w[2], w[3]]) }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let (x, w) = (inputs[0], inputs[1])
    guard x.rank == 4 && w.rank == 4 else { throw .shape("X: wanted [N][C][H][W] and W[K][C][KH][KW], got \(x.description)") }
    guard x[1] % group == 0, w[0] % group == 0, w[1] == x[1] / group, x[1] % offsetGroups == 0 else {
      throw .shape("W: shape \(w.description) does not fit X of shape \(x.description) in \(group) groups")
    }
    let y = try window(x, w).outputShape(x, channels: w[0]), taps = w[2] * w[3]
    let cells = [
      try Shape("offset", x[0], 2 * taps * offsetGroups, y[2], y[3]), try Shape("mask", x[0], taps * offsetGroups, y[2], y[3]),
    ]
    guard inputs[2] == cells[0] else { throw .shape("offset: wanted \(cells[0].description), got \(inputs[2].description)") }
    if inputs.count > 3, inputs[3].rank > 0, inputs[3] != (try Shape("B", w[0])) {
      throw .shape("B: wanted [\(w[0])], got \(inputs[3].description)")
    }
    if inputs.count > 4, inputs[4].rank > 0, inputs[4] != cells[1] {
      throw .shape("mask: wanted \(cells[1].description), got \(inputs[4].description)")
    }
    return [y]
  }

  /// Columns of moved cells, col[C * KH * KW][OH * OW], image by image, times the weights of each group.
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), w = try arrays.input(1), offset = try arrays.input(2), y = try arrays.output()
    let bias = try arrays.optionalInput(3), mask = try arrays.optionalInput(4), window = try window(x.shape, w.shape)
    let pixels = y.shape[2] * y.shape[3], rows = x.shape[1] * window.taps, scratch = try Scratch<T>(rows * pixels)
    let (K, depth) = (w.shape[0] / group, rows / group)
    for n in 0..<x.shape[0] {
      try fill(scratch.data, x, n, offset, mask, window, y.shape)
      for g in 0..<group {
        let to = y.data + (n * w.shape[0] + g * K) * pixels
        try matrixProduct(
          K, pixels, depth, MatrixView(data: w.data + g * K * depth, rowStep: depth, columnStep: 1),
          MatrixView(data: UnsafePointer(scratch.data) + g * depth * pixels, rowStep: pixels, columnStep: 1), bias: nil, to)
        if let bias {
          for k in 0..<K { T.kernels.scaleShift(to + k * pixels, 1, bias.data[g * K + k], to + k * pixels, pixels) }
        }
      }
    }
  }
  private func fill(
    _ col: UnsafeMutablePointer<T>, _ x: Input<T>, _ n: Int, _ offset: Input<T>, _ mask: Input<T>?, _ window: Window, _ y: Shape
  ) throws(CNNError) {
    let (C, H, W, pixels) = (x.shape[1], x.shape[2], x.shape[3], y[2] * y[3]), taps = window.taps, groups = offsetGroups
    parallel(C, width: try parallelWidth(C, .elements(C * taps, pixels, 8))) { c, _ in
      let plane = x.data + (n &* C &+ c) &* H &* W
      for tap in 0..<taps {
        let channel = (n &* groups &+ c / (C / groups)) &* taps &+ tap
        let moves = offset.data + 2 &* channel &* pixels, weights = mask.map { $0.data + channel &* pixels }
        for i in 0..<pixels {
          let h = T(i / y[3] &* window.strides[0] &- window.pads[0] &+ tap / window.kernel[1] &* window.dilations[0]) + moves[i]
          let v =
            T(i % y[3] &* window.strides[1] &- window.pads[1] &+ tap % window.kernel[1] &* window.dilations[1])
            + moves[pixels &+ i]
          let value = between(plane, H, W, h, v)
          col[(c &* taps &+ tap) &* pixels &+ i] = weights.map { $0[i] * value } ?? value
        }
      }
    }
  }
  /// The bilinear mean of the four pixels around; 0 outside.
  @inline(__always) private func between(_ x: UnsafePointer<T>, _ H: Int, _ W: Int, _ h: T, _ v: T) -> T {
    guard h > -1 && h < T(H) && v > -1 && v < T(W) else { return 0 }
    let (top, left) = (Int(h.rounded(.down)), Int(v.rounded(.down))), (s, t) = (h - T(top), v - T(left))
    func pixel(_ i: Int, _ j: Int) -> T { i >= 0 && i < H && j >= 0 && j < W ? x[i &* W &+ j] : 0 }
    return (1 - s) * ((1 - t) * pixel(top, left) + t * pixel(top, left + 1))
      + s * ((1 - t) * pixel(top + 1, left) + t * pixel(top + 1, left + 1))
  }
}
