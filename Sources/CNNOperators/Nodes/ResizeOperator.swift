// Resize: x with other extents, by `scales` or to `sizes`, of all axes or of those that `axes` names; nearest, (multi-)linear or cubic.
import CNNCore

final class ResizeOperator<T: Element>: Operator<T> {
  private let interpolation: Interpolation<T>
  private let scales: [Double], sizes: [Int]
  private let axes: [Int]?
  /// Of tf_crop_and_resize: starts, then ends, as shares of the axes; and what lies outside of x.
  private let region: [Double], extrapolation: Double
  private let aspect: Aspect
  private enum Aspect { case stretch, notLarger, notSmaller }

  init(_ attributes: Attributes) throws(CNNError) {
    // Operator set 10 has x and scales alone, and its defaults are those of Upsample.
    let isOld = attributes.inputs.count == 2
    interpolation = try ResizeOperator.interpolation(attributes, isOld: isOld)
    axes = try attributes.ints("axes")
    let policy = try attributes.string("keep_aspect_ratio_policy", default: "stretch")
    let policies: [(StaticString, Aspect)] = [("stretch", .stretch), ("not_larger", .notLarger), ("not_smaller", .notSmaller)]
    guard let chosen = policies.first(where: { policy.is($0.0) }) else {
      throw attributes.wrong("keep_aspect_ratio_policy", "stretch, not_larger or not_smaller, got \(policy)")
    }
    aspect = chosen.1
    extrapolation = try attributes.float("extrapolation_value", default: 0)
    region = interpolation.coordinates == .cropAndResize && !isOld ? try attributes.numbers(input: 1, "roi") ?? [] : []
    // An empty list stands for none: where sizes were given, older files had to give scales too.
    scales = try attributes.numbers(input: isOld ? 1 : 2, "scales") ?? []
    sizes = try attributes.integers(input: 3, "sizes") ?? []
    guard scales.isEmpty != sizes.isEmpty else { throw attributes.wrong("scales", "either scales or sizes") }
    super.init(
      try Signature(attributes, inputs: isOld ? ["x", "scales"] : ["x", "roi", "scales", "sizes"], required: 1))
  }

  private static func interpolation(_ attributes: Attributes, isOld: Bool) throws(CNNError) -> Interpolation<T> {
    let mode = try attributes.string("mode", default: "nearest")
    let rounding = try attributes.string("nearest_mode", default: isOld ? "floor" : "round_prefer_floor")
    let coordinates = try attributes.string(
      "coordinate_transformation_mode", default: isOld ? "asymmetric" : "half_pixel")
    let a = try attributes.float("cubic_coeff_a", default: -0.75)
    let excludesOutside = try attributes.flag("exclude_outside", default: false)

    let roundings: [(StaticString, Interpolation<T>.Rounding)] = [
      ("round_prefer_floor", .preferFloor), ("round_prefer_ceil", .preferCeil), ("floor", .floor), ("ceil", .ceil),
    ]
    guard let chosen = roundings.first(where: { rounding.is($0.0) }) else {
      throw attributes.wrong("nearest_mode", "round_prefer_floor, round_prefer_ceil, floor or ceil, got \(rounding)")
    }
    let places: [(StaticString, Interpolation<T>.Coordinates)] = [
      ("half_pixel", .halfPixel), ("half_pixel_symmetric", .halfPixelSymmetric), ("pytorch_half_pixel", .pytorchHalfPixel),
      ("align_corners", .alignCorners), ("asymmetric", .asymmetric), ("tf_crop_and_resize", .cropAndResize),
    ]
    guard let place = places.first(where: { coordinates.is($0.0) }) else {
      throw attributes.wrong(
        "coordinate_transformation_mode",
        "half_pixel, half_pixel_symmetric, pytorch_half_pixel, align_corners, asymmetric or tf_crop_and_resize, got \(coordinates)"
      )
    }
    let modes: [(StaticString, Interpolation<T>.Mode)] = [
      ("nearest", .nearest(chosen.1)), ("linear", .linear), ("cubic", .cubic(a: T(a))),
    ]
    guard let made = modes.first(where: { mode.is($0.0) }) else {
      throw attributes.wrong("mode", "nearest, linear or cubic, got \(mode)")
    }
    return Interpolation(
      mode: made.1, coordinates: place.1, excludesOutside: excludesOutside,
      isAntialiased: try attributes.flag("antialias", default: false))
  }

  private func changes(_ x: Shape) throws(CNNError) -> [Interpolation<T>.Change] {
    let axes = try resolve(axes: axes ?? Array(0..<x.rank), rank: x.rank, "axes")
    guard max(scales.count, sizes.count) == axes.count else {
      throw .argument(
        "\(sizes.isEmpty ? "scales" : "sizes"): wanted \(axes.count) for as many axes, got \(max(scales.count, sizes.count))")
    }
    guard region.isEmpty || region.count == 2 * axes.count else {
      throw .argument("roi: wanted \(2 * axes.count) numbers for \(axes.count) axes, got \(region.count)")
    }
    // One scale for all, of sizes that are limits.
    var common: Double?
    if aspect != .stretch && !sizes.isEmpty {
      let scales = axes.indices.map { Double(sizes[$0]) / Double(max(1, x[axes[$0]])) }
      common = aspect == .notLarger ? scales.min() : scales.max()
    }
    var changes = x.extents.map { Interpolation<T>.Change(extent: $0, scale: 1) }
    for (i, axis) in axes.enumerated() {
      let crop = region.isEmpty ? (0, 1) : (T(region[i]), T(region[i + axes.count]))
      let change: Interpolation<T>.Change
      if let common {
        let extent = (common * Double(x[axis]) + 0.5).rounded(.down)
        guard extent < 0x1p31 else { throw .argument("sizes: wanted at most 2^31 - 1, got \(extent)") }
        change = .init(extent: Int(extent), scale: T(common))
      } else if sizes.isEmpty {
        change = try Interpolation.change(x[axis], by: scales[i], of: crop.1 - crop.0)
      } else {
        change = try Interpolation.change(x[axis], to: sizes[i])
      }
      changes[axis] = .init(extent: change.extent, scale: change.scale, crop: crop)
    }
    return changes
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    [try interpolation.outputShape(inputs[0], changes(inputs[0]))]
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), y = try arrays.output(), changes = try changes(x.shape)
    try interpolation.resampling(x.shape, changes).apply(x, y)
    guard interpolation.coordinates == .cropAndResize else { return }
    let one = try Shape("one"), value = try Scratch<T>(1)
    value.data[0] = T(extrapolation)
    for axis in 0..<x.shape.rank where changes[axis].crop != (0, 1) {
      for o in 0..<changes[axis].extent where interpolation.isOutside(o, x.shape[axis], changes[axis]) {
        let slice = try Shape("slice", rank: y.shape.rank) { $0 == axis ? 1 : y.shape[$0] }
        try StridedWalk.copy(
          UnsafePointer(value.data), StridedView(one, broadcastTo: slice), to: y.data,
          StridedView(y.shape).part(axis, first: o, count: 1))
      }
    }
  }

  override var hasBackward: Bool { interpolation.coordinates != .cropAndResize }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    try interpolation.resampling(gradX.shape, changes(gradX.shape)).transposed.apply(arrays.gradOutput(), gradX)
  }
}
