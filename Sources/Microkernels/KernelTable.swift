// What the engine sees of an instruction set, for one element type: functions and block sizes, as data.

public final class KernelTable<T: BinaryFloatingPoint & SIMDScalar & SendableMetatype>: Sendable {
  public typealias Pointer = UnsafePointer<T>
  public typealias MutablePointer = UnsafeMutablePointer<T>
  public typealias Positions = UnsafePointer<Int32>
  public typealias Bytes = UnsafePointer<UInt8>
  public typealias MutableBytes = UnsafeMutablePointer<UInt8>

  /// Elements in a vector.
  public let lanes: Int
  /// The most rows whose sums fit the registers, for tiles of two vectors and of one.
  public let tallRows: Int, narrowRows: Int
  /// [rows - 1]: tiles of two vectors, and of one.
  nonisolated(unsafe) public let tallTiles: UnsafePointer<Tile<T>>, narrowTiles: UnsafePointer<Tile<T>>
  /// The same, whose terms are listed.
  nonisolated(unsafe) public let listedTallTiles: UnsafePointer<Tile<T>>, listedNarrowTiles: UnsafePointer<Tile<T>>
  /// The tall ones for a b that comes from memory, up to `mostStreamedRows`.
  nonisolated(unsafe) public let streamedTiles: UnsafePointer<Tile<T>>
  public static var mostStreamedRows: Int { 6 }

  /// One row times panels.
  public typealias RowTile = @Sendable (_ operands: RowOperands<T>) -> Void
  public let rowTile: RowTile

  /// [columns - 1]: dot tiles of four rows and of one; and the most columns whose sums fit the registers with four rows.
  nonisolated(unsafe) public let dotTiles4: UnsafePointer<Dot<T>>, dotTiles1: UnsafePointer<Dot<T>>
  public let dotColumns: Int

  // Images and planes.
  public typealias Transpose =
    @Sendable (
      _ from: Pointer, _ fromStep: Int, _ rows: Int, _ columns: Int, _ to: MutablePointer, _ toStep: Int, _ padded: Bool
    )
    -> Void
  public typealias CopyRows = @Sendable (_ rows: RowCopy<T>) -> Void
  public typealias MergeRows =
    @Sendable (_ even: Pointer, _ odd: Pointer, _ fromRow: Int, _ to: MutablePointer, _ toRow: Int, _ rows: Int, _ count: Int)
    -> Void
  public typealias AddShiftedRows = @Sendable (_ rows: ShiftedRows<T>) -> Void
  public let transpose: Transpose, copyRows: CopyRows, mergeRows: MergeRows, addShiftedRows: AddShiftedRows

  // Windows of planes.
  public typealias MaxTaps =
    @Sendable (_ windows: PoolWindows<T>, _ y: MutablePointer, _ positions: UnsafeMutablePointer<Int32>?) -> Void
  public typealias SumTaps = @Sendable (_ windows: PoolWindows<T>, _ y: MutablePointer) -> Void
  public typealias SpreadWinners =
    @Sendable (_ gradY: Pointer, _ positions: Positions, _ windows: PoolWindows<T>, _ height: Int, _ rowWidth: Int) -> Void
  public typealias ArePositions = @Sendable (_ positions: Positions, _ count: Int, _ low: Int, _ high: Int) -> Bool
  public typealias ScatterShares = @Sendable (_ gradY: Pointer, _ windows: PoolWindows<T>) -> Void
  public typealias MaxPlaneKernel = @Sendable (_ plane: MaxPlane<T>, _ row: MutablePointer) -> Void
  public typealias MaxPlaneGradientKernel = @Sendable (_ plane: MaxPlaneGradient<T>, _ room: MutablePointer) -> Void
  public typealias DepthwisePlaneKernel = @Sendable (_ plane: UnsafePointer<DepthwisePlane<T>>, _ zeros: Pointer) -> Void
  public typealias DepthwisePlaneGradient =
    @Sendable (_ plane: UnsafePointer<DepthwisePlane<T>>, _ sums: MutablePointer) -> Void
  public let depthwisePlane: DepthwisePlaneKernel, depthwisePlaneGradient: DepthwisePlaneGradient
  public let maxTaps: MaxTaps, sumTaps: SumTaps, spreadWinners: SpreadWinners, arePositions: ArePositions
  public let scatterShares: ScatterShares, maxPlane: MaxPlaneKernel, maxPlaneGradient: MaxPlaneGradientKernel

