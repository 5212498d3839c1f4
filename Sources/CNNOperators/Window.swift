// Windows that slide over an image: sizes, and the image cut into planes in which every tap of a window is contiguous.
package import CNNCore
import Microkernels

/// {vertical, horizontal} of a window; pads are {top, left, bottom, right}, as in ONNX.
package struct Window {
  package let kernel: InlineArray<2, Int>, strides: InlineArray<2, Int>, dilations: InlineArray<2, Int>
  package let pads: InlineArray<4, Int>
  package let ceilMode: Bool
  package var taps: Int { kernel[0] &* kernel[1] }

  /// Each is limited to 2^30, so that sums and products of two of them and an extent cannot overflow.
  package init(
    kernel: InlineArray<2, Int>, strides: InlineArray<2, Int>, pads: InlineArray<4, Int>, dilations: InlineArray<2, Int>,
    ceilMode: Bool = false
  ) throws(CNNError) {
    for i in 0..<2 {
      try Window.check("kernel", i, kernel[i], least: 1)
      try Window.check("strides", i, strides[i], least: 1)
      try Window.check("dilations", i, dilations[i], least: 1)
    }
    for i in 0..<4 { try Window.check("pads", i, pads[i], least: 0) }
    (self.kernel, self.strides, self.pads, self.dilations, self.ceilMode) = (kernel, strides, pads, dilations, ceilMode)
  }

  private static func check(_ name: StaticString, _ i: Int, _ value: Int, least: Int) throws(CNNError) {
    guard value >= least && value <= 1 << 30 else {
      throw .argument("\(name)[\(i)]: wanted \(least) to 2^30, got \(value)")
    }
  }

  /// The number of windows along an axis: (extent + pads - dilation*(kernel-1) - 1) / stride + 1, rounded down, or up in ceil
  /// mode, where the last window must start inside the image or its leading pad (as in PyTorch and ONNX).
  package func outputExtent(_ axis: Int, of extent: Int) throws(CNNError) -> Int {
    let (before, after) = (pads[axis], pads[axis &+ 2])
    let padded = extent + before + after
    let span = dilations[axis] * (kernel[axis] - 1) + 1
    guard span <= padded && extent > 0 else {
      throw .shape(
        "kernel: the window does not fit, it spans \(span) \(axis == 0 ? "rows" : "columns") and x with its pads has \(padded)")
    }
    var count = (padded - span) / strides[axis] + 1
    if ceilMode && (padded - span) % strides[axis] != 0 && count * strides[axis] < extent + before { count += 1 }
    return count
  }

  /// [N][C][OH][OW] for x[N][C][H][W] and this many channels.
  package func outputShape(_ x: Shape, channels: Int) throws(CNNError) -> Shape {
    try Shape("y", x[0], channels, outputExtent(0, of: x[2]), outputExtent(1, of: x[3]))
  }
}

