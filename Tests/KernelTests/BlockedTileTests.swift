// The tiles of channel-blocked arrays, and windows over one block of channels, against plain loops.
import CNNCore
import Microkernels
import TestSupport
import Testing

@Suite struct BlockedTileTests {
  private enum Start: CaseIterable { case nothing, biases, result }

  @Test(arguments: instructionSets) func tiles(_ set: InstructionSet) {
    tiles(set.float32())
    tiles(set.float64())
  }
  private func tiles<T: Element>(_ table: KernelTable<T>) {
    let tiles = table.blocked.tiles
    for vectors in 1...2 {
      for rows in 1...(vectors == 2 ? tiles.rows2 : tiles.rows1) {
        for step in [0, 1, 2, BlockedTiles<T>.listed] {
          // A row of tiles of two sizes.
          let more = rows < 4 ? 3 * rows + tiles.rows1 : 0
          let runs = step == BlockedTiles<T>.listed ? [[1], [1, 1, 1, 1]] : [[1], [2, 1, 5], [table.lanes, table.lanes, 3]]
          for (i, counts) in runs.enumerated() {
            for start in Start.allCases {
              check(table, vectors, step, rows + more, counts, start, residual: (rows + i) % 2 == 0, limits: (rows + i) % 3 > 0)
            }
          }
        }
      }
    }
  }

  private func check<T: Element>(
    _ table: KernelTable<T>, _ vectors: Int, _ step: Int, _ rows: Int, _ counts: [Int], _ start: Start, residual: Bool,
    limits: Bool
  ) {
    let lanes = table.lanes, width = vectors * lanes, isListed = step == BlockedTiles<T>.listed
    let pixelStep = step == 0 ? 1 : isListed ? 1 + rows % 3 : step * lanes, terms = counts.reduce(0, +)
    let aStep = step == 0 || isListed ? rows + 2 : 1, cStep = rows % 3 == 0 ? 2 * lanes : lanes,
      row = (rows - 1) * cStep + lanes
    let cBlock = row + 2 * lanes, residualBlock = row + lanes
    let runs = Block(counts.enumerated().map { ($0.offset + 1) % 3 * 5 })
    let list = counts.indices.map { TileRun(offset: runs.data[$0], count: counts[$0]) }
    let a = Block<T>(numbers(10 + (counts.max()! - 1) * aStep + (rows - 1) * pixelStep + 1, 1))
    let b = Block<T>(numbers(terms * width, 2)), bias = Block<T>(numbers(width, 3))
    let cells = (vectors - 1) * cBlock + row
    let c = start == .result ? Block<T>(numbers(cells, 4)) : Block<T>(untouched: cells)
    let added = Block<T>(numbers((vectors - 1) * residualBlock + row, 5)), (low, high): (T, T) = (-0.5, 2)

    var wanted = (0..<cells).map { Expected(c.data[$0]) }
    for (v, m) in (0..<vectors).flatMap({ v in (0..<rows).map { (v, $0) } }) {
      for lane in 0..<lanes {
        let place = v * cBlock + m * cStep + lane
        var sum = Expected(start == .result ? c.data[place] : start == .biases ? bias.data[v * lanes + lane] : 0)
        var term = 0
        for run in list {
          for i in 0..<run.count {
            sum += a.data[run.offset + i * aStep + m * pixelStep] * b.data[term * width + v * lanes + lane]
            term += 1
          }
        }
        if residual { sum += added.data[v * residualBlock + m * cStep + lane] }
        wanted[place] = limits ? sum.limited(low, high) : sum
      }
    }
    list.withUnsafeBufferPointer {
      table.blocked.tiles.run(
        vectors: vectors, step: step, pixels: rows,
        BlockedTileOperands(
          a: a.data, aStep: aStep, aPixel: pixelStep, runs: $0.baseAddress!, runCount: $0.count, b: b.data, c: c.data,
          cStep: cStep,
          cBlock: cBlock,
          continues: start == .result, bias: start == .biases ? UnsafePointer(bias.data) : nil,
          residual: residual ? UnsafePointer(added.data) : nil, residualBlock: residualBlock,
          limits: limits ? (low, high) : nil))
    }
    c.expect(wanted, "\(rows) pixels \(step) apart, \(vectors) vectors, runs \(counts), from \(start)")
  }

