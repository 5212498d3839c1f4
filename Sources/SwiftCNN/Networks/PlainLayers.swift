// Layers without parameters.
public import CNNCore

/// `max(x, 0)` (ONNX Relu), of any shape.
public struct ReLU: Layer {
  public init() {}
  public func callAsFunction(_ x: Value) throws(CNNError) -> Value { try x.graph.node("Relu", [x]) }
}

/// `1 / (1 + exp(-x))` (ONNX Sigmoid), of any shape.
public struct Sigmoid: Layer {
  public init() {}
  public func callAsFunction(_ x: Value) throws(CNNError) -> Value { try x.graph.node("Sigmoid", [x]) }
}

/// The hyperbolic tangent (ONNX Tanh), of any shape.
public struct Tanh: Layer {
  public init() {}
  public func callAsFunction(_ x: Value) throws(CNNError) -> Value { try x.graph.node("Tanh", [x]) }
}

/// `x[N][...] -> y[N][D]`: each image's elements in a row (ONNX Flatten).
public struct Flatten: Layer {
  public init() {}
  public func callAsFunction(_ x: Value) throws(CNNError) -> Value { try x.graph.node("Flatten", [x]) }
}

/// The largest element of each window: `x[N][C][H][W] -> y[N][C][OH][OW]` (ONNX MaxPool).
///
/// ```swift
/// MaxPool2D(2)
/// ```
public struct MaxPool2D: Layer {
  private let window: Window2D, ceilMode: Bool

  /// Square windows of `kernel` cells a side, one beside the other unless `stride` says otherwise.
  public init(_ kernel: Int, stride: Int? = nil, padding: Int = 0) {
    self.init(window: Window2D(square: kernel, stride: stride ?? kernel, padding: padding))
  }
  /// Any windows. `ceilMode`: whether a last window counts that starts inside the image or its leading pad but ends outside.
  public init(window: Window2D, ceilMode: Bool = false) { (self.window, self.ceilMode) = (window, ceilMode) }

  public func callAsFunction(_ x: Value) throws(CNNError) -> Value {
    let (kernel, strides, pads, dilations) = window.attribute
    return try x.graph.node(
      "MaxPool", [x],
      ["kernel_shape": kernel, "strides": strides, "pads": pads, "dilations": dilations, "ceil_mode": ceilMode.attribute])
  }
}

/// The mean of each window: `x[N][C][H][W] -> y[N][C][OH][OW]` (ONNX AveragePool).
///
/// ```swift
/// AveragePool2D(2)
/// ```
public struct AveragePool2D: Layer {
  private let window: Window2D, ceilMode: Bool, countsPadding: Bool

  /// Square windows of `kernel` cells a side, one beside the other unless `stride` says otherwise.
  public init(_ kernel: Int, stride: Int? = nil, padding: Int = 0, countsPadding: Bool = false) {
    self.init(window: Window2D(square: kernel, stride: stride ?? kernel, padding: padding), countsPadding: countsPadding)
  }
  /// Any windows. `ceilMode`: as for `MaxPool2D`. `countsPadding`: whether the zeros of the padding count in the mean.
  public init(window: Window2D, ceilMode: Bool = false, countsPadding: Bool = false) {
    (self.window, self.ceilMode, self.countsPadding) = (window, ceilMode, countsPadding)
  }

  public func callAsFunction(_ x: Value) throws(CNNError) -> Value {
    let (kernel, strides, pads, dilations) = window.attribute
    return try x.graph.node(
      "AveragePool", [x],
      [
        "kernel_shape": kernel, "strides": strides, "pads": pads, "dilations": dilations, "ceil_mode": ceilMode.attribute,
        "count_include_pad": countsPadding.attribute,
      ])
  }
}

/// The mean of each channel: `x[N][C][H][W] -> y[N][C][1][1]` (ONNX GlobalAveragePool).
public struct GlobalAveragePool: Layer {
  public init() {}
  public func callAsFunction(_ x: Value) throws(CNNError) -> Value { try x.graph.node("GlobalAveragePool", [x]) }
}

/// As a layer of a network: drops in training only, each step and layer with a mask of its own that follows from the network's seed.
extension Dropout: Layer {
  public func callAsFunction(_ x: Value) throws(CNNError) -> Value {
    try x.graph.node("Dropout", [x], ["ratio": .float(ratio)])
  }
}

extension Window2D {
  init(square kernel: Int, stride: Int, padding: Int) {
    self.init((kernel, kernel), strides: (stride, stride), pads: (padding, padding, padding, padding))
  }

  /// As ONNX's attributes.
  var attribute: (kernel: AttributeValue, strides: AttributeValue, pads: AttributeValue, dilations: AttributeValue) {
    (
      .ints([kernel.vertical, kernel.horizontal]), .ints([strides.vertical, strides.horizontal]),
      .ints([pads.top, pads.left, pads.bottom, pads.right]), .ints([dilations.vertical, dilations.horizontal])
    )
  }
}
