// Conv: y[N][K][OH][OW] of x[N][C][H][W], w[K][C/group][KH][KW] and b[K]; or with one axis
// of pixels, or three.
import CNNCore
import Microkernels

final class ConvOperator<T: Element>: Operator<T> {
  private let spatial: SpatialAttributes
  private let group: Int, exact: Bool
  /// What was absorbed: inputs 3 to 6 are then those of the normalization, `residual` the input that is added, limits what the sum is kept
  /// between, `maxPool` what its maxima are taken by.
  private let normalization: BatchNormalization?, residual: Int?, epilogueLimits: (low: T, high: T)?
  private let maxPool: MaxPoolOperator<T>?
  /// In a plan, which is for one shape: the form that the convolution has there, if it has one.
  private let isPlanned: Bool, plannedForm: BlockedConvolution<T>?

  init(_ attributes: Attributes) throws(CNNError) {
    spatial = try SpatialAttributes(attributes)
    group = try attributes.int("group", default: 1)
    // Not ONNX's.
    exact = try attributes.flag("exact", default: false)
    (normalization, residual, epilogueLimits, maxPool) = (nil, nil, nil, nil)
    (isPlanned, plannedForm) = (false, nil)
    super.init(try Signature(attributes, inputs: ["x", "w", "b"], required: 2))
  }

  private init(
    _ first: ConvOperator, absorbing next: Operator<T>, normalization: BatchNormalization? = nil, residual: Int? = nil,
    limits: (low: T, high: T)? = nil, maxPool: MaxPoolOperator<T>? = nil
  ) {
    (spatial, group, exact, epilogueLimits) = (first.spatial, first.group, first.exact, limits ?? first.epilogueLimits)
    self.maxPool = maxPool ?? first.maxPool
    self.normalization = normalization ?? first.normalization
    self.residual = residual ?? first.residual
    (isPlanned, plannedForm) = (false, nil)
    super.init(Signature(first.signature, absorbing: next.signature))
  }
  private init(_ first: ConvOperator, planned form: BlockedConvolution<T>?) {
    (spatial, group, exact, epilogueLimits) = (first.spatial, first.group, first.exact, first.epilogueLimits)
    (maxPool, normalization, residual) = (first.maxPool, first.normalization, first.residual)
    (isPlanned, plannedForm) = (true, form)
    super.init(first.signature)
  }
  override func planned(_ inputs: [Shape], _ layouts: Layouts, _ mode: Mode) throws(CNNError) -> Operator<T> {
    ConvOperator(self, planned: try form(inputs[0], inputs[1], blocked: layouts.output != .planar, mode))
  }
  override func absorbing(
    _ neighbour: Neighbour<T>, _ mode: Mode, inputs: [Shape]
  ) throws(CNNError) -> Operator<T>? {
    let next = neighbour.node
    // Not where the places of the maxima are an output too.
    if maxPool == nil, residual == nil, let next = next as? MaxPoolOperator<T>, next.takesMaxima, next.signature.outputs == 1,
      poolsMaxima(inputs[1])
    {
      return ConvOperator(self, absorbing: next, maxPool: next)
    }
    if mode == .train {
      // Of maxima alone it would be less on the way back.
      guard next is ReluOperator<T>, maxPool == nil, !neighbour.isBeforeMaxima else { return nil }
      return ConvOperator(self, absorbing: next, limits: next.limits)
    }
    guard epilogueLimits == nil else { return nil }
    // In blocked arrays, 0 must stay 0.
    if let limits = next.limits, limits.low <= 0 && limits.high >= 0 {
      return ConvOperator(self, absorbing: next, limits: limits)
    }
    if residual != nil || maxPool != nil { return nil }
    if let next = next as? BatchNormalizationOperator<T>, normalization == nil {
      return ConvOperator(self, absorbing: next, normalization: next.normalization)
    }
    return next is AddOperator<T> ? ConvOperator(self, absorbing: next, residual: signature.inputs.count) : nil
  }

