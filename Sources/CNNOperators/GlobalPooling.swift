// Pooling over whole images: y[N][C] of x[N][C][area], with any number of axes of pixels.
import CNNCore
import Microkernels

enum GlobalPooling {
  /// [N][C][1][1] of [N][C][H][W], and so for other numbers of axes.
  static func outputShape(_ x: Shape) throws(CNNError) -> Shape {
    guard x.rank >= 3 && area(x) > 0 else {
      throw .shape("x: wanted [N][C][...] with at least one pixel, got shape \(x.description)")
    }
    return try Shape("y", rank: x.rank) { $0 < 2 ? x[$0] : 1 }
  }
  private static func area(_ x: Shape) -> Int {
    var product = 1
    for axis in 2..<max(x.rank, 2) { product *= x[axis] }
    return product
  }
  private static func forEachChannel(_ x: Shape, _ body: (_ channel: Int) -> Void) throws(CNNError) {
    let channels = x[0] &* x[1]
    parallel(channels, width: try parallelWidth(channels, .elements(x.count))) { channel, _ in body(channel) }
  }

  @_specialize(where T == Float) @_specialize(where T == Double)
  static func averageForward<T: Element>(_ x: Input<T>, _ y: Output<T>) throws(CNNError) {
    let area = area(x.shape)
    try forEachChannel(x.shape) { y.data[$0] = T.kernels.sum(x.data + $0 &* area, area) / T(area) }
  }
  @_specialize(where T == Float) @_specialize(where T == Double)
  static func averageBackward<T: Element>(_ gradY: Input<T>, _ gradX: Output<T>) throws(CNNError) {
    let area = area(gradX.shape)
    try forEachChannel(gradX.shape) {
      (gradX.data + $0 &* area).update(repeating: gradY.data[$0] / T(area), count: area)
    }
  }

  /// winners: where each maximum is among its pixels, the first of equals; a NaN wins.
  @_specialize(where T == Float) @_specialize(where T == Double)
  static func maxForward<T: Element>(_ x: Input<T>, _ y: Output<T>, winners: Output<Int32>?) throws(CNNError) {
    let area = area(x.shape)
    guard area <= Int(Int32.max) else { throw .shape("x: wanted fewer than 2^31 pixels, got shape \(x.shape.description)") }
    try forEachChannel(x.shape) { channel in
      let from = x.data + channel &* area
      var best = 0
      for i in 1..<max(area, 1) where !(from[i] <= from[best]) && from[best] == from[best] { best = i }
      y.data[channel] = from[best]
      winners?.data[channel] = Int32(truncatingIfNeeded: best)
    }
  }
  @_specialize(where T == Float) @_specialize(where T == Double)
  static func maxBackward<T: Element>(_ winners: Input<Int32>, _ gradY: Input<T>, _ gradX: Output<T>) throws(CNNError) {
    let area = area(gradX.shape)
    try forEachChannel(gradX.shape) { channel in
      zero(gradX.data + channel &* area, area)
      gradX.data[channel &* area &+ Int(winners.data[channel])] = gradY.data[channel]
    }
  }
}
