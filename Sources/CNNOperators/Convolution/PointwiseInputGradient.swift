// grad_x of filters of one cell that outweigh an image: grad_x[c][pixel] = the sum over k of weight[k][c] * grad_y[k][pixel]. Some channels k
// at a time, grad_y is blocked and the weight's rows are packed, as they lie in memory, and multiplied at once: every weight comes from
// memory in long pieces, once for some images, and goes no further than the second cache.
import CNNCore
import Microkernels

extension Convolution.Sizes {
  func pointwiseInputGradient(
    _ weight: UnsafePointer<T>, _ gradY: UnsafePointer<T>, _ gradX: UnsafeMutablePointer<T>
  ) throws(CNNError) {
    let (G, K, pixels, lanes, kernels) = (G, K, pixels, T.lanes, T.kernels)
    let packing = BlockedFilters<T>(transposed: self, taps: 1), panel = 2 &* lanes, panels = packing.panels
    // Terms of the sums at a time, so few that all of their filters stay in the second cache.
    let depth = max(1, min(128, BlockedBand<T>.bytes / (panels &* panel &* MemoryLayout<T>.stride)) / lanes) &* lanes
    // Images at a time, as many as have those channels in the second cache, beside the sums.
    let (bands, images) = balanced(N, most: max(1, BlockedBand<T>.bytes / (depth &* pixels &* MemoryLayout<T>.stride)))
    let threads = try parallelWidth(panels, work), others = bands &* G
    let sumBytes = panel &* images &* pixels &* MemoryLayout<T>.stride
    let parts = min(panels, max(1, panels &* sumBytes >> 19, threads > 1 ? 4 &* threads / others : 1))
    let most = (panels &+ parts &- 1) / parts

    // The next block of channels begins in another set of the first cache.
    let blockStep = (images &* pixels | 1) &* lanes, sumBlock = images &* pixels &* lanes
    let sums = 2 &* sumBlock, filterStep = depth &* panel, tiles = T.kernels.blocked.tiles
    let runs = try Scratch<TileRun>((K &+ lanes &- 1) / lanes)
    for block in 0..<(K &+ lanes &- 1) / lanes {
      runs.data[block] = TileRun(
        offset: block % (depth / lanes) &* blockStep, count: min(lanes, K &- block &* lanes))
    }
    let cells = depth / lanes &* blockStep, perWorker = cells &+ most &* (filterStep &+ sums)
    let tasks = others &* parts, width = try parallelWidth(tasks, work)
    let scratch = try Scratch<T>(width &* perWorker), scratchData = scratch.data, runData = UnsafePointer(runs.data)
    parallel(tasks, width: width) { task, worker in
      let blocked = scratchData + worker &* perWorker, filters = blocked + cells, y = filters + most &* filterStep
      let g = task / parts % G, firstImage = task / (parts &* G) &* images, count = min(images, N &- firstImage)
      let (firstPanel, panelCount) = part(task % parts, of: parts, panels)
      if count <= 0 { return }
      for k in stride(from: 0, to: K, by: depth) {
        let terms = min(depth, K &- k)
        for first in stride(from: 0, to: terms, by: lanes) {
          for i in 0..<count {
            kernels.transpose(
              gradY + (((firstImage &+ i) &* G &+ g) &* K &+ k &+ first) &* pixels, pixels, min(lanes, terms &- first), pixels,
              blocked + (first / lanes &* blockStep &+ i &* pixels &* lanes), lanes, true)
          }
        }
        // So few rows at a time that the processor sees that they are read in order.
        for row in stride(from: 0, to: terms, by: lanes) {
          for p in 0..<panelCount {
            let panel = firstPanel &+ p, to = filters + (p &* filterStep &+ row &* packing.vectors(panel) &* lanes)
            packing.packRows(
              weight, g: g, panel: panel, first: k &+ row, rows: min(lanes, terms &- row), ahead: lanes, to)
          }
        }
        for p in 0..<panelCount {
          tiles.run(
            vectors: packing.vectors(firstPanel &+ p), step: 1, pixels: count &* pixels,
            BlockedTileOperands(
              a: blocked, aStep: 1, aPixel: lanes, runs: runData + k / lanes, runCount: (terms &+ lanes &- 1) / lanes,
              b: filters + p &* filterStep, c: y + p &* sums, cStep: lanes, cBlock: sumBlock, continues: k > 0))
        }
      }
      for i in 0..<count {
        for p in 0..<panelCount {
          packing.drain(
            UnsafePointer(y) + (p &* sums &+ i &* pixels &* lanes), sumBlock, n: firstImage &+ i, g: g, panel: firstPanel &+ p,
            first: 0, count: pixels, UnsafePointer(gradX), pixels)
        }
      }
    }
  }
}
