// The one loop where the time goes: a register tile of a batch-reduced matrix product (Georganas et al. 2019, "High-Performance
// Deep Learning via a Single Building Block"). Convolution, its gradients and the affine layer are all made of it.

/// The operands of one tile:
///   c[m][n] (+)= sum over t < taps, i < inner of a[aOffsets[t] + i*aStep + m] * b[bOffsets[t] + i*bStep + n]
/// m counts the tile's rows, contiguous in a and broadcast; n its columns, contiguous in b, one or two vectors.
public struct TileOperands<T> {
  public var a: UnsafePointer<T>, b: UnsafePointer<T>, c: UnsafeMutablePointer<T>
  public var aOffsets: UnsafePointer<Int>, bOffsets: UnsafePointer<Int>
  public var taps: Int, inner: Int, aStep: Int, bStep: Int, cStep: Int
  /// Adds to what c holds; otherwise c is not read.
  public var accumulate: Bool

  @inlinable
  public init(
    a: UnsafePointer<T>, b: UnsafePointer<T>, c: UnsafeMutablePointer<T>, aOffsets: UnsafePointer<Int>,
    bOffsets: UnsafePointer<Int>, taps: Int, inner: Int, aStep: Int, bStep: Int, cStep: Int, accumulate: Bool
  ) {
    self.a = a
    self.b = b
    self.c = c
    self.aOffsets = aOffsets
    self.bOffsets = bOffsets
    self.taps = taps
    self.inner = inner
    self.aStep = aStep
    self.bStep = bStep
    self.cStep = cStep
    self.accumulate = accumulate
  }
}

/// A tile of Rows x 2 vectors. The accumulators stay in registers because they start from zero and the loop over rows is the
/// only one with a constant bound; what c held is added at the end.
@inlinable @inline(__always)
public func tallTile<V: Vector, M: MultiplyAdd, let Rows: Int, let Count: Int>(
  _: M.Type, _: (InlineArray<Rows, Void>, InlineArray<Count, V>).Type, _ o: TileOperands<V.Scalar>
) {
  var sum = InlineArray<Count, V> { _ in V(repeating: 0) }
  for t in 0..<o.taps {
    var a = o.a + o.aOffsets[t], b = o.b + o.bOffsets[t]
    for _ in 0..<o.inner {
      let b0: V = load(b), b1: V = load(b + V.scalarCount)
      for m in 0..<Rows {
        let x = V(repeating: a[m])
        M.add(&sum[2 &* m], x, b0)
        M.add(&sum[2 &* m &+ 1], x, b1)
      }
      a += o.aStep
      b += o.bStep
    }
  }
  for m in 0..<Rows {
    let row = o.c + m &* o.cStep
    storeSum(sum[2 &* m], row, o.accumulate)
    storeSum(sum[2 &* m &+ 1], row + V.scalarCount, o.accumulate)
  }
}

/// A tile of Rows x 1 vectors.
@inlinable @inline(__always)
public func narrowTile<V: Vector, M: MultiplyAdd, let Rows: Int>(
  _: M.Type, _: InlineArray<Rows, V>.Type, _ o: TileOperands<V.Scalar>
) {
  var sum = InlineArray<Rows, V> { _ in V(repeating: 0) }
  for t in 0..<o.taps {
    var a = o.a + o.aOffsets[t], b = o.b + o.bOffsets[t]
    for _ in 0..<o.inner {
      let b0: V = load(b)
      for m in 0..<Rows { M.add(&sum[m], V(repeating: a[m]), b0) }
      a += o.aStep
      b += o.bStep
    }
  }
  for m in 0..<Rows { storeSum(sum[m], o.c + m &* o.cStep, o.accumulate) }
}

@inlinable @inline(__always)
func storeSum<V: Vector>(_ sum: V, _ c: UnsafeMutablePointer<V.Scalar>, _ accumulate: Bool) {
  store(accumulate ? (load(c) as V) + sum : sum, c)
}

public typealias Tile<T> = @Sendable (TileOperands<T>) -> Void

/// Tiles of 1 to 14 rows and two vectors: 28 accumulators, for the 32 registers of AVX-512.
@inlinable @inline(__always)
public func tallTiles<V: Vector, M: MultiplyAdd>(_: V.Type, _: M.Type) -> InlineArray<14, Tile<V.Scalar>>
where V.Scalar: SendableMetatype {
  [
    { tallTile(M.self, (InlineArray<1, Void>, InlineArray<2, V>).self, $0) },
    { tallTile(M.self, (InlineArray<2, Void>, InlineArray<4, V>).self, $0) },
    { tallTile(M.self, (InlineArray<3, Void>, InlineArray<6, V>).self, $0) },
    { tallTile(M.self, (InlineArray<4, Void>, InlineArray<8, V>).self, $0) },
    { tallTile(M.self, (InlineArray<5, Void>, InlineArray<10, V>).self, $0) },
    { tallTile(M.self, (InlineArray<6, Void>, InlineArray<12, V>).self, $0) },
    { tallTile(M.self, (InlineArray<7, Void>, InlineArray<14, V>).self, $0) },
    { tallTile(M.self, (InlineArray<8, Void>, InlineArray<16, V>).self, $0) },
    { tallTile(M.self, (InlineArray<9, Void>, InlineArray<18, V>).self, $0) },
    { tallTile(M.self, (InlineArray<10, Void>, InlineArray<20, V>).self, $0) },
    { tallTile(M.self, (InlineArray<11, Void>, InlineArray<22, V>).self, $0) },
    { tallTile(M.self, (InlineArray<12, Void>, InlineArray<24, V>).self, $0) },
    { tallTile(M.self, (InlineArray<13, Void>, InlineArray<26, V>).self, $0) },
    { tallTile(M.self, (InlineArray<14, Void>, InlineArray<28, V>).self, $0) },
  ]
}

/// Tiles of one vector, for the last columns.
@inlinable @inline(__always)
public func narrowTiles<V: Vector, M: MultiplyAdd>(_: V.Type, _: M.Type) -> InlineArray<14, Tile<V.Scalar>>
where V.Scalar: SendableMetatype {
  [
    { narrowTile(M.self, InlineArray<1, V>.self, $0) },
    { narrowTile(M.self, InlineArray<2, V>.self, $0) },
    { narrowTile(M.self, InlineArray<3, V>.self, $0) },
    { narrowTile(M.self, InlineArray<4, V>.self, $0) },
    { narrowTile(M.self, InlineArray<5, V>.self, $0) },
    { narrowTile(M.self, InlineArray<6, V>.self, $0) },
    { narrowTile(M.self, InlineArray<7, V>.self, $0) },
    { narrowTile(M.self, InlineArray<8, V>.self, $0) },
    { narrowTile(M.self, InlineArray<9, V>.self, $0) },
    { narrowTile(M.self, InlineArray<10, V>.self, $0) },
    { narrowTile(M.self, InlineArray<11, V>.self, $0) },
    { narrowTile(M.self, InlineArray<12, V>.self, $0) },
    { narrowTile(M.self, InlineArray<13, V>.self, $0) },
    { narrowTile(M.self, InlineArray<14, V>.self, $0) },
  ]
}
