// Depthwise convolution of a plane and its weight's gradient, against plain loops.
import CNNCore
import Microkernels
import TestSupport
import Testing

/// Windows of 3 x 3 cells in a plane, of which no window reads the last columns.
private struct Windows<T: Element>: CustomStringConvertible {
  let rows: Int, columns: Int
  var width: Int { columns + 4 }
  var yRow: Int { columns + 3 }
  var description: String { "\(rows) x \(columns) windows" }
  var x: Block<T> { Block(numbers((rows + 2) * width, 1)) }

  func forEachCell(_ t: Int, _ body: (_ window: Int, _ cell: Int) -> Void) {
    for r in 0..<rows { for c in 0..<columns { body(r * yRow + c, (r + t / 3) * width + c + t % 3) } }
  }
  func plane(_ x: Block<T>, _ weights: Block<T>, _ y: Block<T>, _ bias: T, _ limits: (low: T, high: T)?) -> DepthwisePlane<T> {
    DepthwisePlane(
      x: x.data, xRow: width, weights: weights.data, y: y.data, yRow: yRow, rows: rows, columns: columns, bias: bias,
      limits: limits)
  }
  static func forEach(_ table: KernelTable<T>, _ body: (Windows) -> Void) {
    for rows in [1, 2, 3, 4, 7, 9] {
      for columns in table.sizes where columns > 0 { body(Windows(rows: rows, columns: columns)) }
    }
  }
}

@Suite struct DepthwisePlaneTests {
  @Test(arguments: instructionSets) func forward(_ set: InstructionSet) {
    forward(set.float32())
    forward(set.float64())
  }
  /// Nine multiply-adds that may round once or twice, from a bias on.
  private func forward<T: Element>(_ table: KernelTable<T>) {
    Windows<T>.forEach(table) { o in
      if o.columns < table.lanes { return }
      let x = o.x, weights = Block<T>(numbers(9, 2))
      for limits in [nil, (low: T(0), high: T(0.5))] {
        let y = Block<T>(untouched: o.rows * o.yRow), plane = o.plane(x, weights, y, 0.25, limits)
        var sums = [Double](repeating: 0.25, count: y.count), sizes = sums
        var wanted = [Expected<T>](repeating: Expected(.untouched), count: y.count)
        for t in 0..<9 {
          o.forEachCell(t) { window, cell in
            let term = Double(weights.data[t]) * Double(x.data[cell])
            sums[window] += term
            sizes[window] += abs(term)
          }
        }
        o.forEachCell(0) { window, _ in
          let sum = limits.map { min(max(sums[window], Double($0.low)), Double($0.high)) } ?? sums[window]
          wanted[window] = Expected(T(sum), within: T(sizes[window]) * 18 * T.ulpOfOne)
        }
        withUnsafePointer(to: plane) { table.depthwisePlane($0) }
        y.expect(wanted, "\(o)")
      }
    }
  }

  @Test(arguments: instructionSets) func gradient(_ set: InstructionSet) {
    gradient(set.float32())
    gradient(set.float64())
  }
  private func gradient<T: Element>(_ table: KernelTable<T>) {
    Windows<T>.forEach(table) { o in
      let x = o.x, gradY = Block<T>(numbers(o.rows * o.yRow, 3)), sums = Block<T>(numbers(9, 4))
      var wanted: [Expected<T>] = []
      // Cells that no window reads are no numbers, and none may get into a sum; nor may one that lies under another tap.
      for row in 0..<o.rows + 2 { for column in o.columns + 2..<o.width { x.data[row * o.width + column] = .nan } }
      x.data[0] = .infinity
      for t in 0..<9 {
        var sum = Double(sums.data[t]), size = abs(sum)
        o.forEachCell(t) { window, cell in
          let term = Double(gradY.data[window]) * Double(x.data[cell])
          sum += term
          size += abs(term)
        }
        // A lane sums a part of the windows, and rounds so often; then the lanes are added.
        let roundings = 2 * o.rows * (o.columns / table.lanes + 1) + table.lanes + 1
        wanted.append(t == 0 ? Expected(T(sum)) : Expected(T(sum), within: T(size) * T(roundings) * T.ulpOfOne))
      }
      let plane = o.plane(x, x, gradY, 0, nil)
      withUnsafePointer(to: plane) { table.depthwisePlaneGradient($0, sums.data) }
      sums.expect(wanted, "gradient of \(o)")
    }
  }
}
