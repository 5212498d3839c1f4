// A convolution of few channels and the largest cells of what it makes, in training. Its own result and the gradient of that exist for an
// image at a time only, in the caches: they are several times as large as x and the maxima.
import CNNCore
import Microkernels

/// The maxima of a convolution's result, and where they come from.
struct PooledMaxima<T: Element>: ~Copyable {
  /// Elements of the maxima of an image.
  let count: Int
  private let spread: WinnersSpread<T>
  private let planes: Int, area: Int, pixels: Int

  init(_ pooling: Pooling, of y: Shape) throws(CNNError) {
    let pooled = try pooling.outputShape(y)
    spread = try WinnersSpread<T>(pooling.window, y, pooled)
    (planes, area, pixels) = (y[1], y[2] &* y[3], pooled[2] &* pooled[3])
    count = planes &* pixels
  }
  /// Room that both ways need.
  var cells: Int { spread.cells }

  /// Calls body(first plane, how many) for planes that are done together, of `range`.
  private func forEachStack(_ range: Range<Int>, _ body: (Int, Int) -> Void) {
    for plane in stride(from: range.lowerBound, to: range.upperBound, by: spread.channels.stack) {
      body(plane, min(spread.channels.stack, range.upperBound &- plane))
    }
  }
  /// Some planes of an image: the maxima and winners of these, from x's first.
  func take(
    _ range: Range<Int>, of x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ winners: UnsafeMutablePointer<Int32>,
    _ cells: UnsafeMutablePointer<T>
  ) {
    forEachStack(range) { plane, stacked in
      spread.channels.maxima(
        of: x + (plane &- range.lowerBound) &* area, stacked, in: cells, y + plane &* pixels, winners + plane &* pixels)
    }
  }
  /// The gradient of all planes of an image, from that of its maxima.
  func giveBack(
    _ gradY: UnsafePointer<T>, _ winners: UnsafePointer<Int32>, to gradX: UnsafeMutablePointer<T>,
    _ cells: UnsafeMutablePointer<T>
  ) {
    forEachStack(0..<planes) { plane, stacked in
      spread.run(stacked, winners + plane &* pixels, gradY + plane &* pixels, gradX + plane &* area, cells)
    }
  }
}

extension Convolution {
  /// y, the maxima of x * weight + bias, and their winners (see `Pooling.maxForward`).
  @_specialize(where T == Float) @_specialize(where T == Double)
  func pooledForward<T: Element>(
    _ pooling: Pooling, _ x: Input<T>, _ weight: Input<T>, _ bias: Input<T>?, _ y: Output<T>, winners: Output<Int32>
  ) throws(CNNError) {
    let sizes = try sizes(x.shape, weight.shape, of: T.self), shape = try pooling.outputShape(sizes.y)
    try bias?.wants(try Shape("bias", weight.shape[0]))
    try y.wants(shape)
    try winners.wants(shape)
    if shape.count == 0 { return }
    try sizes.pooledForward(PooledMaxima(pooling, of: sizes.y), x.data, weight.data, bias?.data, y.data, winners.data)
  }

  /// The gradients by that of the maxima.
  @_specialize(where T == Float) @_specialize(where T == Double)
  func pooledBackward<T: Element>(
    _ pooling: Pooling, _ x: Input<T>, _ weight: Input<T>, _ gradY: Input<T>, winners: Input<Int32>, gradX: Output<T>?,
    gradWeight: Output<T>?, gradBias: Output<T>?
  ) throws(CNNError) {
    let sizes = try sizes(x.shape, weight.shape, of: T.self), shape = try pooling.outputShape(sizes.y)
    try gradY.wants(shape)
    try winners.wants(shape)
    try gradX?.wants(x.shape)
    try gradWeight?.wants(weight.shape)
    try gradBias?.wants(try Shape("grad_bias", weight.shape[0]))
    let gradients = ConvolutionGradients(x: gradX?.data, weight: gradWeight?.data, bias: gradBias?.data)
    let maxima = try PooledMaxima<T>(pooling, of: sizes.y), planes = sizes.K &* sizes.pixels
    try sizes.backwardFewChannels(x.data, weight.data, gradients, room: planes &+ maxima.cells) { n, room in
      maxima.giveBack(gradY.data + n &* maxima.count, winners.data + n &* maxima.count, to: room, room + planes)
      return UnsafePointer(room)
    }
  }
}

extension Convolution.Sizes {
  /// A task is an image: its planes are made a panel at a time, with pixels in the lanes, and pooled while they are in the caches.
  fileprivate func pooledForward(
    _ maxima: borrowing PooledMaxima<T>, _ x: UnsafePointer<T>, _ weight: UnsafePointer<T>, _ bias: UnsafePointer<T>?,
    _ y: UnsafeMutablePointer<T>, _ winners: UnsafeMutablePointer<Int32>
  ) throws(CNNError) {
    let (N, C, K, OH, OW, imageCells, pixels, panel) = (N, C, K, OH, OW, imageCells, pixels, panel)
    let packing = BlockedFilters<T>(self, planar: true), filters = try Scratch<T>(packing.count)
    try packing.pack(weight, factor: nil, bias: bias, filters.data)
    let rowsOfX = try PlanarRows(self, channels: C, rows: OH, inVectors: true), offsets = try Scratch<Int>(rowsOfX.terms)
    let product = PlaneProduct(rowsOfX, OW: OW, packing, UnsafePointer(filters.data), limits: nil, offsets.data)
    let planeCells = min(panel, K) &* pixels, perWorker = rowsOfX.cells &+ planeCells &+ maxima.cells
    let width = try parallelWidth(N, work), scratch = try Scratch<T>(width &* perWorker), scratchData = scratch.data
    parallel(N, width: width) { n, worker in
      let own = scratchData + worker &* perWorker, planes = own + rowsOfX.cells
      let from = rowsOfX.place(x + n &* C &* imageCells, firstRow: 0, own)
      for p in 0..<packing.panels {
        let first = p &* panel, channels = min(panel, K &- first)
        product.run(from, 0, panel: p, channels, rows: OH, planes, planeStep: pixels)
        maxima.take(
          first..<first &+ channels, of: UnsafePointer(planes), y + n &* maxima.count, winners + n &* maxima.count,
          planes + planeCells)
      }
    }
  }
}
