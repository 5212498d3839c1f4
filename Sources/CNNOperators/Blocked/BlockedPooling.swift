// Max and average pooling of channel-blocked arrays. Windows that reach over the image's edge take the cells inside it, so any halo will
// do.
package import CNNCore
import Microkernels

extension Pooling {
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func blockedMaxForward<T: Element>(
    _ x: BlockedArray<T>, _ y: BlockedArray<T>, winners: UnsafeMutablePointer<Int32>? = nil
  ) throws(CNNError) {
    try forEachBlockedRun(x, y) { windows, step, place in
      if let winners {
        withUnsafePointer(to: windows) { T.kernels.blocked.maxPositions($0, step, winners + place.pixel &* windows.yStep) }
      } else {
        withUnsafePointer(to: windows) { T.kernels.blocked.maxWindows($0, step) }
      }
    } nothing: { to, channels in
      zero(to, T.kernels.lanes)
      to.update(repeating: -T.infinity, count: channels)
    }
    try y.clearHalo()
  }

  /// Elements of winners: one for each pixel and lane of y. A winner is a number among the cells of its window that lie inside the image.
  static func blockedWinners<T: Element>(_ y: Shape, of _: T.Type) throws(CNNError) -> Shape {
    try Shape("winners", ArrayLayout.blocked(halo: 0).count(y, of: T.self))
  }

  @_specialize(where T == Float) @_specialize(where T == Double)
  package func blockedMaxBackward<T: Element>(
    _ winners: UnsafePointer<Int32>, _ gradY: BlockedArray<T>, _ gradX: BlockedArray<T>
  ) throws(CNNError) {
    zero(gradX.data, gradX.count)
    try forEachBlockedRun(gradX, gradY, bands: 1) { windows, step, place in
      withUnsafePointer(to: windows) { T.kernels.blocked.scatterWinners($0, step, winners + place.pixel &* windows.yStep) }
    } nothing: { _, _ in
    }
  }

  @_specialize(where T == Float) @_specialize(where T == Double)
  package func blockedAverageForward<T: Element>(_ x: BlockedArray<T>, _ y: BlockedArray<T>) throws(CNNError) {
    let divisors = try Divisors(self, x.shape, y.shape)
    try forEachBlockedRun(x, y) { windows, step, place in
      var windows = windows
      windows.divisor = T(divisors.byRow[place.row] &* divisors.byColumn[place.column])
      withUnsafePointer(to: windows) { T.kernels.blocked.meanWindows($0, step) }
    } nothing: { to, _ in
      zero(to, T.kernels.lanes)
    }
    try y.clearHalo()
  }

  /// Calls body(windows, elements from one to the next, where the first is in y, and which pixel of all blocks) for runs of windows in y's rows that have the same cells, and
  /// nothing(pixel, its channels) for windows without a cell.
  private func forEachBlockedRun<T: Element>(
    _ x: BlockedArray<T>, _ y: BlockedArray<T>, bands: Int? = nil,
    _ body: (BlockedWindowOperands<T>, Int, (row: Int, column: Int, pixel: Int)) -> Void,
    nothing: (UnsafeMutablePointer<T>, Int) -> Void
  ) throws(CNNError) {
    let lanes = T.kernels.lanes, taps = window.taps, (OH, OW) = (y.H, y.W), blocks = x.blocks
    let inner = windowsInside(1, x.W, OW)
    let bands = bands ?? min(OH, max(1, (15 &+ x.N &* blocks) / max(1, x.N &* blocks))), tasks = x.N &* blocks &* bands
    let width = try parallelWidth(tasks, .elements(y.count, taps))
    let scratch = try Scratch<Int>(width &* taps), scratchData = scratch.data
    parallel(tasks, width: width) { task, worker in
      let n = task / (blocks &* bands), block = task / bands % blocks, (first, count) = part(task % bands, of: bands, OH)
      let from = UnsafePointer(x.inside(n, block)), to = y.inside(n, block), offsets = scratchData + worker &* taps
      for row in first..<first &+ count {
        let inRows = cells(0, row, x.H)
        var column = 0
        while column < OW {
          let windows = column == inner.lowerBound && !inner.isEmpty ? inner.count : 1, inColumns = cells(1, column, x.W)
          var used = 0
          for i in inRows {
            let h = row &* window.strides[0] &- window.pads[0] &+ i &* window.dilations[0]
            for j in inColumns {
              let w = column &* window.strides[1] &- window.pads[1] &+ j &* window.dilations[1]
              offsets[used] = h &* x.rowStep &+ w &* lanes
              used &+= 1
            }
          }
          let pixel = to + (row &* y.rowStep &+ column &* lanes)
          if used == 0 {
            nothing(pixel, x.channels(of: block))
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
  private func cells(_ axis: Int, _ place: Int, _ extent: Int) -> Range<Int> {
    let start = place &* window.strides[axis] &- window.pads[axis], step = window.dilations[axis]
    let first = start < 0 ? (step &- start &- 1) / step : 0
    let end = start < extent ? min(window.kernel[axis], (extent &- start &+ step &- 1) / step) : 0
    return min(first, end)..<end
  }
}
