// Resize: x with other extents, by `scales` or to `sizes`, of all axes or of those that `axes` names; nearest, (multi-)linear or cubic.
import CNNCore

final class ResizeOperator<T: Element>: Operator<T> {
  private let interpolation: Interpolation<T>
  private let scales: [Double], sizes: [Int]
  private let axes: [Int]?

  init(_ attributes: Attributes) throws(CNNError) {
    // Operator set 10 has x and scales alone, and its defaults are those of Upsample.
    let isOld = attributes.inputs.count == 2
    interpolation = try ResizeOperator.interpolation(attributes, isOld: isOld)
    axes = try attributes.ints("axes")
    guard try attributes.flag("antialias", default: false) == false else {
      throw CNNError(.unsupported, "\(attributes.owner): antialias: wanted 0")
    }
    guard try attributes.string("keep_aspect_ratio_policy", default: "stretch").is("stretch") else {
      throw CNNError(.unsupported, "\(attributes.owner): keep_aspect_ratio_policy: wanted stretch")
    }
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
    _ = try attributes.float("extrapolation_value", default: 0)  // for tf_crop_and_resize, which is refused

    let roundings: [(StaticString, Interpolation<T>.Rounding)] = [
      ("round_prefer_floor", .preferFloor), ("round_prefer_ceil", .preferCeil), ("floor", .floor), ("ceil", .ceil),
    ]
    guard let chosen = roundings.first(where: { rounding.is($0.0) }) else {
      throw attributes.wrong("nearest_mode", "round_prefer_floor, round_prefer_ceil, floor or ceil, got \(rounding)")
    }
    let places: [(StaticString, Interpolation<T>.Coordinates)] = [
      ("half_pixel", .halfPixel), ("half_pixel_symmetric", .halfPixelSymmetric), ("pytorch_half_pixel", .pytorchHalfPixel),
      ("align_corners", .alignCorners), ("asymmetric", .asymmetric),
    ]
    guard let place = places.first(where: { coordinates.is($0.0) }) else {
      throw attributes.wrong(
        "coordinate_transformation_mode",
        "half_pixel, half_pixel_symmetric, pytorch_half_pixel, align_corners or asymmetric, got \(coordinates)")
    }
    let modes: [(StaticString, Interpolation<T>.Mode)] = [
      ("nearest", .nearest(chosen.1)), ("linear", .linear), ("cubic", .cubic(a: T(a), excludesOutside: excludesOutside)),
    ]
    guard let made = modes.first(where: { mode.is($0.0) }) else {
      throw attributes.wrong("mode", "nearest, linear or cubic, got \(mode)")
    }
    return Interpolation(mode: made.1, coordinates: place.1)
  }

  private func changes(_ x: Shape) throws(CNNError) -> [Interpolation<T>.Change] {
    let axes = try resolve(axes: axes ?? Array(0..<x.rank), rank: x.rank, "axes")
    guard max(scales.count, sizes.count) == axes.count else {
      throw .argument(
        "\(sizes.isEmpty ? "scales" : "sizes"): wanted \(axes.count) for as many axes, got \(max(scales.count, sizes.count))")
    }
    var changes = x.extents.map { Interpolation<T>.Change(extent: $0, scale: 1) }
    for (i, axis) in axes.enumerated() {
      changes[axis] =
        try sizes.isEmpty ? Interpolation.change(x[axis], by: scales[i]) : Interpolation.change(x[axis], to: sizes[i])
    }
    return changes
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    [try interpolation.outputShape(inputs[0], changes(inputs[0]))]
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0)
    try interpolation.resampling(x.shape, changes(x.shape)).apply(x, arrays.output())
  }

  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    try interpolation.resampling(gradX.shape, changes(gradX.shape)).transposed.apply(arrays.gradOutput(), gradX)
  }
}