/// A padded image, cut by stride phases: the pixels that one tap reads over all windows of a row lie side by side.
///   cell(tap i j, window oh ow) = offset(i, j) + oh*width + ow       in one channel's planes
/// so a tap is a shifted flat array, whatever stride, padding and dilation are. Rows have a few cells that no window reads.
package struct PhasePlanes {
  package let window: Window
  /// H and W of the image, OH and OW of the windows.
  let image: (Int, Int), output: (Int, Int)
  package let height: Int, width: Int
  /// The distinct (tap * dilation) mod stride, by axis.
  private let rowPhases: [Int], columnPhases: [Int]
  private let rowOf: [Int], columnOf: [Int]
  /// Cells of one channel.
  package let cells: Int
  /// From the first window's first cell to the last window's, in flat order.
  package var run: Int { (output.0 &- 1) &* width &+ output.1 }

  package init(_ window: Window, image: (Int, Int), output: (Int, Int)) throws(CNNError) {
    self.window = window
    self.image = image
    self.output = output
    guard window.kernel[0] <= 1 << 20, window.kernel[1] <= 1 << 20 else {
      throw CNNError(
        .unsupported, "kernel: wanted at most 2^20 cells along an axis, got \(window.kernel[0]) x \(window.kernel[1])")
    }
    (rowPhases, rowOf) = PhasePlanes.phases(window, 0)
    (columnPhases, columnOf) = PhasePlanes.phases(window, 1)
    height = output.0 + (window.kernel[0] - 1) * window.dilations[0] / window.strides[0]
    width = output.1 + (window.kernel[1] - 1) * window.dilations[1] / window.strides[1]
    let area = height.multipliedReportingOverflow(by: width)
    let all = area.partialValue.multipliedReportingOverflow(by: rowPhases.count * columnPhases.count)
    guard !area.overflow && !all.overflow else { throw .shape("pads: the padded image's size overflows") }
    cells = all.partialValue
  }

  private static func phases(_ window: Window, _ axis: Int) -> ([Int], [Int]) {
    var distinct: [Int] = [], of: [Int] = []
    let cycle = min(window.strides[axis], window.kernel[axis])
    for tap in 0..<window.kernel[axis] {
      let phase = tap * window.dilations[axis] % window.strides[axis]
      var known = -1
      for i in 0..<min(distinct.count, cycle) where distinct[i] == phase { known = i }
      if known < 0 {
        known = distinct.count
        distinct.append(phase)
      }
      of.append(known)
    }
    return (distinct, of)
  }

  package func offset(_ i: Int, _ j: Int) -> Int {
    let plane = rowOf[i] &* columnPhases.count &+ columnOf[j]
    let row = i &* window.dilations[0] / window.strides[0], column = j &* window.dilations[1] / window.strides[1]
    return (plane &* height &+ row) &* width &+ column
  }

  /// The offsets of all taps, in the order i, j.
  package func tapOffsets(_ to: UnsafeMutablePointer<Int>) {
    let columns = window.kernel[1]
    for i in 0..<window.kernel[0] { for j in 0..<columns { to[i &* columns &+ j] = offset(i, j) } }
  }

  /// planes[cells] of one channel x[H][W]; cells outside the image become `padding`. firstRow shifts to a band of windows.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func fill<T: Element>(_ planes: UnsafeMutablePointer<T>, _ x: UnsafePointer<T>, padding: T, firstRow: Int = 0) {
    let copy = T.kernels.copyStrided, stride = window.strides[1]
    forEachRow(firstRow) { row, h, start, first, count in
      let cells = planes + row
      guard count > 0 && h >= 0 else { return cells.update(repeating: padding, count: width) }
      cells.update(repeating: padding, count: start)
      copy(x + (h &* image.1 &+ first), stride, cells + start, 1, count)
      (cells + (start &+ count)).update(repeating: padding, count: width &- start &- count)
    }
  }

  /// The way back: x[H][W] receives its cells; pixels that no plane holds become 0.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func drain<T: Element>(_ planes: UnsafePointer<T>, _ x: UnsafeMutablePointer<T>) {
    let copy = T.kernels.copyStrided, stride = window.strides[1]
    zero(x, image.0 &* image.1)
    forEachRow(0) { row, h, start, first, count in
      if count > 0 && h >= 0 { copy(planes + (row &+ start), 1, x + (h &* image.1 &+ first), stride, count) }
    }
  }

  /// Calls body(start of a row of cells, its image row or -1, first cell inside, that pixel's column, cells inside).
  private func forEachRow(_ firstRow: Int, _ body: (Int, Int, Int, Int, Int) -> Void) {
    let (sh, sw) = (window.strides[0], window.strides[1])
    for (a, rowPhase) in rowPhases.enumerated() {
      for (b, columnPhase) in columnPhases.enumerated() {
        let before = window.pads[1] - columnPhase
        let start = min(width, before > 0 ? (before + sw - 1) / sw : 0)
        let first = start * sw - before
        let count = first < image.1 ? min(width - start, (image.1 - first + sw - 1) / sw) : 0
        for r in 0..<height {
          let h = (r + firstRow) * sh + rowPhase - window.pads[0]
          body(((a &* columnPhases.count &+ b) &* height &+ r) &* width, h < image.0 ? h : -1, start, first, count)
        }
      }
    }
  }
}
