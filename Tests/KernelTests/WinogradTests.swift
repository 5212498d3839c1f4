// The transforms of Winograd's algorithm against the matrices that the points give, and against the convolution that they make together.
import CNNCore
import Microkernels
import TestSupport
import Testing

@Suite struct WinogradTests {
  /// 0, a, -a, infinity, b, -b of windows that are 1 apart; 0, a, infinity, odd, odd, -a, odd, b, odd of those that are 2 apart, where the
  /// cells with odd numbers are multiplied by the tap in the middle.
  private struct Points {
    let stride: Int, tile: Int
    let finite: [(place: Int, x: Double)], infinity: Int, odd: [Int]
    init(_ stride: Int, _ tile: Int) {
      let (a, b) = (0.5.squareRoot(), 2.0.squareRoot())
      (self.stride, self.tile) = (stride, tile)
      let all = stride == 1 ? [(0, 0), (1, a), (2, -a), (4, b), (5, -b)] : [(0, 0), (1, a), (5, -a), (7, b)]
      finite = all.filter { $0.0 < stride * tile + 3 - stride }
      (infinity, odd) = stride == 1 ? (3, []) : (2, Array([3, 4, 6, 8].prefix(tile)))
    }
    var size: Int { finite.count + 1 + odd.count }

    /// The coefficients of the product of (x - p) over these points.
    private func polynomial(_ points: [Double]) -> [Double] {
      points.reduce([1]) { product, p in
        (0...product.count).map { ($0 > 0 ? product[$0 - 1] : 0) - ($0 < product.count ? p * product[$0] : 0) }
      }
    }
    private func others(_ p: Double) -> [Double] { finite.map(\.x).filter { $0 != p } }
    /// [point][cell of x], or of a gradient of y, whose every cell is both an even and an odd one.
    func input(gradient: Bool = false) -> [[Double]] {
      let apart = gradient ? 1 : stride, cells = gradient ? tile + 1 : size
      return matrix(cells, apart, last: polynomial(finite.map(\.x)), odd: { apart * $0 + apart - 1 }) { polynomial(others($0)) }
    }
    /// [point][coefficient], divided by the value that the input's polynomial has at its own point.
    func tile(odd: Bool = true) -> [[Double]] {
      let rows = matrix(tile, 1, last: [Double](repeating: 0, count: tile - 1) + [1], odd: { $0 }) { p in
        powers(p, tile).map { $0 / others(p).reduce(1) { $0 * (p - $1) } }
      }
      return odd ? rows : rows.indices.map { self.odd.contains($0) ? [Double](repeating: 0, count: tile) : rows[$0] }
    }
    /// [point of filters][tap].
    var filters: [[Double]] {
      let rows = matrix(3, stride, last: stride == 1 ? [0, 0, 1] : [0, 1], odd: { _ in 1 }) { powers($0, 4 - stride) }
      return stride == 1 ? rows : [0, 1, 2, 3, 5, 7].prefix(tile + 2).map { rows[$0] }
    }
    private func powers(_ p: Double, _ count: Int) -> [Double] {
      (0..<count).map { i in (0..<i).reduce(1) { product, _ in product * p } }
    }
    private func matrix(
      _ count: Int, _ apart: Int, last: [Double], odd cell: (Int) -> Int, _ of: (Double) -> [Double]
    ) -> [[Double]] {
      var rows = [[Double]](repeating: [Double](repeating: 0, count: count), count: size)
      for (place, list) in finite.map({ ($0.place, of($0.x)) }) + [(infinity, last)] {
        for (i, x) in list.enumerated() { rows[place][i * apart] = x }
      }
      for (j, place) in odd.enumerated() { rows[place][cell(j)] = 1 }
      return rows
    }
  }
  private func transposed(_ m: [[Double]]) -> [[Double]] { m[0].indices.map { j in m.map { $0[j] } } }

  @Test(arguments: instructionSets) func lines(_ set: InstructionSet) {
    lines(set.float32())
    lines(set.float64())
  }
  private func lines<T: Element>(_ table: KernelTable<T>) {
    typealias Kernels = WinogradKernels<T>
    for (stride, tile) in (1...2).flatMap({ s in Kernels.tiles.map { (s, $0) } }) {
      let points = Points(stride, tile)
      for columns in Kernels.tiles { filters(table, points, Points(stride, columns)) }
      func check(_ kind: Kernels.Kind, _ matrix: [[Double]]) {
        self.check(table, "\(kind)", matrix) { table.winograd.run(kind, tile: tile, $0) }
      }
      check(stride == 1 ? .input : .stridedInput, points.input())
      check(stride == 1 ? .sumFilter : .stridedSumFilter, transposed(points.filters))
      check(stride == 1 ? .evaluateTile : .stridedEvaluateTile, points.tile())
      sums(table, stride == 1 ? .tile : .stridedTile, tile, transposed(points.tile()))
      if stride == 1 { continue }
      check(.stridedGradient, points.input(gradient: true))
      // Cells that the tap in the middle reads, and the others.
      let even = transposed(points.tile(odd: false)), odd = points.odd.map { p in (0..<points.size).map { $0 == p ? 1.0 : 0 } }
      sums(table, .stridedGradient, tile, zip(odd, even).flatMap { [$0, $1] })
    }
  }

