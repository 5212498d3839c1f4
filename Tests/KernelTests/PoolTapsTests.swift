// Pooling over the taps of windows, and the ways back, against plain loops.
import CNNCore
import Microkernels
import TestSupport
import Testing

/// Windows over rows of cells, of which the last ends with the last tap of the last window.
private struct Windows {
  let rows: Int, columns: Int, rowStep: Int, columnStep: Int
  let offsets: [Int]
  var taps: Int { offsets.count }
  var count: Int { rows * columns }
  var cells: Int { count == 0 ? 0 : cell(rows - 1, columns - 1, taps - 1) + 1 }

  init(rows: Int, columns: Int, columnStep: Int, kernel: (Int, Int), dilation: Int, rowStride: Int) {
    let width = max(0, columns - 1) * columnStep + (kernel.1 - 1) * dilation + 3
    (self.rows, self.columns, self.columnStep, rowStep) = (rows, columns, columnStep, rowStride * width)
    offsets = (0..<kernel.0).flatMap { i in (0..<kernel.1).map { j in (i * width + j) * dilation } }
  }
  func cell(_ r: Int, _ i: Int, _ t: Int) -> Int { r * rowStep + i * columnStep + offsets[t] }

  func forEach(_ body: (_ r: Int, _ i: Int) -> Void) { for r in 0..<rows { for i in 0..<columns { body(r, i) } } }

  func over<T>(_ x: Block<T>, _ offsets: Block<Int>) -> PoolWindows<T> {
    PoolWindows(
      x: x.data, offsets: offsets.data, taps: taps, rows: rows, columns: columns, rowStep: rowStep, columnStep: columnStep)
  }
}

extension KernelTable {
  fileprivate func forEachWindows(columnSteps: [Int], _ body: (_ windows: Windows, _ what: String) -> Void) {
    for (rows, columns) in sizes.flatMap({ columns in [0, 1, 3].map { ($0, columns) } }) {
      for columnStep in columnSteps {
        for (kernel, dilation, rowStride) in [((1, 1), 1, 1), ((2, 2), 1, 2), ((3, 5), 2, 1)] {
          body(
            Windows(
              rows: rows, columns: columns, columnStep: columnStep, kernel: kernel, dilation: dilation, rowStride: rowStride),
            "\(kernel) windows, \(rows) x \(columns), \(columnStep) apart, dilated \(dilation)")
        }
      }
    }
  }
}

@Suite struct PoolTapsTests {
  @Test(arguments: instructionSets) func maxTaps(_ set: InstructionSet) {
    maxTaps(set.float32())
    maxTaps(set.float64())
  }

  private func maxTaps<T: Element>(_ table: KernelTable<T>) {
    table.forEachWindows(columnSteps: [1, 2]) { windows, what in
      for special in [T(0), .nan, -.infinity, .infinity] {
        // Five numbers, so that every larger window has ties, zeros of both signs, and something special here and there.
        let x = Block<T>(
          (0..<windows.cells).map { i in
            let n = i * 7919 % 2003
            return n % 13 == 0 ? special : n % 5 == 2 ? (n % 2 == 0 ? 0 : -0.0) : T(n % 5 - 2)
          })
        let offsets = Block(windows.offsets)
        var largest: [Expected<T>] = [], places: [Int32] = []
        windows.forEach { r, i in
          var best = x.data[windows.cell(r, i, 0)], place: Int32 = 0
          for t in 1..<max(1, windows.taps) where !best.isNaN {
            let v = x.data[windows.cell(r, i, t)]
            if v > best || v.isNaN { (best, place) = (v, Int32(t)) }
          }
          largest.append(Expected(best))
          places.append(place)
        }
        let y = Block<T>(untouched: windows.count), positions = Block<Int32>(untouched: windows.count)
        table.maxTaps(windows.over(x, offsets), y.data, positions.data)
        y.expect(largest, what)
        positions.expect(places, what)
        let alone = Block<T>(untouched: windows.count)
        table.maxTaps(windows.over(x, offsets), alone.data, nil)
        alone.expect(largest, "\(what), without positions")
      }
    }
  }

