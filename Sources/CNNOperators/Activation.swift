// Activations (ONNX Relu, Sigmoid, Tanh) and Dropout: element by element, any shape, in place if wanted.
package import CNNCore
import Microkernels

/// Elements are cut into runs of 64 Ki, by the shape alone.
private func forEachRun(_ count: Int, _ body: (_ start: Int, _ count: Int) -> Void) throws(CNNError) {
  let run = 1 << 16
  let runs = (count &+ run &- 1) / run
  parallel(runs, width: try parallelWidth(runs, .elements(count))) { i, _ in body(i &* run, min(run, count &- i &* run)) }
}

package enum Relu {
  /// y = max(x, 0); mask = 1 where x <= 0.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package static func forward<T: Element>(_ x: Input<T>, _ y: Output<T>, mask: Output<UInt8>?) throws(CNNError) {
    try y.wants(x.shape)
    try mask?.wants(x.shape)
    try y.mustNotOverlap(x, sameAllowed: true)
    try mask?.mustNotOverlap(x)
    try mask?.mustNotOverlap(y.input)
    try forEachRun(x.shape.count) { start, count in
      T.kernels.relu(x.data + start, y.data + start, mask.map { $0.data + start }, count)
    }
  }
  /// grad_x = grad_y where y = relu(x) is above 0, or NaN.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package static func backward<T: Element>(_ y: Input<T>, _ gradY: Input<T>, _ gradX: Output<T>) throws(CNNError) {
    try throughOutput(y, gradY, gradX, T.kernels.reluBackward)
  }
  /// The same by forward's mask: grad_y where it is 0.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package static func backward<T: Element>(
    mask: Input<UInt8>, _ gradY: Input<T>, _ gradX: Output<T>
  ) throws(CNNError) {
    try masked(mask, keep: 0, scale: 1, gradY, gradX)
  }
}

/// y, but not below low and not above high; NaN stays NaN.
@_specialize(where T == Float) @_specialize(where T == Double)
func limit<T: Element>(_ y: Output<T>, _ low: T, _ high: T) throws(CNNError) {
  try forEachRun(y.shape.count) { start, count in
    let y = y.data + start
    for i in 0..<count { y[i] = y[i] < low ? low : y[i] > high ? high : y[i] }
  }
}

private func masked<T: Element>(
  _ mask: Input<UInt8>, keep: UInt8, scale: T, _ x: Input<T>, _ y: Output<T>
) throws(CNNError) {
  try mask.wants(x.shape)
  try y.wants(x.shape)
  try y.mustNotOverlap(x, sameAllowed: true)
  try y.mustNotOverlap(mask)
  try forEachRun(x.shape.count) { T.kernels.maskedScale(x.data + $0, mask.data + $0, keep, scale, y.data + $0, $1) }
}

package enum Sigmoid {
  @_specialize(where T == Float) @_specialize(where T == Double)
  package static func forward<T: Element>(_ x: Input<T>, _ y: Output<T>) throws(CNNError) {
    try y.wants(x.shape)
    try y.mustNotOverlap(x, sameAllowed: true)
    try forEachRun(x.shape.count) { T.kernels.sigmoid(x.data + $0, y.data + $0, $1) }
  }
  /// grad_x = grad_y * y * (1 - y).
  @_specialize(where T == Float) @_specialize(where T == Double)
  package static func backward<T: Element>(_ y: Input<T>, _ gradY: Input<T>, _ gradX: Output<T>) throws(CNNError) {
    try throughOutput(y, gradY, gradX, T.kernels.sigmoidBackward)
  }
}

package enum Tanh {
  @_specialize(where T == Float) @_specialize(where T == Double)
  package static func forward<T: Element>(_ x: Input<T>, _ y: Output<T>) throws(CNNError) {
    try y.wants(x.shape)
    try y.mustNotOverlap(x, sameAllowed: true)
    try forEachRun(x.shape.count) { T.kernels.tanh(x.data + $0, y.data + $0, $1) }
  }
  /// grad_x = grad_y * (1 - y²).
  @_specialize(where T == Float) @_specialize(where T == Double)
  package static func backward<T: Element>(_ y: Input<T>, _ gradY: Input<T>, _ gradX: Output<T>) throws(CNNError) {
    try throughOutput(y, gradY, gradX, T.kernels.tanhBackward)
  }
}

private func throughOutput<T: Element>(
  _ y: Input<T>, _ gradY: Input<T>, _ gradX: Output<T>, _ kernel: KernelTable<T>.ThroughOutput
) throws(CNNError) {
  try gradY.wants(y.shape)
  try gradX.wants(y.shape)
  try gradX.mustNotOverlap(gradY, sameAllowed: true)
  try gradX.mustNotOverlap(y, sameAllowed: true)
  try forEachRun(y.shape.count) { kernel(y.data + $0, gradY.data + $0, gradX.data + $0, $1) }
}

/// Inverted dropout: what is kept is scaled at training time, so that inference needs nothing.
package struct Dropout {
  let ratio: Double
  package init(ratio: Double) throws(CNNError) {
    guard ratio >= 0 && ratio < 1 else { throw .argument("ratio: wanted at least 0 and less than 1, got \(ratio)") }
    self.ratio = ratio
  }

  /// mask = 1 with probability 1 - ratio: element i takes word i % 4 of Philox block i / 4.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func forward<T: Element>(_ x: Input<T>, seed: UInt64, _ y: Output<T>, mask: Output<UInt8>) throws(CNNError) {
    try y.wants(x.shape)
    try mask.wants(x.shape)
    try y.mustNotOverlap(x, sameAllowed: true)
    try mask.mustNotOverlap(x)
    try mask.mustNotOverlap(y.input)
    // Kept where the word, as a fraction of 2^32, is not below ratio.
    let threshold = UInt64(ratio * 4_294_967_296)
    try forEachRun(x.shape.count) { start, count in
      for i in stride(from: start, to: start &+ count, by: 4) {
        let words = philox(counter: UInt64(i / 4), key: seed)
        for lane in 0..<min(4, start &+ count &- i) { mask.data[i &+ lane] = UInt64(words[lane]) >= threshold ? 1 : 0 }
      }
      T.kernels.maskedScale(x.data + start, mask.data + start, 1, T(1 / (1 - ratio)), y.data + start, count)
    }
  }
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func backward<T: Element>(_ mask: Input<UInt8>, _ gradY: Input<T>, _ gradX: Output<T>) throws(CNNError) {
    try masked(mask, keep: 1, scale: T(1 / (1 - ratio)), gradY, gradX)
  }
}
