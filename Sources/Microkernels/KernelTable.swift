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

  public typealias Transpose =
    @Sendable (
      _ from: Pointer, _ fromStep: Int, _ rows: Int, _ columns: Int, _ to: MutablePointer, _ toStep: Int, _ padded: Bool,
      _ roomy: Bool
    ) -> Void
  public let transpose: Transpose

  public typealias ScatterRows =
    @Sendable (
      _ source: Pointer, _ step: Int, _ to: MutablePointer, _ offsets: UnsafePointer<Int>, _ rows: Int, _ count: Int
    ) -> Void
  public let scatterRows: ScatterRows

  public typealias MaxTaps =
    @Sendable (
      _ source: Pointer, _ offsets: UnsafePointer<Int>, _ taps: Int, _ count: Int, _ y: MutablePointer,
      _ positions: UnsafeMutablePointer<Int32>?
    ) -> Void
  public let maxTaps: MaxTaps

  public typealias SumTaps =
    @Sendable (
      _ source: Pointer, _ offsets: UnsafePointer<Int>, _ taps: Int, _ count: Int, _ y: MutablePointer
    ) -> Void
  public let sumTaps: SumTaps

  public typealias CopyStrided =
    @Sendable (_ source: Pointer, _ step: Int, _ to: MutablePointer, _ toStep: Int, _ count: Int) -> Void
  public let copyStrided: CopyStrided

  public typealias AddTo = @Sendable (_ to: MutablePointer, _ source: Pointer, _ count: Int) -> Void
  public let addTo: AddTo

  public typealias Sum = @Sendable (_ x: Pointer, _ count: Int) -> T
  public let sum: Sum

  public typealias SumOfProducts = @Sendable (_ x: Pointer, _ mean: T, _ z: Pointer, _ offset: T, _ count: Int) -> T
  public let sumOfProducts: SumOfProducts

  public typealias ScaleShift = @Sendable (_ x: Pointer, _ scale: T, _ shift: T, _ y: MutablePointer, _ count: Int) -> Void
  public let scaleShift: ScaleShift

  public typealias Combine =
    @Sendable (_ x: Pointer, _ a: T, _ z: Pointer, _ b: T, _ c: T, _ y: MutablePointer, _ count: Int) -> Void
  public let combine: Combine

  public typealias Relu =
    @Sendable (_ x: Pointer, _ y: MutablePointer, _ mask: UnsafeMutablePointer<UInt8>?, _ count: Int) -> Void
  public let relu: Relu

  public typealias MaskedScale =
    @Sendable (
      _ x: Pointer, _ mask: UnsafePointer<UInt8>, _ keep: UInt8, _ scale: T, _ y: MutablePointer, _ count: Int
    ) -> Void
  public let maskedScale: MaskedScale

  public typealias Map = @Sendable (_ x: Pointer, _ y: MutablePointer, _ count: Int) -> Void
  public let sigmoid: Map, tanh: Map

  public typealias SoftmaxRow = @Sendable (_ x: Pointer, _ y: MutablePointer, _ count: Int) -> (largest: T, sum: T)
  /// Returns the largest x and the sum of exp(x - largest).
  public let softmaxRow: SoftmaxRow

  @usableFromInline
  init(
    lanes: Int, tallRows: Int, narrowRows: Int, tallTiles: InlineArray<14, Tile<T>>, narrowTiles: InlineArray<14, Tile<T>>,
    transpose: @escaping Transpose, scatterRows: @escaping ScatterRows, maxTaps: @escaping MaxTaps,
    sumTaps: @escaping SumTaps, copyStrided: @escaping CopyStrided, addTo: @escaping AddTo, sum: @escaping Sum,
    sumOfProducts: @escaping SumOfProducts, scaleShift: @escaping ScaleShift, combine: @escaping Combine,
    relu: @escaping Relu, maskedScale: @escaping MaskedScale, sigmoid: @escaping Map, tanh: @escaping Map,
    softmaxRow: @escaping SoftmaxRow
  ) {
    (self.lanes, self.tallRows, self.narrowRows) = (lanes, tallRows, narrowRows)
    (self.tallTiles, self.narrowTiles) = (tallTiles, narrowTiles)
    (self.transpose, self.scatterRows, self.maxTaps, self.sumTaps) = (transpose, scatterRows, maxTaps, sumTaps)
    (self.copyStrided, self.addTo, self.sum, self.sumOfProducts) = (copyStrided, addTo, sum, sumOfProducts)
    (self.scaleShift, self.combine, self.relu, self.maskedScale) = (scaleShift, combine, relu, maskedScale)
    (self.sigmoid, self.tanh, self.softmaxRow) = (sigmoid, tanh, softmaxRow)
  }
}

extension KernelTable {
  /// All templates for vectors of type V. An instruction set's module calls this once for each element type, and marks what it
  /// gets `@export(interface)`: else Embedded Swift compiles the kernels again, without the instruction set, in every module
  /// that uses them. Not the initializer itself, because Embedded Swift's classes have generic ones only for convenience.
  @inlinable @inline(__always)
  public convenience init<V: Vector, M: MultiplyAdd>(_: V.Type, _: M.Type, tallRows: Int, narrowRows: Int) where V.Scalar == T {
    self.init(
      lanes: V.scalarCount, tallRows: tallRows, narrowRows: narrowRows, tallTiles: Microkernels.tallTiles(V.self, M.self),
      narrowTiles: Microkernels.narrowTiles(V.self, M.self),
      transpose: { Microkernels.transpose(V.self, $0, $1, rows: $2, columns: $3, $4, $5, padded: $6, roomy: $7) },
      scatterRows: { Microkernels.scatterRows(V.self, $0, $1, $2, $3, $4, $5) },
      maxTaps: { Microkernels.maxTaps($0, $1, $2, $3, $4, $5) },
      sumTaps: { Microkernels.sumTaps(V.self, $0, $1, $2, $3, $4) },
      copyStrided: { Microkernels.copyStrided(V.self, $0, $1, $2, $3, $4) },
      addTo: { Microkernels.addTo(V.self, $0, $1, $2) },
      sum: { Microkernels.sum(V.self, $0, $1) },
      sumOfProducts: { Microkernels.sumOfProducts(V.self, $0, minus: $1, $2, minus: $3, $4) },
      scaleShift: { Microkernels.scaleShift(V.self, $0, scale: $1, shift: $2, $3, $4) },
      combine: { Microkernels.combine($0, a: $1, $2, b: $3, c: $4, $5, $6) },
      relu: { Microkernels.reluForward($0, $1, $2, $3) },
      maskedScale: { Microkernels.maskedScale($0, $1, keep: $2, scale: $3, $4, $5) },
      sigmoid: { Microkernels.sigmoid(V.self, $0, $1, $2) },
      tanh: { Microkernels.hyperbolicTangent(V.self, $0, $1, $2) },
      softmaxRow: { Microkernels.softmaxRow(V.self, $0, $1, $2) })
  }
}
