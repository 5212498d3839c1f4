// A register tile of dot products over long rows: the sums of a weight's gradient, where the pixels of a plane are the terms.

/// The operands of one tile:
///   sums[r][s] += a[r*aStep + j*aRow + i] * b[bOffsets[s] + j*bRow + i], i in lanes, over j < rows and i < count
/// sums[r][s] is a vector of partial sums, rows of them sumStep elements apart; count is in whole vectors.
public struct DotOperands<T> {
  public var a: UnsafePointer<T>, aStep: Int
  public var b: UnsafePointer<T>, bOffsets: UnsafePointer<Int>
  public var sums: UnsafeMutablePointer<T>, sumStep: Int
  public var count: Int
  public var rows = 1, aRow = 0, bRow = 0

  @inlinable
  public init(
    a: UnsafePointer<T>, aStep: Int, b: UnsafePointer<T>, bOffsets: UnsafePointer<Int>, sums: UnsafeMutablePointer<T>,
    sumStep: Int, count: Int
  ) {
    self.a = a
    self.aStep = aStep
    self.b = b
    self.bOffsets = bOffsets
    self.sums = sums
    self.sumStep = sumStep
    self.count = count
  }
}

public typealias Dot<T> = @Sendable (DotOperands<T>) -> Void

/// Four rows x Columns. As in MatrixTile, only the loop over columns has a constant bound. The columns' vectors are held, those of the rows
/// come one after the other: 3 columns take all 16 registers of AVX2.
@inlinable @inline(never)
public func dotTile4<V: Vector, let Columns: Int>(_: InlineArray<Columns, V>.Type, _ o: DotOperands<V.Scalar>) {
  var s0 = InlineArray<Columns, V>(repeating: V.repeating(0)), s1 = s0, s2 = s0, s3 = s0, x = s0
  for row in 0..<o.rows {
    var a = o.a + row &* o.aRow, b = o.b + row &* o.bRow
    let end = a + o.count
    while a < end {
      for s in 0..<Columns { x[s] = V.load(b + o.bOffsets[s]) }
      let a0 = V.load(a)
      for s in 0..<Columns { s0[s] = V.multiplyAdd(a0, x[s], s0[s]) }
      let a1 = V.load(a + o.aStep)
      for s in 0..<Columns { s1[s] = V.multiplyAdd(a1, x[s], s1[s]) }
      let a2 = V.load(a + 2 &* o.aStep)
      for s in 0..<Columns { s2[s] = V.multiplyAdd(a2, x[s], s2[s]) }
      let a3 = V.load(a + 3 &* o.aStep)
      for s in 0..<Columns { s3[s] = V.multiplyAdd(a3, x[s], s3[s]) }
      a += V.count
      b += V.count
    }
  }
  for s in 0..<Columns {
    let to = o.sums + s &* V.count
    V.store(V.load(to) + s0[s], to)
    V.store(V.load(to + o.sumStep) + s1[s], to + o.sumStep)
    V.store(V.load(to + 2 &* o.sumStep) + s2[s], to + 2 &* o.sumStep)
    V.store(V.load(to + 3 &* o.sumStep) + s3[s], to + 3 &* o.sumStep)
  }
}

/// One row x Columns, for depthwise filters.
@inlinable @inline(never)
public func dotTile1<V: Vector, let Columns: Int>(_: InlineArray<Columns, V>.Type, _ o: DotOperands<V.Scalar>) {
  var sums = InlineArray<Columns, V>(repeating: V.repeating(0))
  for row in 0..<o.rows {
    var a = o.a + row &* o.aRow, b = o.b + row &* o.bRow
    let end = a + o.count
    while a < end {
      let value = V.load(a)
      for s in 0..<Columns { sums[s] = V.multiplyAdd(value, V.load(b + o.bOffsets[s]), sums[s]) }
      a += V.count
      b += V.count
    }
  }
  for s in 0..<Columns {
    let to = o.sums + s &* V.count
    V.store(V.load(to) + sums[s], to)
  }
}

/// Tiles of 1 to 6 columns: 24 sums in four rows, for the 32 registers of AVX-512.
@inlinable @inline(__always)
public func dotTiles4<V: Vector>(_: V.Type) -> UnsafePointer<Dot<V.Scalar>> {
  let tiles = UnsafeMutablePointer<Dot<V.Scalar>>.allocate(capacity: 6)
  (tiles + 0).initialize(to: { dotTile4(InlineArray<1, V>.self, $0) })
  (tiles + 1).initialize(to: { dotTile4(InlineArray<2, V>.self, $0) })
  (tiles + 2).initialize(to: { dotTile4(InlineArray<3, V>.self, $0) })
  (tiles + 3).initialize(to: { dotTile4(InlineArray<4, V>.self, $0) })
  (tiles + 4).initialize(to: { dotTile4(InlineArray<5, V>.self, $0) })
  (tiles + 5).initialize(to: { dotTile4(InlineArray<6, V>.self, $0) })
  return UnsafePointer(tiles)
}
@inlinable @inline(__always)
public func dotTiles1<V: Vector>(_: V.Type) -> UnsafePointer<Dot<V.Scalar>> {
  let tiles = UnsafeMutablePointer<Dot<V.Scalar>>.allocate(capacity: 6)
  (tiles + 0).initialize(to: { dotTile1(InlineArray<1, V>.self, $0) })
  (tiles + 1).initialize(to: { dotTile1(InlineArray<2, V>.self, $0) })
  (tiles + 2).initialize(to: { dotTile1(InlineArray<3, V>.self, $0) })
  (tiles + 3).initialize(to: { dotTile1(InlineArray<4, V>.self, $0) })
  (tiles + 4).initialize(to: { dotTile1(InlineArray<5, V>.self, $0) })
  (tiles + 5).initialize(to: { dotTile1(InlineArray<6, V>.self, $0) })
  return UnsafePointer(tiles)
}
