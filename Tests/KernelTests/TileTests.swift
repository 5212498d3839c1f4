// Every kernel of every instruction set the machine has, against plain loops.
import CNNCore
import Foundation
import Microkernels
import Testing

private func numbers<T: BinaryFloatingPoint>(_ count: Int, _ seed: Int) -> [T] {
  (0..<count).map { T(($0 * 7919 + seed * 104729) % 2003 - 1001) / 512 }
}

private func exponential(_ x: Double) -> Double { Foundation.exp(x) }
private func hyperbolicTangent(_ x: Double) -> Double { Foundation.tanh(x) }

private func available() -> [InstructionSet] { InstructionSet.allCases.filter(\.isAvailable) }

@Suite struct TileTests {
  /// Sums of `terms` products of numbers up to 2: each rounding is at most half an ulp of a partial sum.
  private func check<T: Element>(_ table: KernelTable<T>, _ tolerance: T) {
    for (tall, most) in [(true, table.tallRows), (false, table.narrowRows)] {
      for (rows, missing) in (1...most).flatMap({ rows in [0, 1, table.lanes - 1].map { (rows, $0) } }) {
        let whole = (tall ? 2 : 1) * table.lanes, columns = whole - missing
        for (taps, inner, accumulate) in [(1, 1, false), (3, 5, true), (2, 37, false), (0, 4, false)] {
          let aStep = rows + 3, bStep = columns + 1, cStep = columns + 2
          let a: [T] = numbers(taps * 7 + inner * aStep + rows, 1), b: [T] = numbers(taps * 11 + inner * bStep + whole, 2)
          var c: [T] = numbers(rows * cStep, 3)
          let before = c
          let aOffsets = (0..<max(taps, 1)).map { $0 * 7 }, bOffsets = (0..<max(taps, 1)).map { $0 * 11 }
          c.withUnsafeMutableBufferPointer { c in
            var operands = TileOperands(
              a: a, b: b, c: c.baseAddress!, initial: accumulate ? UnsafePointer(c.baseAddress!) : nil, initialStep: cStep,
              aOffsets: aOffsets, bOffsets: bOffsets, taps: taps, inner: inner, aStep: aStep, bStep: bStep, cStep: cStep,
              columns: columns)
            (tall ? table.tallTiles : table.narrowTiles)[rows - 1](&operands)
          }
          for m in 0..<rows {
            for n in 0..<cStep {
              var sum: T = 0
              for t in 0..<taps {
                for i in 0..<inner {
                  sum += a[aOffsets[t] + i * aStep + m] * (n < columns ? b[bOffsets[t] + i * bStep + n] : 0)
                }
              }
              let wanted = n >= columns ? before[m * cStep + n] : accumulate ? before[m * cStep + n] + sum : sum
              #expect(abs(c[m * cStep + n] - wanted) <= tolerance * T(4 * taps * inner + 4), "rows \(rows) m \(m) n \(n)")
            }
          }
        }
      }
    }
  }

  @Test func tilesOfEveryInstructionSetMatchLoops() {
    for set in available() {
      check(set.float32(), Float.ulpOfOne)
      check(set.float64(), Double.ulpOfOne)
    }
  }

  private func checkTranspose<T: Element>(_ table: KernelTable<T>) {
    for rows in [1, 2, 3, 7, 8, 15, 16, 17, 33] {
      for columns in [1, 2, 5, 8, 16, 19, 40] {
        for padded in [false, true] {
          let step = columns + 16, toStep = (rows + 15) / 16 * 16 + 1
          let from: [T] = numbers((rows - 1) * step + columns, 4)
          var to = [T](repeating: -7, count: columns * toStep + 16)
          table.transpose(from, step, rows, columns, &to, toStep, padded)
          let written = padded ? (rows + table.lanes - 1) / table.lanes * table.lanes : rows
          for c in 0..<columns {
            for r in 0..<toStep {
              let wanted = r < rows ? from[r * step + c] : r < written ? 0 : -7
              #expect(to[c * toStep + r] == wanted, "rows \(rows) columns \(columns) r \(r) c \(c) padded \(padded)")
            }
          }
        }
      }
    }
  }

  @Test func transpositionMovesEveryElement() {
    for set in available() {
      checkTranspose(set.float32())
      checkTranspose(set.float64())
    }
  }

  private func checkElementwise<T: Element>(_ table: KernelTable<T>, _ tolerance: T, _ name: String) {
    for count in [0, 1, 3, 16, 31, 100] {
      let x: [T] = numbers(count, 5).map { $0 * 20 }
      var y = x, mask = [UInt8](repeating: 9, count: count)
      table.relu(x, &y, &mask, count)
      for i in 0..<count { #expect(y[i] == (x[i] > 0 ? x[i] : 0) && mask[i] == (x[i] <= 0 ? 1 : 0)) }
      table.sigmoid(x, &y, count)
      for i in 0..<count {
        let wanted = reference(x[i]) { 1 / (1 + exponential(-$0)) }
        #expect(abs(y[i] - wanted) <= tolerance * max(wanted, T.leastNormalMagnitude), "sigmoid \(x[i])")
      }
      table.tanh(x, &y, count)
      for i in 0..<count {
        let wanted = reference(x[i]) { hyperbolicTangent($0) }
        #expect(abs(y[i] - wanted) <= tolerance * abs(wanted), "tanh \(x[i]) \(name)")
      }
      if count > 0 {
        _ = table.softmaxRow(x, &y, count)
        let total = x.map { exponential(Double($0) - Double(x.max()!)) }.reduce(0, +)
        for i in 0..<count {
          let wanted = T(exponential(Double(x[i]) - Double(x.max()!)) / total)
          #expect(abs(y[i] - wanted) <= tolerance * T(count) * max(wanted, T.leastNormalMagnitude), "softmax \(x[i])")
        }
      }
      #expect(abs(table.sum(x, count) - x.reduce(0, +)) <= tolerance * x.reduce(0) { $0 + abs($1) })
    }
  }
  private func reference<T: BinaryFloatingPoint>(_ x: T, _ f: (Double) -> Double) -> T { T(f(Double(x))) }

  @Test func elementwiseKernelsMatchTheirDefinitions() {
    for set in available() {
      checkElementwise(set.float32(), 8 * Float.ulpOfOne, "float32")
      checkElementwise(set.float64(), 8 * Double.ulpOfOne, "float64")
    }
  }
}
