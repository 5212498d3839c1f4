// Convolutions by filters of one cell, from planes to planes: y[K][pixels] = weight[K][C] . x[C][pixels], with pixels in the lanes, so that
// results lie as they should. Some pixels of x at a time are copied into panels, which stay in the second cache while all filters go
// over them. Rows of planes are pages apart, so they are read and written in long pieces.
import CNNCore
import Microkernels

extension Convolution.Sizes {
  /// Whether an image has pixels for that: with fewer, filters pass through the core too often.
  var arePlanesLong: Bool { isPointwise && !areFiltersLarge && pixels >= 8 &* panel }

  /// y = limited(x * filters + bias), both planar. `filters`: as BlockedFilters packs them.
  func pointwiseForward(
    planar x: UnsafePointer<T>, _ packing: BlockedFilters<T>, _ filters: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>,
    limits: (low: T, high: T)?
  ) throws(CNNError) {
    let (G, C, K, pixels, panel, kernels) = (G, C, K, pixels, panel, T.kernels)
    // Terms of the sums at a time, so few that filters and a panel of x share the first cache.
    let depth = min(C, 128), panels = (pixels &+ panel &- 1) / panel
    let threads = try parallelWidth(N &* G &* panels, work), wanted = threads > 1 ? 8 &* threads : 1
    let held = BlockedBand<T>.bytes / (depth &* panel &* MemoryLayout<T>.stride)
    let (bands, size) = balanced(panels, most: max(1, min(held, (N &* G &* panels &+ wanted &- 1) / wanted)))
    // The next panel begins in another set of the first cache.
    let panelStep = (depth &* panel / T.lanes | 1) &* T.lanes, cells = size &* panelStep
    let tasks = N &* G &* bands, width = min(threads, tasks), scratch = try Scratch<T>(width &* cells)
    let scratchData = scratch.data, comesFromMemory = N &* G &* C &* pixels &* MemoryLayout<T>.stride > 1 << 22
    parallel(tasks, width: width) { task, worker in
      let own = scratchData + worker &* cells, image = task / bands, g = image % G, first = task % bands &* size &* panel
      let count = min(size &* panel, pixels &- first), whole = count / panel, rest = count % panel
      if count <= 0 { return }
      for c in stride(from: 0, to: C, by: depth) {
        let terms = min(depth, C &- c)
        // What will be copied after this: the next terms, or the first ones of the pixels that follow. A copy would wait for memory.
        let isLast = c &+ terms == C, later = task &+ 1
        let next =
          isLast
          ? x + (later / bands &* C &* pixels &+ later % bands &* size &* panel)
          : x + ((image &* C &+ c &+ terms) &* pixels &+ first)
        let nextTerms = !comesFromMemory ? 0 : isLast ? (later < tasks ? depth : 0) : min(depth, C &- c &- terms)
        for i in 0..<terms {
          var copy = RowCopy(
            from: x + ((image &* C &+ c &+ i) &* pixels &+ first), fromRow: panel, to: own + i &* panel, toRow: panelStep,
            rows: whole, columns: panel, fill: 0)
          copy.ahead = 2 &* pixels
          kernels.copyRows(copy)
          if rest == 0 { continue }
          let lastWidth = panelWidth(rest, of: T.self)
          (copy.from, copy.to) = (copy.from + whole &* panel, own + (whole &* panelStep &+ i &* lastWidth))
          (copy.rows, copy.columns, copy.after) = (1, rest, lastWidth &- rest)
          kernels.copyRows(copy)
        }
        for p in 0..<packing.panels {
          let (row, rows) = part(p, of: packing.panels, nextTerms)
          let step = packing.vectors(p) &* packing.lanes, channels = min(step, K &- p &* panel)
          PackedProduct<T>(M: channels, N: count).run(
            MatrixView(data: filters + (packing.panel(g, p) &+ c &* step), rowStep: 1, columnStep: step),
            .panels(UnsafePointer(own), pitch: panelStep), terms, start: nil,
            rowStart: filters + (packing.weights &+ packing.bias(g, p)), adds: c > 0, limits: isLast ? limits : nil,
            ahead: RowsAhead(from: next + row &* pixels, rows: rows, step: pixels, columns: size &* panel),
            y + ((image &* K &+ p &* panel) &* pixels &+ first), pixels, own)
        }
      }
    }
  }
}
