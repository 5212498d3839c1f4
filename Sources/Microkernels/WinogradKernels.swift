// What a kernel table has for Winograd's algorithm: the transforms, by the size of a line.

public struct WinogradKernels<T: BinaryFloatingPoint & SIMDScalar & SendableMetatype>: @unchecked Sendable {
  public typealias Lines = @Sendable (UnsafePointer<WinogradLines<T>>) -> Void
  /// From 3 x 3 taps to the points of a row (see winogradEvaluateFilters).
  public typealias Filters =
    @Sendable (
      _ from: UnsafePointer<T>, _ count: Int, _ to: UnsafeMutablePointer<T>, _ step: Int, _ plane: Int, _ columns: Int
    ) -> Void
  public typealias FinishedLines = @Sendable (UnsafePointer<WinogradLines<T>>, UnsafePointer<WinogradFinish<T>>?) -> Void

  /// The cells of y in a tile: [kind][tile - 2] of each table, which is in memory that is never freed, as that of tiles.
  public static var tiles: ClosedRange<Int> { 2...4 }
  private let lines: UnsafeMutablePointer<Lines>, sums: UnsafeMutablePointer<FinishedLines>
  /// [stride - 1][row].
  private let filters: UnsafeMutablePointer<Filters>
  public enum Kind: Int {
    case input, stridedInput, stridedGradient, sumFilter, stridedSumFilter, evaluateTile, stridedEvaluateTile
  }
  public enum Sums: Int { case tile, stridedTile, stridedGradient }

  @inlinable @inline(__always)
  public func run(_ kind: Kind, tile: Int, _ operands: WinogradLines<T>) {
    withUnsafePointer(to: operands) { self[kind, tile]($0) }
  }
  @inlinable @inline(__always)
  public func sum(_ kind: Sums, tile: Int, _ operands: WinogradLines<T>, _ finish: WinogradFinish<T>? = nil) {
    withUnsafePointer(to: operands) { operands in
      if let finish {
        withUnsafePointer(to: finish) { self[kind, tile](operands, $0) }
      } else {
        self[kind, tile](operands, nil)
      }
    }
  }
  public func evaluateFilters(
    stride: Int, row: Int, columns: Int, _ from: UnsafePointer<T>, _ count: Int, _ to: UnsafeMutablePointer<T>, step: Int,
    plane: Int
  ) {
    filters[6 &* (stride &- 1) &+ row](from, count, to, step, plane, columns)
  }
  @usableFromInline subscript(_ kind: Kind, _ tile: Int) -> Lines { lines[3 &* kind.rawValue &+ tile &- 2] }
  @usableFromInline subscript(_ kind: Sums, _ tile: Int) -> FinishedLines { sums[3 &* kind.rawValue &+ tile &- 2] }

  @usableFromInline
  init(
    _ lines: UnsafeMutablePointer<Lines>, _ sums: UnsafeMutablePointer<FinishedLines>, _ filters: UnsafeMutablePointer<Filters>
  ) {
    (self.lines, self.sums, self.filters) = (lines, sums, filters)
  }

