// Transposition against two loops.
import CNNCore
import Microkernels
import TestSupport
import Testing

@Suite struct TransposeTests {
  @Test(arguments: instructionSets) func transpose(_ set: InstructionSet) {
    transpose(set.float32())
    transpose(set.float64())
  }

  private func transpose<T: Element>(_ table: KernelTable<T>) {
    for rows in table.sizes where rows < 100 {
      for columns in table.sizes {
        for (gap, padded) in [(0, false), (5, false), (0, true), (5, true)] {
          // Where rows are padded, they are so to whole vectors, which must not reach into the next row.
          let written = padded ? (rows + table.lanes - 1) / table.lanes * table.lanes : rows
          let step = columns + gap, toStep = written + gap
          let from = Block<T>(numbers(rows == 0 || columns == 0 ? 0 : (rows - 1) * step + columns))
          let to = Block<T>(untouched: columns == 0 ? 0 : (columns - 1) * toStep + written)
          var wanted = [T](repeating: .untouched, count: to.count)
          for c in 0..<columns { for r in 0..<written { wanted[c * toStep + r] = r < rows ? from.data[r * step + c] : 0 } }
          table.transpose(from.data, step, rows, columns, to.data, toStep, padded)
          to.expect(wanted, "\(rows) x \(columns), padded \(padded)")
        }
      }
    }
  }
}