  private func sums<T: Element>(_ table: KernelTable<T>, _ kind: WinogradKernels<T>.Sums, _ tile: Int, _ sums: [[Double]]) {
    let cells = sums.count
    check(table, "sums of \(kind)", sums) { table.winograd.sum(kind, tile: tile, $0) }
    let bias = Block<T>(numbers(table.lanes, 7)), residual = Block<T>(numbers((4 * cells + 2) * table.lanes, 8))
    for (low, high) in [(-1.0, 1.5), (-.infinity, .infinity)] as [(T, T)] {
      let finish = WinogradFinish(
        bias: bias.data, residual: UnsafePointer(residual.data), residualPoint: table.lanes,
        residualStep: cells * table.lanes, limits: low == -.infinity ? nil : (low, high))
      check(table, "sums of \(kind), finished", sums, rows: 1) {
        table.winograd.sum(kind, tile: tile, $0, finish)
      } finish: {
        value, line, point, lane in
        let sum = Double(value) + Double(bias.data[lane]) + Double(residual.data[(line * cells + point) * table.lanes + lane])
        return min(max(T(sum), low), high)
      }
    }
  }

  /// Filters at the points of both directions. A value is a sum of nine products, made in two steps of at most three roundings.
  private func filters<T: Element>(_ table: KernelTable<T>, _ rows: Points, _ columns: Points) {
    let (down, across) = (rows.filters, columns.filters), points = down.count * across.count
    let lanes = table.lanes, count = 3, step = 2 * lanes, plane = count * step + lanes
    let filters = Block<T>(numbers(count * 9 * lanes, 1)), to = Block<T>(untouched: points * plane)
    var wanted = [Expected<T>](repeating: Expected(.untouched), count: to.count)
    for (i, j) in down.indices.flatMap({ i in across.indices.map { (i, $0) } }) {
      for (f, lane) in (0..<count).flatMap({ f in (0..<lanes).map { (f, $0) } }) {
        var sum = 0.0, size = 0.0
        for t in 0..<9 {
          let term = down[i][t / 3] * across[j][t % 3] * Double(filters.data[(f * 9 + t) * lanes + lane])
          sum += term
          size += abs(term)
        }
        wanted[(i * across.count + j) * plane + f * step + lane] = Expected(T(sum), within: T(size + 1) * 8 * T.ulpOfOne)
      }
    }
    for row in down.indices {
      table.winograd.evaluateFilters(
        stride: rows.stride, row: row, columns: across.count, filters.data, count, to.data + row * across.count * plane,
        step: step, plane: plane)
    }
    to.expect(wanted, "filters at \(down.count) x \(across.count) points, stride \(rows.stride)")
  }

  /// Lines of vectors that are not neighbours, in rows. A line's values are sums of at most six products, each of which a kernel may make of
  /// three roundings, with constants that are rounded too.
  private func check<T: Element>(
    _ table: KernelTable<T>, _ what: String, _ matrix: [[Double]], rows: Int = 2, _ kernel: (WinogradLines<T>) -> Void,
    finish: (T, Int, Int, Int) -> T = { value, _, _, _ in value }
  ) {
    let lanes = table.lanes, from = matrix[0].count, to = matrix.count
    for count in [0, 1, 3, 4] {
      let (fromStep, toStep) = ((from + 1) * lanes, (to + 2) * lanes)
      let (fromRow, toRow) = (count * fromStep + lanes, count * toStep)
      let x = Block<T>(numbers(max(lanes, (rows - 1) * fromRow + count * fromStep), 1))
      let y = Block<T>(untouched: rows * toRow)
      var wanted = [Expected<T>](repeating: Expected(.untouched), count: y.count)
      for (row, line) in (0..<rows).flatMap({ r in (0..<count).map { (r, $0) } }) {
        for (i, coefficients) in matrix.enumerated() {
          for lane in 0..<lanes {
            var sum = 0.0, size = 3.0
            for (j, c) in coefficients.enumerated() {
              let term = c * Double(x.data[row * fromRow + line * fromStep + j * lanes + lane])
              sum += term
              size += 4 * abs(term)
            }
            // A difference of large halves may leave a small value: the bound is of what was added up.
            let bound = T(size + 16) * 12 * T.ulpOfOne
            wanted[row * toRow + line * toStep + i * lanes + lane] = Expected(finish(T(sum), line, i, lane), within: bound)
          }
        }
      }
      kernel(
        WinogradLines(
          from: x.data, point: lanes, step: fromStep, row: fromRow, to: y.data, point: lanes, step: toStep, row: toRow,
          count: count, rows: rows))
      y.expect(wanted, "\(what), \(from) to \(to), \(count) lines")
    }
  }
}
