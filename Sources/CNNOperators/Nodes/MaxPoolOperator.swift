// MaxPool: y[N][C][OH][OW] of x[N][C][H][W], or with one axis of pixels, or three; and, where the node has two outputs, Indices like y: where
// in all of x each maximum is, as MaxUnpool takes it.
import CNNCore

final class MaxPoolOperator<T: Element>: Operator<T> {
  private let spatial: SpatialAttributes
  private let kernel: [Int]
  private let ceilMode: Bool
  /// Of Indices.
  private let isColumnMajor: Bool

  init(_ attributes: Attributes) throws(CNNError) {
    spatial = try SpatialAttributes(attributes)
    ceilMode = try attributes.flag("ceil_mode", default: false)
    kernel = try spatial.requiredKernel()
    isColumnMajor = try attributes.flag("storage_order", default: false)
    super.init(try Signature(attributes, inputs: ["x"], outputs: 2))
  }

  func pooling(_ x: Shape) throws(CNNError) -> Pooling {
    Pooling(try spatial.window(over: x, kernel: kernel, ceilMode: ceilMode))
  }
  /// nil unless x[N][C][D][H][W] is of volumes.
  private func volume(_ x: Shape) throws(CNNError) -> VolumePooling? {
    if x.rank != 5 { return nil }
    guard signature.outputs == 1 else { throw CNNError(.unsupported, "indices: wanted none of volumes") }
    return try VolumePooling(spatial, x, kernel: kernel, ceilMode: ceilMode)
  }
  override func imageRule(_ inputs: [Shape]) -> ImageRule { signature.outputs == 1 ? .first : .together }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    if let volume = try volume(inputs[0]) { return [volume.y] }
    let y = try pooling(inputs[0]).outputShape(SpatialAttributes.planar(inputs[0], "x"))
    return [Shape](repeating: try SpatialAttributes.shape(y, like: inputs[0]), count: 2)
  }

  /// Indices are int64. Of int8 and uint8 too, whose maxima numbers of the network's type hold exactly.
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    if let type = inputs[0], type != T.elementType, type != .int8, type != .uint8 {
      throw wrongType(0, "\(T.elementType.description), int8 or uint8", type)
    }
    return [inputs[0] ?? T.elementType, .int64].dropLast(2 - signature.outputs)
  }
  override func layoutRule(inputs: [Shape], _ mode: Mode) throws(CNNError) -> LayoutRule? {
    guard inputs[0].rank == 4 && signature.outputs == 1 else { return nil }
    return LayoutRule([.blocked(halo: 0)], .blocked, gain: 0)
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    if let x = try arrays.blockedInput(0), let y = try arrays.blockedOutput() {
      let winners: Output<Int32>? = arrays.mode == .train ? try arrays.kept(0) : nil
      return try pooling(x.shape).blockedMaxForward(x, y, winners: winners?.data)
    }
    if let volume = try volume(arrays.inputShape(0)) {
      let isTrained = arrays.mode == .train
      return try volume.maxForward(
        arrays.input(0), arrays.output(),
        winners: isTrained ? arrays.kept(0) : nil, depthWinners: isTrained ? arrays.kept(1) : nil)
    }
    let given = try arrays.anyInput(0), result = try arrays.anyOutput(), isSmall = given.type != T.elementType
    let numbers = try OperandNumbers<T>(given, given.shape), maxima = try Scratch<T>(isSmall ? result.shape.count : 0)
    let x = try SpatialAttributes.planar(Input("x", given.shape, numbers.data))
    let y = try SpatialAttributes.planar(
      Output("y", result.shape, isSmall ? maxima.data : result.data.assumingMemoryBound(to: T.self)))
    let pooling = try pooling(arrays.inputShape(0)), wantsIndices = signature.outputs > 1
    let own = try Scratch<Int32>(wantsIndices && arrays.mode == .infer ? y.shape.count : 0)
    let winners: Output<Int32>? =
      if arrays.mode == .train {
        try SpatialAttributes.planar(arrays.kept(0))
      } else {
        wantsIndices ? Output("winners", y.shape, own.data) : nil
      }
    try pooling.maxForward(x, y, winners: winners)
    if isSmall { try convert(AnyInput(y.input), to: AnyOutput("y", y.shape, result.type, result.data), T.self) }
    if wantsIndices, let winners {
      try pooling.indices(
        winners.input, in: x.shape, isColumnMajor: isColumnMajor, arrays.anyOutput(1).bound(to: Int64.self).data)
    }
  }

  override var takesMaxima: Bool { spatial.alwaysMeetsImage }

  /// Each maximum's place in its window.
  override func kept(_ inputs: [Shape], _ outputs: [Shape]) throws(CNNError) -> [Kept] {
    if let volume = try volume(inputs[0]) { return [Kept(volume.between, .int32), Kept(volume.y, .int32)] }
    return [Kept(outputs[0], .int32)]
  }
  override func kept(_ inputs: [Shape], _ outputs: [Shape], _ layouts: Layouts) throws(CNNError) -> [Kept] {
    if layouts.output == .planar { return try kept(inputs, outputs) }
    return [Kept(try Pooling.blockedWinners(outputs[0], of: T.self), .int32)]
  }
  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    if let gradX = try arrays.blockedGradInput(0), let gradY = try arrays.blockedGradOutput() {
      let winners: Output<Int32> = try arrays.kept(0)
      return try pooling(gradX.shape).blockedMaxBackward(winners.data, gradY, gradX)
    }
    guard let gradX = try arrays.gradInput(0) else { return }
    if let volume = try volume(gradX.shape) {
      return try volume.maxBackward(
        winners: arrays.kept(0), depthWinners: arrays.kept(1), arrays.gradOutput(), gradX)
    }
    let winners: Output<Int32> = try SpatialAttributes.planar(arrays.kept(0))
    try pooling(gradX.shape).maxBackward(
      winners.input, SpatialAttributes.planar(arrays.gradOutput()), SpatialAttributes.planar(gradX))
  }
}
