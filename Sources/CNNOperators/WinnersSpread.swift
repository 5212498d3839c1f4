// The way back of max pooling: each gradient goes to the cell that won.
import CNNCore
import Microkernels

/// grad_x[n][c][h][w] = the sum of grad_y of the windows that it won, of planes one after another.
struct WinnersSpread<T: Element>: ~Copyable {
  let channels: Pooling.Channels<T>
  /// From the first cell of a window to each of its cells.
  private let offsets: Scratch<Int>
  /// Windows that may share a cell do not follow each other: a sum that is read just after it was written has to be waited for.
  private let apart: Int
  /// Whether a row of cells is made from the windows that reach it, in vectors, and elements of the room for that.
  private let asksWindows: Bool, roomCells: Int

  /// Of arrays of these shapes, x and y.
  init(_ window: Window, _ x: Shape, _ y: Shape) throws(CNNError) {
    let W = x[3], columns = window.kernel[1], step = window.strides[1], offsets = try Scratch<Int>(window.taps)
    for t in 0..<window.taps {
      offsets.data[t] = t / columns &* window.dilations[0] &* W &+ t % columns &* window.dilations[1]
    }
    let span = (columns &- 1) &* window.dilations[1] &+ 1, channels = try Pooling.Channels<T>(window, x, y)
    let asksWindows =
      !channels.areDisjointPairs && window.dilations[0] == 1 && window.dilations[1] == 1 && y.count > 0
      && 2 &* y[3] >= T.lanes && (columns == 2 || columns == 3) && window.kernel[0] == columns && step <= 2
      && window.strides[0] == step
    roomCells =
      asksWindows
      ? MaxPlaneGradient<T>.roomCells(K: columns, reach: window.pads[1] &+ W, stride: step, lanes: T.lanes) : 0
    self.asksWindows = asksWindows
    self.channels = channels
    self.offsets = offsets
    apart = min(max(1, y[3]), (span &+ step &- 1) / step)
  }

  /// Elements of the room that `run` needs, and `channels`.
  var cells: Int { max(channels.cells, roomCells) }

  /// Of so many planes, no more than `channels.stack`.
  func run(
    _ stacked: Int, _ winners: UnsafePointer<Int32>, _ gradY: UnsafePointer<T>, _ gradX: UnsafeMutablePointer<T>,
    _ cells: UnsafeMutablePointer<T>
  ) {
    let planes = channels.planes, window = planes.window, (H, W) = planes.image, (OH, OW) = planes.output
    if channels.areDisjointPairs {
      let covers = OH &* window.kernel[0] == H && 2 &* OW == W
      if !covers { zero(gradX, stacked &* H &* W) }
      let windows = channels.windows(of: UnsafePointer(gradX), stacked, in: cells, padding: 0)
      return T.kernels.spreadWinners(gradY, winners, windows, window.kernel[0], W)
    }
    if asksWindows {
      for plane in 0..<stacked {
        let windows = MaxPlane(
          window, x: UnsafePointer(gradX) + plane &* H &* W, y: UnsafeMutablePointer(mutating: gradY) + plane &* OH &* OW,
          planes.image, planes.output)
        T.kernels.maxPlaneGradient(MaxPlaneGradient(windows, winners: winners + plane &* OH &* OW), cells)
      }
      return
    }
    zero(gradX, stacked &* H &* W)
    let taps = UnsafePointer(offsets.data), rowStep = window.strides[0] &* W, columnStep = window.strides[1]
    let first = 0 &- window.pads[0] &* W &- window.pads[1]
    for plane in 0..<stacked {
      for row in 0..<OH {
        let cell = plane &* H &* W &+ first &+ row &* rowStep, i = (plane &* OH &+ row) &* OW
        for start in 0..<apart {
          for column in stride(from: start, to: OW, by: apart) {
            let winner = Int(winners[i &+ column])
            if winner >= 0 { gradX[cell &+ column &* columnStep &+ taps[winner]] += gradY[i &+ column] }
          }
        }
      }
    }
  }
}
