// grad_weight of few channels by taps: every (output channel, input channel, tap) is a dot product over the pixels, and so is grad_bias.
import CNNCore
import Microkernels

/// grad_weight of a group: tiles of dot products of grad_y's planes and those of x at every tap's offset; grad_bias is one with a plane of
/// ones. A task keeps a vector of partial sums for each, over all of its images.
struct TapDots<T: Element>: ~Copyable {
  /// Elements of a task's sums, of an image's planes of x, and of spread grad_y.
  let sumCells: Int, xCells: Int, spreadCells: Int
  /// So many rows of grad_y at a time: four planes of them stay in the first cache for all terms.
  let rowsAtOnce: Int
  private let sizes: Convolution.Sizes<T>
  private let gradY: GradientRows
  /// Of a channel of x: planes for all taps, or for each column of them.
  private let planes: [PhasePlanes]
  /// Those of the weight, and all.
  private let tapTerms: Int, terms: Int
  /// The terms, (channel, tap) and then the bias, by where they lie: those of a tile read the same lines of the caches then.
  private let order: [Int], offsets: Scratch<Int>
  private let tileRows: Int, tileColumns: Int, paddedK: Int
  /// A sum is over rows of `width` elements, whole vectors, so many at a time, `planeWidth` apart in x.
  private let width: Int, strip: Int, planeWidth: Int

  init(_ sizes: Convolution.Sizes<T>, _ gradY: GradientRows, weight: Bool, bias: Bool) throws(CNNError) {
    let lanes = T.lanes, (C, K, taps) = (sizes.C, sizes.K, sizes.taps), columns = sizes.planes.window.kernel[1]
    let planes = gradY.form == .flat ? try sizes.columnPlanes() : [sizes.planes]
    let perColumn = planes[0].cells, channelCells = planes.count &* perColumn
    let tapTerms = weight ? C &* taps : 0, terms = tapTerms &+ (bias ? 1 : 0)
    let offsets = try Scratch<Int>(2 &* terms), unsorted = offsets.data + terms
    for i in 0..<tapTerms {
      let (row, column) = (i % taps / columns, i % taps % columns)
      unsorted[i] =
        i / taps &* channelCells
        &+ (gradY.form == .flat ? column &* perColumn &+ planes[column].offset(row, 0) : planes[0].offset(row, column))
    }
    if bias { unsorted[tapTerms] = C &* channelCells }
    let order = (0..<terms).sorted { unsorted[$0] < unsorted[$1] }
    for (i, term) in order.enumerated() { offsets.data[i] = unsorted[term] }
    let tileRows = K == 1 ? 1 : 4, paddedK = (K &+ tileRows &- 1) / tileRows &* tileRows
    let all = gradY.form == .flat ? gradY.rows &* gradY.width : gradY.width, width = (all &+ lanes &- 1) / lanes &* lanes
    let most = max(1, 16_384 / (tileRows &* lanes &* MemoryLayout<T>.stride))
    self.sizes = sizes
    self.gradY = gradY
    self.planes = planes
    self.tapTerms = tapTerms
    self.terms = terms
    self.order = order
    self.offsets = offsets
    self.tileRows = tileRows
    self.paddedK = paddedK
    self.width = width
    planeWidth = planes[0].width
    tileColumns = balanced(terms, most: tileRows == 1 ? 6 : T.kernels.dotColumns).size
    strip = balanced(width / lanes, most: most).size &* lanes
    rowsAtOnce = gradY.form == .rows ? balanced(gradY.rows, most: max(1, most &* lanes / width)).size : gradY.rows
    sumCells = paddedK &* terms &* lanes
    // Rows of no channel fill the last tile, and numbers behind x meet the zeros behind what is spread.
    spreadCells = gradY.form == .spread ? paddedK &* gradY.step : 0
    xCells = C &* channelCells &+ (bias ? perColumn : 0) &+ (gradY.form == .spread ? 2 &* lanes &+ gradY.step : 0)
  }

  /// Once, before x[xCells] and spread[spreadCells] are used.
  func prepare(_ x: UnsafeMutablePointer<T>, _ spread: UnsafeMutablePointer<T>) {
    zero(spread, spreadCells)
    let xPlanes = sizes.C &* planes.count &* planes[0].cells
    zero(x, xPlanes)
    (x + xPlanes).update(repeating: 1, count: xCells &- xPlanes)
  }
  /// The channels x[C][H][W] of an image and group.
  func place(_ x: UnsafePointer<T>, _ to: UnsafeMutablePointer<T>) {
    for c in 0..<sizes.C {
      for (i, planes) in planes.enumerated() {
        planes.fill(to + (c &* self.planes.count &+ i) &* planes.cells, x + c &* sizes.imageCells, padding: 0)
      }
    }
  }

  /// Adds what some rows of grad_y of an image give.
  func add(_ from: UnsafePointer<T>, rows: Range<Int>, x: UnsafePointer<T>, to sums: UnsafeMutablePointer<T>) {
    let kernels = T.kernels, lanes = T.lanes, sumRows = gradY.form == .rows ? rows.count : 1
    let (first, firstX) = (rows.lowerBound &* gradY.width, rows.lowerBound &* planeWidth)
    for p in stride(from: 0, to: width, by: strip) {
      for k in stride(from: 0, to: paddedK, by: tileRows) {
        // As it lies there is nothing behind the last row: some are done again.
        let row = gradY.form == .spread ? k : min(k, sizes.K &- tileRows)
        for t in stride(from: 0, to: terms, by: tileColumns) {
          var operands = DotOperands(
            a: from + (row &* gradY.step &+ first &+ p), aStep: gradY.step, b: x + (firstX &+ p),
            bOffsets: UnsafePointer(offsets.data) + t, sums: sums + (k &* terms &+ t) &* lanes, sumStep: terms &* lanes,
            count: min(strip, width &- p))
          (operands.rows, operands.aRow, operands.bRow) = (sumRows, gradY.width, planeWidth)
          (tileRows == 1 ? kernels.dotTiles1 : kernels.dotTiles4)[min(tileColumns, terms &- t) &- 1](operands)
        }
      }
    }
  }

  /// weight[K][C][taps] and bias[K] of sums.
  func total(_ sums: UnsafePointer<T>, weight: UnsafeMutablePointer<T>?, bias: UnsafeMutablePointer<T>?) {
    let lanes = T.lanes, K = sizes.K
    for k in 0..<K {
      // The last rows of grad_y as it lies are those of a whole tile.
      let row = gradY.form != .spread && k >= K &- K % tileRows ? k &+ paddedK &- K : k
      for (t, term) in order.enumerated() {
        let to = term < tapTerms ? weight.map { $0 + (k &* tapTerms &+ term) } : bias.map { $0 + k }
        to?.pointee = T.kernels.sum(sums + (row &* terms &+ t) &* lanes, lanes)
      }
    }
  }
}

extension Convolution.Sizes {
  /// Planes for each column of taps, with rows as long as those of y.
  func columnPlanes() throws(CNNError) -> [PhasePlanes] {
    let w = planes.window
    let column = try Window(kernel: [w.kernel[0], 1], strides: w.strides, pads: w.pads, dilations: w.dilations)
    var all: [PhasePlanes] = []
    for j in 0..<w.kernel[1] {
      all.append(
        try PhasePlanes(column, image: planes.image, output: planes.output, firstColumn: j &* w.dilations[1]))
    }
    return all
  }
}
