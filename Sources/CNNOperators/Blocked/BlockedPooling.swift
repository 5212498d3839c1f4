// Max and average pooling of channel-blocked arrays. Windows that reach over the image's edge take the cells inside it, so any halo will
// do.
package import CNNCore
import Microkernels

extension Pooling {
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func blockedMaxForward<T: Element>(
    _ x: BlockedArray<T>, _ y: BlockedArray<T>, winners: UnsafeMutablePointer<Int32>? = nil
  ) throws(CNNError) {
    if let winners {
      try forEachBlockedRun(x, y) {
        y.clearHalo($0, $1, rows: $2)
      } windows: { windows, step, place in
        withUnsafePointer(to: windows) { T.kernels.blocked.maxPositions($0, step, winners + place.pixel &* windows.yStep) }
      } nothing: { to, channels in
        nothing(to, channels)
      }
    } else {
      let bands = bands(x, y), tasks = x.N &* x.blocks &* bands, taps = window.taps
      let width = try parallelWidth(tasks, .elements(y.count, taps))
      let scratch = try Scratch<Int>(width &* taps), scratchData = scratch.data
      parallel(tasks, width: width) { task, worker in
        let n = task / (x.blocks &* bands), block = task / bands % x.blocks, (first, count) = part(task % bands, of: bands, y.H)
        let plane = BlockedPlane(
          data: UnsafePointer(x.inside(n, block)), rowStep: x.rowStep, H: x.H, W: x.W, channels: x.channels(of: block))
        blockedMaxRows(
          first..<first &+ count, plane, y.inside(n, block) + first &* y.rowStep, rowStep: y.rowStep, columns: y.W,
          scratchData + worker &* taps)
        y.clearHalo(n, block, rows: first..<first &+ count)
      }
    }
  }
  /// The maximum of a window without a cell.
  private func nothing<T: Element>(_ to: UnsafeMutablePointer<T>, _ channels: Int) {
    zero(to, T.lanes)
    to.update(repeating: -T.infinity, count: channels)
  }

  /// Rows of windows of one block of channels: y, from the first of these rows on, = the largest cells. Only the rows of the plane that they
  /// read need be there. `room`: for an offset of each tap.
  func blockedMaxRows<T: Element>(
    _ rows: Range<Int>, _ x: BlockedPlane<T>, _ y: UnsafeMutablePointer<T>, rowStep: Int, columns: Int,
    _ room: UnsafeMutablePointer<Int>
  ) {
    let lanes = T.lanes, inner = windowsInside(1, x.W, columns), innerRows = windowsInside(0, x.H, rows.upperBound)
    var row = rows.lowerBound
    while row < rows.upperBound {
      // Rows of windows that lie wholly inside differ by nothing but their place.
      let alike = innerRows.contains(row) ? innerRows.upperBound &- row : 1
      let inRows = cells(0, row, x.H), to = y + (row &- rows.lowerBound) &* rowStep
      var column = 0
      while column < columns {
        let count = column == inner.lowerBound && !inner.isEmpty ? inner.count : 1
        let taps = offsets(room, row, inRows, column, cells(1, column, x.W), x.rowStep, lanes)
        var windows = BlockedWindowOperands(
          x: x.data, offsets: UnsafePointer(room), taps: taps, y: to + column &* lanes, yStep: lanes, pixels: count,
          divisor: 1)
        (windows.rows, windows.xRow, windows.yRow) = (alike, self.window.strides[0] &* x.rowStep, rowStep)
        if taps == 0 {
          for r in 0..<alike { for i in 0..<count { nothing(windows.y + (r &* rowStep &+ i &* lanes), x.channels) } }
        } else {
          withUnsafePointer(to: windows) { T.kernels.blocked.maxWindows($0, window.strides[1] &* lanes) }
        }
        column &+= count
      }
      row &+= alike
    }
  }
  /// Writes where the cells of the window at (row, column) are; returns how many.
  private func offsets(
    _ to: UnsafeMutablePointer<Int>, _ row: Int, _ inRows: Range<Int>, _ column: Int, _ inColumns: Range<Int>, _ rowStep: Int,
    _ lanes: Int
  ) -> Int {
    var used = 0
    for i in inRows {
      let h = row &* window.strides[0] &- window.pads[0] &+ i &* window.dilations[0]
      for j in inColumns {
        let w = column &* window.strides[1] &- window.pads[1] &+ j &* window.dilations[1]
        to[used] = h &* rowStep &+ w &* lanes
        used &+= 1
      }
    }
    return used
  }
  private func bands<T: Element>(_ x: BlockedArray<T>, _ y: BlockedArray<T>) -> Int {
    min(y.H, max(1, (15 &+ x.N &* x.blocks) / max(1, x.N &* x.blocks)))
  }

