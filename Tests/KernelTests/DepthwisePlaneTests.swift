// Depthwise convolution of a plane and its weight's gradient, against plain loops.
import CNNCore
import Microkernels
import TestSupport
import Testing

/// Windows of 3 x 3 cells over the edges of an image, or rows of windows that follow others there.
private struct Windows<T: Element>: CustomStringConvertible {
  let H: Int, W: Int, top: Int, left: Int, rows: Int, columns: Int
  var description: String { "\(rows) x \(columns) windows of \(H) x \(W) cells from -\(top), -\(left)" }
  var x: Block<T> { Block(numbers(H * W, 1)) }

  func forEachCell(_ t: Int, _ body: (_ window: Int, _ cell: Int) -> Void) {
    for r in 0..<rows {
      for c in 0..<columns {
        let h = r - top + t / 3, w = c - left + t % 3
        if (0..<H).contains(h) && (0..<W).contains(w) { body(r * columns + c, h * W + w) }
      }
    }
  }
  func plane(_ x: Block<T>, _ weights: Block<T>, _ y: Block<T>, _ bias: T, _ limits: (low: T, high: T)?) -> DepthwisePlane<T> {
    DepthwisePlane(
      x: x.data, H: H, W: W, weights: weights.data, y: y.data, rows: rows, columns: columns, top: top, left: left, bias: bias,
      limits: limits)
  }
  static func forEach(_ table: KernelTable<T>, _ body: (Windows) -> Void) {
    for rows in [1, 2, 3, 4, 7, 9] {
      for columns in table.sizes where columns > 0 {
        for (pad, left) in [(0, 0), (1, 1), (2, 2), (2, 1), (3, 1), (4, 2)] where columns + 2 > pad {
          body(Windows(H: max(1, rows + 2 - pad), W: columns + 2 - pad, top: pad / 2, left: left, rows: rows, columns: columns))
        }
        // The rows of windows from the third on, and of a higher image.
        body(Windows(H: rows + 4, W: columns, top: -2, left: 1, rows: rows, columns: columns))
      }
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
      let x = o.x, weights = Block<T>(numbers(9, 2)), zeros = Block<T>([T](repeating: 0, count: o.W))
      for limits in [nil, (low: T(0), high: T(0.5))] {
        let y = Block<T>(untouched: o.rows * o.columns), plane = o.plane(x, weights, y, 0.25, limits)
        var sums = [Double](repeating: 0.25, count: y.count), sizes = sums
        var wanted = [Expected<T>](repeating: Expected(.untouched), count: y.count)
        for t in 0..<9 {
          o.forEachCell(t) { window, cell in
            let term = Double(weights.data[t]) * Double(x.data[cell])
            sums[window] += term
            sizes[window] += abs(term)
          }
        }
        for window in 0..<y.count {
          let sum = limits.map { min(max(sums[window], Double($0.low)), Double($0.high)) } ?? sums[window]
          wanted[window] = Expected(T(sum), within: T(sizes[window]) * 18 * T.ulpOfOne)
        }
        withUnsafePointer(to: plane) { table.depthwisePlane($0, zeros.data) }
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
      let x = o.x, gradY = Block<T>(numbers(o.rows * o.columns, 3)), sums = Block<T>(numbers(9, 4))
      var wanted: [Expected<T>] = []
      // A cell that is no number gets only into the sums of those taps under which it lies.
      x.data[o.rows % 2 == 0 ? 0 : x.count - 1] = .nan
      for t in 0..<9 {
        var sum = Double(sums.data[t]), size = abs(sum)
        o.forEachCell(t) { window, cell in
          let term = Double(gradY.data[window]) * Double(x.data[cell])
          sum += term
          size += abs(term)
        }
        // A lane sums a part of the windows, and rounds so often; then the lanes are added.
        let roundings = 2 * o.rows * (o.columns / table.lanes + 1) + table.lanes + 1
        wanted.append(sum.isNaN ? Expected(T(sum)) : Expected(T(sum), within: T(size) * T(roundings) * T.ulpOfOne))
      }
      let plane = o.plane(x, x, gradY, 0, nil)
      withUnsafePointer(to: plane) { table.depthwisePlaneGradient($0, sums.data) }
      sums.expect(wanted, "gradient of \(o)")
    }
  }
}
