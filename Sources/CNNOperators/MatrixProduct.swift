// c = a . b on the register tiles: what the affine layer and 1 x 1 work come down to.
import CNNCore
import Microkernels

/// Cuts `total` rows into equal parts of at most `most`, so that no tile is left with one row where all could have twelve.
package func balanced(_ total: Int, most: Int) -> (parts: Int, size: Int) {
  let parts = max(1, (total &+ most &- 1) / most)
  return (parts, (total &+ parts &- 1) / parts)
}

/// Part i of `total` things cut into `parts` that differ by one at most: its first, and how many.
package func part(_ i: Int, of parts: Int, _ total: Int) -> (first: Int, count: Int) {
  let first = i &* total / parts
  return (first, (i &+ 1) &* total / parts &- first)
}

extension KernelTable {
  func tile(rows: Int, _ operands: TileOperands<T>) {
    withUnsafePointer(to: operands) {
      if operands.columns > lanes { tallTiles[rows &- 1]($0) } else { narrowTiles[rows &- 1]($0) }
    }
  }
  /// A last panel of one vector is short enough to wait for.
  func streamedTile(rows: Int, _ operands: TileOperands<T>) {
    withUnsafePointer(to: operands) {
      if operands.columns > lanes { streamedTiles[rows &- 1]($0) } else { narrowTiles[rows &- 1]($0) }
    }
  }
  func listedTile(rows: Int, _ operands: TileOperands<T>) {
    withUnsafePointer(to: operands) {
      if operands.columns > lanes { listedTallTiles[rows &- 1]($0) } else { listedNarrowTiles[rows &- 1]($0) }
    }
  }
}

/// A matrix in memory: element (i, j) at data[i*rowStep + j*columnStep], one of the steps being 1.
struct MatrixView<T> {
  let data: UnsafePointer<T>
  let rowStep: Int, columnStep: Int

  func from(row: Int, column: Int) -> MatrixView {
    MatrixView(data: data + (row &* rowStep &+ column &* columnStep), rowStep: rowStep, columnStep: columnStep)
  }
}

/// The right matrix of a product: as it lies, or in the panels that the tiles read, packed beforehand (`packPanels`).
enum RightMatrix<T: Element> {
  case view(MatrixView<T>)
  /// [panel][K][`panelWidth`], panels `pitch` elements apart; zeros behind the last column. The matrix begins in row `row` of each.
  case panels(UnsafePointer<T>, pitch: Int, row: Int = 0)

  /// Columns begin at a panel.
  func from(row: Int, column: Int) -> RightMatrix {
    switch self {
    case .view(let view): .view(view.from(row: row, column: column))
    case .panels(let data, let pitch, let first):
      .panels(data + column / (2 &* T.lanes) &* pitch, pitch: pitch, row: first &+ row)
    }
  }
}

/// Elements of a row of a panel with so many columns: two vectors, or one where that is enough, as it may be for the last of a matrix.
func panelWidth<T: Element>(_ columns: Int, of _: T.Type) -> Int { columns > T.lanes ? 2 &* T.lanes : T.lanes }

/// How many elements the panels of b[K][N] have.
func packedCells<T: Element>(_ K: Int, _ N: Int, of _: T.Type) -> Int { (N &+ T.lanes &- 1) / T.lanes &* T.lanes &* K }
@_specialize(where T == Float) @_specialize(where T == Double)
func packPanels<T: Element>(_ b: MatrixView<T>, _ K: Int, _ N: Int, _ to: UnsafeMutablePointer<T>) throws(CNNError) {
  let product = PackedProduct<T>(M: 1, N: N), width = product.panel
  parallel(product.panels, width: try parallelWidth(product.panels, .elements(K, N))) { p, _ in
    product.pack(b.from(row: 0, column: p &* width), min(width, N &- p &* width), K, to + p &* width &* K)
  }
}
func panels<T: Element>(_ data: UnsafePointer<T>, _ K: Int) -> RightMatrix<T> { .panels(data, pitch: 2 &* T.lanes &* K) }

/// How many of so many rows (or columns) of tiles are a task at most. Of rows, so few that they stay in the second cache while b comes
/// through, and so many that it comes through seldom; for several threads four tasks each, which come out even.
func unitsOfTask(_ units: Int, width: Int) -> Int { min(16, width > 1 ? max(1, units / (4 &* width)) : 16) }

