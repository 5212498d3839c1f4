// Pooling of volumes: y[N][C][OD][OH][OW] of x[N][C][D][H][W]. The largest of a box is the largest of its planes' largest, its mean their
// means' mean, and its norm their norms' norm: so planes are pooled, then what is left along the depth, where a plane's pixels are the columns of an image
// of D rows.
import CNNCore

struct VolumePooling {
  private let plane: Pooling, depth: Pooling
  /// Pooled planes, [N][C][D][OH][OW], and the result.
  let between: Shape, y: Shape

  init(
    _ spatial: SpatialAttributes, _ x: Shape, kernel: [Int], ceilMode: Bool, countIncludePad: Bool = false
  ) throws(CNNError) {
    let (depths, planes) = try spatial.volume()
    guard kernel.count == 3 else { throw .argument("kernel_shape: wanted 3 integers, got \(kernel.count)") }
    plane = Pooling(
      try planes.window(over: Shape("x", x[0], x[1], x[3], x[4]), kernel: [kernel[1], kernel[2]], ceilMode: ceilMode),
      countIncludePad: countIncludePad)
    let row = try depths.window(over: Shape("x", x[0], x[1], x[2]), kernel: [kernel[0]], ceilMode: ceilMode)
    depth = Pooling(
      try Window(
        kernel: [row.kernel[1], 1], strides: [row.strides[1], 1], pads: [row.pads[1], 0, row.pads[3], 0],
        dilations: [row.dilations[1], 1], ceilMode: ceilMode),
      countIncludePad: countIncludePad)
    let pooled = try plane.outputShape(VolumePooling.planes(x))
    between = try Shape("between", x[0], x[1], x[2], pooled[2], pooled[3])
    y = try Shape("y", x[0], x[1], depth.outputShape(VolumePooling.columns(between))[2], pooled[2], pooled[3])
  }

  /// [N][C*D][H][W], and [N][C][D][H*W].
  private static func planes(_ x: Shape) throws(CNNError) -> Shape { try Shape("x", x[0], x[1] * x[2], x[3], x[4]) }
  private static func columns(_ x: Shape) throws(CNNError) -> Shape { try Shape("x", x[0], x[1], x[2], x[3] * x[4]) }

  func maxForward<T: Element>(
    _ x: Input<T>, _ y: Output<T>, winners: Output<Int32>?, depthWinners: Output<Int32>?
  ) throws(CNNError) {
    let planes = try VolumePooling.planes(between), columns = try VolumePooling.columns(between)
    let results = try VolumePooling.columns(y.shape), scratch = try Scratch<T>(between.count)
    try plane.maxForward(
      Input(x.name, VolumePooling.planes(x.shape), x.data), Output("planes", planes, scratch.data),
      winners: winners.map { Output("winners", planes, $0.data) })
    try depth.maxForward(
      Input("planes", columns, UnsafePointer(scratch.data)), Output(y.name, results, y.data),
      winners: depthWinners.map { Output("winners", results, $0.data) })
  }

  func maxBackward<T: Element>(
    winners: Output<Int32>, depthWinners: Output<Int32>, _ gradY: Input<T>, _ gradX: Output<T>
  ) throws(CNNError) {
    let planes = try VolumePooling.planes(between), columns = try VolumePooling.columns(between)
    let results = try VolumePooling.columns(gradY.shape), scratch = try Scratch<T>(between.count)
    try depth.maxBackward(
      Input("winners", results, UnsafePointer(depthWinners.data)), Input(gradY.name, results, gradY.data),
      Output("planes", columns, scratch.data))
    try plane.maxBackward(
      Input("winners", planes, UnsafePointer(winners.data)), Input("planes", planes, UnsafePointer(scratch.data)),
      Output(gradX.name, VolumePooling.planes(gradX.shape), gradX.data))
  }

  func averageForward<T: Element>(_ x: Input<T>, _ y: Output<T>) throws(CNNError) {
    let planes = try VolumePooling.planes(between), columns = try VolumePooling.columns(between)
    let scratch = try Scratch<T>(between.count)
    try plane.averageForward(
      Input(x.name, VolumePooling.planes(x.shape), x.data), Output("planes", planes, scratch.data))
    try depth.averageForward(
      Input("planes", columns, UnsafePointer(scratch.data)), Output(y.name, VolumePooling.columns(y.shape), y.data))
  }

  func averageBackward<T: Element>(_ gradY: Input<T>, _ gradX: Output<T>) throws(CNNError) {
    let planes = try VolumePooling.planes(between), columns = try VolumePooling.columns(between)
    let scratch = try Scratch<T>(between.count)
    try depth.averageBackward(
      Input(gradY.name, VolumePooling.columns(gradY.shape), gradY.data), Output("planes", columns, scratch.data))
    try plane.averageBackward(
      Input("planes", planes, UnsafePointer(scratch.data)),
      Output(gradX.name, VolumePooling.planes(gradX.shape), gradX.data))
  }

  /// `norms`: of the planes, kept for backward.
  func lpForward<T: Element>(_ norm: LpNorm, _ x: Input<T>, _ y: Output<T>, norms: Output<T>?) throws(CNNError) {
    let planes = try VolumePooling.planes(between), columns = try VolumePooling.columns(between)
    let scratch = try Scratch<T>(norms == nil ? between.count : 0), data = norms?.data ?? scratch.data
    try plane.lpForward(norm, Input(x.name, VolumePooling.planes(x.shape), x.data), Output("planes", planes, data))
    try depth.lpForward(
      norm, Input("planes", columns, UnsafePointer(data)), Output(y.name, VolumePooling.columns(y.shape), y.data))
  }

  func lpBackward<T: Element>(
    _ norm: LpNorm, _ x: Input<T>, norms: Input<T>, _ y: Input<T>, _ gradY: Input<T>, _ gradX: Output<T>
  ) throws(CNNError) {
    let planes = try VolumePooling.planes(between), columns = try VolumePooling.columns(between)
    let results = try VolumePooling.columns(gradY.shape), images = try VolumePooling.planes(x.shape)
    let scratch = try Scratch<T>(between.count)
    try depth.lpBackward(
      norm, Input("norms", columns, norms.data), Input(y.name, results, y.data), Input(gradY.name, results, gradY.data),
      Output("planes", columns, scratch.data))
    try plane.lpBackward(
      norm, Input(x.name, images, x.data), Input("norms", planes, norms.data),
      Input("planes", planes, UnsafePointer(scratch.data)), Output(gradX.name, images, gradX.data))
  }
}
