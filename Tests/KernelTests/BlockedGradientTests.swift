// The kernels of gradients on channel-blocked arrays against plain loops.
import CNNCore
import Microkernels
import TestSupport
import Testing

@Suite struct BlockedGradientTests {
  @Test(arguments: instructionSets) func weightTiles(_ set: InstructionSet) {
    weightTiles(set.float32())
    weightTiles(set.float64())
  }
  private func weightTiles<T: Element>(_ table: KernelTable<T>) {
    let tiles = table.blocked.weightTiles, lanes = table.lanes
    for vectors in 1...2 {
      for channels in 1...(vectors == 2 ? tiles.channels2 : tiles.channels1) {
        for (rows, columns, adds) in [(1, 1, false), (3, 5, true), (2, 14, false)] {
          let aStep = channels + 1, aRow = columns * aStep + 3, bRow = (columns + 2) * lanes, bBlock = rows * bRow + lanes
          let cStep = vectors * lanes + 1
          let a = Block<T>(numbers((rows - 1) * aRow + (columns - 1) * aStep + channels, 1))
          let b = Block<T>(numbers((vectors - 1) * bBlock + (rows - 1) * bRow + columns * lanes, 2))
          let cells = (channels - 1) * cStep + vectors * lanes
          let c = adds ? Block<T>(numbers(cells, 3)) : Block<T>(untouched: cells)
          var wanted = (0..<cells).map { Expected(c.data[$0]) }
          for (m, lane) in (0..<channels).flatMap({ m in (0..<vectors * lanes).map { (m, $0) } }) {
            var sum = Expected(adds ? c.data[m * cStep + lane] : 0)
            for (r, i) in (0..<rows).flatMap({ r in (0..<columns).map { (r, $0) } }) {
              sum += a.data[r * aRow + i * aStep + m] * b.data[r * bRow + i * lanes + lane / lanes * bBlock + lane % lanes]
            }
            wanted[m * cStep + lane] = sum
          }
          tiles.run(
            vectors: vectors, channels: channels,
            BlockedWeightOperands(
              a: a.data, aStep: aStep, aRow: aRow, b: b.data, bRow: bRow, bBlock: bBlock, rows: rows, columns: columns,
              c: c.data, cStep: cStep, adds: adds))
          c.expect(wanted, "\(channels) channels, \(vectors) vectors, \(rows) x \(columns) pixels")
        }
      }
    }
  }

