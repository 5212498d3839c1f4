// The attributes that Conv and the pooling operators share. One axis of pixels is two of which the first has one row.
import CNNCore

struct SpatialAttributes {
  private let owner: Name
  let kernel: [Int]?
  private let strides: [Int]?, pads: [Int]?, dilations: [Int]?
  let autoPad: AutoPad
  enum AutoPad { case explicit, sameUpper, sameLower, valid }

  init(_ attributes: Attributes) throws(CNNError) {
    owner = attributes.owner
    kernel = try attributes.ints("kernel_shape")
    strides = try attributes.ints("strides")
    pads = try attributes.ints("pads")
    dilations = try attributes.ints("dilations")
    let text = try attributes.string("auto_pad", default: "NOTSET")
    if text.is("NOTSET") {
      autoPad = .explicit
    } else if text.is("SAME_UPPER") {
      autoPad = .sameUpper
    } else if text.is("SAME_LOWER") {
      autoPad = .sameLower
    } else if text.is("VALID") {
      autoPad = .valid
    } else {
      throw attributes.wrong("auto_pad", "NOTSET, SAME_UPPER, SAME_LOWER or VALID, got \(text)")
    }
    if autoPad != .explicit && pads != nil { throw attributes.wrong("pads", "none, as auto_pad is \(text)") }
  }

  /// Whether every window surely has a cell in the image: no pad is as long as the window, whose cells are neighbours.
  var alwaysMeetsImage: Bool {
    guard let kernel, dilations?.allSatisfy({ $0 == 1 }) ?? true else { return false }
    guard let pads else { return true }
    return pads.count == 2 * kernel.count && pads.indices.allSatisfy { pads[$0] < kernel[$0 % kernel.count] }
  }

  /// The kernel that the filters w[..][..][KH][KW] have over images x, which kernel_shape, where it is given, must agree with.
  func kernel(of w: Shape, over x: Shape) throws(CNNError) -> [Int] {
    guard w.rank == x.rank && x.rank >= 3 else {
      throw .shape("w: wanted as many axes as x, 3 or more, got shape \(w.description) for x \(x.description)")
    }
    let found = (2..<w.rank).map { w[$0] }
    if let kernel, kernel != found {
      throw .shape("w: wanted a kernel as in kernel_shape, got shape \(w.description)")
    }
    return found
  }

  func requiredKernel() throws(CNNError) -> [Int] {
    guard let kernel else { throw .argument("\(owner): kernel_shape: wanted the extents of the window, got none") }
    return kernel
  }

  /// The attributes along the depth of volumes, as of images of one axis, and those of their planes.
  func volume() throws(CNNError) -> (depth: SpatialAttributes, plane: SpatialAttributes) {
    for (name, list, wanted) in [
      ("kernel_shape", kernel, 3), ("strides", strides, 3), ("pads", pads, 6), ("dilations", dilations, 3),
    ] as [(StaticString, [Int]?, Int)] {
      if let list, list.count != wanted {
        throw .argument("\(name): wanted \(wanted) integers for 3 axes of pixels, got \(list.count)")
      }
    }
    return (SpatialAttributes(self, axes: 0..<1), SpatialAttributes(self, axes: 1..<3))
  }
  private init(_ volume: SpatialAttributes, axes: Range<Int>) {
    (owner, autoPad) = (volume.owner, volume.autoPad)
    kernel = volume.kernel.map { Array($0[axes]) }
    strides = volume.strides.map { Array($0[axes]) }
    dilations = volume.dilations.map { Array($0[axes]) }
    pads = volume.pads.map { pads in axes.map { pads[$0] } + axes.map { pads[$0 + 3] } }
  }

  /// x[N][C][H][W] of x[N][C][H][W] or x[N][C][W].
  static func planar(_ shape: Shape, _ name: StaticString) throws(CNNError) -> Shape {
    switch shape.rank {
    case 3: return try Shape(name, shape[0], shape[1], 1, shape[2])
    case 4: return shape
    case 5...: throw CNNError(.unsupported, "\(name): wanted one or two axes of pixels, got shape \(shape.description)")
    default: throw .shape("\(name): wanted [N][C][H][W] or [N][C][W], got shape \(shape.description)")
    }
  }
  static func planar<T>(_ x: Input<T>) throws(CNNError) -> Input<T> { Input(x.name, try planar(x.shape, x.name), x.data) }
  static func planar<T>(_ x: Output<T>) throws(CNNError) -> Output<T> { Output(x.name, try planar(x.shape, x.name), x.data) }
  static func planar<T>(optional x: Output<T>?) throws(CNNError) -> Output<T>? {
    guard let x else { return nil }
    return try planar(x)
  }

  /// The window over images of shape `x`, [N][C][H][W] or [N][C][W].
  func window(over x: Shape, kernel: [Int], ceilMode: Bool = false) throws(CNNError) -> Window {
    let axes = x.rank - 2, image = try SpatialAttributes.planar(x, "x")
    func list(_ name: StaticString, _ given: [Int]?, _ count: Int, _ standard: Int) throws(CNNError) -> [Int] {
      let numbers = given ?? [Int](repeating: standard, count: count)
      guard numbers.count == count else {
        throw .argument("\(name): wanted \(count) integers for \(axes) axes of pixels, got \(numbers.count)")
      }
      return numbers
    }
    let k = try list("kernel_shape", kernel, axes, 1), p = try list("pads", pads, 2 * axes, 0)
    let s = try list("strides", strides, axes, 1), d = try list("dilations", dilations, axes, 1)
    let plain = try Window(
      kernel: two(k, 1), strides: two(s, 1), pads: axes == 1 ? [0, p[0], 0, p[1]] : [p[0], p[1], p[2], p[3]],
      dilations: two(d, 1), ceilMode: ceilMode)
    guard autoPad == .sameUpper || autoPad == .sameLower else { return plain }
    var same: InlineArray<4, Int> = [0, 0, 0, 0]
    for axis in 0..<2 {
      let extent = image[2 + axis], windows = (extent + plain.strides[axis] - 1) / plain.strides[axis]
      let span = plain.dilations[axis] * (plain.kernel[axis] - 1) + 1
      let total = max(0, (windows - 1) * plain.strides[axis] + span - extent)
      same[axis] = autoPad == .sameUpper ? total / 2 : total - total / 2
      same[axis + 2] = total - same[axis]
    }
    return try Window(
      kernel: plain.kernel, strides: plain.strides, pads: same, dilations: plain.dilations, ceilMode: ceilMode)
  }
  private func two(_ list: [Int], _ first: Int) -> InlineArray<2, Int> {
    list.count == 1 ? [first, list[0]] : [list[0], list[1]]
  }

  /// The shape of images `y` with as many axes as `x` has.
  static func shape(_ y: Shape, like x: Shape) throws(CNNError) -> Shape {
    x.rank == 3 ? try Shape("y", y[0], y[1], y[3]) : y
  }
}