  @Test(arguments: instructionSets) func limitsKeepNaN(_ set: InstructionSet) {
    let table: KernelTable<Float> = set.float32(), lanes = table.lanes
    let a = Block<Float>([.nan]), b = Block<Float>([Float](repeating: 1, count: 2 * lanes))
    let c = Block<Float>(untouched: 2 * lanes)
    withUnsafePointer(to: TileRun(offset: 0, count: 1)) {
      table.blocked.tiles.run(
        vectors: 2, step: 1, pixels: 1,
        BlockedTileOperands(
          a: a.data, aStep: 1, aPixel: lanes, runs: $0, runCount: 1, b: b.data, c: c.data, cStep: lanes, cBlock: lanes,
          limits: (0, 6)))
    }
    c.expect([Float](repeating: .nan, count: 2 * lanes).map { Expected($0) }, "NaN")
  }

  private enum Kind: CaseIterable { case depthwise, maximum, mean }
  /// Where a window's cells lie.
  private enum Form { case any, threeByThree }

  @Test(arguments: instructionSets) func windows(_ set: InstructionSet) {
    let windows: [(Int, Int, Form)] = [
      (1, 1, .any), (9, 1, .any), (9, 1, .threeByThree), (9, 2, .threeByThree), (4, 2, .any), (3, 3, .any),
    ]
    for kind in Kind.allCases {
      for pixels in [1, 2, 3, 7, 13, 14, 16, 31] {
        for (taps, step, form) in windows {
          check(set.float32(), kind, pixels, taps, step, form, finite: pixels != 16)
          check(set.float64(), kind, pixels, taps, step, form, finite: pixels != 16)
        }
      }
    }
  }
  private func check<T: Element>(
    _ table: KernelTable<T>, _ kind: Kind, _ pixels: Int, _ taps: Int, _ step: Int, _ form: Form, finite: Bool
  ) {
    let lanes = table.lanes, isDepthwise = kind == .depthwise
    let places = (0..<taps).map { form == .any ? ($0 * 5 + 2) % 7 : 1 + $0 / 3 * 5 + $0 % 3 }
    let offsets = Block(places.map { $0 * lanes })
    // Two rows of windows, the second a pixel further in x.
    let rows = 2, xRow = lanes
    var values: [T] = numbers((places.max()! + (pixels - 1) * step + rows) * lanes, 1)
    if !finite { values[values.count / 2] = .nan }
    let x = Block(values), weight = Block<T>(numbers(taps * lanes, 2)), bias = Block<T>(numbers(lanes, 3))
    let yStep = pixels % 2 == 0 ? lanes : 2 * lanes, size = (pixels - 1) * yStep + lanes, yRow = size + lanes
    let added = Block<T>(numbers(rows * size, 4)), y = Block<T>(untouched: yRow + size)
    var wanted = [Expected<T>](repeating: Expected(.untouched), count: y.count)
    for i in 0..<rows * pixels * lanes {
      let (row, m, lane) = (i / (pixels * lanes), i / lanes % pixels, i % lanes), place = row * yRow + m * yStep + lane
      let cells = (0..<taps).map { x.data[offsets.data[$0] + row * xRow + m * step * lanes + lane] }
      switch kind {
      case .depthwise:
        var sum = Expected(bias.data[lane])
        for t in 0..<taps { sum += weight.data[t * lanes + lane] * cells[t] }
        sum += added.data[row * size + m * yStep + lane]
        wanted[place] = sum.limited(-1, 2)
      case .maximum: wanted[place] = Expected(cells.contains { $0.isNaN } ? .nan : cells.max()!)
      case .mean:
        var sum = Expected<T>(0)
        for cell in cells { sum += cell }
        wanted[place] = Expected(sum.value / 3, within: sum.tolerance)
      }
    }
    var operands = BlockedWindowOperands<T>(
      x: x.data, offsets: offsets.data, taps: taps, y: y.data, yStep: yStep, pixels: pixels,
      weight: isDepthwise ? UnsafePointer(weight.data) : nil, bias: isDepthwise ? UnsafePointer(bias.data) : nil,
      residual: isDepthwise ? UnsafePointer(added.data) : nil, limits: isDepthwise ? (-1, 2) : nil, divisor: 3)
    (operands.rows, operands.xRow, operands.yRow, operands.residualRow) = (rows, xRow, yRow, size)
    let kernels = table.blocked
    let kernel = isDepthwise ? kernels.depthwise : kind == .maximum ? kernels.maxWindows : kernels.meanWindows
    withUnsafePointer(to: operands) { kernel($0, step * lanes) }
    y.expect(wanted, "\(kind) of \(taps) cells, \(form), \(pixels) windows \(step) apart")
  }

