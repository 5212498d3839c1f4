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
    // It refuses windows that are too large for memory, whichever way is taken.
    let channels = try Channels<T>(window, x.shape, shape)
    guard let winners else { return try maxForward(x, y) }
    let pixels = shape[2] &* shape[3], area = x.shape[2] &* x.shape[3]
    try channels.forEach { channel, stacked, cells in
      channels.maxima(
        of: x.data + channel &* area, stacked, in: cells, y.data + channel &* pixels, winners.data + channel &* pixels)
    }
  }

  /// Without winners: along rows of pixels where there are enough of these for vectors, else with channels in the lanes.
  private func maxForward<T: Element>(_ x: Input<T>, _ y: Output<T>) throws(CNNError) {
    let (OH, OW, H, W) = (y.shape[2], y.shape[3], x.shape[2], x.shape[3]), kernels = T.kernels
    guard window.dilations[0] == 1 && window.dilations[1] == 1 && window.strides[1] <= 2 && 2 &* OW >= kernels.lanes else {
      return try bandedMaxForward(x, y)
    }
    let planes = y.shape[0] &* y.shape[1], (from, to) = (x.data, y.data)
    let first = MaxPlane(window, x: from, y: to, (H, W), (OH, OW))
    // Where the windows of a plane end with it, the next one goes on as if it were more rows: small ones are done together.
    let endsWithPlane = window.pads[0] == 0 && window.kernel[0] <= window.strides[0] && OH &* window.strides[0] == H
    let stack = endsWithPlane ? max(1, min(planes, 16_384 / max(1, H &* W))) : 1, tasks = (planes &+ stack &- 1) / stack
    let width = try parallelWidth(tasks, .elements(x.shape.count, 2)), cells = first.rowCells(lanes: kernels.lanes)
    let rows = try Scratch<T>(width &* cells), rowData = rows.data
    parallel(tasks, width: width) { task, worker in
      var own = first
      let plane = task &* stack, count = min(stack, planes &- plane)
      (own.x, own.y, own.H, own.OH) = (from + plane &* H &* W, to + plane &* OH &* OW, H &* count, OH &* count)
      kernels.maxPlane(own, rowData + worker &* cells)
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
    try checkWinners(winners, H, W, OH, OW, T.self)
    let spread = try WinnersSpread<T>(window, gradX.shape, shape), pixels = OH &* OW, area = H &* W
    try spread.channels.forEach(room: spread.cells) { channel, stacked, cells in
      spread.run(
        stacked, winners.data + channel &* pixels, gradY.data + channel &* pixels, gradX.data + channel &* area, cells)
    }
  }

  /// Winners come from the caller: each must be -1 or a cell of its window inside the image.
  private func checkWinners<T: Element>(
    _ winners: Input<Int32>, _ H: Int, _ W: Int, _ OH: Int, _ OW: Int, _: T.Type
  ) throws(CNNError) {
    let planes = winners.shape[0] &* winners.shape[1], kernels = T.kernels, columns = window.kernel[1]
    let innerRows = windowsInside(0, H, OH), inner = windowsInside(1, W, OW)
    let rows = (0..<OH).map { cells(0, $0, H) }, columnOf = (0..<window.taps).map { $0 % columns }
    // Windows that reach over the image's edge, at the left and at the right, may win less columns.
    let edges = (0..<OW).filter { !inner.contains($0) }, allowed = edges.map { cells(1, $0, W) }
    let isInside = edges.isEmpty && innerRows.count == OH
    func areRight(_ winners: UnsafePointer<Int32>, planes: Int) -> Bool {
      if isInside { return kernels.arePositions(winners, planes &* OH &* OW, 0, window.taps) }
      for plane in 0..<planes where !areRight(winners + plane &* OH &* OW) { return false }
      return true
    }
    func areRight(_ plane: UnsafePointer<Int32>) -> Bool {
      // Rows of windows that may win the same rows of cells are one.
      var row = 0
      while row < OH {
        let count = row == innerRows.lowerBound ? max(1, innerRows.count) : 1, from = plane + row &* OW
        guard kernels.arePositions(from, count &* OW, rows[row].lowerBound &* columns, rows[row].upperBound &* columns) else {
          return false
        }
        row &+= count
      }
      for row in 0..<OH {
        for (ow, allowed) in zip(edges, allowed) {
          let winner = Int(plane[row &* OW &+ ow])
          if winner >= 0 && !allowed.contains(columnOf[winner]) { return false }
        }
      }
      return true
    }
    let (tasks, most) = balanced(planes, most: max(1, 16_384 / max(1, OH &* OW))), from = winners.data
    let width = try parallelWidth(tasks, .elements(winners.shape.count)), wrong = try Scratch<Int32>(width)
    let wrongData = wrong.data
    wrongData.update(repeating: 0, count: width)
    parallel(tasks, width: width) { task, worker in
      let first = task &* most, count = max(0, min(most, planes &- first))
      if wrongData[worker] == 0 && !areRight(from + first &* OH &* OW, planes: count) { wrongData[worker] = 1 }
    }
    for worker in 0..<width where wrongData[worker] != 0 {
      throw .argument("winners: wanted positions 0 to \(window.taps - 1) inside the image, or -1; got another")
    }
  }

  /// Along an axis, the windows that lie wholly inside the image.
  func windowsInside(_ axis: Int, _ extent: Int, _ windows: Int) -> Range<Int> {
    let stride = window.strides[axis], pad = window.pads[axis]
    let first = (pad + stride - 1) / stride
    let span = (window.kernel[axis] - 1) * window.dilations[axis] + 1
    let last = extent + pad - span  // the last start of a window that ends inside
    let end = last < 0 ? 0 : min(windows, last / stride + 1)
    return min(first, end)..<end
  }

  /// y = the mean of each window's cells: those inside the image, or with count_include_pad those inside its padding too.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func averageForward<T: Element>(_ x: Input<T>, _ y: Output<T>) throws(CNNError) {
    let shape = try outputShape(x.shape)
    try y.wants(shape)
    try y.mustNotOverlap(x)
    let pixels = shape[2] &* shape[3], area = x.shape[2] &* x.shape[3], kernels = T.kernels
    let divisors = Divisors(self, x: (x.shape[2], x.shape[3]), y: (shape[2], shape[3]))
    let channels = try Channels<T>(window, x.shape, shape)
    try channels.forEach { channel, stacked, cells in
      let to = y.data + channel &* pixels
      kernels.sumTaps(channels.windows(of: x.data + channel &* area, stacked, in: cells, padding: 0), to)
      for i in 0..<stacked { divisors.divide(UnsafePointer(to) + i &* pixels, to + i &* pixels) }
    }
  }

  @_specialize(where T == Float) @_specialize(where T == Double)
  package func averageBackward<T: Element>(_ gradY: Input<T>, _ gradX: Output<T>) throws(CNNError) {
    let shape = try outputShape(gradX.shape, name: "grad_x")
    try gradY.wants(shape)
    try gradX.mustNotOverlap(gradY)
    let divisors = Divisors(self, x: (gradX.shape[2], gradX.shape[3]), y: (shape[2], shape[3]))
    let pixels = shape[2] &* shape[3], area = gradX.shape[2] &* gradX.shape[3], kernels = T.kernels
    let channels = try Channels<T>(window, gradX.shape, shape)
    try channels.forEachPlanes(and: pixels) { channel, cells, windows in
      let shares = cells + channels.planes.cells
      zero(cells, channels.planes.cells)
      divisors.divide(gradY.data + channel &* pixels, shares)
      kernels.scatterShares(UnsafePointer(shares), windows)
      channels.planes.drain(UnsafePointer(cells), gradX.data + channel &* area)
    }
  }

  /// How many cells each window's mean is over, by its row times by its column.
  struct Divisors {
    private(set) var byRow: [Int] = [], byColumn: [Int] = []

    /// For planes of x and of y.
    init(_ pooling: Pooling, x: (Int, Int), y: (Int, Int)) {
      byRow = Divisors.count(pooling, 0, x.0, y.0)
      byColumn = Divisors.count(pooling, 1, x.1, y.1)
    }
    /// to[row][column] = from[row][column] / cells; 0 where a window has none.
    func divide<T: Element>(_ from: UnsafePointer<T>, _ to: UnsafeMutablePointer<T>) {
      var i = 0
      for height in byRow {
        for width in byColumn {
          let cells = height &* width
          to[i] = cells == 0 ? 0 : from[i] / T(cells)
          i &+= 1
        }
      }
    }

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

  /// The channels of a call. Where no window reaches over the image's edge, and the column stride is one that a vector can be
  /// loaded with, windows are taken from the image itself, else from planes.
  struct Channels<T: Element>: ~Copyable {
    let planes: PhasePlanes
    let padded: Bool
    private let count: Int, inImage: Bool
    /// So many channels are pooled as one: where the windows of the next go on at the distance that rows of windows have.
    let stack: Int
    private let table: Scratch<Int>

    init(_ window: Window, _ x: Shape, _ y: Shape) throws(CNNError) {
      let planes = try PhasePlanes(window, image: (x[2], x[3]), output: (y[2], y[3]))
      var padded = window.pads[0] > 0 || window.pads[1] > 0
      for axis in 0..<2 {
        let end = (y[2 &+ axis] - 1) * window.strides[axis] + (window.kernel[axis] - 1) * window.dilations[axis]
        padded = padded || end >= x[2 &+ axis]
      }
      // The offsets of the taps in the planes, then in the image.
      let taps = window.taps, table = try Scratch<Int>(2 &* taps)
      planes.tapOffsets(table.data)
      for t in 0..<taps {
        let row = t / window.kernel[1] &* window.dilations[0], column = t % window.kernel[1] &* window.dilations[1]
        table.data[taps &+ t] = row &* x[3] &+ column
      }
      self.planes = planes
      self.table = table
      self.padded = padded
      inImage = !padded && window.strides[1] <= 2
      count = y.count == 0 ? 0 : y[0] &* y[1]
      let stacks = inImage && y[2] &* window.strides[0] == x[2]
      stack = stacks ? max(1, min(count, 16_384 / (x[2] &* x[3]))) : 1
    }

    /// Windows in the image, of two columns, that share no cell: their cells can be written side by side.
    var areDisjointPairs: Bool {
      let w = planes.window
      return inImage && w.kernel[1] == 2 && w.strides[1] == 2 && w.dilations[1] == 1 && w.dilations[0] == 1
        && w.strides[0] >= w.kernel[0]
    }

    private func planeWindows(_ cells: UnsafePointer<T>) -> PoolWindows<T> {
      PoolWindows(
        x: cells, offsets: table.data, taps: planes.window.taps, rows: planes.output.0, columns: planes.output.1,
        rowStep: planes.width, columnStep: 1)
    }

    /// The windows of channels x[stacked][H][W]; planes are made of one only where they are needed.
    func windows(
      of x: UnsafePointer<T>, _ stacked: Int, in cells: UnsafeMutablePointer<T>, padding: T
    ) -> PoolWindows<T> {
      var windows = planeWindows(cells)
      if inImage {
        windows.x = x
        windows.offsets += planes.window.taps
        windows.rowStep = planes.window.strides[0] &* planes.image.1
        windows.columnStep = planes.window.strides[1]
        windows.rows &*= stacked
      } else {
        planes.fill(cells, x, padding: padding)
      }
      return windows
    }

    /// The largest cells of the windows of so many channels, and which of a window's cells they are.
    func maxima(
      of x: UnsafePointer<T>, _ stacked: Int, in cells: UnsafeMutablePointer<T>, _ y: UnsafeMutablePointer<T>,
      _ winners: UnsafeMutablePointer<Int32>
    ) {
      T.kernels.maxTaps(windows(of: x, stacked, in: cells, padding: -T.infinity), y, winners)
      // Padding equals a cell only where the maximum is -infinity: there the first cell of the image wins.
      if !padded { return }
      for i in 0..<planes.output.0 &* planes.output.1 where y[i] == -T.infinity {
        winners[i] = firstCell(i / planes.output.1, i % planes.output.1)
      }
    }
    /// Of a window's cells, the first that is one of the image; -1: none.
    private func firstCell(_ oh: Int, _ ow: Int) -> Int32 {
      let window = planes.window
      for t in 0..<window.taps {
        let h = oh &* window.strides[0] &- window.pads[0] &+ t / window.kernel[1] &* window.dilations[0]
        let w = ow &* window.strides[1] &- window.pads[1] &+ t % window.kernel[1] &* window.dilations[1]
        if h >= 0 && h < planes.image.0 && w >= 0 && w < planes.image.1 { return Int32(truncatingIfNeeded: t) }
      }
      return -1
    }

    /// Elements of the room that `windows` and `maxima` need.
    var cells: Int { inImage ? 0 : planes.cells }
    /// Calls body(first channel, how many of them, room: for planes of one, or for so many elements).
    func forEach(room: Int? = nil, _ body: (Int, Int, UnsafeMutablePointer<T>) -> Void) throws(CNNError) {
      try forEach(cells: room ?? cells, stack, body)
    }
    /// Calls body(channel, its planes and so many cells more, their windows).
    func forEachPlanes(
      and more: Int = 0, _ body: (Int, UnsafeMutablePointer<T>, PoolWindows<T>) -> Void
    ) throws(CNNError) {
      try forEach(cells: planes.cells &+ more, 1) { channel, _, cells in body(channel, cells, planeWindows(cells)) }
    }
    private func forEach(
      cells: Int, _ stack: Int, _ body: (Int, Int, UnsafeMutablePointer<T>) -> Void
    ) throws(CNNError) {
      let tasks = (count &+ stack &- 1) / stack
      let width = try parallelWidth(tasks, .elements(count, planes.output.0, planes.output.1, planes.window.taps))
      let scratch = try Scratch<T>(width &* cells)
      let data = scratch.data
      parallel(tasks, width: width) { task, worker in
        body(task &* stack, min(stack, count &- task &* stack), data + worker &* cells)
      }
    }
  }
}

extension MaxPlane {
  /// The windows of a plane of so many rows and columns, and as many of y.
  init(_ window: Window, x: UnsafePointer<T>, y: UnsafeMutablePointer<T>, _ image: (Int, Int), _ output: (Int, Int)) {
    self.init(
      x: x, y: y, H: image.0, W: image.1, OH: output.0, OW: output.1, KH: window.kernel[0], KW: window.kernel[1],
      rowStride: window.strides[0], columnStride: window.strides[1], top: window.pads[0], left: window.pads[1])
  }
}