/// c[M][N] = a[M][K] . b[K][N] + bias[N].
///
/// The longest axis is cut into tasks, by the shape alone. Where that is K, each task has a product of its own, and these are
/// added in order; so every element of a and b is read once, however many tiles are made of it. Not where b is packed beforehand, as
/// for inference: a row of c has the same bits however many rows there are.
@_specialize(where T == Float) @_specialize(where T == Double)
func matrixProduct<T: Element>(
  _ M: Int, _ N: Int, _ K: Int, _ a: MatrixView<T>, _ b: RightMatrix<T>, bias: UnsafePointer<T>?, _ c: UnsafeMutablePointer<T>
) throws(CNNError) {
  if M == 0 || N == 0 { return }
  if M == 1, case .panels(let panels, let pitch, 0) = b {
    return try rowProduct(N, K, a, panels, pitch: pitch, bias: bias, c)
  }
  // A single row is a column as well, as the tiles want it.
  let a = M == 1 && a.columnStep == 1 ? MatrixView(data: a.data, rowStep: 1, columnStep: 1) : a
  let kernels = T.kernels, depth = PackedProduct<T>.depth
  let slices = if case .view = b { K >= 4 &* max(M, N) ? min(8, K / depth) : 1 } else { 1 }
  if slices > 1 {
    let size = ((K &+ slices &- 1) / slices &+ depth &- 1) / depth &* depth
    let width = try parallelWidth(slices, .multiplyAdds(M, N, K))
    let product = PackedProduct<T>(M: M, N: N)
    let partial = try Scratch<T>(slices &* M &* N), scratch = try Scratch<T>(width &* product.cells)
    let (partialData, scratchData) = (partial.data, scratch.data)
    parallel(slices, width: width) { i, worker in
      let first = i &* size, count = min(size, K &- first), to = partialData + i &* M &* N
      if count <= 0 { return zero(to, M &* N) }
      product.run(
        a.from(row: 0, column: first), b.from(row: first, column: 0), count, start: nil, to, N,
        scratchData + worker &* product.cells)
    }
    let rows = try parallelWidth(M, .elements(slices, M, N))
    parallel(M, width: rows) { m, _ in
      let to = c + m &* N
      if let bias { copy(bias, to: to, N) } else { zero(to, N) }
      kernels.addRows(UnsafePointer(partialData) + m &* N, M &* N, slices, to, N)
    }
    return
  }
  // Parts of rows or of columns, in whole tiles: which these are makes no difference to the bits.
  let byRows = M >= N, unit = byRows ? kernels.tallRows : 2 &* kernels.lanes
  let units = ((byRows ? M : N) &+ unit &- 1) / unit, width = try parallelWidth(units, .multiplyAdds(M, N, K))
  let (tasks, share) = balanced(units, most: unitsOfTask(units, width: width)), size = share &* unit
  let comesFromMemory = N &* K &* MemoryLayout<T>.stride > Winograd<T>.heldInThirdCache
  let streamed = if case .panels = b, M <= 2 &* kernels.tallRows, comesFromMemory { K } else { 0 }
  let product = PackedProduct<T>(M: byRows ? min(size, M) : M, N: byRows ? N : min(size, N), streamed: streamed)
  let scratch = try Scratch<T>(width &* product.cells)
  let scratchData = scratch.data
  parallel(tasks, width: width) { i, worker in
    let first = i &* size, left = min(size, (byRows ? M : N) &- first)
    if left <= 0 { return }
    let part = PackedProduct<T>(M: byRows ? left : M, N: byRows ? N : left, streamed: streamed)
    part.run(
      byRows ? a.from(row: first, column: 0) : a, byRows ? b : b.from(row: 0, column: first), K,
      start: bias.map { byRows ? $0 : $0 + first }, byRows ? c + first &* N : c + first, N,
      scratchData + worker &* product.cells)
  }
}

/// c[N] = a[K] . b[K][N] + bias[N], of panels that lie `pitch` elements apart: with the bits of a row of a larger product.
private func rowProduct<T: Element>(
  _ N: Int, _ K: Int, _ a: MatrixView<T>, _ panels: UnsafePointer<T>, pitch: Int, bias: UnsafePointer<T>?,
  _ c: UnsafeMutablePointer<T>
) throws(CNNError) {
  let kernels = T.kernels, columns = 8 &* T.lanes, tasks = (N &+ columns &- 1) / columns
  parallel(tasks, width: try parallelWidth(tasks, .streamed(N, K))) { i, _ in
    let first = i &* columns
    kernels.rowTile(
      RowOperands(
        a: a.data, b: panels + 4 &* i &* pitch, c: c + first, initial: bias.map { $0 + first }, inner: K, aStep: a.columnStep,
        pitch: pitch, columns: min(columns, N &- first)))
  }
}

