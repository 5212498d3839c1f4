// Rows that are copied, merged and added, against plain loops.
import CNNCore
import Microkernels
import TestSupport
import Testing

@Suite struct RowsTests {
  @Test(arguments: instructionSets) func copyRows(_ set: InstructionSet) {
    copyRows(set.float32())
    copyRows(set.float64())
  }

  private func copyRows<T: Element>(_ table: KernelTable<T>) {
    let lanes = table.lanes
    for (rows, columns) in table.sizes.flatMap({ columns in [0, 1, 3].map { ($0, columns) } }) {
      for fromColumn in 1...3 {
        for (before, after) in [(0, 0), (1, 0), (0, 1), (2, lanes - 1), (lanes, lanes + 1), (lanes + 3, 2 * lanes + 3)] {
          for fill: T in [0, -.infinity] {
            let width = before + columns + after, toRow = width + 2
            let (from, fromRow) = pixels(rows, columns, fromColumn, T.self)
            let to = Block<T>(untouched: max(0, (rows - 1) * toRow + width))
            var wanted = [T](repeating: .untouched, count: to.count)
            for r in 0..<rows {
              for i in 0..<width {
                let column = i - before
                let inside = column >= 0 && column < columns
                wanted[r * toRow + i] = inside ? from.data[r * fromRow + column * fromColumn] : fill
              }
            }
            table.copyRows(
              RowCopy(
                from: from.data, fromRow: fromRow, fromColumn: fromColumn, to: to.data, toRow: toRow, rows: rows,
                columns: columns, before: before, after: after, fill: fill))
            to.expect(wanted, "\(rows) x \(columns), every \(fromColumn), between \(before) and \(after) of \(fill)")
          }
        }
      }
    }
  }

  /// Rows of numbers that end with the last one taken, and NaN wherever none is.
  private func pixels<T: Element>(_ rows: Int, _ columns: Int, _ step: Int, _: T.Type) -> (Block<T>, fromRow: Int) {
    let fromRow = columns * step + 1
    let count = rows == 0 || columns == 0 ? 0 : (rows - 1) * fromRow + (columns - 1) * step + 1
    let taken = numbers(count, of: T.self).enumerated().map { i, x in
      i % fromRow % step == 0 && i % fromRow / step < columns ? x : .nan
    }
    return (Block(taken), fromRow)
  }

  @Test(arguments: instructionSets) func mergeRows(_ set: InstructionSet) {
    mergeRows(set.float32())
    mergeRows(set.float64())
  }

  private func mergeRows<T: Element>(_ table: KernelTable<T>) {
    for (rows, count) in (table.sizes + [2, 4 * table.lanes]).flatMap({ count in [0, 1, 3].map { ($0, count) } }) {
      let evens = (count + 1) / 2, odds = count / 2, fromRow = evens + 3, toRow = count + 2
      let even = Block<T>(numbers(max(0, (rows - 1) * fromRow + evens), 1))
      let odd = Block<T>(numbers(max(0, (rows - 1) * fromRow + odds), 2))
      let to = Block<T>(untouched: max(0, (rows - 1) * toRow + count))
      var wanted = [T](repeating: .untouched, count: to.count)
      for r in 0..<rows {
        for i in 0..<count { wanted[r * toRow + i] = (i % 2 == 0 ? even : odd).data[r * fromRow + i / 2] }
      }
      table.mergeRows(even.data, odd.data, fromRow, to.data, toRow, rows, count)
      to.expect(wanted, "\(rows) x \(count)")
    }
  }

  @Test(arguments: instructionSets) func addShiftedRows(_ set: InstructionSet) {
    addShiftedRows(set.float32())
    addShiftedRows(set.float64())
  }

  private func addShiftedRows<T: Element>(_ table: KernelTable<T>) {
    for count in table.sizes {
      for (terms, shift, rows) in [(0, 0, 1), (1, 0, 3), (1, 3, 1), (2, 1, 2), (5, 0, 2), (5, 1, 1), (5, 3, 3)] {
        let fromRow = count + 2, toRow = count + 3, step = rows * fromRow + 4, last = (terms - 1) * (step - shift)
        let cells = (rows - 1) * fromRow + count
        let source = Block<T>(numbers(terms == 0 || count == 0 ? 0 : last + cells, 1))
        let to = Block<T>(numbers((rows - 1) * toRow + count, 2))
        var wanted = (0..<to.count).map { Expected(to.data[$0]) }
        for r in 0..<rows {
          for m in 0..<terms {
            for i in 0..<count { wanted[r * toRow + i] += source.data[r * fromRow + m * step + i - m * shift] }
          }
        }
        var sum = ShiftedRows(
          from: UnsafePointer(source.data), step: step, shift: shift, terms: terms, to: to.data, count: count)
        (sum.rows, sum.fromRow, sum.toRow) = (rows, fromRow, toRow)
        table.addShiftedRows(sum)
        to.expect(wanted, "\(rows) rows of \(count), \(terms) terms shifted by \(shift)")
      }
    }
  }
}
