// Max and average pooling of channel-blocked arrays. Windows that reach over the image's edge take the cells inside it, so any halo will
// do.
package import CNNCore
import Microkernels

extension Pooling {
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func blockedMaxForward<T: Element>(_ x: BlockedArray<T>, _ y: BlockedArray<T>) throws(CNNError) {
    try forEachBlockedRun(x, y) { windows, step, _, _ in
      withUnsafePointer(to: windows) { T.kernels.blocked.maxWindows($0, step) }
    } nothing: { to, channels in
      zero(to, T.kernels.lanes)
      to.update(repeating: -T.infinity, count: channels)
    }
  }

  @_specialize(where T == Float) @_specialize(where T == Double)
  package func blockedAverageForward<T: Element>(_ x: BlockedArray<T>, _ y: BlockedArray<T>) throws(CNNError) {
    let divisors = try Divisors(self, x.shape, y.shape)
    try forEachBlockedRun(x, y) { windows, step, row, column in
      var windows = windows
      windows.divisor = T(divisors.byRow[row] &* divisors.byColumn[column])
      withUnsafePointer(to: windows) { T.kernels.blocked.meanWindows($0, step) }
    } nothing: { to, _ in
      zero(to, T.kernels.lanes)
    }
  }

  /// Calls body(windows, elements from one to the next, row, first column) for runs of windows in y's rows that have the same cells, and
  /// nothing(pixel, its channels) for windows without a cell.
  private func forEachBlockedRun<T: Element>(
    _ x: BlockedArray<T>, _ y: BlockedArray<T>, _ body: (BlockedWindowOperands<T>, Int, Int, Int) -> Void,
    nothing: (UnsafeMutablePointer<T>, Int) -> Void
  ) throws(CNNError) {
    let lanes = T.kernels.lanes, taps = window.taps, (OH, OW) = (y.H, y.W), blocks = x.blocks
    let inner = windowsInside(1, x.W, OW)
    let bands = min(OH, max(1, (15 &+ x.N &* blocks) / (x.N &* blocks))), tasks = x.N &* blocks &* bands
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
                x: from, offsets: UnsafePointer(offsets), taps: used, y: pixel, pixels: windows, divisor: 1),
              window.strides[1] &* lanes, row, column)
          }
          column &+= windows
        }
      }
    }
    try y.clearHalo()
  }

  /// Along an axis, the taps of a window that lie inside the image.
  private func cells(_ axis: Int, _ place: Int, _ extent: Int) -> Range<Int> {
    let start = place &* window.strides[axis] &- window.pads[axis], step = window.dilations[axis]
    let first = start < 0 ? (step &- start &- 1) / step : 0
    let end = start < extent ? min(window.kernel[axis], (extent &- start &+ step &- 1) / step) : 0
    return min(first, end)..<end
  }
}