  // Elements.
  public typealias AddTo = @Sendable (_ to: MutablePointer, _ source: Pointer, _ count: Int) -> Void
  public typealias AddRows =
    @Sendable (_ source: Pointer, _ step: Int, _ rows: Int, _ to: MutablePointer, _ columns: Int) -> Void
  public typealias Sum = @Sendable (_ x: Pointer, _ count: Int) -> T
  public typealias SumOfProducts = @Sendable (_ x: Pointer, _ mean: T, _ z: Pointer, _ offset: T, _ count: Int) -> T
  public typealias ScaleShift = @Sendable (_ x: Pointer, _ scale: T, _ shift: T, _ y: MutablePointer, _ count: Int) -> Void
  public typealias Combine =
    @Sendable (_ x: Pointer, _ a: T, _ z: Pointer, _ b: T, _ c: T, _ y: MutablePointer, _ count: Int) -> Void
  public typealias ArithmeticKernel =
    @Sendable (
      _ kind: Arithmetic, _ a: Pointer, _ isOneA: Bool, _ b: Pointer, _ isOneB: Bool, _ y: MutablePointer, _ count: Int
    ) -> Void
  public let arithmetic: ArithmeticKernel
  public let addTo: AddTo, addRows: AddRows, sum: Sum, sumOfProducts: SumOfProducts, scaleShift: ScaleShift, combine: Combine

  // Activations.
  public typealias Relu = @Sendable (_ x: Pointer, _ y: MutablePointer, _ mask: MutableBytes?, _ count: Int) -> Void
  public typealias MaskedScale =
    @Sendable (_ x: Pointer, _ mask: Bytes, _ keep: UInt8, _ scale: T, _ y: MutablePointer, _ count: Int) -> Void
  public typealias Map = @Sendable (_ x: Pointer, _ y: MutablePointer, _ count: Int) -> Void
  /// Returns the largest x and the sum of exp(x - largest).
  public typealias SoftmaxRow = @Sendable (_ x: Pointer, _ y: MutablePointer, _ count: Int) -> (largest: T, sum: T)
  public typealias ThroughOutput = @Sendable (_ y: Pointer, _ gradY: Pointer, _ gradX: MutablePointer, _ count: Int) -> Void
  public let relu: Relu, maskedScale: MaskedScale, sigmoid: Map, tanh: Map, softmaxRow: SoftmaxRow
  public let reluBackward: ThroughOutput, sigmoidBackward: ThroughOutput, tanhBackward: ThroughOutput

  // Optimizers.
  public typealias Step<Numbers> = @Sendable (_ numbers: Numbers, _ arrays: OptimizerArrays<T>) -> Void
  public let sgd: Step<SGDStep<T>>, momentum: Step<MomentumStep<T>>, adagrad: Step<AdagradStep<T>>
  public let rmsprop: Step<RMSpropStep<T>>, adam: Step<AdamStep<T>>

  /// For the processor's peak (Peak.swift).
  public typealias Rounds = @Sendable (_ rounds: Int, _ factor: T) -> T
  public let multiplyAddRounds: Rounds

  /// For channel-blocked arrays.
  public let blocked: BlockedKernels<T>
  /// For Winograd's algorithm.
  public let winograd: WinogradKernels<T>

