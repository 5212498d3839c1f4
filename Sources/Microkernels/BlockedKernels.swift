// What a kernel table has for channel-blocked arrays.

public struct BlockedKernels<T: BinaryFloatingPoint & SIMDScalar & SendableMetatype>: Sendable {
  public let tiles: BlockedTiles<T>

  /// `step`: elements from a window to the next.
  public typealias Windows = @Sendable (_ windows: UnsafePointer<BlockedWindowOperands<T>>, _ step: Int) -> Void
  public let depthwise: Windows, maxWindows: Windows, meanWindows: Windows

  public typealias ScaleShift =
    @Sendable (
      _ x: UnsafePointer<T>, _ scale: UnsafePointer<T>, _ shift: UnsafePointer<T>, _ residual: UnsafePointer<T>?,
      _ limits: (low: T, high: T)?, _ y: UnsafeMutablePointer<T>, _ pixels: Int
    ) -> Void
  public typealias SumPixels = @Sendable (_ x: UnsafePointer<T>, _ sums: UnsafeMutablePointer<T>, _ pixels: Int) -> Void
  public let scaleShift: ScaleShift, sum: SumPixels

  // Gradients.
  public typealias Positions =
    @Sendable (_ windows: UnsafePointer<BlockedWindowOperands<T>>, _ step: Int, UnsafeMutablePointer<Int32>) -> Void
  public typealias ScatterWinners =
    @Sendable (_ windows: UnsafePointer<BlockedWindowOperands<T>>, _ step: Int, UnsafePointer<Int32>) -> Void
  public typealias DepthwiseWeights =
    @Sendable (_ windows: UnsafePointer<BlockedWindowOperands<T>>, _ step: Int, _ gradients: UnsafeMutablePointer<T>) -> Void
  public typealias SumProducts =
    @Sendable (
      _ x: UnsafePointer<T>, _ mean: UnsafePointer<T>, _ z: UnsafePointer<T>, _ offset: UnsafePointer<T>,
      _ sums: UnsafeMutablePointer<T>, _ pixels: Int
    ) -> Void
  public typealias Combine =
    @Sendable (
      _ x: UnsafePointer<T>, _ a: UnsafePointer<T>, _ z: UnsafePointer<T>, _ b: UnsafePointer<T>, _ c: UnsafePointer<T>,
      _ y: UnsafeMutablePointer<T>, _ pixels: Int
    ) -> Void
  public typealias SumRectified =
    @Sendable (
      RectifiedPixels<T>, _ mean: UnsafePointer<T>, _ sums: UnsafeMutablePointer<T>, _ products: UnsafeMutablePointer<T>,
      _ pixels: Int
    ) -> Void
  public typealias CombineRectified =
    @Sendable (
      RectifiedPixels<T>, _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, _ c: UnsafePointer<T>,
      _ gradX: UnsafeMutablePointer<T>, _ pixels: Int
    ) -> Void
  public typealias SumPassed =
    @Sendable (
      _ y: UnsafePointer<T>, _ gradY: UnsafePointer<T>, _ passed: UnsafeMutablePointer<T>, _ sums: UnsafeMutablePointer<T>,
      PassedProducts<T>?, _ pixels: Int
    ) -> Void
  public typealias RepeatPixel = @Sendable (_ value: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ pixels: Int) -> Void
  public let weightTiles: BlockedWeightTiles<T>
  public let maxPositions: Positions, scatterWinners: ScatterWinners, depthwiseWeights: DepthwiseWeights
  public let sumProducts: SumProducts, combine: Combine, repeatPixel: RepeatPixel
  public let sumRectified: SumRectified, combineRectified: CombineRectified, sumPassed: SumPassed

  @usableFromInline
  init(
    tiles: BlockedTiles<T>, depthwise: @escaping Windows, maxWindows: @escaping Windows, meanWindows: @escaping Windows,
    scaleShift: @escaping ScaleShift, sum: @escaping SumPixels, weightTiles: BlockedWeightTiles<T>,
    maxPositions: @escaping Positions, scatterWinners: @escaping ScatterWinners,
    depthwiseWeights: @escaping DepthwiseWeights, sumProducts: @escaping SumProducts, combine: @escaping Combine,
    repeatPixel: @escaping RepeatPixel, sumRectified: @escaping SumRectified, combineRectified: @escaping CombineRectified,
    sumPassed: @escaping SumPassed
  ) {
    (self.tiles, self.depthwise, self.maxWindows, self.meanWindows) = (tiles, depthwise, maxWindows, meanWindows)
    (self.scaleShift, self.sum, self.weightTiles) = (scaleShift, sum, weightTiles)
    (self.maxPositions, self.scatterWinners, self.depthwiseWeights) = (maxPositions, scatterWinners, depthwiseWeights)
    (self.sumProducts, self.combine, self.repeatPixel) = (sumProducts, combine, repeatPixel)
    (self.sumRectified, self.combineRectified, self.sumPassed) = (sumRectified, combineRectified, sumPassed)
  }

  /// All templates for vectors of type V; tiles of two vectors have up to `rows2` rows, of one `rows1`.
  @inlinable @inline(__always)
  init<V: Vector>(_: V.Type, rows2: Int, rows1: Int) where V.Scalar == T {
    self.init(
      tiles: blockedTiles(V.self, rows2: rows2, rows1: rows1),
      depthwise: { depthwiseRow(V.self, wide: rows1 >= 14, $0, $1) },
      maxWindows: { windowRow(WindowMaximum<V>.self, wide: rows1 >= 14, $0, $1) },
      meanWindows: { windowRow(WindowMean<V>.self, wide: rows1 >= 14, $0, $1) },
      scaleShift: { scaleShiftPixels(V.self, $0, $1, $2, $3, $4, $5, $6) },
      sum: { sumPixels(V.self, $0, $1, $2) },
      // Half a block of channels, or what registers hold.
      weightTiles: blockedWeightTiles(V.self, channels2: rows1 >= 14 ? 8 : min(4, V.count), channels1: min(8, V.count)),
      maxPositions: { maxWindowsWithPositions(V.self, $0, $1, $2) },
      scatterWinners: { Microkernels.scatterWinners(V.self, $0, $1, $2) },
      depthwiseWeights: { depthwiseWeightRow(V.self, $0, $1, $2) },
      sumProducts: { sumPixelProducts(V.self, $0, $1, $2, $3, $4, $5) },
      combine: { combinePixels(V.self, $0, $1, $2, $3, $4, $5, $6) },
      repeatPixel: { Microkernels.repeatPixel(V.self, $0, $1, $2) },
      sumRectified: { Microkernels.sumRectified(V.self, $0, $1, $2, $3, $4) },
      combineRectified: { Microkernels.combineRectified(V.self, $0, $1, $2, $3, $4, $5) },
      sumPassed: { Microkernels.sumPassed(V.self, $0, $1, $2, $3, $4, $5) })
  }
}