  /// Elements of winners: one for each pixel and lane of y. A winner is a number among the cells of its window that lie inside the image.
  static func blockedWinners<T: Element>(_ y: Shape, of _: T.Type) throws(CNNError) -> Shape {
    try Shape("winners", ArrayLayout.blocked(halo: 0).count(y, of: T.self))
  }

  @_specialize(where T == Float) @_specialize(where T == Double)
  package func blockedMaxBackward<T: Element>(
    _ winners: UnsafePointer<Int32>, _ gradY: BlockedArray<T>, _ gradX: BlockedArray<T>
  ) throws(CNNError) {
    // Every cell is in one window: then it is written once, and there need not be zeros before.
    let isCut = (0..<2).allSatisfy { window.kernel[$0] == window.strides[$0] && window.dilations[$0] == 1 }
    let replaces = isCut && gradY.H &* window.strides[0] == gradX.H && gradY.W &* window.strides[1] == gradX.W
    try forEachBlockedRun(gradX, gradY, bands: 1) { n, block, _ in
      if replaces { return gradX.clearHalo(n, block) }
      zero(gradX.data + (n &* gradX.imageStep &+ block &* gradX.blockStep), gradX.blockStep)
    } windows: { windows, step, place in
      var windows = windows
      windows.replaces = replaces
      withUnsafePointer(to: windows) { T.kernels.blocked.scatterWinners($0, step, winners + place.pixel &* windows.yStep) }
    } nothing: { _, _ in
    }
  }

  @_specialize(where T == Float) @_specialize(where T == Double)
  package func blockedAverageForward<T: Element>(_ x: BlockedArray<T>, _ y: BlockedArray<T>) throws(CNNError) {
    let divisors = Divisors(self, x: (x.H, x.W), y: (y.H, y.W))
    try forEachBlockedRun(x, y) {
      y.clearHalo($0, $1, rows: $2)
    } windows: { windows, step, place in
      var windows = windows
      windows.divisor = T(divisors.byRow[place.row] &* divisors.byColumn[place.column])
      withUnsafePointer(to: windows) { T.kernels.blocked.meanWindows($0, step) }
    } nothing: { to, _ in
      zero(to, T.lanes)
    }
  }

  /// Calls begin(image, block of channels, some rows of y), then body(windows, elements from one to the next, where the first is in y, and which pixel of all blocks) for runs of windows in y's rows that have the same cells, and
  /// nothing(pixel, its channels) for windows without a cell.
  private func forEachBlockedRun<T: Element>(
    _ x: BlockedArray<T>, _ y: BlockedArray<T>, bands: Int? = nil, begin: (Int, Int, Range<Int>) -> Void,
    windows body: (BlockedWindowOperands<T>, Int, (row: Int, column: Int, pixel: Int)) -> Void,
    nothing: (UnsafeMutablePointer<T>, Int) -> Void
  ) throws(CNNError) {
    let lanes = T.lanes, taps = window.taps, (OH, OW) = (y.H, y.W), blocks = x.blocks
    let inner = windowsInside(1, x.W, OW)
    let bands = bands ?? self.bands(x, y), tasks = x.N &* blocks &* bands
    let width = try parallelWidth(tasks, .elements(y.count, taps))
    let scratch = try Scratch<Int>(width &* taps), scratchData = scratch.data
    parallel(tasks, width: width) { task, worker in
      let n = task / (blocks &* bands), block = task / bands % blocks, (first, count) = part(task % bands, of: bands, OH)
      let from = UnsafePointer(x.inside(n, block)), to = y.inside(n, block), offsets = scratchData + worker &* taps
      begin(n, block, first..<first &+ count)
      for row in first..<first &+ count {
        let inRows = cells(0, row, x.H)
        var column = 0
        while column < OW {
          let windows = column == inner.lowerBound && !inner.isEmpty ? inner.count : 1, inColumns = cells(1, column, x.W)
          let used = self.offsets(offsets, row, inRows, column, inColumns, x.rowStep, lanes)
          let pixel = to + (row &* y.rowStep &+ column &* lanes)
          if used == 0 {
            for i in 0..<windows { nothing(pixel + i &* lanes, x.channels(of: block)) }
          } else {
            body(
              BlockedWindowOperands(
                x: from, offsets: UnsafePointer(offsets), taps: used, y: pixel, yStep: lanes, pixels: windows,
                divisor: 1),
              window.strides[1] &* lanes, (row, column, ((n &* blocks &+ block) &* OH &+ row) &* OW &+ column))
          }
          column &+= windows
        }
      }
    }
  }

  /// Along an axis, the taps of a window that lie inside the image.
  func cells(_ axis: Int, _ place: Int, _ extent: Int) -> Range<Int> {
    let start = place &* window.strides[axis] &- window.pads[axis], step = window.dilations[axis]
    let first = start < 0 ? (step &- start &- 1) / step : 0
    let end = start < extent ? min(window.kernel[axis], (extent &- start &+ step &- 1) / step) : 0
    return min(first, end)..<end
  }
}