  @usableFromInline
  init(
    lanes: Int, tallRows: Int, narrowRows: Int, tallTiles: UnsafePointer<Tile<T>>, narrowTiles: UnsafePointer<Tile<T>>,
    listedTallTiles: UnsafePointer<Tile<T>>, listedNarrowTiles: UnsafePointer<Tile<T>>,
    streamedTiles: UnsafePointer<Tile<T>>, rowTile: @escaping RowTile,
    dotTiles4: UnsafePointer<Dot<T>>, dotTiles1: UnsafePointer<Dot<T>>, dotColumns: Int,
    transpose: @escaping Transpose,
    copyRows: @escaping CopyRows, mergeRows: @escaping MergeRows, addShiftedRows: @escaping AddShiftedRows,
    maxTaps: @escaping MaxTaps, sumTaps: @escaping SumTaps,
    spreadWinners: @escaping SpreadWinners, arePositions: @escaping ArePositions, scatterShares: @escaping ScatterShares,
    maxPlane: @escaping MaxPlaneKernel, maxPlaneGradient: @escaping MaxPlaneGradientKernel,
    depthwisePlane: @escaping DepthwisePlaneKernel,
    depthwisePlaneGradient: @escaping DepthwisePlaneGradient, addTo: @escaping AddTo,
    addRows: @escaping AddRows, sum: @escaping Sum, sumOfProducts: @escaping SumOfProducts,
    scaleShift: @escaping ScaleShift, combine: @escaping Combine, arithmetic: @escaping ArithmeticKernel, relu: @escaping Relu,
    maskedScale: @escaping MaskedScale,
    sigmoid: @escaping Map, tanh: @escaping Map, softmaxRow: @escaping SoftmaxRow, reluBackward: @escaping ThroughOutput,
    sigmoidBackward: @escaping ThroughOutput, tanhBackward: @escaping ThroughOutput, sgd: @escaping Step<SGDStep<T>>,
    momentum: @escaping Step<MomentumStep<T>>, adagrad: @escaping Step<AdagradStep<T>>,
    rmsprop: @escaping Step<RMSpropStep<T>>, adam: @escaping Step<AdamStep<T>>, multiplyAddRounds: @escaping Rounds,
    blocked: BlockedKernels<T>, winograd: WinogradKernels<T>
  ) {
    (self.lanes, self.tallRows, self.narrowRows) = (lanes, tallRows, narrowRows)
    (self.tallTiles, self.narrowTiles, self.rowTile) = (tallTiles, narrowTiles, rowTile)
    (self.listedTallTiles, self.listedNarrowTiles) = (listedTallTiles, listedNarrowTiles)
    self.streamedTiles = streamedTiles
    (self.dotTiles4, self.dotTiles1, self.dotColumns) = (dotTiles4, dotTiles1, dotColumns)
    (self.transpose, self.copyRows, self.mergeRows) = (transpose, copyRows, mergeRows)
    (self.addShiftedRows, self.maxTaps, self.sumTaps) = (addShiftedRows, maxTaps, sumTaps)
    (self.spreadWinners, self.arePositions, self.scatterShares) = (spreadWinners, arePositions, scatterShares)
    (self.maxPlane, self.maxPlaneGradient) = (maxPlane, maxPlaneGradient)
    (self.depthwisePlane, self.depthwisePlaneGradient) = (depthwisePlane, depthwisePlaneGradient)
    (self.addTo, self.addRows, self.sum, self.sumOfProducts) = (addTo, addRows, sum, sumOfProducts)
    (self.scaleShift, self.combine, self.relu, self.maskedScale) = (scaleShift, combine, relu, maskedScale)
    self.arithmetic = arithmetic
    (self.sigmoid, self.tanh, self.softmaxRow) = (sigmoid, tanh, softmaxRow)
    (self.reluBackward, self.sigmoidBackward, self.tanhBackward) = (reluBackward, sigmoidBackward, tanhBackward)
    (self.sgd, self.momentum, self.adagrad, self.rmsprop, self.adam) = (sgd, momentum, adagrad, rmsprop, adam)
    self.multiplyAddRounds = multiplyAddRounds
    (self.blocked, self.winograd) = (blocked, winograd)
  }
}

