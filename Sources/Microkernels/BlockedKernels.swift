// What a kernel table has for channel-blocked arrays.

public struct BlockedKernels<T: BinaryFloatingPoint & SIMDScalar & SendableMetatype>: Sendable {
  public let tiles: BlockedTiles<T>

  /// `step`: elements from a window to the next.
  public typealias Windows = @Sendable (_ windows: UnsafePointer<BlockedWindowOperands<T>>, _ step: Int) -> Void
  public let depthwise: Windows, maxWindows: Windows, meanWindows: Windows

  public typealias ScaleShift =
    @Sendable (
      _ x: UnsafePointer<T>, _ scale: UnsafePointer<T>, _ shift: UnsafePointer<T>, _ limits: (low: T, high: T)?,
      _ y: UnsafeMutablePointer<T>, _ pixels: Int
    ) -> Void
  public typealias SumPixels = @Sendable (_ x: UnsafePointer<T>, _ sums: UnsafeMutablePointer<T>, _ pixels: Int) -> Void
  public let scaleShift: ScaleShift, sum: SumPixels

  @usableFromInline
  init(
    tiles: BlockedTiles<T>, depthwise: @escaping Windows, maxWindows: @escaping Windows, meanWindows: @escaping Windows,
    scaleShift: @escaping ScaleShift, sum: @escaping SumPixels
  ) {
    (self.tiles, self.depthwise, self.maxWindows, self.meanWindows) = (tiles, depthwise, maxWindows, meanWindows)
    (self.scaleShift, self.sum) = (scaleShift, sum)
  }

  /// All templates for vectors of type V; tiles of two vectors have up to `rows2` rows, of one `rows1`.
  @inlinable @inline(__always)
  init<V: Vector>(_: V.Type, rows2: Int, rows1: Int) where V.Scalar == T {
    self.init(
      tiles: blockedTiles(V.self, rows2: rows2, rows1: rows1),
      depthwise: { windowRow(DepthwiseSum<V>.self, wide: rows1 >= 14, $0, $1) },
      maxWindows: { windowRow(WindowMaximum<V>.self, wide: rows1 >= 14, $0, $1) },
      meanWindows: { windowRow(WindowMean<V>.self, wide: rows1 >= 14, $0, $1) },
      scaleShift: { scaleShiftPixels(V.self, $0, $1, $2, $3, $4, $5) },
      sum: { sumPixels(V.self, $0, $1, $2) })
  }
}
