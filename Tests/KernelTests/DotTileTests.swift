// Tiles of dot products against plain loops.
import CNNCore
import Microkernels
import TestSupport
import Testing

@Suite struct DotTileTests {
  @Test(arguments: instructionSets) func dotTiles(_ set: InstructionSet) {
    dotTiles(set.float32())
    dotTiles(set.float64())
  }

  private func dotTiles<T: Element>(_ table: KernelTable<T>) {
    for columns in 1...6 {
      for vectors in [0, 1, 2, 5] {
        for lines in [1, 3] {
          check(table.dotTiles4[columns - 1], rows: 4, columns, lines, vectors, table.lanes)
          check(table.dotTiles1[columns - 1], rows: 1, columns, lines, vectors, table.lanes)
        }
      }
    }
  }

  /// Each lane of a sum is a sum of its own, of every lanes-th product.
  private func check<T: Element>(_ tile: Dot<T>, rows: Int, _ columns: Int, _ lines: Int, _ vectors: Int, _ lanes: Int) {
    let count = vectors * lanes, aRow = count + 1, aStep = lines * aRow + 2, bRow = count + 4, sumStep = columns * lanes + 1
    let a = Block<T>(numbers((rows - 1) * aStep + (lines - 1) * aRow + count, 1))
    // Taps may lie in any order, and share elements.
    let offsets = (0..<columns).map { ($0 * 5 + 2) % 7 }, bOffsets = Block(offsets)
    let b = Block<T>(numbers(offsets.max()! + (lines - 1) * bRow + count, 2))
    let sums = Block<T>(numbers((rows - 1) * sumStep + columns * lanes, 3))
    var wanted = (0..<sums.count).map { Expected(sums.data[$0]) }
    for (r, s) in (0..<rows).flatMap({ r in (0..<columns).map { (r, $0) } }) {
      for (line, i) in (0..<lines).flatMap({ line in (0..<count).map { (line, $0) } }) {
        wanted[r * sumStep + s * lanes + i % lanes] +=
          a.data[r * aStep + line * aRow + i] * b.data[offsets[s] + line * bRow + i]
      }
    }
    var operands = DotOperands(
      a: a.data, aStep: aStep, b: b.data, bOffsets: bOffsets.data, sums: sums.data, sumStep: sumStep, count: count)
    (operands.rows, operands.aRow, operands.bRow) = (lines, aRow, bRow)
    tile(operands)
    sums.expect(wanted, "\(rows) x \(columns) sums of \(lines) lines of \(vectors) vectors")
  }
}