extension KernelTable {
  /// All templates for vectors of type V. An instruction set's module calls this once for each element type, and marks what it
  /// gets `@export(interface)`: else Embedded Swift compiles the kernels again, without the instruction set, in every module
  /// that uses them. Not the initializer itself, because Embedded Swift's classes have generic ones only for convenience.
  @inlinable @inline(__always)
  public convenience init<V: Vector>(_: V.Type, tallRows: Int, narrowRows: Int, dotColumns: Int) where V.Scalar == T {
    self.init(
      lanes: V.count, tallRows: tallRows, narrowRows: narrowRows,
      tallTiles: Microkernels.tallTiles(V.self, InlineArray<0, V>.self, rows: tallRows),
      narrowTiles: Microkernels.narrowTiles(V.self, InlineArray<0, V>.self, rows: narrowRows),
      listedTallTiles: Microkernels.tallTiles(V.self, InlineArray<1, V>.self, rows: tallRows),
      listedNarrowTiles: Microkernels.narrowTiles(V.self, InlineArray<1, V>.self, rows: narrowRows),
      streamedTiles: Microkernels.tallTiles(V.self, InlineArray<2, V>.self, rows: min(tallRows, Self.mostStreamedRows)),
      rowTile: { Microkernels.rowTile(V.self, $0) },
      dotTiles4: Microkernels.dotTiles4(V.self),
      dotTiles1: Microkernels.dotTiles1(V.self), dotColumns: dotColumns,
      transpose: { Microkernels.transpose(V.self, $0, $1, rows: $2, columns: $3, $4, $5, padded: $6) },
      copyRows: { Microkernels.copyRows(V.self, $0) },
      mergeRows: { Microkernels.mergeRows(V.self, $0, $1, $2, $3, $4, $5, $6) },
      addShiftedRows: { Microkernels.addShiftedRows(V.self, $0) },
      maxTaps: { Microkernels.maxTaps(V.self, $0, $1, $2) },
      sumTaps: { Microkernels.sumTaps(V.self, $0, $1) },
      spreadWinners: { Microkernels.spreadWinners(V.self, $0, $1, $2, $3, $4) },
      arePositions: { Microkernels.arePositions(V.self, $0, $1, from: $2, to: $3) },
      scatterShares: { Microkernels.scatterShares(V.self, $0, $1) },
      maxPlane: { Microkernels.maxPlane(V.self, $0, $1) },
      maxPlaneGradient: { Microkernels.maxPlaneGradient(V.self, $0, $1) },
      depthwisePlane: { Microkernels.depthwisePlane(V.self, $0, $1) },
      depthwisePlaneGradient: { Microkernels.depthwisePlaneGradient(V.self, $0, $1) },
      addTo: { Microkernels.addTo(V.self, $0, $1, $2) },
      addRows: { Microkernels.addRows(V.self, $0, $1, $2, $3, $4) },
      sum: { Microkernels.sum(V.self, $0, $1) },
      sumOfProducts: { Microkernels.sumOfProducts(V.self, $0, minus: $1, $2, minus: $3, $4) },
      scaleShift: { Microkernels.scaleShift(V.self, $0, scale: $1, shift: $2, $3, $4) },
      combine: { Microkernels.combine(V.self, $0, a: $1, $2, b: $3, c: $4, $5, $6) },
      arithmetic: { Microkernels.arithmetic(V.self, $0, $1, isOneA: $2, $3, isOneB: $4, $5, $6) },
      relu: { Microkernels.reluForward(V.self, $0, $1, $2, $3) },
      maskedScale: { Microkernels.maskedScale(V.self, $0, $1, keep: $2, scale: $3, $4, $5) },
      sigmoid: { Microkernels.sigmoid(V.self, $0, $1, $2) },
      tanh: { Microkernels.hyperbolicTangent(V.self, $0, $1, $2) },
      softmaxRow: { Microkernels.softmaxRow(V.self, $0, $1, $2) },
      reluBackward: { Microkernels.reluBackward(V.self, $0, $1, $2, $3) },
      sigmoidBackward: { Microkernels.sigmoidBackward(V.self, $0, $1, $2, $3) },
      tanhBackward: { Microkernels.tanhBackward(V.self, $0, $1, $2, $3) },
      sgd: { Microkernels.sgd(V.self, $0, $1) }, momentum: { Microkernels.momentum(V.self, $0, $1) },
      adagrad: { Microkernels.adagrad(V.self, $0, $1) }, rmsprop: { Microkernels.rmsprop(V.self, $0, $1) },
      adam: { Microkernels.adam(V.self, $0, $1) },
      multiplyAddRounds: { Microkernels.multiplyAddRounds(V.self, $0, $1) },
      blocked: BlockedKernels(V.self, rows2: tallRows, rows1: narrowRows), winograd: WinogradKernels(V.self))
  }
}
