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
package final class PhasePlanes {
  package let window: Window
  /// H and W of the image, OH and OW of the windows.
  let image: (Int, Int), output: (Int, Int)
  package let height: Int, width: Int
  /// The distinct (tap * dilation) mod stride, by axis.
  private let rowPhases: [Int], columnPhases: [Int]
  private let rowOf: [Int], columnOf: [Int]
  /// Cells of one channel.
  package let cells: Int
  private let pieces: [Piece]

  /// One plane: the cells of one row phase and one column phase.
  private struct Piece {
    let first: Int  // of its cells
    let rowPhase: Int
    let columns: Inside
  }
  /// From the first window's first cell to the last window's, in flat order.
  package var run: Int { (output.0 &- 1) &* width &+ output.1 }

  /// firstColumn: of the image, without its padding; others are for windows of one column out of several.
  package init(
    _ window: Window, image: (Int, Int), output: (Int, Int), firstColumn: Int = 0
  ) throws(CNNError) {
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
    var pieces: [Piece] = []
    for phase in rowPhases {
      for columnPhase in columnPhases {
        let columns = Inside(
          phase: columnPhase, before: window.pads[1] - firstColumn, stride: window.strides[1], cells: width,
          extent: image.1)
        pieces.append(Piece(first: pieces.count * height * width, rowPhase: phase, columns: columns))
      }
    }
    self.pieces = pieces
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
    for piece in pieces {
      let rows = rowsInside(piece, firstRow), columns = piece.columns, plane = planes + piece.first
      if rows.start > 0 { plane.update(repeating: padding, count: rows.start &* width) }
      var copy = RowCopy(
        from: x + (rows.first &* image.1 &+ columns.first), fromRow: window.strides[0] &* image.1,
        fromColumn: window.strides[1], to: plane + rows.start &* width, toRow: width, rows: rows.count,
        columns: columns.count, before: columns.start, after: width &- columns.start &- columns.count, fill: padding)
      copy.ahead = RowCopy<T>.twoPages
      T.kernels.copyRows(copy)
      let end = rows.start &+ rows.count
      if end < height { (plane + end &* width).update(repeating: padding, count: (height &- end) &* width) }
    }
  }

  /// The way back: x[H][W] receives its cells; pixels that no plane holds become 0.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func drain<T: Element>(_ planes: UnsafePointer<T>, _ x: UnsafeMutablePointer<T>) {
    let stride = window.strides[1], W = image.1, kernels = T.kernels
    if !holdsEveryPixel { zero(x, image.0 &* W) }
    var i = 0
    while i < pieces.count {
      let piece = pieces[i], rows = rowsInside(piece, 0), columns = piece.columns
      let to = x + rows.first &* W, source = planes + (piece.first &+ rows.start &* width)
      if stride == 2 && columnPhases.count == 2 && i % 2 == 0 {
        // Two phases side by side, of which one holds pixel 0, and the other pixel 1.
        let other = pieces[i &+ 1], others = other.columns, neighbour = source + (other.first &- piece.first)
        let (even, odd) = columns.first == 0 ? (columns, others) : (others, columns)
        if even.first == 0 && odd.first == 1 && even.count &- odd.count >= 0 && even.count &- odd.count <= 1 {
          let isFirst = columns.first == 0
          kernels.mergeRows(
            (isFirst ? source : neighbour) + even.start, (isFirst ? neighbour : source) + odd.start, width, to,
            window.strides[0] &* W, rows.count, even.count &+ odd.count)
          i &+= 2
          continue
        }
      }
      if stride == 1 {
        kernels.copyRows(
          RowCopy(
            from: source + columns.start, fromRow: width, to: to + columns.first, toRow: window.strides[0] &* W,
            rows: rows.count, columns: columns.count, fill: 0))
      } else {
        for r in 0..<rows.count {
          let row = to + (r &* window.strides[0] &* W &+ columns.first), from = source + (r &* width &+ columns.start)
          for c in 0..<columns.count { row[c &* stride] = from[c] }
        }
      }
      i &+= 1
    }
  }

  private var holdsEveryPixel: Bool {
    var pixels = 0
    for piece in pieces { pixels &+= rowsInside(piece, 0).count &* piece.columns.count }
    return pixels == image.0 &* image.1
  }

  /// Along an axis, a phase's cells start ..< start + count lie inside the image, the first of them at pixel `first`.
  private struct Inside {
    let start: Int, first: Int, count: Int

    init(phase: Int, before pad: Int, stride: Int, cells: Int, extent: Int) {
      let outside = pad - phase
      start = min(cells, outside > 0 ? (outside + stride - 1) / stride : 0)
      let pixel = start * stride - outside
      count = pixel < extent ? min(cells - start, (extent - pixel + stride - 1) / stride) : 0
      first = count > 0 ? pixel : 0
    }
  }
  private func rowsInside(_ piece: Piece, _ firstRow: Int) -> Inside {
    Inside(
      phase: piece.rowPhase + firstRow * window.strides[0], before: window.pads[0], stride: window.strides[0], cells: height,
      extent: image.0)
  }
}