  @Test(arguments: instructionSets) func windows(_ set: InstructionSet) {
    for (pixels, taps, step) in [(1, 1, 1), (5, 9, 1), (4, 4, 2), (3, 8, 3), (4, 9, 9)] {
      windows(set.float32(), pixels, taps, step)
      windows(set.float64(), pixels, taps, step)
    }
  }
  private func windows<T: Element>(_ table: KernelTable<T>, _ pixels: Int, _ taps: Int, _ step: Int) {
    let lanes = table.lanes, cells = (pixels - 1) * step + 9, size = pixels * lanes
    let offsets = Block((0..<taps).map { ($0 * 5 + 2) % 9 * lanes })
    var values: [T] = numbers(cells * lanes, 1)
    values[2 * lanes] = .nan
    let x = Block(values), y = Block<T>(untouched: size), positions = Block<Int32>(untouched: size)
    func operands(_ x: UnsafeMutablePointer<T>, _ y: UnsafeMutablePointer<T>) -> BlockedWindowOperands<T> {
      BlockedWindowOperands(x: x, offsets: offsets.data, taps: taps, y: y, yStep: lanes, pixels: pixels, divisor: 1)
    }
    func cell(_ i: Int, _ t: Int) -> Int { offsets.data[t] + i / lanes * step * lanes + i % lanes }
    let winners = (0..<size).map { i in
      (0..<taps).first { x.data[cell(i, $0)].isNaN }
        ?? (0..<taps).max {
          x.data[cell(i, $0)] < x.data[cell(i, $1)] || x.data[cell(i, $0)] == x.data[cell(i, $1)] && $0 > $1
        }!
    }
    withUnsafePointer(to: operands(x.data, y.data)) { table.blocked.maxPositions($0, step * lanes, positions.data) }
    y.expect((0..<size).map { Expected(x.data[cell($0, winners[$0])]) }, "maxima")
    positions.expect(winners.map { Int32($0) }, "positions of \(taps) cells")

    let gradY = Block<T>(numbers(size, 2)), gradX = Block<T>(numbers(cells * lanes, 3))
    var wanted = (0..<cells * lanes).map { Expected(gradX.data[$0]) }
    for i in 0..<size { wanted[cell(i, winners[i])] += gradY.data[i] }
    withUnsafePointer(to: operands(gradX.data, gradY.data)) {
      table.blocked.scatterWinners($0, step * lanes, UnsafePointer(positions.data))
    }
    gradX.expect(wanted, "gradients of \(taps) cells")
    // Windows that share no cell, and leave none out.
    if step == 9 {
      let replaced = Block<T>(untouched: cells * lanes)
      var wanted = [T](repeating: 0, count: cells * lanes)
      for i in 0..<size { wanted[cell(i, winners[i])] = gradY.data[i] }
      var windows = operands(replaced.data, gradY.data)
      windows.replaces = true
      withUnsafePointer(to: windows) { table.blocked.scatterWinners($0, step * lanes, UnsafePointer(positions.data)) }
      replaced.expect(wanted, "gradients of \(taps) cells, overwritten")
    }

    let finite = Block<T>(numbers(cells * lanes, 1)), weights = Block<T>(numbers(taps * lanes, 4))
    var sums = (0..<taps * lanes).map { Expected(weights.data[$0]) }
    for i in 0..<size { for t in 0..<taps { sums[t * lanes + i % lanes] += gradY.data[i] * finite.data[cell(i, t)] } }
    withUnsafePointer(to: operands(finite.data, gradY.data)) {
      table.blocked.depthwiseWeights($0, step * lanes, weights.data)
    }
    weights.expect(sums, "weights of \(taps) taps")
  }

  @Test(arguments: instructionSets) func pixels(_ set: InstructionSet) {
    pixels(set.float32())
    pixels(set.float64())
  }
  private func pixels<T: Element>(_ table: KernelTable<T>) {
    let lanes = table.lanes, kernels = table.blocked
    let a = Block<T>(numbers(lanes, 2)), b = Block<T>(numbers(lanes, 3)), c = Block<T>(numbers(lanes, 4))
    for pixels in [0, 1, 4, 7] {
      let x = Block<T>(numbers(pixels * lanes, 1)), z = Block<T>(numbers(pixels * lanes, 5)), sums = Block<T>(numbers(lanes, 6))
      var wanted = (0..<lanes).map { Expected(sums.data[$0]) }
      for i in 0..<pixels * lanes { wanted[i % lanes] += (x.data[i] - a.data[i % lanes]) * (z.data[i] - b.data[i % lanes]) }
      kernels.sumProducts(x.data, a.data, z.data, b.data, sums.data, pixels)
      sums.expect(wanted, "sums of products of \(pixels) pixels")
      let y = Block<T>(untouched: pixels * lanes)
      kernels.combine(x.data, a.data, z.data, b.data, c.data, y.data, pixels)
      y.expect(
        (0..<pixels * lanes).map {
          var sum = Expected(c.data[$0 % lanes])
          sum += x.data[$0] * a.data[$0 % lanes]
          sum += z.data[$0] * b.data[$0 % lanes]
          return sum
        }, "combination of \(pixels) pixels")
      kernels.repeatPixel(a.data, y.data, pixels)
      y.expect((0..<pixels * lanes).map { a.data[$0 % lanes] }, "\(pixels) equal pixels")
    }
  }
}
