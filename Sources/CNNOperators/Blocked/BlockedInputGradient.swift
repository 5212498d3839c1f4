// The gradient of a convolution's input on channel-blocked arrays. Pixels of x that the same taps reach, those of one phase of the strides,
// have it by a convolution with stride 1 of the gradient of y.
import CNNCore
import Microkernels

/// Every strides-th row and column of x, and the taps that reach them.
struct GradientPhase {
  /// The first row and column; how many of them.
  let first: (row: Int, column: Int), rows: Int, columns: Int
  /// The taps, and for each the row and column of y, seen from the first row and column of x.
  let taps: [Int], places: [(row: Int, column: Int)]
}

extension Convolution.Sizes {
  var gradientPhases: [GradientPhase] {
    let w = planes.window
    var phases: [GradientPhase] = []
    for row in 0..<min(w.strides[0], planes.image.0) {
      for column in 0..<min(w.strides[1], planes.image.1) {
        var chosen: [Int] = [], places: [(row: Int, column: Int)] = []
        // Backwards, so that places go forwards.
        for t in (0..<taps).reversed() {
          // Tap i of window oh is x's row oh * stride - pad + i * dilation.
          let h = row &+ w.pads[0] &- t / w.kernel[1] &* w.dilations[0]
          let v = column &+ w.pads[1] &- t % w.kernel[1] &* w.dilations[1]
          if h % w.strides[0] != 0 || v % w.strides[1] != 0 { continue }
          chosen.append(t)
          places.append((h / w.strides[0], v / w.strides[1]))
        }
        phases.append(
          GradientPhase(
            first: (row, column), rows: (planes.image.0 &- row &+ w.strides[0] &- 1) / w.strides[0],
            columns: (planes.image.1 &- column &+ w.strides[1] &- 1) / w.strides[1], taps: chosen, places: places))
      }
    }
    return phases
  }

  /// The halo that the gradient of y must have.
  var neededGradientHalo: Int {
    var halo = 0
    for phase in gradientPhases {
      for place in phase.places {
        halo = max(max(halo, -place.row), -place.column)
        halo = max(max(halo, place.row &+ phase.rows &- OH), place.column &+ phase.columns &- OW)
      }
    }
    return halo
  }

  func directInputGradient(
    _ weight: UnsafePointer<T>, _ gradY: BlockedArray<T>, _ gradX: BlockedArray<T>, adds: Bool = false
  ) throws(CNNError) {
    let lanes = T.lanes, w = planes.window, blocks = (K &+ lanes &- 1) / lanes
    let from = UnsafePointer(gradY.data) + gradY.halo &* (gradY.rowStep &+ lanes)
    for phase in gradientPhases {
      let pixelStep = w.strides[1] &* lanes, pixelRow = w.strides[0] &* gradX.rowStep
      let first = phase.first.row &* gradX.rowStep &+ phase.first.column &* lanes
      if phase.taps.isEmpty {
        if adds { continue }
        try gradX.forEachBlock(.elements(gradX.count)) { n, block in
          let to = gradX.inside(n, block) + first
          for r in 0..<phase.rows { for m in 0..<phase.columns { zero(to + (r &* pixelRow &+ m &* pixelStep), lanes) } }
        }
        continue
      }
      let packing = BlockedFilters(transposed: self, taps: phase.taps.count)
      let filters = try Scratch<T>(packing.weights), runs = try Scratch<TileRun>(blocks &* packing.taps)
      try packing.packTransposed(weight, phase.taps, of: taps, filters.data)
      for block in 0..<blocks {
        for (i, place) in phase.places.enumerated() {
          runs.data[block &* packing.taps &+ i] = TileRun(
            offset: block &* gradY.blockStep &+ place.row &* gradY.rowStep &+ place.column &* lanes,
            count: min(lanes, K &- block &* lanes))
        }
      }
      let isFlat = isPointwise && gradX.halo == 0 && gradY.halo == 0
      let total = phase.rows &* phase.columns
      let (rows, columns) =
        isFlat ? balanced(total, most: 8 &* T.kernels.blocked.tiles.rows2) : (phase.rows, phase.columns)
      try DirectProduct<T>(
        packing: packing, filters: filters.data, step: 1, aStep: 1, runs: runs.data, runsPerBlock: packing.taps,
        runCount: blocks &* packing.taps, columnStep: lanes, rowStep: isFlat ? columns &* lanes : gradY.rowStep,
        first: first, pixelStep: pixelStep, pixelRow: isFlat ? columns &* lanes : pixelRow, adds: adds
      )
      .run(
        from, imageStep: gradY.imageStep, groupStep: blocks &* gradY.blockStep, N: N,
        rows: rows, columns: columns, total: total, gradX,
        .multiplyAdds(N, G, C, K, packing.taps, total))
    }
    try gradX.clearHalo()
  }
}