  @Test(arguments: instructionSets) func pixels(_ set: InstructionSet) {
    pixels(set.float32())
    pixels(set.float64())
  }
  private func pixels<T: Element>(_ table: KernelTable<T>) {
    let lanes = table.lanes, scale = Block<T>(numbers(lanes, 2)), shift = Block<T>(numbers(lanes, 3))
    for pixels in [0, 1, 3, 4, 5, 18] {
      for (adds, limits) in [(false, nil), (false, (-1, 1)), (true, nil), (true, (-1, 1))] as [(Bool, (low: T, high: T)?)] {
        let x = Block<T>(numbers(pixels * lanes, 1)), y = Block<T>(untouched: pixels * lanes)
        let added = Block<T>(numbers(pixels * lanes, 4))
        table.blocked.scaleShift(x.data, scale.data, shift.data, adds ? UnsafePointer(added.data) : nil, limits, y.data, pixels)
        y.expect(
          (0..<pixels * lanes).map {
            var sum = Expected(shift.data[$0 % lanes])
            sum += x.data[$0] * scale.data[$0 % lanes]
            if adds { sum += added.data[$0] }
            return limits.map { sum.limited($0.low, $0.high) } ?? sum
          }, "scale and shift of \(pixels) pixels")
      }
      let x = Block<T>(numbers(pixels * lanes, 1)), sums = Block<T>(numbers(lanes, 5))
      var wanted = (0..<lanes).map { Expected(sums.data[$0]) }
      for i in 0..<pixels * lanes { wanted[i % lanes] += x.data[i] }
      table.blocked.sum(x.data, sums.data, pixels)
      sums.expect(wanted, "sums of \(pixels) pixels")
    }
  }

  /// What passes a rectifier, in place too, and its sums.
  @Test(arguments: instructionSets) func passed(_ set: InstructionSet) {
    for (inPlace, withProducts) in [(false, true), (true, true), (true, false)] {
      passed(set.float32(), inPlace, withProducts)
      passed(set.float64(), inPlace, withProducts)
    }
  }
  private func passed<T: Element>(_ table: KernelTable<T>, _ inPlace: Bool, _ withProducts: Bool) {
    let lanes = table.lanes, mean = Block<T>(numbers(lanes, 2))
    for pixels in [0, 1, 2, 5, 18] {
      let x = Block<T>(numbers(pixels * lanes, 1)), gradY = Block<T>(numbers(pixels * lanes, 3))
      var cells: [T] = numbers(pixels * lanes, 4)
      if pixels > 1 { (cells[1], cells[2], cells[3]) = (.nan, 0, -0.0) }
      let y = Block<T>(cells), passed = inPlace ? gradY : Block<T>(untouched: pixels * lanes)
      let open = (0..<pixels * lanes).map { cells[$0] <= 0 ? 0 : gradY.data[$0] }
      let sums = Block<T>(numbers(lanes, 5)), products = Block<T>(numbers(lanes, 6))
      var wantedSums = (0..<lanes).map { Expected(sums.data[$0]) },
        wantedProducts = (0..<lanes).map { Expected(products.data[$0]) }
      for i in 0..<pixels * lanes {
        wantedSums[i % lanes] += open[i]
        if withProducts { wantedProducts[i % lanes] += (x.data[i] - mean.data[i % lanes]) * open[i] }
      }
      table.blocked.sumPassed(
        y.data, gradY.data, passed.data, sums.data,
        withProducts ? (UnsafePointer(x.data), UnsafePointer(mean.data), products.data) : nil, pixels)
      passed.expect(open.map { Expected($0) }, "what passes of \(pixels) pixels")
      sums.expect(wantedSums, "its sums")
      products.expect(wantedProducts, "its products")
    }
  }
}
