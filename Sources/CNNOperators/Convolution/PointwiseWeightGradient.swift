// grad_weight of filters of one cell: a matrix product over the pixels, grad_y[K][pixels] . x[C][pixels] transposed, image after image. It needs
// no sums of its own, since the product lies as the weight does.
import CNNCore
import Microkernels

/// Some pixels of some images: what is summed at a time.
private struct PixelRun {
  let image: Int, images: Int
  let pixel: Int, pixels: Int
  var terms: Int { images &* pixels }
  var isFirst: Bool { image == 0 && pixel == 0 }
}

extension Convolution.Sizes {
  /// Pixels are summed some hundreds at a time, of one image or of several small ones, and in their order for any number of threads.
  func pointwiseWeightGradient(
    _ x: UnsafePointer<T>, _ gradY: UnsafePointer<T>, _ gradWeight: UnsafeMutablePointer<T>
  ) throws(CNNError) {
    if N &* pixels == 0 { return zero(gradWeight, G &* K &* C) }
    var runs: [PixelRun] = []
    let depth = PackedProduct<T>.depth, images = min(N, max(1, depth / pixels)), (parts, most) = balanced(pixels, most: depth)
    for image in stride(from: 0, to: N, by: images) {
      for part in 0..<parts {
        runs.append(
          PixelRun(
            image: image, images: min(images, N &- image), pixel: part &* most, pixels: min(most, pixels &- part &* most)))
      }
    }
    // Rows of tiles, as in a product of matrices: which ones are a task makes no difference to the bits.
    let terms = runs[0].terms, rows = T.kernels.tallRows, units = (K &+ rows &- 1) / rows
    let width = try parallelWidth(max(units, (C &+ panel &- 1) / panel), work)
    let (tasks, share) = balanced(units, most: unitsOfTask(units, width: width)), height = min(K, share &* rows)
    let product = PackedProduct<T>(M: height, N: C), panels = product.panels
    let perWorker = product.cells &+ (images > 1 ? height &* terms : 0)
    let packed = try Scratch<T>(packedCells(terms, C, of: T.self)), scratch = try Scratch<T>(width &* perWorker)
    let (packedData, scratchData) = (packed.data, scratch.data)
    for g in 0..<G {
      let to = gradWeight + g &* K &* C
      for run in runs {
        parallel(panels, width: width) { p, _ in packPanel(x, g, run, p, packedData) }
        parallel(tasks, width: width) { task, worker in
          let k = task &* height, left = min(height, K &- k), own = scratchData + worker &* perWorker
          if left <= 0 { return }
          let a = gathered(gradY, g, run, k, left, own + product.cells)
          PackedProduct<T>(M: left, N: C).run(
            a, panelsOf(packedData, run), run.terms, start: nil, adds: !run.isFirst, to + k &* C, C, own)
        }
      }
    }
  }

  private func panelsOf(_ data: UnsafeMutablePointer<T>, _ run: PixelRun) -> RightMatrix<T> {
    CNNOperators.panels(UnsafePointer(data), run.terms)
  }
  /// A panel of x transposed: channels for its columns, pixel after pixel.
  private func packPanel(_ x: UnsafePointer<T>, _ g: Int, _ run: PixelRun, _ p: Int, _ to: UnsafeMutablePointer<T>) {
    let panel = panel, c = p &* panel, columns = min(panel, C &- c), width = panelWidth(columns, of: T.self)
    for i in 0..<run.images {
      let plane = ((run.image &+ i) &* G &+ g) &* C &+ c, own = to + (p &* run.terms &* panel &+ i &* run.pixels &* width)
      T.kernels.transpose(
        x + (plane &* pixels &+ run.pixel), pixels, columns, run.pixels, own, width, true)
    }
  }
  /// Channels k to k + rows of grad_y: as they lie, or, of several images, gathered in `room`.
  private func gathered(
    _ gradY: UnsafePointer<T>, _ g: Int, _ run: PixelRun, _ k: Int, _ rows: Int, _ room: UnsafeMutablePointer<T>
  ) -> MatrixView<T> {
    let first = gradY + (((run.image &* G &+ g) &* K &+ k) &* pixels &+ run.pixel)
    if run.images == 1 { return MatrixView(data: first, rowStep: pixels, columnStep: 1) }
    for i in 0..<run.images {
      T.kernels.copyRows(
        RowCopy(
          from: first + i &* G &* K &* pixels, fromRow: pixels, to: room + i &* run.pixels, toRow: run.terms, rows: rows,
          columns: run.pixels, fill: 0))
    }
    return MatrixView(data: UnsafePointer(room), rowStep: run.terms, columnStep: 1)
  }
}
