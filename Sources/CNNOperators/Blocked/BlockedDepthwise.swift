// Depthwise convolution of channel-blocked arrays: one filter a channel, so lanes of x, of the filters and of y are the same channels.
import CNNCore
import Microkernels

extension Convolution.Sizes {
  /// One filter for each of several channels.
  var isDepthwise: Bool { C == 1 && K == 1 && G > 1 }
  var channelBlocks: Int { (G &+ T.kernels.lanes &- 1) / T.kernels.lanes }
  /// Elements of packed depthwise filters: [block][tap][lane], then biases of all lanes; zeros behind the last channel.
  var depthwiseCount: Int { channelBlocks &* (taps &+ 1) &* T.kernels.lanes }

  /// factor: what filter k is multiplied by, as a normalization behind the convolution wants it.
  func packDepthwise(
    _ weight: UnsafePointer<T>, factor: UnsafePointer<T>?, bias: UnsafePointer<T>?, _ to: UnsafeMutablePointer<T>
  ) {
    let lanes = T.kernels.lanes, biases = to + channelBlocks &* taps &* lanes
    zero(biases, channelBlocks &* lanes)
    if let bias { copy(bias, to: biases, G) }
    for block in 0..<channelBlocks {
      let count = min(lanes, G &- block &* lanes), first = to + block &* taps &* lanes
      T.kernels.transpose(weight + block &* lanes &* taps, taps, count, taps, first, lanes, true)
      guard let factor else { continue }
      for t in 0..<taps { for i in 0..<count { first[t &* lanes &+ i] *= factor[block &* lanes &+ i] } }
    }
  }

  func depthwiseForward(
    _ x: BlockedArray<T>, _ filters: UnsafePointer<T>, _ y: BlockedArray<T>, _ epilogue: Epilogue<T>
  ) throws(CNNError) {
    let lanes = T.kernels.lanes, window = planes.window, taps = taps, blocks = channelBlocks
    let offsets = try Scratch<Int>(taps)
    for t in 0..<taps { offsets.data[t] = depthwiseOffset(t, x) }
    let tapOffsets = UnsafePointer(offsets.data), step = window.strides[1] &* lanes
    let first = (x.halo &- window.pads[0]) &* x.rowStep &+ (x.halo &- window.pads[1]) &* lanes
    let bands = min(OH, max(1, (15 &+ N &* blocks) / (N &* blocks))), tasks = N &* blocks &* bands
    parallel(tasks, width: try parallelWidth(tasks, work)) { task, _ in
      let n = task / (blocks &* bands), block = task / bands % blocks, (row, count) = part(task % bands, of: bands, OH)
      let from = UnsafePointer(x.data) + (n &* x.imageStep &+ block &* x.blockStep &+ first), to = y.inside(n, block)
      let added = epilogue.residual.map { ($0.inside(n, block), $0.rowStep) }
      var windows = BlockedWindowOperands(
        x: from + row &* window.strides[0] &* x.rowStep, offsets: tapOffsets, taps: taps, y: to + row &* y.rowStep,
        yStep: lanes, pixels: OW, weight: filters + block &* taps &* lanes,
        bias: filters + (blocks &* taps &+ block) &* lanes, residual: added.map { UnsafePointer($0.0 + row &* $0.1) },
        limits: epilogue.limits, divisor: 1)
      (windows.rows, windows.xRow, windows.yRow) = (count, window.strides[0] &* x.rowStep, y.rowStep)
      windows.residualRow = added?.1 ?? 0
      withUnsafePointer(to: windows) { T.kernels.blocked.depthwise($0, step) }
    }
  }

  func depthwiseOffset(_ tap: Int, _ x: BlockedArray<T>) -> Int {
    let window = planes.window
    let row = tap / window.kernel[1] &* window.dilations[0], column = tap % window.kernel[1] &* window.dilations[1]
    return row &* x.rowStep &+ column &* T.kernels.lanes
  }

  /// The gradient of x, by phases as of a direct convolution (see GradientPhase).
  func depthwiseInputGradient(
    _ weight: UnsafePointer<T>, _ gradY: BlockedArray<T>, _ gradX: BlockedArray<T>
  ) throws(CNNError) {
    let lanes = T.kernels.lanes, blocks = channelBlocks, taps = taps, strides = planes.window.strides
    let filters = try Scratch<T>(depthwiseCount), chosen = try Scratch<T>(blocks &* taps &* lanes),
      offsets = try Scratch<Int>(taps)
    packDepthwise(weight, factor: nil, bias: nil, filters.data)
    let (chosenData, offsetData) = (chosen.data, offsets.data)
    for phase in gradientPhases {
      let count = phase.taps.count
      for (i, place) in phase.places.enumerated() { offsetData[i] = place.row &* gradY.rowStep &+ place.column &* lanes }
      for block in 0..<blocks {
        for (i, t) in phase.taps.enumerated() {
          copy(
            UnsafePointer(filters.data) + (block &* taps &+ t) &* lanes, to: chosenData + (block &* count &+ i) &* lanes, lanes)
        }
      }
      let first = phase.first.row &* gradX.rowStep &+ phase.first.column &* lanes
      try gradX.forEachBlock(.multiplyAdds(gradX.count, count)) { n, block in
        let from = UnsafePointer(gradY.inside(n, block)), to = gradX.inside(n, block) + first
        var windows = BlockedWindowOperands(
          x: from, offsets: UnsafePointer(offsetData), taps: count, y: to, yStep: strides[1] &* lanes, pixels: phase.columns,
          weight: UnsafePointer(chosenData) + block &* count &* lanes, divisor: 1)
        (windows.rows, windows.xRow, windows.yRow) = (phase.rows, gradY.rowStep, strides[0] &* gradX.rowStep)
        withUnsafePointer(to: windows) { T.kernels.blocked.depthwise($0, lanes) }
      }
    }
    try gradX.clearHalo()
  }
}
