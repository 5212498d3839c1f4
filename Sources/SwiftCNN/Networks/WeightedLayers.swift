// Layers that have parameters.
public import CNNCore

func wantAtLeastOne(_ name: String, _ number: Int) throws(CNNError) {
  guard number >= 1 else { throw .argument("\(name): wanted 1 or more, got \(number)") }
}

/// Convolution of images: `x[N][C][H][W] -> y[N][K][OH][OW]` (ONNX Conv), with parameters `weight[K][C/groups][KH][KW]` and
/// `bias[K]`, and `OH = (H + top + bottom - dilation*(KH-1) - 1) / stride + 1`. Weights begin as `initializer` says, by default
/// He's normal numbers, biases as 0.
///
/// ```swift
/// Conv2D(30, kernel: 5, padding: 2)
/// ```
public struct Conv2D: Layer {
  private let filters: Int, window: Window2D, groups: Int, hasBias: Bool, initializer: Initializer

  /// `filters` (K) square windows of `kernel` cells a side.
  public init(
    _ filters: Int, kernel: Int, stride: Int = 1, padding: Int = 0, groups: Int = 1, bias: Bool = true,
    initializer: Initializer = .heNormal()
  ) {
    self.init(
      filters, window: Window2D(square: kernel, stride: stride, padding: padding), groups: groups, bias: bias,
      initializer: initializer)
  }
  /// `filters` (K) windows of any extents, strides, pads and dilations.
  public init(
    _ filters: Int, window: Window2D, groups: Int = 1, bias: Bool = true, initializer: Initializer = .heNormal()
  ) {
    (self.filters, self.window, self.groups, hasBias, self.initializer) = (filters, window, groups, bias, initializer)
  }

  public func callAsFunction(_ x: Value) throws(CNNError) -> Value {
    guard x.shape.count == 4 else { throw .shape("x: wanted [N][C][H][W], got shape \(x.shape)") }
    try wantAtLeastOne("filters", filters)
    try wantAtLeastOne("groups", groups)
    guard x.shape[1] % groups == 0 && filters % groups == 0 else {
      throw .argument("groups: wanted a divisor of \(x.shape[1]) channels and \(filters) filters, got \(groups)")
    }
    try wantAtLeastOne("kernel", min(window.kernel.vertical, window.kernel.horizontal))
    let weight = try x.graph.parameter(
      "weight", [filters, x.shape[1] / groups, window.kernel.vertical, window.kernel.horizontal], initializer)
    let bias = hasBias ? try x.graph.parameter("bias", [filters], .constant(0)) : nil
    return try x.graph.node(
      "Conv", bias == nil ? [x, weight] : [x, weight, bias],
      [
        "strides": window.attribute.strides, "pads": window.attribute.pads, "dilations": window.attribute.dilations,
        "group": .int(groups),
      ])
  }
}

/// The fully connected layer: `x[N][D] -> y[N][M]`, `y = x . weightᵀ + bias` (ONNX Gemm), with parameters `weight[M][D]` and
/// `bias[M]`. Weights begin as `initializer` says, by default He's normal numbers, biases as 0.
///
/// ```swift
/// Flatten(); Dense(100); ReLU(); Dense(10)
/// ```
public struct Dense: Layer {
  private let features: Int, hasBias: Bool, initializer: Initializer

  /// `features` (M) outputs an image.
  public init(_ features: Int, bias: Bool = true, initializer: Initializer = .heNormal()) {
    (self.features, hasBias, self.initializer) = (features, bias, initializer)
  }

  public func callAsFunction(_ x: Value) throws(CNNError) -> Value {
    guard x.shape.count == 2 else { throw .shape("x: wanted [N][D], as Flatten() gives it, got shape \(x.shape)") }
    try wantAtLeastOne("features", features)
    let weight = try x.graph.parameter("weight", [features, x.shape[1]], initializer)
    let bias = hasBias ? try x.graph.parameter("bias", [features], .constant(0)) : nil
    return try x.graph.node("Gemm", bias == nil ? [x, weight] : [x, weight, bias], ["transB": 1])
  }
}

/// As a layer of a network: in training by the batch's statistics, which the constants `running_mean` and `running_var` follow; in
/// inference by these. Parameters `weight[C]`, from 1, and `bias[C]`, from 0.
extension BatchNormalization: Layer {
  public func callAsFunction(_ x: Value) throws(CNNError) -> Value {
    guard x.shape.count >= 2 else { throw .shape("x: wanted [N][C] or [N][C][...], got shape \(x.shape)") }
    let channels = x.shape[1], graph = x.graph
    return try graph.node(
      "BatchNormalization",
      [
        x, graph.parameter("weight", [channels], .constant(1)), graph.parameter("bias", [channels], .constant(0)),
        graph.constant("running_mean", [channels], .init(repeating: 0, count: channels)),
        graph.constant("running_var", [channels], .init(repeating: 1, count: channels)),
      ], ["epsilon": .float(epsilon), "momentum": .float(momentum)])
  }
}
