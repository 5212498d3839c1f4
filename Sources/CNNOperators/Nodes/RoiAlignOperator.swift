// RoiAlign: of each region of interest rois[R][x1 y1 x2 y2] of image batch_indices[R], y[R][C][output_height][output_width]: each cell the mean, or
// the largest, of samples between pixels (He et al. 2017).
import CNNCore

final class RoiAlignOperator<T: Element>: Operator<T> {
  private let height: Int, width: Int, samples: Int
  private let scale: Double, isHalfPixel: Bool, takesMaximum: Bool

  init(_ attributes: Attributes) throws(CNNError) {
    height = try attributes.int("output_height", default: 1)
    width = try attributes.int("output_width", default: 1)
    samples = try attributes.int("sampling_ratio", default: 0)
    for number in [height, width] where number < 1 || number > 1 << 20 {
      throw attributes.wrong("output_height, output_width", "1 to 2^20, got \(number)")
    }
    guard samples >= 0 && samples <= 1 << 10 else { throw attributes.wrong("sampling_ratio", "0 to 2^10, got \(samples)") }
    scale = try attributes.float("spatial_scale", default: 1)
    let mode = try attributes.string("mode", default: "avg")
    guard mode.is("avg") || mode.is("max") else { throw attributes.wrong("mode", "avg or max, got \(mode)") }
    takesMaximum = mode.is("max")
    let coordinates = try attributes.string("coordinate_transformation_mode", default: "half_pixel")
    guard coordinates.is("half_pixel") || coordinates.is("output_half_pixel") else {
      throw attributes.wrong("coordinate_transformation_mode", "half_pixel or output_half_pixel, got \(coordinates)")
    }
    isHalfPixel = coordinates.is("half_pixel")
    super.init(try Signature(attributes, inputs: ["X", "rois", "batch_indices"]))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let (x, rois, batch) = (inputs[0], inputs[1], inputs[2])
    guard x.rank == 4, x[2] > 0, x[3] > 0 else { throw .shape("X: wanted [N][C][H][W], got shape \(x.description)") }
    guard rois.rank == 2, rois[1] == 4 else { throw .shape("rois: wanted [R][4], got shape \(rois.description)") }
    guard batch.rank == 1, batch[0] == rois[0] else {
      throw .shape("batch_indices: wanted [\(rois[0])], got shape \(batch.description)")
    }
    return [try Shape("Y", rois[0], x[1], height, width)]
  }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    try wantIndices(2, inputs)
    for i in 0..<2 {
      if let type = inputs[i], type != T.elementType { throw wrongType(i, "\(T.elementType.description)", type) }
    }
    return [T.elementType]
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), images = try Indices(arrays.anyInput(2), of: x.shape[0])
    let rois = try arrays.input(1), y = try arrays.output()
    // Of all regions first: one that is refused is so before anything is written.
    var sampled: [(rows: AxisSamples, columns: AxisSamples)] = []
    for region in 0..<rois.shape[0] {
      let box = rois.data + 4 * region
      sampled.append(
        (
          rows: try samplesOfAxis(box[1], box[3], height, x.shape[2]),
          columns: try samplesOfAxis(box[0], box[2], width, x.shape[3])
        ))
    }
    let plane = x.shape[2] * x.shape[3]
    for (region, (rows, columns)) in sampled.enumerated() {
      parallel(x.shape[1], width: try parallelWidth(x.shape[1], .elements(x.shape[1], height * width, rows.count * 4))) {
        c, _ in
        let from = x.data + (images.data[region] &* x.shape[1] &+ c) &* plane
        pool(from, x.shape[3], rows, columns, y.data + (region &* x.shape[1] &+ c) &* height &* width)
      }
    }
  }

  private struct Sample { let low: Int, high: Int, toLow: T, toHigh: T }
  private struct AxisSamples {
    /// [cell][sample].
    var list: [Sample] = []
    let count: Int
  }
  private func samplesOfAxis(_ start: T, _ end: T, _ cells: Int, _ n: Int) throws(CNNError) -> AxisSamples {
    let offset: T = isHalfPixel ? 0.5 : 0, first = start * T(scale) - offset
    var extent = end * T(scale) - offset - first
    if !isHalfPixel { extent = max(extent, 1) }
    let bin = extent / T(cells), wanted = samples > 0 ? T(samples) : max(0, bin.rounded(.up))
    guard wanted <= 0x1p16 else { throw .argument("rois: wanted regions of finite extents") }
    var result = AxisSamples(count: Int(wanted))
    for cell in 0..<cells {
      for i in 0..<result.count {
        let place = first + T(cell) * bin + (T(i) + 0.5) * bin / wanted
        // Beyond a pixel from the image there is nothing.
        guard place >= -1 && place <= T(n) else {
          result.list.append(Sample(low: 0, high: 0, toLow: 0, toHigh: 0))
          continue
        }
        let inside = max(place, 0), low = min(Int(inside), n - 1), high = min(low + 1, n - 1)
        let t = low == n - 1 ? 0 : inside - T(low)
        result.list.append(Sample(low: low, high: high, toLow: 1 - t, toHigh: t))
      }
    }
    return result
  }
  private func pool(_ x: UnsafePointer<T>, _ W: Int, _ rows: AxisSamples, _ columns: AxisSamples, _ y: UnsafeMutablePointer<T>)
  {
    for cell in 0..<height &* width {
      var result: T = 0, isFirst = true
      for i in 0..<rows.count {
        let row = rows.list[cell / width &* rows.count &+ i]
        for j in 0..<columns.count {
          let column = columns.list[cell % width &* columns.count &+ j]
          let a = row.toLow * column.toLow * x[row.low &* W &+ column.low]
          let b = row.toLow * column.toHigh * x[row.low &* W &+ column.high]
          let c = row.toHigh * column.toLow * x[row.high &* W &+ column.low]
          let d = row.toHigh * column.toHigh * x[row.high &* W &+ column.high]
          if takesMaximum {
            // ONNX takes the largest of the weighted pixels.
            let largest = max(max(a, b), max(c, d))
            result = isFirst ? largest : max(result, largest)
          } else {
            result += a + b + c + d
          }
          isFirst = false
        }
      }
      y[cell] = takesMaximum ? result : result / T(max(1, rows.count &* columns.count))
    }
  }
}