  private func convolution(_ x: Shape, _ w: Shape) throws(CNNError) -> Convolution {
    try Convolution(spatial.window(over: x, kernel: spatial.kernel(of: w, over: x)), groups: group, exact: exact)
  }
  /// nil unless x[N][C][D][H][W] is of volumes.
  private func volume(_ x: Shape, _ w: Shape) throws(CNNError) -> VolumeConvolution? {
    if x.rank != 5 { return nil }
    let kernel = try spatial.kernel(of: w, over: x), (depth, plane) = try spatial.volume()
    let window = try plane.window(over: Shape("x", x[0], x[1], x[3], x[4]), kernel: [kernel[1], kernel[2]])
    return VolumeConvolution(
      depth: try depth.window(over: Shape("x", x[0], x[1], x[2]), kernel: [kernel[0]]),
      plane: try Convolution(window, groups: group, exact: exact))
  }

  private func convolutionShape(of inputs: [Shape]) throws(CNNError) -> Shape {
    let (x, w) = (inputs[0], inputs[1])
    if inputs.count > 2, inputs[2].rank > 0, inputs[2] != (try Shape("b", w[0])) {
      throw .shape("b: wanted shape [\(w[0])], got \(inputs[2].description)")
    }
    if let volume = try volume(x, w) { return try volume.outputShape(x, w) }
    let y = try convolution(x, w).outputShape(SpatialAttributes.planar(x, "x"), SpatialAttributes.planar(w, "w"))
    return try SpatialAttributes.shape(y, like: x)
  }
  override func imageRule(_ inputs: [Shape]) -> ImageRule { .first }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let y = try convolutionShape(of: inputs)
    if let maxPool { return [try maxPool.outputShapes(of: [y])[0]] }
    if let residual { return [try broadcastShape(y, inputs[residual])] }
    return [y]
  }

  override func multiplyAdds(_ inputs: [Shape], _ outputs: [Shape]) -> Int {
    // Of a pooled output, as if it were not.
    let y = (try? convolutionShape(of: inputs)) ?? outputs[0]
    return saturatingProduct(y.count, inputs[1].count / max(1, inputs[1][0]))
  }

  // In channel-blocked form

  /// x is planar where it has few channels; in training it is blocked, for the gradients.
  private func readsPlanar(_ x: Shape, _ mode: Mode) -> Bool { mode == .infer && hasFewChannels(x[1]) }
  private func hasFewChannels(_ C: Int) -> Bool { group == 1 && C <= Convolution.planarChannels }
  /// Whether any blocked or planar y of filters w[K][C][KH][KW] can be pooled as it is computed.
  private func poolsMaxima(_ w: Shape) -> Bool {
    w.rank == 4 && w.count > 0 && hasFewChannels(w[1]) && Convolution.channelsInLanes(w[0], of: T.self)
  }
  private func blockedForm(_ x: Shape, _ w: Shape, _ mode: Mode) throws(CNNError) -> BlockedConvolution<T>? {
    if x.rank != 4 { return nil }
    return try BlockedConvolution(convolution(x, w), x: x, weight: w, fewChannels: readsPlanar(x, mode), blocked: true)
  }
  /// The same kernels on planar arrays.
  private func planarForm(_ x: Shape, _ w: Shape) throws(CNNError) -> BlockedConvolution<T>? {
    if x.rank != 4 { return nil }
    return try BlockedConvolution(convolution(x, w), x: x, weight: w, fewChannels: readsPlanar(x, .infer), blocked: false)
  }
  private func form(_ x: Shape, _ w: Shape, blocked: Bool, _ mode: Mode) throws(CNNError) -> BlockedConvolution<T>? {
    try blocked ? blockedForm(x, w, mode) : planarForm(x, w)
  }
  private func form(_ arrays: Arrays<T>) throws(CNNError) -> BlockedConvolution<T>? {
    if isPlanned { return plannedForm }
    return try form(arrays.inputShape(0), arrays.inputShape(1), blocked: arrays.isOutputBlocked, arrays.mode)
  }
  override func layoutRule(inputs: [Shape], _ mode: Mode) throws(CNNError) -> LayoutRule? {
    let (x, w) = (inputs[0], inputs[1])
    guard let form = try blockedForm(x, w, mode) else { return nil }
    var wishes: [LayoutRule.Wish] = [readsPlanar(x, mode) ? .planar : .blocked(halo: form.halo)]
    if let residual {
      if inputs[residual] != form.outputShape { return nil }
      while wishes.count < residual { wishes.append(.planar) }
      wishes.append(.blocked(halo: 0))
    }
    // What is pooled goes to planes a band at a time, a fraction of what comes from it; in training always.
    if maxPool != nil && mode == .train { return nil }
    if maxPool != nil { return LayoutRule(wishes, .blocked, gain: 0) }
    if mode == .infer { return LayoutRule(wishes, .blocked, gain: form.gain) }
    return LayoutRule(wishes, .blocked, outputHalo: form.gradientHalo, gain: form.trainingGain)
  }

  @_specialize(where T == Float) @_specialize(where T == Double)
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    if let maxPool, arrays.mode == .train { return try pooledForward(maxPool, arrays) }
    if let y = try arrays.blockedOutput() { return try forwardBlocked(arrays, y) }
    if let form = try form(arrays) {
      return try finishPlanar(arrays) { result, limits throws(CNNError) in
        try forward(
          form, arrays, .planar(arrays.input(0).data), .planar(UnsafePointer(result.data)),
          Epilogue(limits: limits, maxPooling: pooling(form)))
      }
    }
    // Then there are no images.
    if maxPool != nil { return }
    let x = try arrays.input(0), w = try arrays.input(1), b = try arrays.optionalInput(2)
    guard let normalization else { return try forwardPlanar(arrays, x, w, b) }
    if let w: Output<T> = try arrays.prepared(0), let b: Output<T> = try arrays.prepared(1) {
      return try forwardPlanar(arrays, x, w.input, b.input)
    }
    let folded = try Scratch<T>(w.shape.count), shift = try Scratch<T>(w.shape[0])
    let wFolded = Output("w", w.shape, folded.data), bFolded = Output("b", try Shape("b", w.shape[0]), shift.data)
    try fold(normalization, arrays, wFolded, bFolded)
    try forwardPlanar(arrays, x, wFolded.input, bFolded.input)
  }
  private func forwardPlanar(_ arrays: Arrays<T>, _ x: Input<T>, _ w: Input<T>, _ b: Input<T>?) throws(CNNError) {
    let volume = try volume(x.shape, w.shape), convolution = volume == nil ? try convolution(x.shape, w.shape) : nil
    try finishPlanar(arrays) { result, limits throws(CNNError) in
      let isRelu = limits.map { $0.low == 0 && $0.high == .infinity } ?? false
      if let volume { try volume.forward(x, w, b, result) }
      try convolution?.forward(
        SpatialAttributes.planar(x), SpatialAttributes.planar(w), b, SpatialAttributes.planar(result), relu: isRelu)
      if let limits, !isRelu || volume != nil { try limit(result, limits.low, limits.high) }
    }
  }
  /// `convolve` writes the convolution's result, between limits if there are any; what is added comes between the two.
  private func finishPlanar(
    _ arrays: Arrays<T>, _ convolve: (_ result: Output<T>, _ limits: (low: T, high: T)?) throws(CNNError) -> Void
  ) throws(CNNError) {
    let y = try arrays.output()
    guard let residual else { return try convolve(y, epilogueLimits) }
    // What is added may be repeated, or y be larger than the convolution's result: then that has memory of its own.
    let shape = try convolutionShape(of: [arrays.inputShape(0), arrays.inputShape(1)])
    let scratch = try Scratch<T>(shape == y.shape ? 0 : shape.count)
    let result = shape == y.shape ? y : Output("y", shape, scratch.data)
    try convolve(result, nil)
    try add(result.input, arrays.input(residual), y)
    if let limits = epilogueLimits { try limit(y, limits.low, limits.high) }
  }
  private func forwardBlocked(_ arrays: Arrays<T>, _ y: BlockedArray<T>) throws(CNNError) {
    guard let form = try form(arrays) else {
      if maxPool != nil { return }
      throw CNNError(.unsupported, "y: wanted a planar array")
    }
    let x: ImageArray<T> = if let x = try arrays.blockedInput(0) { .blocked(x) } else { .planar(try arrays.input(0).data) }
    let added: BlockedArray<T>? = if let residual { try arrays.blockedInput(residual) } else { nil }
    let epilogue = Epilogue(residual: added, limits: epilogueLimits, maxPooling: try pooling(form))
    try forward(form, arrays, x, .blocked(y), epilogue)
  }
  private func pooling(_ form: BlockedConvolution<T>) throws(CNNError) -> Pooling? {
    if let maxPool { try maxPool.pooling(form.outputShape) } else { nil }
  }
  /// With filters that are prepared, or prepared for this call.
  private func forward(
    _ form: BlockedConvolution<T>, _ arrays: Arrays<T>, _ x: ImageArray<T>, _ y: ImageArray<T>, _ epilogue: Epilogue<T>
  ) throws(CNNError) {
    if let filters: Output<T> = try arrays.prepared(0) { return try form.forward(x, filters.data, y, epilogue) }
    let filters = try Scratch<T>(form.preparedCount)
    try prepare(form, arrays, filters.data)
    try form.forward(x, filters.data, y, epilogue)
  }

  // What is prepared: packed filters; without a form for them, the weight and the bias with the normalization folded in

  override func prepared(inputs: [Shape], _ layouts: Layouts, _ mode: Mode) throws(CNNError) -> Prepared? {
    // In training they change with every step.
    if mode == .train { return nil }
    let reads = normalization == nil ? [1, 2] : [1, 2, 3, 4, 5, 6]
    if let form = try form(inputs[0], inputs[1], blocked: layouts.output != .planar, mode) {
      let filters = Kept(try Shape("filters", form.preparedCount), .network)
      return Prepared(reads: reads, replaces: [1], [filters], form: form.form)
    }
    if normalization == nil { return nil }
    return Prepared(reads: reads, replaces: [1], [Kept(inputs[1], .network), Kept(inputs[3], .network)])
  }
  override func prepare(_ arrays: Arrays<T>) throws(CNNError) {
    guard let first: Output<T> = try arrays.prepared(0) else { return }
    if let form = try form(arrays) {
      try prepare(form, arrays, first.data)
    } else if let normalization, let shift: Output<T> = try arrays.prepared(1) {
      try fold(normalization, arrays, first, shift)
    }
  }
  private func prepare(
    _ form: BlockedConvolution<T>, _ arrays: Arrays<T>, _ to: UnsafeMutablePointer<T>
  ) throws(CNNError) {
    try withCoefficients(arrays) { factor, bias throws(CNNError) in
      try form.prepare(arrays.input(1).data, factor: factor, bias: bias, to)
    }
  }
  /// What each filter is multiplied by where a normalization was absorbed, and the bias.
  private func withCoefficients(
    _ arrays: Arrays<T>, _ body: (_ factor: UnsafePointer<T>?, _ bias: UnsafePointer<T>?) throws(CNNError) -> Void
  ) throws(CNNError) {
    guard let normalization else { return try body(nil, arrays.optionalInput(2)?.data) }
    let K = try arrays.inputShape(1)[0], factor = try Scratch<T>(K), shift = try Scratch<T>(K)
    try coefficients(normalization, arrays, factor.data, shift.data)
    try body(UnsafePointer(factor.data), UnsafePointer(shift.data))
  }
  private func fold(
    _ normalization: BatchNormalization, _ arrays: Arrays<T>, _ folded: Output<T>, _ shift: Output<T>
  ) throws(CNNError) {
    let w = try arrays.input(1), K = w.shape[0], cells = w.shape.count / max(1, K), factor = try Scratch<T>(K)
    try coefficients(normalization, arrays, factor.data, shift.data)
    for k in 0..<K { T.kernels.scaleShift(w.data + k &* cells, factor.data[k], 0, folded.data + k &* cells, cells) }
  }
  /// factor * (w * x + b) + shift = (factor * w) * x + (factor * b + shift)
  private func coefficients(
    _ normalization: BatchNormalization, _ arrays: Arrays<T>, _ factor: UnsafeMutablePointer<T>,
    _ shift: UnsafeMutablePointer<T>
  ) throws(CNNError) {
    let K = try arrays.inputShape(1)[0]
    try normalization.coefficients(
      K, scale: arrays.input(3), bias: arrays.input(4), mean: arrays.input(5), variance: arrays.input(6), factor: factor,
      shift: shift)
    if let b = try arrays.optionalInput(2) { for k in 0..<K { shift[k] += factor[k] * b.data[k] } }
  }

  // Pooled, in training

  private func pooledForward(_ maxPool: MaxPoolOperator<T>, _ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), w = try arrays.input(1)
    try convolution(x.shape, w.shape).pooledForward(
      maxPool.pooling(convolutionShape(of: [x.shape, w.shape])), x, w, arrays.optionalInput(2), arrays.output(),
      winners: arrays.kept(0))
  }
  /// The place of each maximum in its window.
  override func kept(_ inputs: [Shape], _ outputs: [Shape]) throws(CNNError) -> [Kept] {
    try maxPool?.kept(inputs, outputs) ?? []
  }

  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [0, 1] }
  /// Where it is rectified, for what passes.
  override var backwardReadsOutputs: [Int] { epilogueLimits == nil ? [] : [0] }
  override func addsToGradient(_ inputs: [Shape], _ layouts: Layouts) throws(CNNError) -> [Int] {
    guard maxPool == nil, layouts.output != .planar, layouts.inputs[0] != .planar else { return [] }
    return try blockedForm(inputs[0], inputs[1], .train).map { $0.addsToGradient ? [0] : [] } ?? []
  }
  @_specialize(where T == Float) @_specialize(where T == Double)
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    if let maxPool {
      let x = try arrays.input(0), w = try arrays.input(1), winners: Output<Int32> = try arrays.kept(0)
      return try convolution(x.shape, w.shape).pooledBackward(
        maxPool.pooling(convolutionShape(of: [x.shape, w.shape])), x, w, arrays.gradOutput(), winners: winners.input,
        gradX: arrays.gradInput(0), gradWeight: arrays.gradInput(1), gradBias: arrays.gradInput(2))
    }
    if let gradY = try arrays.blockedGradOutput(), let x = try arrays.blockedInput(0) {
      guard let form = try form(arrays) else { return }
      var gradBias = try arrays.gradInput(2)?.data
      if epilogueLimits != nil, let y = try arrays.blockedOutput() {
        try gradY.pass(rectified: y, sums: gradBias)
        gradBias = nil  // which is these sums
      }
      return try form.backward(
        x, arrays.input(1).data, gradY, gradX: arrays.blockedGradInput(0), adds: arrays.addsToGradient(0),
        gradWeight: arrays.gradInput(1)?.data, gradBias: gradBias)
    }
    if epilogueLimits != nil { try Relu.backward(arrays.output().input, arrays.gradOutput(), arrays.ownedGradOutput()) }
    let x = try arrays.input(0), w = try arrays.input(1)
    if let volume = try volume(x.shape, w.shape) {
      return try volume.backward(
        x, w, arrays.gradOutput(), gradX: arrays.gradInput(0), gradWeight: arrays.gradInput(1), gradBias: arrays.gradInput(2))
    }
    try convolution(x.shape, w.shape).backward(
      SpatialAttributes.planar(x), SpatialAttributes.planar(w), SpatialAttributes.planar(arrays.gradOutput()),
      gradX: SpatialAttributes.planar(optional: arrays.gradInput(0)),
      gradWeight: SpatialAttributes.planar(optional: arrays.gradInput(1)),
      gradBias: arrays.gradInput(2))
  }
}

extension Convolution {
  init(_ window: Window, groups: Int, exact: Bool = false) throws(CNNError) {
    try self.init(strides: window.strides, pads: window.pads, dilations: window.dilations, groups: groups, exact: exact)
  }
}
