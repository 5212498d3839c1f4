// Depthwise convolution of channel-blocked arrays: one filter a channel, so lanes of x, of the filters and of y are the same channels.
import CNNCore
import Microkernels

extension Convolution.Sizes {
  /// One filter for each of several channels.
  var isDepthwise: Bool { C == 1 && K == 1 && G > 1 }
  var channelBlocks: Int { (G &+ T.lanes &- 1) / T.lanes }
  /// Elements of packed depthwise filters: [block][tap][lane], then biases of all lanes; zeros behind the last channel.
  var depthwiseCount: Int { channelBlocks &* (taps &+ 1) &* T.lanes }

  /// factor: what filter k is multiplied by, as a normalization behind the convolution wants it.
  func packDepthwise(
    _ weight: UnsafePointer<T>, factor: UnsafePointer<T>?, bias: UnsafePointer<T>?, _ to: UnsafeMutablePointer<T>
  ) {
    let lanes = T.lanes, biases = to + channelBlocks &* taps &* lanes
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
    let lanes = T.lanes, window = planes.window, taps = taps, blocks = channelBlocks, kernel = T.kernels.blocked.depthwise
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
      withUnsafePointer(to: windows) { kernel($0, step) }
      y.clearHalo(n, block, rows: row..<row &+ count)
    }
  }

  func depthwiseOffset(_ tap: Int, _ x: BlockedArray<T>) -> Int {
    let window = planes.window
    let row = tap / window.kernel[1] &* window.dilations[0], column = tap % window.kernel[1] &* window.dilations[1]
    return row &* x.rowStep &+ column &* T.lanes
  }

  /// The gradient of x, by phases as of a direct convolution (see GradientPhase).
  func depthwiseInputGradient(
    _ weight: UnsafePointer<T>, _ gradY: BlockedArray<T>, _ gradX: BlockedArray<T>
  ) throws(CNNError) {
    let filters = try Scratch<T>(depthwiseCount), phases = gradientPhases, data = UnsafePointer(filters.data)
    packDepthwise(weight, factor: nil, bias: nil, filters.data)
    let blockFilters = taps &* T.lanes, offsets = try phaseOffsets(phases, gradY), offsetData = offsets.data
    let work = Work.streamed(gradX.count, taps)
    let width = try parallelWidth(gradX.N &* gradX.blocks, work), chosen = try Scratch<T>(width &* blockFilters)
    let chosenData = chosen.data, blocks = gradX.blocks
    parallel(gradX.N &* blocks, width: width) { task, worker in
      depthwiseInputs(
        phases, offsetData, data + task % blocks &* blockFilters, gradY, gradX, task / blocks, task % blocks,
        chosenData + worker &* blockFilters)
      gradX.clearHalo(task / blocks, task % blocks)
    }
  }

  /// Where the cells of each phase's taps lie in the gradient of y, phase after phase.
  func phaseOffsets(_ phases: [GradientPhase], _ gradY: BlockedArray<T>) throws(CNNError) -> Scratch<Int> {
    let offsets = try Scratch<Int>(taps)
    var i = 0
    for phase in phases {
      for place in phase.places {
        offsets.data[i] = place.row &* gradY.rowStep &+ place.column &* T.lanes
        i &+= 1
      }
    }
    return offsets
  }

  /// Of a block of channels of an image, whose filters are [taps][B]; `chosen` is for as many.
  func depthwiseInputs(
    _ phases: [GradientPhase], _ offsets: UnsafePointer<Int>, _ filters: UnsafePointer<T>, _ gradY: BlockedArray<T>,
    _ gradX: BlockedArray<T>, _ n: Int, _ block: Int, _ chosen: UnsafeMutablePointer<T>
  ) {
    let lanes = T.lanes, strides = planes.window.strides
    var offsets = offsets
    for phase in phases {
      for (i, t) in phase.taps.enumerated() { copy(filters + t &* lanes, to: chosen + i &* lanes, lanes) }
      let first = phase.first.row &* gradX.rowStep &+ phase.first.column &* lanes
      var windows = BlockedWindowOperands(
        x: UnsafePointer(gradY.inside(n, block)), offsets: offsets, taps: phase.taps.count, y: gradX.inside(n, block) + first,
        yStep: strides[1] &* lanes, pixels: phase.columns, weight: UnsafePointer(chosen), divisor: 1)
      (windows.rows, windows.xRow, windows.yRow) = (phase.rows, gradY.rowStep, strides[0] &* gradX.rowStep)
      withUnsafePointer(to: windows) { T.kernels.blocked.depthwise($0, lanes) }
      offsets += phase.taps.count
    }
  }
}
