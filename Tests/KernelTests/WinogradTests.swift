// The transforms of Winograd's algorithm against the matrices that the points give, and against the convolution that they make together.
import CNNCore
import Microkernels
import TestSupport
import Testing

@Suite struct WinogradTests {
  /// 0, a, -a, infinity, b, -b: the finite ones of a line of this size, and where they stand.
  private struct Points {
    let size: Int, finite: [(place: Int, x: Double)]
    init(_ size: Int) {
      let (a, b) = (0.5.squareRoot(), 2.0.squareRoot())
      self.size = size
      finite = [(0, 0), (1, a), (2, -a), (4, b), (5, -b)].filter { $0.0 < size }
    }
    /// The coefficients of the product of (x - p) over these points.
    private func polynomial(_ points: [Double]) -> [Double] {
      points.reduce([1]) { product, p in
        (0...product.count).map { ($0 > 0 ? product[$0 - 1] : 0) - ($0 < product.count ? p * product[$0] : 0) }
      }
    }
    private func row(_ list: [Double], _ count: Int) -> [Double] { list + [Double](repeating: 0, count: count - list.count) }
    /// [point][cell of x].
    var input: [[Double]] {
      matrix(size, last: polynomial(finite.map(\.x))) { p in polynomial(finite.map(\.x).filter { $0 != p }) }
    }
    /// [point][coefficient], divided by the value that the input's polynomial has at its own point, or not.
    func powers(_ count: Int, divided: Bool) -> [[Double]] {
      matrix(count, last: [Double](repeating: 0, count: count - 1) + [1]) { p in
        let own = finite.map(\.x).filter { $0 != p }.reduce(1) { $0 * (p - $1) }
        var powers = [1 / (divided ? own : 1)]
        for _ in 1..<count { powers.append(powers[powers.count - 1] * p) }
        return powers
      }
    }
    private func matrix(_ count: Int, last: [Double], _ of: (Double) -> [Double]) -> [[Double]] {
      var rows = [[Double]](repeating: row(last, count), count: size)
      for (place, x) in finite { rows[place] = row(of(x), count) }
      return rows
    }
  }
  private func transposed(_ m: [[Double]]) -> [[Double]] { m[0].indices.map { j in m.map { $0[j] } } }

  @Test(arguments: instructionSets) func lines(_ set: InstructionSet) {
    lines(set.float32())
    lines(set.float64())
  }
  private func lines<T: Element>(_ table: KernelTable<T>) {
    for size in WinogradKernels<T>.sizes {
      let points = Points(size), m = size - 2
      check(table, "input", points.input) { table.winograd.run(.input, size: size, $0) }
      for columns in WinogradKernels<T>.sizes { filters(table, points, Points(columns)) }
      check(table, "sumFilter", transposed(points.powers(3, divided: false))) { table.winograd.run(.sumFilter, size: size, $0) }
      check(table, "evaluateTile", points.powers(m, divided: true)) { table.winograd.run(.evaluateTile, size: size, $0) }
      let sums = transposed(points.powers(m, divided: true))
      check(table, "sumTile", sums) { table.winograd.sumTile(size: size, $0) }
      let bias = Block<T>(numbers(table.lanes, 7)), residual = Block<T>(numbers((4 * m + 2) * table.lanes, 8))
      for (low, high) in [(-1.0, 1.5), (-.infinity, .infinity)] as [(T, T)] {
        let finish = WinogradFinish(
          bias: bias.data, residual: UnsafePointer(residual.data), residualPoint: table.lanes,
          residualStep: m * table.lanes, limits: low == -.infinity ? nil : (low, high))
        check(table, "sumTile, finished", sums, rows: 1) {
          table.winograd.sumTile(size: size, $0, finish)
        } finish: {
          value, line, point, lane in
          let sum = Double(value) + Double(bias.data[lane]) + Double(residual.data[(line * m + point) * table.lanes + lane])
          return min(max(T(sum), low), high)
        }
      }
    }
  }

  /// Filters at the points of both directions. A value is a sum of nine products, made in two steps of at most three roundings.
  private func filters<T: Element>(_ table: KernelTable<T>, _ rows: Points, _ columns: Points) {
    let lanes = table.lanes, points = rows.size * columns.size, count = 3, step = 2 * lanes, plane = count * step + lanes
    let (down, across) = (rows.powers(3, divided: false), columns.powers(3, divided: false))
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
        wanted[(i * columns.size + j) * plane + f * step + lane] = Expected(T(sum), within: T(size + 1) * 8 * T.ulpOfOne)
      }
    }
    for row in 0..<rows.size {
      table.winograd.evaluateFilters(
        row: row, columns: columns.size, filters.data, count, to.data + row * columns.size * plane,
        step: step, plane: plane)
    }
    to.expect(wanted, "filters at \(rows.size) x \(columns.size) points")
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
