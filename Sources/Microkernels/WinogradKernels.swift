// What a kernel table has for Winograd's algorithm: the transforms, by the size of a line.

public struct WinogradKernels<T: BinaryFloatingPoint & SIMDScalar & SendableMetatype>: @unchecked Sendable {
  public typealias Lines = @Sendable (UnsafePointer<WinogradLines<T>>) -> Void
  /// From 3 x 3 taps to the points of a row (see winogradEvaluateFilters).
  public typealias Filters =
    @Sendable (
      _ from: UnsafePointer<T>, _ count: Int, _ to: UnsafeMutablePointer<T>, _ step: Int, _ plane: Int, _ columns: Int
    ) -> Void
  public typealias FinishedLines = @Sendable (UnsafePointer<WinogradLines<T>>, UnsafePointer<WinogradFinish<T>>?) -> Void

  /// The sizes of lines: a tile has two cells less.
  public static var sizes: ClosedRange<Int> { 4...6 }
  /// [kind][size - 4] in memory that is never freed, as that of tiles.
  private let lines: UnsafeMutablePointer<Lines>, finished: UnsafeMutablePointer<FinishedLines>
  private let filters: UnsafeMutablePointer<Filters>
  public enum Kind: Int { case input, sumFilter, evaluateTile }

  @inlinable @inline(__always)
  public func run(_ kind: Kind, size: Int, _ operands: WinogradLines<T>) {
    withUnsafePointer(to: operands) { self[kind, size]($0) }
  }
  @inlinable @inline(__always)
  public func sumTile(size: Int, _ operands: WinogradLines<T>, _ finish: WinogradFinish<T>? = nil) {
    withUnsafePointer(to: operands) { operands in
      if let finish {
        withUnsafePointer(to: finish) { self[size](operands, $0) }
      } else {
        self[size](operands, nil)
      }
    }
  }
  public func evaluateFilters(
    row: Int, columns: Int, _ from: UnsafePointer<T>, _ count: Int, _ to: UnsafeMutablePointer<T>, step: Int, plane: Int
  ) {
    filters[row](from, count, to, step, plane, columns)
  }
  @usableFromInline subscript(_ kind: Kind, _ size: Int) -> Lines { lines[3 &* kind.rawValue &+ size &- 4] }
  @usableFromInline subscript(_ size: Int) -> FinishedLines { finished[size &- 4] }

  @usableFromInline
  init(
    _ lines: UnsafeMutablePointer<Lines>, _ finished: UnsafeMutablePointer<FinishedLines>,
    _ filters: UnsafeMutablePointer<Filters>
  ) {
    (self.lines, self.finished, self.filters) = (lines, finished, filters)
  }

  @inlinable @inline(__always)
  init<V: Vector>(_: V.Type) where V.Scalar == T {
    let lines = UnsafeMutablePointer<Lines>.allocate(capacity: 9)
    (lines + 0).initialize(to: { winogradInput4(V.self, $0) })
    (lines + 1).initialize(to: { winogradInput5(V.self, $0) })
    (lines + 2).initialize(to: { winogradInput6(V.self, $0) })
    (lines + 3).initialize(to: { winogradSumFilter(InlineArray<4, V>.self, $0) })
    (lines + 4).initialize(to: { winogradSumFilter(InlineArray<5, V>.self, $0) })
    (lines + 5).initialize(to: { winogradSumFilter(InlineArray<6, V>.self, $0) })
    (lines + 6).initialize(to: { winogradEvaluateTile(InlineArray<4, V>.self, $0) })
    (lines + 7).initialize(to: { winogradEvaluateTile(InlineArray<5, V>.self, $0) })
    (lines + 8).initialize(to: { winogradEvaluateTile(InlineArray<6, V>.self, $0) })
    let finished = UnsafeMutablePointer<FinishedLines>.allocate(capacity: 3)
    (finished + 0).initialize(to: { winogradSumTile(InlineArray<4, V>.self, $0, $1) })
    (finished + 1).initialize(to: { winogradSumTile(InlineArray<5, V>.self, $0, $1) })
    (finished + 2).initialize(to: { winogradSumTile(InlineArray<6, V>.self, $0, $1) })
    let filters = UnsafeMutablePointer<Filters>.allocate(capacity: 6)
    (filters + 0).initialize(to: {
      winogradEvaluateFilters(InlineArray<0, V>.self, $0, $1, $2, step: $3, plane: $4, columns: $5)
    })
    (filters + 1).initialize(to: {
      winogradEvaluateFilters(InlineArray<1, V>.self, $0, $1, $2, step: $3, plane: $4, columns: $5)
    })
    (filters + 2).initialize(to: {
      winogradEvaluateFilters(InlineArray<2, V>.self, $0, $1, $2, step: $3, plane: $4, columns: $5)
    })
    (filters + 3).initialize(to: {
      winogradEvaluateFilters(InlineArray<3, V>.self, $0, $1, $2, step: $3, plane: $4, columns: $5)
    })
    (filters + 4).initialize(to: {
      winogradEvaluateFilters(InlineArray<4, V>.self, $0, $1, $2, step: $3, plane: $4, columns: $5)
    })
    (filters + 5).initialize(to: {
      winogradEvaluateFilters(InlineArray<5, V>.self, $0, $1, $2, step: $3, plane: $4, columns: $5)
    })
    self.init(lines, finished, filters)
  }
}