func matrixProduct<T: Element>(
  _ M: Int, _ N: Int, _ K: Int, _ a: MatrixView<T>, _ b: MatrixView<T>, bias: UnsafePointer<T>?, _ c: UnsafeMutablePointer<T>
) throws(CNNError) {
  try matrixProduct(M, N, K, a, .view(b), bias: bias, c)
}

/// Rows that will be read after a product, and can come nearer meanwhile.
struct RowsAhead<T> {
  let from: UnsafePointer<T>, rows: Int, step: Int, columns: Int
}

/// A product on one thread, a few rows of K at a time, which are packed as the tiles want them: a with the rows of a tile side by
/// side, b in panels of two vectors. What lies so already is read in place.
struct PackedProduct<T: Element> {
  /// So many rows of K are packed at a time: a panel of b and a block of a fit the first cache together.
  static var depth: Int { 256 }
  /// So many elements of b stay in the second cache while one block of rows after the other is made.
  private static var cached: Int { (1 << 17) / MemoryLayout<T>.stride }

  let M: Int, N: Int
  /// Panels of b, and columns in each.
  let panels: Int, panel: Int
  private let blocks: Int, rows: Int, aStep: Int
  /// So many columns of a are packed at a time. More than `depth` where panels are read from end to end, one after the other.
  private let held: Int
  private var isStreamed: Bool { held > Self.depth }

  /// streamed: K, where b lies in panels that come from memory, for so few rows that this takes longer than the products.
  init(M: Int, N: Int, streamed K: Int = 0) {
    let lanes = T.lanes
    (self.M, self.N) = (M, N)
    (blocks, rows) = balanced(M, most: K > 0 ? min(T.kernels.tallRows, KernelTable<T>.mostStreamedRows) : T.kernels.tallRows)
    panel = 2 &* lanes
    panels = (N &+ panel &- 1) / panel
    aStep = (rows &+ lanes &- 1) / lanes &* lanes
    let most = (1 << 20) / (MemoryLayout<T>.stride &* max(1, blocks &* aStep) &* Self.depth)
    held = Self.depth &* max(1, min(most, (K &+ Self.depth &- 1) / Self.depth))
  }

  /// Scratch elements that `run` needs.
  var cells: Int { blocks &* aStep &* held &+ panels &* panel &* Self.depth &+ 2 &* panel }

