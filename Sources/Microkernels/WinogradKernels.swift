// What a kernel table has for Winograd's algorithm: the transforms, by the size of a line.

public struct WinogradKernels<T: BinaryFloatingPoint & SIMDScalar & SendableMetatype>: @unchecked Sendable {
  public typealias Lines = @Sendable (UnsafePointer<WinogradLines<T>>) -> Void
  public typealias FinishedLines = @Sendable (UnsafePointer<WinogradLines<T>>, UnsafePointer<WinogradFinish<T>>?) -> Void

  /// The sizes of lines: a tile has two cells less.
  public static var sizes: ClosedRange<Int> { 4...6 }
  /// [kind][size - 4] in memory that is never freed, as that of tiles.
  private let lines: UnsafeMutablePointer<Lines>, finished: UnsafeMutablePointer<FinishedLines>
  public enum Kind: Int { case input, evaluateFilter, sumFilter, evaluateTile }

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
  @usableFromInline subscript(_ kind: Kind, _ size: Int) -> Lines { lines[3 &* kind.rawValue &+ size &- 4] }
  @usableFromInline subscript(_ size: Int) -> FinishedLines { finished[size &- 4] }

  @usableFromInline
  init(_ lines: UnsafeMutablePointer<Lines>, _ finished: UnsafeMutablePointer<FinishedLines>) {
    (self.lines, self.finished) = (lines, finished)
  }

  @inlinable @inline(__always)
  init<V: Vector>(_: V.Type) where V.Scalar == T {
    let lines = UnsafeMutablePointer<Lines>.allocate(capacity: 12)
    (lines + 0).initialize(to: { winogradInput4(V.self, $0) })
    (lines + 1).initialize(to: { winogradInput5(V.self, $0) })
    (lines + 2).initialize(to: { winogradInput6(V.self, $0) })
    (lines + 3).initialize(to: { winogradEvaluateFilter(InlineArray<4, V>.self, $0) })
    (lines + 4).initialize(to: { winogradEvaluateFilter(InlineArray<5, V>.self, $0) })
    (lines + 5).initialize(to: { winogradEvaluateFilter(InlineArray<6, V>.self, $0) })
    (lines + 6).initialize(to: { winogradSumFilter(InlineArray<4, V>.self, $0) })
    (lines + 7).initialize(to: { winogradSumFilter(InlineArray<5, V>.self, $0) })
    (lines + 8).initialize(to: { winogradSumFilter(InlineArray<6, V>.self, $0) })
    (lines + 9).initialize(to: { winogradEvaluateTile(InlineArray<4, V>.self, $0) })
    (lines + 10).initialize(to: { winogradEvaluateTile(InlineArray<5, V>.self, $0) })
    (lines + 11).initialize(to: { winogradEvaluateTile(InlineArray<6, V>.self, $0) })
    let finished = UnsafeMutablePointer<FinishedLines>.allocate(capacity: 3)
    (finished + 0).initialize(to: { winogradSumTile(InlineArray<4, V>.self, $0, $1) })
    (finished + 1).initialize(to: { winogradSumTile(InlineArray<5, V>.self, $0, $1) })
    (finished + 2).initialize(to: { winogradSumTile(InlineArray<6, V>.self, $0, $1) })
    self.init(lines, finished)
  }
}
