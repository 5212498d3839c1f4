// MaxUnpool: the way back from MaxPool, for images of one or two axes of pixels: x's elements at the places that MaxPool's Indices name,
// 0 elsewhere. Indices are places in all of the array that MaxPool had, as it follows from kernel_shape, strides and pads; a larger
// `output_shape` has more rows and columns behind.
import CNNCore

final class MaxUnpoolOperator<T: Element>: Operator<T> {
  private let kernel: [Int], strides: [Int], pads: [Int]
  private let outputShape: [Int]?

  init(_ attributes: Attributes) throws(CNNError) {
    guard let kernel = try attributes.ints("kernel_shape"), kernel.count == 1 || kernel.count == 2 else {
      throw attributes.wrong("kernel_shape", "one or two extents of the window")
    }
    self.kernel = kernel
    strides = try attributes.ints("strides") ?? kernel.map { _ in 1 }
    pads = try attributes.ints("pads") ?? [Int](repeating: 0, count: 2 * kernel.count)
    for (name, list, wanted) in [("strides", strides, kernel.count), ("pads", pads, 2 * kernel.count)]
      as [(StaticString, [Int], Int)]
    {
      guard list.count == wanted else { throw attributes.wrong(name, "\(wanted) integers, got \(list.count)") }
    }
    for number in kernel + strides where number < 1 || number > 1 << 30 {
      throw attributes.wrong("kernel_shape, strides", "1 to 2^30, got \(number)")
    }
    for number in pads where number < 0 || number > 1 << 30 { throw attributes.wrong("pads", "0 to 2^30, got \(number)") }
    outputShape = try attributes.integers(input: 2, "output_shape")
    super.init(try Signature(attributes, inputs: ["x", "i", "output_shape"], required: 2))
  }

  /// The array that MaxPool had.
  private func pooled(_ x: Shape) throws(CNNError) -> Shape {
    let axes = kernel.count
    guard x.rank == axes + 2 else {
      throw .shape("x: wanted [N][C] and \(axes) axes of pixels, as kernel_shape, got shape \(x.description)")
    }
    var extents = x.extents
    for axis in 0..<axes {
      guard x[axis + 2] <= 1 << 30 else { throw .shape("x: wanted at most 2^30 pixels along an axis, got \(x.description)") }
      extents[axis + 2] = max(0, (x[axis + 2] - 1) * strides[axis] - pads[axis] - pads[axis + axes] + kernel[axis])
    }
    return try Shape("y", extents: extents)
  }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let x = inputs[0], pooled = try pooled(x)
    guard inputs[1] == x else { throw .shape("i: wanted shape \(x.description), as x, got \(inputs[1].description)") }
    guard let outputShape else { return [pooled] }
    guard outputShape.count == x.rank, outputShape[0] == x[0], outputShape[1] == x[1],
      !(2..<x.rank).contains(where: { outputShape[$0] < pooled[$0] })
    else { throw .shape("output_shape: wanted at least \(pooled.description), with as many images and channels") }
    return [try Shape("y", extents: outputShape)]
  }

  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    if let type = inputs[1], type != .int64 { throw wrongType(1, "int64", type) }
    try wantNumbers(0, inputs)
    return [T.elementType]
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), y = try arrays.output()
    let places = try UnpooledPlaces(arrays.anyInput(1), pooled: pooled(x.shape), y: y.shape)
    try places.scatter(x, y)
  }

  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [1] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    let gradY = try arrays.gradOutput(), indices = try arrays.anyInput(1)
    if let gradX = try arrays.gradInput(0) {
      try UnpooledPlaces(indices, pooled: pooled(indices.shape), y: gradY.shape).gather(gradY, gradX)
    }
  }
}

/// Where elements go, channel by channel; checked, as indices may be anybody's.
private struct UnpooledPlaces {
  private let indices: UnsafePointer<Int64>
  private let channels: Int, count: Int
  /// Of one channel, as MaxPool had it and as it is in y.
  private let area: Int, width: Int, yArea: Int, yWidth: Int

  init(_ i: AnyInput, pooled: Shape, y: Shape) throws(CNNError) {
    indices = i.bound(to: Int64.self).data
    channels = i.shape[0] * i.shape[1]
    count = i.shape.count / max(1, channels)
    (area, width) = (pooled.count / max(1, channels), pooled[pooled.rank - 1])
    (yArea, yWidth) = (y.count / max(1, channels), y[y.rank - 1])
    for channel in 0..<channels {
      for place in channel &* count..<(channel &+ 1) &* count {
        let index = indices[place]
        guard index == -1 || (index >= channel &* area && index < (channel &+ 1) &* area) else {
          throw .argument("i: wanted places of x's own channel, or -1, got \(index) in channel \(channel)")
        }
      }
    }
  }

  /// Calls body(element of x, of y) for all that have a place.
  private func forEach(_ body: (Int, Int) -> Void) throws(CNNError) {
    parallel(channels, width: try parallelWidth(channels, .elements(channels, count, 4))) { channel, _ in
      for i in channel &* count..<(channel &+ 1) &* count where indices[i] >= 0 {
        let place = Int(indices[i]) &- channel &* area
        body(i, channel &* yArea &+ place / width &* yWidth &+ place % width)
      }
    }
  }
  @_specialize(where T == Float) @_specialize(where T == Double)
  func scatter<T: Element>(_ x: Input<T>, _ y: Output<T>) throws(CNNError) {
    zero(y.data, y.shape.count)
    try forEach { i, place in y.data[place] = x.data[i] }
  }
  @_specialize(where T == Float) @_specialize(where T == Double)
  func gather<T: Element>(_ gradY: Input<T>, _ gradX: Output<T>) throws(CNNError) {
    zero(gradX.data, gradX.shape.count)
    try forEach { i, place in gradX.data[i] = gradY.data[place] }
  }
}

extension Pooling {
  /// ONNX's Indices: where each winner is in all of x, in C order, or with columns one behind another; -1 where a window has none.
  func indices(
    _ winners: Input<Int32>, in x: Shape, isColumnMajor: Bool, _ indices: UnsafeMutablePointer<Int64>
  ) throws(CNNError) {
    let (OH, OW, H, W) = (winners.shape[2], winners.shape[3], x[2], x[3]), channels = x[0] &* x[1], columns = window.kernel[1]
    parallel(channels, width: try parallelWidth(channels, .elements(winners.shape.count, 8))) { channel, _ in
      for i in 0..<OH &* OW {
        let place = channel &* OH &* OW &+ i, winner = Int(winners.data[place])
        let h = i / OW &* window.strides[0] &- window.pads[0] &+ winner / columns &* window.dilations[0]
        let w = i % OW &* window.strides[1] &- window.pads[1] &+ winner % columns &* window.dilations[1]
        let pixel = isColumnMajor ? w &* H &+ h : h &* W &+ w
        indices[place] = winner < 0 ? -1 : Int64(channel &* H &* W &+ pixel)
      }
    }
  }
}