  @Test(arguments: instructionSets) func sumTaps(_ set: InstructionSet) {
    sumTaps(set.float32())
    sumTaps(set.float64())
  }

  /// Sums in the order of the taps, so the very same ones.
  private func sumTaps<T: Element>(_ table: KernelTable<T>) {
    table.forEachWindows(columnSteps: [1, 2]) { windows, what in
      let x = Block<T>(numbers(windows.cells)), y = Block<T>(untouched: windows.count), offsets = Block(windows.offsets)
      var wanted: [T] = []
      windows.forEach { r, i in wanted.append((0..<windows.taps).reduce(0) { $0 + x.data[windows.cell(r, i, $1)] }) }
      table.sumTaps(windows.over(x, offsets), y.data)
      y.expect(wanted, what)
    }
  }

  @Test(arguments: instructionSets) func spreadWinners(_ set: InstructionSet) {
    spreadWinners(set.float32())
    spreadWinners(set.float64())
  }

  /// Every cell of the windows is written: with its window's gradient if it won, else with 0; no other cell is.
  private func spreadWinners<T: Element>(_ table: KernelTable<T>) {
    for columns in table.sizes {
      for (rows, height) in [(0, 2), (1, 1), (3, 2), (2, 3)] {
        let width = 2 * columns + 1, rowStep = (height + 1) * width
        let cells = rows == 0 || columns == 0 ? 0 : (rows - 1) * rowStep + (height - 1) * width + 2 * columns
        let x = Block<T>([T](repeating: .untouched, count: cells)), gradY = Block<T>(numbers(rows * columns, 2))
        let positions = Block((0..<rows * columns).map { Int32($0 * 7919 % (2 * height + 1) - 1) })
        var wanted = [T](repeating: .untouched, count: cells)
        for i in 0..<rows * columns {
          for t in 0..<2 * height {
            let corner = i / columns * rowStep + i % columns * 2
            let cell = corner + t / 2 * width + t % 2
            wanted[cell] = Int(positions.data[i]) == t ? gradY.data[i] : 0
          }
        }
        let offsets = Block([0])
        let windows = PoolWindows(
          x: x.data, offsets: offsets.data, taps: 1, rows: rows, columns: columns, rowStep: rowStep, columnStep: 2)
        table.spreadWinners(gradY.data, positions.data, windows, height, width)
        x.expect(wanted, "\(rows) x \(columns) windows of \(height) rows")
      }
    }
  }

  @Test(arguments: instructionSets) func arePositions(_ set: InstructionSet) {
    arePositions(set.float32())
    arePositions(set.float64())
  }

  /// One position among right ones, the first, the last, or in between.
  private func arePositions<T: Element>(_ table: KernelTable<T>) {
    for count in table.sizes {
      for (low, high) in [(0, 4), (3, 9), (0, 0), (2, 2), (0, 1 << 30)] {
        for position in [Int32.min, -2, -1, 0, 1, 2, 3, 4, 8, 9, .max] {
          let isRight = position == -1 || (low..<high).contains(Int(position))
          for place in Set([0, count / 2, count - 1]) where place >= 0 && place < count {
            let positions = Block([Int32](repeating: low < high ? Int32(high - 1) : -1, count: count))
            positions.data[place] = position
            #expect(
              table.arePositions(positions.data, count, low, high) == isRight,
              "\(position) at \(place) of \(count), from \(low) to \(high)")
          }
        }
      }
    }
  }

  @Test(arguments: instructionSets) func scatterShares(_ set: InstructionSet) {
    scatterShares(set.float32())
    scatterShares(set.float64())
  }

  private func scatterShares<T: Element>(_ table: KernelTable<T>) {
    table.forEachWindows(columnSteps: [1]) { windows, what in
      let x = Block<T>(numbers(windows.cells, 1)), gradY = Block<T>(numbers(windows.count, 2))
      let offsets = Block(windows.offsets)
      var wanted = (0..<windows.cells).map { Expected(x.data[$0]) }
      windows.forEach { r, i in
        for t in 0..<windows.taps { wanted[windows.cell(r, i, t)] += gradY.data[r * windows.columns + i] }
      }
      table.scatterShares(gradY.data, windows.over(x, offsets))
      x.expect(wanted, what)
    }
  }
}