  @inlinable @inline(__always)
  init<V: Vector>(_: V.Type) where V.Scalar == T {
    let lines = UnsafeMutablePointer<Lines>.allocate(capacity: 21)
    (lines + 0).initialize(to: { winogradInput4(V.self, $0) })
    (lines + 1).initialize(to: { winogradInput5(V.self, $0) })
    (lines + 2).initialize(to: { winogradInput6(V.self, $0) })
    addStridedInput(InlineArray<2, V>.self, lines + 3)
    addStridedInput(InlineArray<1, V>.self, lines + 6)
    (lines + 9).initialize(to: { winogradSumFilter(InlineArray<4, V>.self, $0) })
    (lines + 10).initialize(to: { winogradSumFilter(InlineArray<5, V>.self, $0) })
    (lines + 11).initialize(to: { winogradSumFilter(InlineArray<6, V>.self, $0) })
    (lines + 12).initialize(to: { winogradStridedSumFilter(InlineArray<4, V>.self, $0) })
    (lines + 13).initialize(to: { winogradStridedSumFilter(InlineArray<5, V>.self, $0) })
    (lines + 14).initialize(to: { winogradStridedSumFilter(InlineArray<6, V>.self, $0) })
    (lines + 15).initialize(to: { winogradEvaluateTile(InlineArray<4, V>.self, $0) })
    (lines + 16).initialize(to: { winogradEvaluateTile(InlineArray<5, V>.self, $0) })
    (lines + 17).initialize(to: { winogradEvaluateTile(InlineArray<6, V>.self, $0) })
    (lines + 18).initialize(to: { winogradStridedEvaluateTile(InlineArray<2, V>.self, $0) })
    (lines + 19).initialize(to: { winogradStridedEvaluateTile(InlineArray<3, V>.self, $0) })
    (lines + 20).initialize(to: { winogradStridedEvaluateTile(InlineArray<4, V>.self, $0) })
    let sums = UnsafeMutablePointer<FinishedLines>.allocate(capacity: 9)
    (sums + 0).initialize(to: { winogradSumTile(InlineArray<4, V>.self, $0, $1) })
    (sums + 1).initialize(to: { winogradSumTile(InlineArray<5, V>.self, $0, $1) })
    (sums + 2).initialize(to: { winogradSumTile(InlineArray<6, V>.self, $0, $1) })
    addStridedSums(InlineArray<1, V>.self, sums + 3)
    addStridedSums(InlineArray<2, V>.self, sums + 6)
    let filters = UnsafeMutablePointer<Filters>.allocate(capacity: 12)
    addFilters(InlineArray<1, V>.self, filters)
    addFilters(InlineArray<2, V>.self, filters + 6)
    self.init(lines, sums, filters)
  }
}

@inlinable @inline(__always)
func addFilters<V: Vector, let Stride: Int>(
  _ stride: InlineArray<Stride, V>.Type, _ to: UnsafeMutablePointer<WinogradKernels<V.Scalar>.Filters>
) {
  (to + 0).initialize(to: {
    winogradEvaluateFilters(InlineArray<0, V>.self, InlineArray<Stride, V>.self, $0, $1, $2, step: $3, plane: $4, columns: $5)
  })
  (to + 1).initialize(to: {
    winogradEvaluateFilters(InlineArray<1, V>.self, InlineArray<Stride, V>.self, $0, $1, $2, step: $3, plane: $4, columns: $5)
  })
  (to + 2).initialize(to: {
    winogradEvaluateFilters(InlineArray<2, V>.self, InlineArray<Stride, V>.self, $0, $1, $2, step: $3, plane: $4, columns: $5)
  })
  (to + 3).initialize(to: {
    winogradEvaluateFilters(InlineArray<3, V>.self, InlineArray<Stride, V>.self, $0, $1, $2, step: $3, plane: $4, columns: $5)
  })
  (to + 4).initialize(to: {
    winogradEvaluateFilters(InlineArray<4, V>.self, InlineArray<Stride, V>.self, $0, $1, $2, step: $3, plane: $4, columns: $5)
  })
  (to + 5).initialize(to: {
    winogradEvaluateFilters(InlineArray<5, V>.self, InlineArray<Stride, V>.self, $0, $1, $2, step: $3, plane: $4, columns: $5)
  })
}

@inlinable @inline(__always)
func addStridedInput<V: Vector, let Apart: Int>(
  _ apart: InlineArray<Apart, V>.Type, _ to: UnsafeMutablePointer<WinogradKernels<V.Scalar>.Lines>
) {
  (to + 0).initialize(to: { winogradStridedInput(InlineArray<2, V>.self, InlineArray<Apart, V>.self, $0) })
  (to + 1).initialize(to: { winogradStridedInput(InlineArray<3, V>.self, InlineArray<Apart, V>.self, $0) })
  (to + 2).initialize(to: { winogradStridedInput(InlineArray<4, V>.self, InlineArray<Apart, V>.self, $0) })
}
@inlinable @inline(__always)
func addStridedSums<V: Vector, let Apart: Int>(
  _ apart: InlineArray<Apart, V>.Type, _ to: UnsafeMutablePointer<WinogradKernels<V.Scalar>.FinishedLines>
) {
  (to + 0).initialize(to: { winogradStridedSumTile(InlineArray<2, V>.self, InlineArray<Apart, V>.self, $0, $1) })
  (to + 1).initialize(to: { winogradStridedSumTile(InlineArray<3, V>.self, InlineArray<Apart, V>.self, $0, $1) })
  (to + 2).initialize(to: { winogradStridedSumTile(InlineArray<4, V>.self, InlineArray<Apart, V>.self, $0, $1) })
}
