// c = a . b on the register tiles: what the affine layer and 1 x 1 work come down to.
import CNNCore
import Microkernels

/// Cuts `total` rows into equal parts of at most `most`, so that no tile is left with one row where all could have twelve.
func balanced(_ total: Int, most: Int) -> (parts: Int, size: Int) {
  let parts = max(1, (total &+ most &- 1) / most)
  return (parts, (total &+ parts &- 1) / parts)
}

extension KernelTable {
  func tile(rows: Int, _ operands: TileOperands<T>) {
    withUnsafePointer(to: operands) {
      if operands.columns > lanes { tallTiles[rows &- 1]($0) } else { narrowTiles[rows &- 1]($0) }
    }
  }
}

/// A matrix in memory: element (i, j) at data[i*rowStep + j*columnStep], one of the steps being 1.
struct MatrixView<T> {
  let data: UnsafePointer<T>
  let rowStep: Int, columnStep: Int
}

/// c[M][N] = a[M][K] . b[K][N] + bias[N]. Sums start from the bias and run over K in order.
func matrixProduct<T: Element>(
  _ M: Int, _ N: Int, _ K: Int, _ a: MatrixView<T>, _ b: MatrixView<T>, bias: UnsafePointer<T>?, _ c: UnsafeMutablePointer<T>
) throws(CNNError) {
  if M == 0 || N == 0 { return }
  let kernels = T.kernels, lanes = kernels.lanes, panel = 2 &* lanes
  let depth = 256
  let (blocks, rows) = balanced(M, most: kernels.tallRows)
  let panels = (N &+ panel &- 1) / panel

  // a as the tiles want it: rows contiguous at each k. Where it lies so already, it is read in place.
  let aInPlace = a.rowStep == 1
  let aStep = aInPlace ? a.columnStep : (rows &+ lanes &- 1) / lanes &* lanes
  let aPacked = try Scratch<T>(aInPlace ? 0 : blocks &* K &* aStep)
  // b as panels [K][two vectors]. A row-major one that few row blocks will read is read in place, but for its last panel.
  let rowMajor = b.columnStep == 1
  let wholePanels = rowMajor && blocks < 4 ? N / panel : 0
  let bPacked = try Scratch<T>((panels &- wholePanels) &* K &* panel)
  let width = try parallelWidth(panels &* blocks)
  let offsets = try Scratch<Int>(1)
  offsets.data[0] = 0
  let (aData, bData, noOffset) = (aPacked.data, bPacked.data, UnsafePointer(offsets.data))

  if !aInPlace {
    parallel(blocks, width: width) { block, _ in
      let first = block &* rows
      kernels.transpose(
        a.data + first &* a.rowStep, a.rowStep, min(rows, M &- first), K, aData + block &* K &* aStep, aStep, true)
    }
  }
  parallel(panels &- wholePanels, width: width) { i, _ in
    let first = (wholePanels &+ i) &* panel, columns = min(panel, N &- first)
    let to = bData + i &* K &* panel
    if rowMajor {
      kernels.copyRows(
        RowCopy(
          from: b.data + first, fromRow: b.rowStep, to: to, toRow: panel, rows: K, columns: columns, after: panel &- columns,
          fill: 0))
    } else {
      // Of a last panel of one vector, the second vector is never read.
      kernels.transpose(b.data + first &* b.columnStep, b.columnStep, columns, K, to, panel, true)
    }
  }

  // A task is a panel and a group of row blocks; the cut depends on the shape alone.
  let groupSize = max(1, 512 / rows)
  let groups = (blocks &+ groupSize &- 1) / groupSize
  parallel(panels &* groups, width: width) { task, worker in
    let p = task % panels, firstBlock = task / panels &* groupSize
    let firstColumn = p &* panel, columns = min(panel, N &- firstColumn)
    let inPlace = p < wholePanels
    let bPanel = inPlace ? b.data + firstColumn : UnsafePointer(bData + (p &- wholePanels) &* K &* panel)
    let bStep = inPlace ? b.rowStep : panel
    for k in stride(from: 0, to: max(K, 1), by: depth) {
      for block in firstBlock..<min(blocks, firstBlock &+ groupSize) {
        let row = block &* rows, count = min(rows, M &- row)
        if count <= 0 { continue }
        let aBlock = aInPlace ? a.data + row : UnsafePointer(aData + block &* K &* aStep)
        let cTile = c + (row &* N &+ firstColumn)
        kernels.tile(
          rows: count,
          TileOperands(
            a: aBlock + k &* aStep, b: bPanel + k &* bStep, c: cTile,
            initial: k > 0 ? UnsafePointer(cTile) : bias.map { $0 + firstColumn }, initialStep: k > 0 ? N : 0,
            aOffsets: noOffset, bOffsets: noOffset, taps: 1, inner: min(depth, K &- k), aStep: aStep, bStep: bStep, cStep: N,
            columns: columns))
      }
    }
  }
}
