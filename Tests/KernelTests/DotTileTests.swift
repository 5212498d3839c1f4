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
        check(table.dotTiles4[columns - 1], rows: 4, columns, vectors, table.lanes)
        check(table.dotTiles1[columns - 1], rows: 1, columns, vectors, table.lanes)
      }
    }
  }

  /// Each lane of a sum is a sum of its own, of every lanes-th product.
  private func check<T: Element>(_ tile: Dot<T>, rows: Int, _ columns: Int, _ vectors: Int, _ lanes: Int) {
    let count = vectors * lanes, aStep = count + 3, sumStep = columns * lanes + 1
    let a = Block<T>(numbers((rows - 1) * aStep + count, 1))
    // Taps may lie in any order, and share elements.
    let bOffsets = Block((0..<columns).map { ($0 * 5 + 2) % 7 })
    let b = Block<T>(numbers((0..<columns).map { ($0 * 5 + 2) % 7 }.max()! + count, 2))
    let sums = Block<T>(numbers((rows - 1) * sumStep + columns * lanes, 3))
    var wanted = (0..<sums.count).map { Expected(sums.data[$0]) }
    for r in 0..<rows {
      for s in 0..<columns {
        for i in 0..<count {
          wanted[r * sumStep + s * lanes + i % lanes] += a.data[r * aStep + i] * b.data[bOffsets.data[s] + i]
        }
      }
    }
    tile(
      DotOperands(
        a: a.data, aStep: aStep, b: b.data, bOffsets: bOffsets.data, sums: sums.data, sumStep: sumStep, count: count))
    sums.expect(wanted, "\(rows) x \(columns) sums of \(vectors) vectors")
  }
}
