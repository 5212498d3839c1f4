// What the engine sees of an instruction set, for one element type: functions and block sizes, as data.

public final class KernelTable<T: BinaryFloatingPoint & SIMDScalar & SendableMetatype>: Sendable {
  public typealias Pointer = UnsafePointer<T>
  public typealias MutablePointer = UnsafeMutablePointer<T>

  /// Elements in a vector.
  public let lanes: Int
  /// The most rows whose accumulators fit the registers, for tiles of two vectors and of one.
  public let tallRows: Int, narrowRows: Int
  /// [rows - 1]: tiles of two vectors, and of one.
  public let tallTiles: InlineArray<14, Tile<T>>, narrowTiles: InlineArray<14, Tile<T>>

  public let transpose:
    @Sendable (
      _ from: Pointer, _ fromStep: Int, _ rows: Int, _ columns: Int, _ to: MutablePointer, _ toStep: Int, _ padded: Bool
    )
      -> Void
  public let copyRows: @Sendable (_ rows: RowCopy<T>) -> Void
  public let mergeRows:
    @Sendable (
      _ even: Pointer, _ odd: Pointer, _ fromRow: Int, _ to: MutablePointer, _ toRow: Int, _ rows: Int, _ count: Int
    ) -> Void
  public let addShiftedRows:
    @Sendable (_ source: Pointer, _ step: Int, _ shift: Int, _ rows: Int, _ to: MutablePointer, _ count: Int) -> Void
  public let maxTaps:
    @Sendable (_ windows: PoolWindows<T>, _ y: MutablePointer, _ positions: UnsafeMutablePointer<Int32>?) -> Void
  public let sumTaps: @Sendable (_ windows: PoolWindows<T>, _ y: MutablePointer) -> Void
  public let scatterWinners: @Sendable (_ gradY: Pointer, _ positions: UnsafePointer<Int32>, _ windows: PoolWindows<T>) -> Void
  public let scatterShares: @Sendable (_ gradY: Pointer, _ windows: PoolWindows<T>) -> Void
  public let addTo: @Sendable (_ to: MutablePointer, _ source: Pointer, _ count: Int) -> Void
  public let addRows: @Sendable (_ source: Pointer, _ step: Int, _ rows: Int, _ to: MutablePointer, _ columns: Int) -> Void
  public let sum: @Sendable (_ x: Pointer, _ count: Int) -> T
  public let sumOfProducts: @Sendable (_ x: Pointer, _ mean: T, _ z: Pointer, _ offset: T, _ count: Int) -> T
  public let scaleShift: @Sendable (_ x: Pointer, _ scale: T, _ shift: T, _ y: MutablePointer, _ count: Int) -> Void
  public let combine: @Sendable (_ x: Pointer, _ a: T, _ z: Pointer, _ b: T, _ c: T, _ y: MutablePointer, _ count: Int) -> Void
  public let relu: @Sendable (_ x: Pointer, _ y: MutablePointer, _ mask: UnsafeMutablePointer<UInt8>?, _ count: Int) -> Void
  public let maskedScale:
    @Sendable (_ x: Pointer, _ mask: UnsafePointer<UInt8>, _ keep: UInt8, _ scale: T, _ y: MutablePointer, _ count: Int) -> Void
  public let sigmoid: @Sendable (_ x: Pointer, _ y: MutablePointer, _ count: Int) -> Void
  public let tanh: @Sendable (_ x: Pointer, _ y: MutablePointer, _ count: Int) -> Void
  /// Returns the largest x and the sum of exp(x - largest).
  public let softmaxRow: @Sendable (_ x: Pointer, _ y: MutablePointer, _ count: Int) -> (largest: T, sum: T)

  /// All templates for vectors of type V. An instruction set's module calls this once for each element type.
  @inlinable @inline(__always)
  public init<V: Vector>(_: V.Type, tallRows: Int, narrowRows: Int) where V.Scalar == T {
    lanes = V.count
    self.tallRows = tallRows
    self.narrowRows = narrowRows
    tallTiles = Microkernels.tallTiles(V.self)
    narrowTiles = Microkernels.narrowTiles(V.self)
    transpose = { Microkernels.transpose(V.self, $0, $1, rows: $2, columns: $3, $4, $5, padded: $6) }
    copyRows = { Microkernels.copyRows(V.self, $0) }
    mergeRows = { Microkernels.mergeRows(V.self, $0, $1, $2, $3, $4, $5, $6) }
    addShiftedRows = { Microkernels.addShiftedRows(V.self, $0, $1, $2, $3, $4, $5) }
    maxTaps = { Microkernels.maxTaps(V.self, $0, $1, $2) }
    sumTaps = { Microkernels.sumTaps(V.self, $0, $1) }
    scatterWinners = { Microkernels.scatterWinners(V.self, $0, $1, $2) }
    scatterShares = { Microkernels.scatterShares(V.self, $0, $1) }
    addTo = { Microkernels.addTo(V.self, $0, $1, $2) }
    addRows = { Microkernels.addRows(V.self, $0, $1, $2, $3, $4) }
    sum = { Microkernels.sum(V.self, $0, $1) }
    sumOfProducts = { Microkernels.sumOfProducts(V.self, $0, minus: $1, $2, minus: $3, $4) }
    scaleShift = { Microkernels.scaleShift(V.self, $0, scale: $1, shift: $2, $3, $4) }
    combine = { Microkernels.combine(V.self, $0, a: $1, $2, b: $3, c: $4, $5, $6) }
    relu = { Microkernels.reluForward(V.self, $0, $1, $2, $3) }
    maskedScale = { Microkernels.maskedScale(V.self, $0, $1, keep: $2, scale: $3, $4, $5) }
    sigmoid = { Microkernels.sigmoid(V.self, $0, $1, $2) }
    tanh = { Microkernels.hyperbolicTangent(V.self, $0, $1, $2) }
    softmaxRow = { Microkernels.softmaxRow(V.self, $0, $1, $2) }
  }
}
