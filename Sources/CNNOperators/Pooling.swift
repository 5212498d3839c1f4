// Max and average pooling (ONNX MaxPool, AveragePool). Each channel is cut into planes in which a tap is a shifted flat array,
// so one loop in vectors serves every stride, padding and dilation.
package import CNNCore
import Microkernels

package struct Pooling {
  let window: Window
  let countIncludePad: Bool

  package init(_ window: Window, countIncludePad: Bool = false) {
    self.window = window
    self.countIncludePad = countIncludePad
  }

  package func outputShape(_ x: Shape, name: StaticString = "x") throws(CNNError) -> Shape {
    guard x.rank == 4 else { throw .shape("\(name): wanted 4 axes, [N][C][H][W], got shape \(x.description)") }
    return try window.outputShape(x, channels: x[1])
  }

  /// y[N][C][OH][OW]; winners, int32 like y, is each maximum's row-major place in its window, the first of equals; NaN wins.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func maxForward<T: Element>(_ x: Input<T>, _ y: Output<T>, winners: Output<Int32>?) throws(CNNError) {
    let shape = try outputShape(x.shape)
    try y.wants(shape)
    try winners?.wants(shape)
    try y.mustNotOverlap(x)
    try winners?.mustNotOverlap(x)
    try winners?.mustNotOverlap(y.input)
    let padded = window.pads[0] > 0 || window.pads[1] > 0 || window.pads[2] > 0 || window.pads[3] > 0 || window.ceilMode
    let pixels = shape[2] &* shape[3], OW = shape[3], taps = window.taps, area = x.shape[2] &* x.shape[3]
    try forEachChannel(x, shape, padding: -T.infinity, places: 1) { channel, planes, offsets, values, positions in
      T.kernels.maxTaps(planes.data, offsets, taps, planes.run, values, positions)
      for row in 0..<shape[2] {
        let to = channel &* pixels &+ row &* OW
        copy(UnsafePointer(values) + row &* planes.width, to: y.data + to, OW)
        guard let winners else { continue }
        copy(UnsafePointer(positions) + row &* planes.width, to: winners.data + to, OW)
        if !padded { continue }
        // Padding equals a cell only where the maximum is -infinity: there the first cell of the image wins.
        for column in 0..<OW where y.data[to &+ column] == -T.infinity {
          winners.data[to &+ column] = firstCell(row, column, x.data + channel &* area, x.shape)
        }
      }
    }
  }

  /// grad_x[n][c][h][w] = the sum of grad_y of the windows that it won.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func maxBackward<T: Element>(_ winners: Input<Int32>, _ gradY: Input<T>, _ gradX: Output<T>) throws(CNNError) {
    let shape = try outputShape(gradX.shape, name: "grad_x")
    try gradY.wants(shape)
    try winners.wants(shape)
    try gradX.mustNotOverlap(gradY)
    try gradX.mustNotOverlap(winners)
    let (OH, OW, H, W) = (shape[2], shape[3], gradX.shape[2], gradX.shape[3])
    try checkWinners(winners, H, W, OH, OW)
    let planes = shape[0] &* shape[1]
    let table = try Scratch<Int>(window.taps)
    let steps = table.data
    for t in 0..<window.taps {
      steps[t] = t / window.kernel[1] &* window.dilations[0] &* W &+ t % window.kernel[1] &* window.dilations[1]
    }
    parallel(planes, width: try parallelWidth(planes)) { channel, _ in
      let to = gradX.data + channel &* H &* W
      zero(to, H &* W)
      for oh in 0..<OH {
        let from = (channel &* OH &+ oh) &* OW
        var start = (oh &* window.strides[0] &- window.pads[0]) &* W &- window.pads[1]
        for i in from..<from &+ OW {
          let winner = Int(winners.data[i])
          if winner >= 0 { to[start &+ steps[winner]] += gradY.data[i] }
          start &+= window.strides[1]
        }
      }
    }
  }

  /// Winners come from the caller: each must be -1 or a cell of its window inside the image.
  private func checkWinners(_ winners: Input<Int32>, _ H: Int, _ W: Int, _ OH: Int, _ OW: Int) throws(CNNError) {
    let unpadded = window.pads[0] == 0 && window.pads[1] == 0
    let columns = window.kernel[1]
    var worst = -1
    for row in 0..<winners.shape[0] &* winners.shape[1] &* OH {
      let oh = row % OH, from = row &* OW
      let top = oh &* window.strides[0] &- window.pads[0]
      // Windows that lie wholly inside need only the range of a position.
      let rowsInside = unpadded && top &+ (window.kernel[0] &- 1) &* window.dilations[0] < H
      let inside =
        rowsInside && (OW &- 1) &* window.strides[1] &+ (columns &- 1) &* window.dilations[1] < W
      if inside {
        var bad = false
        for i in from..<from &+ OW { bad = bad || winners.data[i] < -1 || Int(winners.data[i]) >= window.taps }
        if bad { worst = from }
      } else {
        for ow in 0..<OW {
          let winner = Int(winners.data[from &+ ow])
          if winner == -1 { continue }
          let left = ow &* window.strides[1] &- window.pads[1]
          guard winner >= 0 && winner < window.taps else {
            worst = from
            break
          }
          let h = top &+ winner / columns &* window.dilations[0], w = left &+ winner % columns &* window.dilations[1]
          if h < 0 || h >= H || w < 0 || w >= W { worst = from }
        }
      }
      if worst >= 0 { break }
    }
    if worst >= 0 {
      throw .argument(
        "winners: wanted positions 0 to \(window.taps - 1) inside the image, or -1; got another in output row \(worst / OW)")
    }
  }

  /// y = the mean of each window's cells: those inside the image, or with count_include_pad those inside its padding too.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func averageForward<T: Element>(_ x: Input<T>, _ y: Output<T>) throws(CNNError) {
    let shape = try outputShape(x.shape)
    try y.wants(shape)
    try y.mustNotOverlap(x)
    let OW = shape[3], taps = window.taps
    let divisors = try Divisors(self, x.shape, shape)
    try forEachChannel(x, shape, padding: 0, places: 0) { channel, planes, offsets, values, _ in
      T.kernels.sumTaps(planes.data, offsets, taps, planes.run, values)
      for row in 0..<shape[2] {
        let to = y.data + (channel &* shape[2] &+ row) &* OW
        for ow in 0..<OW {
          let cells = divisors.cells(row, ow)
          to[ow] = cells == 0 ? 0 : values[row &* planes.width &+ ow] / T(cells)
        }
      }
    }
  }

  @_specialize(where T == Float) @_specialize(where T == Double)
  package func averageBackward<T: Element>(_ gradY: Input<T>, _ gradX: Output<T>) throws(CNNError) {
    let shape = try outputShape(gradX.shape, name: "grad_x")
    try gradY.wants(shape)
    try gradX.mustNotOverlap(gradY)
    let divisors = try Divisors(self, gradX.shape, shape)
    let (H, W, OH, OW) = (gradX.shape[2], gradX.shape[3], shape[2], shape[3])
    let planes = shape[0] &* shape[1]
    parallel(planes, width: try parallelWidth(planes)) { channel, _ in
      let to = gradX.data + channel &* H &* W
      zero(to, H &* W)
      for oh in 0..<OH {
        for ow in 0..<OW {
          let cells = divisors.cells(oh, ow)
          if cells == 0 { continue }
          let share = gradY.data[(channel &* OH &+ oh) &* OW &+ ow] / T(cells)
          for i in 0..<window.kernel[0] {
            let h = oh &* window.strides[0] &- window.pads[0] &+ i &* window.dilations[0]
            if h < 0 || h >= H { continue }
            for j in 0..<window.kernel[1] {
              let w = ow &* window.strides[1] &- window.pads[1] &+ j &* window.dilations[1]
              if w >= 0 && w < W { to[h &* W &+ w] += share }
            }
          }
        }
      }
    }
  }

  /// How many cells each window's mean is over, by its row times by its column.
  private struct Divisors {
    private var byRow: [Int] = [], byColumn: [Int] = []

    init(_ pooling: Pooling, _ x: Shape, _ y: Shape) throws(CNNError) {
      byRow = Divisors.count(pooling, 0, x[2], y[2])
      byColumn = Divisors.count(pooling, 1, x[3], y[3])
    }
    func cells(_ row: Int, _ column: Int) -> Int { byRow[row] &* byColumn[column] }

    private static func count(_ pooling: Pooling, _ axis: Int, _ extent: Int, _ windows: Int) -> [Int] {
      let w = pooling.window
      let (low, high) = pooling.countIncludePad ? (-w.pads[axis], extent + w.pads[axis + 2]) : (0, extent)
      var counts: [Int] = []
      for o in 0..<windows {
        let start = o * w.strides[axis] - w.pads[axis], step = w.dilations[axis]
        let before = start < low ? (low - start + step - 1) / step : 0
        let within = start < high ? (high - start + step - 1) / step : 0
        counts.append(max(0, min(within, w.kernel[axis]) - before))
      }
      return counts
    }
  }

  private func firstCell<T: Element>(_ oh: Int, _ ow: Int, _ x: UnsafePointer<T>, _ shape: Shape) -> Int32 {
    for t in 0..<window.taps {
      let h = oh &* window.strides[0] &- window.pads[0] &+ t / window.kernel[1] &* window.dilations[0]
      let w = ow &* window.strides[1] &- window.pads[1] &+ t % window.kernel[1] &* window.dilations[1]
      if h >= 0 && h < shape[2] && w >= 0 && w < shape[3] { return Int32(truncatingIfNeeded: t) }
    }
    return -1
  }

  private struct ChannelPlanes<T> {
    let data: UnsafePointer<T>
    let run: Int, width: Int
  }

  /// Cuts each channel of x into planes and calls body(channel, planes, tap offsets, run values, run positions).
  private func forEachChannel<T: Element>(
    _ x: Input<T>, _ shape: Shape, padding: T, places positions: Int,
    _ body: (Int, ChannelPlanes<T>, UnsafePointer<Int>, UnsafeMutablePointer<T>, UnsafeMutablePointer<Int32>) -> Void
  ) throws(CNNError) {
    if shape.count == 0 { return }
    let planes = try PhasePlanes(window, image: (x.shape[2], x.shape[3]), output: (shape[2], shape[3]))
    let channels = shape[0] &* shape[1], area = x.shape[2] &* x.shape[3]
    let table = try Scratch<Int>(window.taps)
    let offsets = table.data
    planes.tapOffsets(offsets)
    let width = try parallelWidth(channels)
    let cells = planes.cells &+ planes.run &+ 64
    let placeCells = (planes.run &+ 32) &* positions
    let scratch = try Scratch<T>(width &* cells), places = try Scratch<Int32>(width &* placeCells)
    let (cellData, placeData) = (scratch.data, places.data)
    parallel(channels, width: width) { channel, worker in
      let to = cellData + worker &* cells
      planes.fill(to, x.data + channel &* area, padding: padding)
      body(
        channel, ChannelPlanes(data: UnsafePointer(to), run: planes.run, width: planes.width), offsets,
        to + (planes.cells &+ 32), placeData + worker &* placeCells)
    }
  }
}
