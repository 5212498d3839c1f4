// How a convolution's gradients by taps read grad_y.
import CNNCore
import Microkernels

/// The K planes of an image's grad_y, `step` elements apart, as rows of `width` elements.
struct GradientRows {
  enum Form {
    /// Copied, with the rows as far apart as in the planes of x, and zeros between and behind them: all rows are one, and a sum over
    /// pixels is one over flat arrays.
    case spread
    /// As it lies, row by row.
    case rows
    /// As it lies, and x in planes whose rows are as short, one for each column of taps: flat arrays again.
    case flat
  }
  let form: Form
  let rows: Int, width: Int, step: Int
}

extension Convolution.Sizes {
  /// As it lies, where that is whole vectors and K is enough for a tile of dot products; copying it takes longer than what rows cost.
  var gradientRows: GradientRows {
    if K < 4 || pixels % T.lanes != 0 { return spreadRows }
    func asItLies(_ form: GradientRows.Form) -> GradientRows { GradientRows(form: form, rows: OH, width: OW, step: pixels) }
    // At most so large are the planes of x for each column of taps, which should stay in the first cache.
    let columnPlanes = C &* planes.window.kernel[1] &* (planes.cells / planes.width) &* OW
    if columnPlanes &* MemoryLayout<T>.stride <= 32_768 { return asItLies(.flat) }
    return OW % T.lanes == 0 ? asItLies(.rows) : spreadRows
  }
  /// From plane to plane whole tiles of columns, an odd number, or all planes would fall into the same sets of the first cache.
  var spreadRows: GradientRows {
    let step = ((OH &* planes.width &+ panel &- 1) / panel | 1) &* panel
    return GradientRows(form: .spread, rows: 1, width: planes.run, step: step)
  }

  /// to[K][step] of grad_y[K][OH][OW] of an image, where `rows` are spread.
  func spread(_ gradY: UnsafePointer<T>, to: UnsafeMutablePointer<T>, _ rows: GradientRows) {
    for k in 0..<K {
      var copy = RowCopy(
        from: gradY + k &* pixels, fromRow: OW, to: to + k &* rows.step, toRow: planes.width, rows: OH, columns: OW,
        after: planes.width &- OW, fill: 0)
      copy.ahead = RowCopy<T>.twoPages
      T.kernels.copyRows(copy)
      zero(to + (k &* rows.step &+ OH &* planes.width), rows.step &- OH &* planes.width)
    }
  }
}
