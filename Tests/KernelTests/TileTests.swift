// Register tiles against the three loops of a batch-reduced matrix product.
import CNNCore
import Microkernels
import TestSupport
import Testing

@Suite struct TileTests {
  /// What the sums start from.
  private enum Start: CaseIterable { case nothing, biases, column, matrix, result }

  @Test(arguments: instructionSets) func tiles(_ set: InstructionSet) {
    tiles(set.float32())
    tiles(set.float64())
  }

  private func tiles<T: Element>(_ table: KernelTable<T>) {
    let lanes = table.lanes
    let streamed = (
      table.streamedTiles, nil as UnsafePointer<Tile<T>>?, min(table.tallRows, KernelTable<T>.mostStreamedRows), 2 * lanes
    )
    for (tiles, listed, most, width) in [
      (table.narrowTiles, table.listedNarrowTiles, table.narrowRows, lanes),
      (table.tallTiles, table.listedTallTiles, table.tallRows, 2 * lanes), streamed,
    ] {
      for rows in 1...most {
        for columns in [width - lanes + 1, width - lanes + 2, width - 1, width] {
          for (taps, inner) in [(1, 1), (3, 5), (2, 37), (0, 4), (3, 0)] {
            for start in Start.allCases { check(tiles[rows - 1], width: width, rows, columns, taps, inner, start) }
          }
          guard let listed else { continue }
          for taps in [0, 1, 2, 5, 49] {
            for start in [Start.nothing, .column] { check(listed[rows - 1], width: width, rows, columns, taps, nil, start) }
          }
        }
      }
    }
  }

  @Test(arguments: instructionSets) func rowTiles(_ set: InstructionSet) {
    rowTiles(set.float32())
    rowTiles(set.float64())
  }

  /// One row times up to nine panels, the last of them in part, and then maybe of one vector: with the bits of tiles of one row.
  private func rowTiles<T: Element>(_ table: KernelTable<T>) {
    let width = 2 * table.lanes
    for (panels, rest) in [(1, 1), (1, width), (2, width - 1), (3, table.lanes), (4, 3), (4, width), (5, 1), (9, width - 2)] {
      for (inner, hasBiases) in [(0, true), (1, false), (1, true), (37, true), (53, false)] {
        let (columns, aStep, pitch) = ((panels - 1) * width + rest, 3, inner * width + 5)
        let a = Block<T>(numbers(max(0, (inner - 1) * aStep + 1), 1)), biases = Block<T>(numbers(columns, 3))
        let lastWidth = rest > table.lanes ? width : table.lanes
        func panelWidth(_ p: Int) -> Int { p + 1 < panels ? width : lastWidth }
        let b = Block<T>(numbers(inner == 0 ? 0 : (panels - 1) * pitch + inner * lastWidth, 2))
        let c = Block<T>(untouched: columns), tile = Block<T>(untouched: columns), offset = Block([0])
        let initial = hasBiases ? UnsafePointer(biases.data) : nil
        var wanted = (0..<columns).map { Expected(hasBiases ? biases.data[$0] : 0) }
        for n in 0..<columns {
          let column = b.data + (n / width * pitch + n % width)
          for i in 0..<inner { wanted[n] += a.data[i * aStep] * column[i * panelWidth(n / width)] }
        }
        table.rowTile(
          RowOperands(
            a: a.data, b: b.data, c: c.data, initial: initial, inner: inner, aStep: aStep, pitch: pitch, columns: columns))
        c.expect(wanted, "\(columns) columns, \(inner) inner")
        for p in 0..<panels {
          let count = p + 1 < panels ? width : rest
          var operands = TileOperands(
            a: UnsafePointer(a.data), b: b.data + p * pitch, c: tile.data + p * width, initial: initial.map { $0 + p * width },
            aOffsets: offset.data, bOffsets: offset.data, taps: 1, inner: inner, aStep: aStep, bStep: panelWidth(p),
            cStep: columns, columns: count)
          if count > table.lanes { table.tallTiles[0](&operands) } else { table.narrowTiles[0](&operands) }
        }
        #expect((0..<columns).allSatisfy { c.data[$0] == tile.data[$0] }, "\(columns) columns, \(inner) inner")
      }
    }
  }

  /// inner: nil where terms are listed.
  private func check<T: Element>(
    _ tile: Tile<T>, width: Int, _ rows: Int, _ columns: Int, _ taps: Int, _ someInner: Int?, _ start: Start
  ) {
    let (aStep, bStep, cStep, inner) = (rows + 3, width + 1, columns + 2, someInner ?? 1)
    // Several tiles of one a: their b may overlap. The last of them ends with its block.
    let isSeveral = someInner == 5 || someInner == nil && taps == 5
    let tiles = isSeveral ? 3 : 1, bTile = 2, cTile = (rows - 1) * cStep + columns + 1
    let limits: (low: T, high: T)? = isSeveral ? (-2, 3) : nil
    // Taps may lie in any order, and share elements; those of a list are in order in a.
    let places = (0..<taps).map { someInner == nil ? $0 * aStep : ($0 + 1) % 3 * 7 }
    let aOffsets = Block(places), bOffsets = Block((0..<taps).map { ($0 + 2) % 3 * 11 })
    let isEmpty = taps * inner == 0
    let a = Block<T>(numbers(isEmpty ? 0 : (places.max() ?? 0) + (inner - 1) * aStep + rows, 1))
    let b = Block<T>(numbers(isEmpty ? 0 : 22 + (inner - 1) * bStep + width + (tiles - 1) * bTile, 2))

    let cells = tiles * cTile - 1
    let c = start == .result ? Block<T>(numbers(cells, 3)) : Block<T>(untouched: cells)
    let initialStep = start == .result ? cStep : start == .matrix ? columns + 1 : 0
    let separate = Block<T>(numbers((tiles - 1) * cTile + (rows - 1) * initialStep + columns, 4))
    let column = Block<T>(numbers(rows, 5))
    let initial: UnsafeMutablePointer<T>? =
      start == .nothing || start == .column ? nil : start == .result ? c.data : separate.data

    var wanted = (0..<cells).map { Expected(c.data[$0]) }
    for (tile, m) in (0..<tiles).flatMap({ tile in (0..<rows).map { (tile, $0) } }) {
      for n in 0..<columns {
        var sum = Expected(start == .column ? column.data[m] : initial.map { $0[tile * cTile + m * initialStep + n] } ?? 0)
        for t in 0..<taps {
          for i in 0..<inner {
            sum += a.data[aOffsets.data[t] + i * aStep + m] * b.data[bOffsets.data[t] + i * bStep + n + tile * bTile]
          }
        }
        wanted[tile * cTile + m * cStep + n] = limits.map { sum.limited($0.low, $0.high) } ?? sum
      }
    }
    var operands = TileOperands(
      a: a.data, b: b.data, c: c.data, initial: UnsafePointer(initial), initialStep: initialStep,
      initialColumn: start == .column ? UnsafePointer(column.data) : nil, aOffsets: aOffsets.data, bOffsets: bOffsets.data,
      taps: taps, inner: inner, aStep: aStep, bStep: bStep, cStep: cStep, columns: columns)
    (operands.tiles, operands.bTile, operands.cTile, operands.limits) = (tiles, bTile, cTile, limits)
    // Whatever lies there.
    (operands.ahead, operands.aheadStep) = (UnsafePointer(b.data) + 12_345, 4099)
    tile(&operands)
    c.expect(
      wanted,
      "\(rows) rows, \(columns) of \(width) columns, \(taps) taps, \(someInner.map(String.init) ?? "listed"), from \(start)")
  }
}