  /// c[M][N], its rows cStep apart, = start[N] + rowStart[M] + a[M][K] . b[K][N]; at most one of the starts is given. Or, with `adds`, is added
  /// to. limits: what the whole sums are kept between. ahead: what is read next. Of `scratch` nothing is used where a's rows are neighbours and
  /// b lies in panels.
  func run(
    _ a: MatrixView<T>, _ b: RightMatrix<T>, _ K: Int, start: UnsafePointer<T>?, rowStart: UnsafePointer<T>? = nil,
    adds: Bool = false, limits: (low: T, high: T)? = nil, ahead: RowsAhead<T>? = nil, _ c: UnsafeMutablePointer<T>,
    _ cStep: Int,
    _ scratch: UnsafeMutablePointer<T>
  ) {
    let kernels = T.kernels, depth = Self.depth
    let packedA = scratch, packedB = scratch + blocks &* aStep &* held
    for first in stride(from: 0, to: max(K, 1), by: held) {
      let end = min(K, first &+ held), isPacked = a.rowStep != 1
      if isPacked {
        for block in 0..<blocks {
          let height = min(rows, M &- block &* rows)
          if height <= 0 { break }
          // Rows of the next block too, where there are any, in lanes that no tile reads: whole squares turn over twice as fast.
          kernels.transpose(
            a.data + (block &* rows &* a.rowStep &+ first &* a.columnStep), a.rowStep, min(aStep, M &- block &* rows),
            end &- first, packedA + block &* held &* aStep, aStep, true)
        }
      }
      func multiply(
        _ k: Int, _ block: Int, _ p: Int, _ right: UnsafePointer<T>, _ rightStep: Int, tiles: Int, apart: Int
      ) {
        let row = block &* rows, height = min(rows, M &- row), column = p &* panel, to = c + (row &* cStep &+ column)
        if height <= 0 { return }
        withUnsafePointer(to: 0) { noOffset in
          let count = min(depth, K &- k), continues = adds || k > 0
          var operands = TileOperands(
            a: isPacked
              ? UnsafePointer(packedA) + (block &* held &+ k &- first) &* aStep : a.data + (row &+ k &* a.columnStep),
            b: right, c: to, initial: continues ? UnsafePointer(to) : start.map { $0 + column },
            initialStep: continues ? cStep : 0, initialColumn: rowStart.map { $0 + row }, aOffsets: noOffset,
            bOffsets: noOffset, taps: 1, inner: count, aStep: isPacked ? aStep : a.columnStep, bStep: rightStep, cStep: cStep,
            columns: min(panel, N &- column))
          (operands.tiles, operands.bTile, operands.cTile) = (tiles, apart, panel)
          operands.limits = k &+ count >= K ? limits : nil
          if isStreamed {
            // Each block of rows asks for a part of what the next products will read, which lies behind.
            operands.ahead = right + (count &* rightStep &+ part(block, of: blocks, count &* rightStep).first)
            operands.aheadStep = rightStep / blocks
            return kernels.streamedTile(rows: height, operands)
          }
          if let ahead, k == 0 {
            // Each block of rows asks for some rows, and each of its tiles for as much of them.
            let (row, rows) = part(block, of: blocks, ahead.rows), line = TileOperands<T>.line
            let lines = (ahead.columns &+ line &* panels &- 1) / (line &* panels)
            operands.ahead = ahead.from + (row &* ahead.step &+ p &* lines &* line)
            (operands.aheadRows, operands.aheadStep, operands.aheadLines) = (rows, ahead.step, lines)
          }
          kernels.tile(rows: height, operands)
        }
      }
      // As many panels as stay in the second cache, so that rows of c are written in long pieces: memory is slow at short ones.
      let whole = N / panel, most = panelsAtOnce(b, min(depth, K &- first))
      var p = 0
      while p < panels {
        let some = p < whole ? min(most, whole &- p) : 1, columns = min(panel, N &- p &* panel)
        for k in stride(from: first, to: max(end, first &+ 1), by: depth) {
          let (right, step, apart) = place(
            b.from(row: k, column: 0), p, some, columns: columns, min(depth, K &- k), packedB)
          for block in 0..<blocks { multiply(k, block, p, right, step, tiles: some, apart: apart) }
        }
        p &+= some
      }
    }
  }

  /// Whether whole panels of b are read in place: those of a matrix that only few blocks will read are not worth packing.
  private func readsInPlace(_ b: MatrixView<T>) -> Bool { b.columnStep == 1 && blocks < 16 }
  private func panelsAtOnce(_ b: RightMatrix<T>, _ count: Int) -> Int {
    if isStreamed { return 1 }
    // In place a panel's rows are pages apart, and so are better off in the first cache.
    if case .view(let b) = b, readsInPlace(b) { return blocks == 1 ? max(1, panels) : 1 }
    return max(1, Self.cached / (panel &* max(1, count)))
  }

  /// Where the tiles read some panels of b from the first on, how far rows are apart there, and panels.
  private func place(
    _ b: RightMatrix<T>, _ first: Int, _ some: Int, columns: Int, _ count: Int, _ scratch: UnsafeMutablePointer<T>
  ) -> (UnsafePointer<T>, step: Int, apart: Int) {
    switch b {
    case .panels(let data, let pitch, let row):
      let width = panelWidth(columns, of: T.self)
      return (data + (first &* pitch &+ row &* width), width, pitch)
    case .view(let view):
      // Of the last one, no more than its columns may be read.
      if readsInPlace(view) && columns == panel { return (view.data + first &* panel, view.rowStep, panel) }
      for p in 0..<some {
        pack(view.from(row: 0, column: (first &+ p) &* panel), columns, count, scratch + p &* panel &* count)
      }
      return (UnsafePointer(scratch), panelWidth(columns, of: T.self), panel &* count)
    }
  }

  /// b[count][columns] as a panel, zeros behind the columns.
  func pack(_ b: MatrixView<T>, _ columns: Int, _ count: Int, _ to: UnsafeMutablePointer<T>) {
    let width = panelWidth(columns, of: T.self)
    if b.columnStep == 1 {
      var copy = RowCopy(
        from: b.data, fromRow: b.rowStep, to: to, toRow: width, rows: count, columns: columns, after: width &- columns, fill: 0)
      // The next panel's part of the rows, which are too far apart for a core to see the pattern.
      copy.ahead = panel
      T.kernels.copyRows(copy)
    } else {
      T.kernels.transpose(b.data, b.columnStep, columns, count, to, width, true)
    }
  }
}
