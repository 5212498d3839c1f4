// Transposition in vectors: how planes of pixels become rows of channels and back.

/// to[c][r] = from[r][c] for r < rows, c < columns. With padded, each row of `to` is filled with zeros to a whole number of
/// vectors.
@inlinable @inline(never)
public func transpose<V: Vector>(
  _: V.Type, _ from: UnsafePointer<V.Scalar>, _ fromStep: Int, rows: Int, columns: Int, _ to: UnsafeMutablePointer<V.Scalar>,
  _ toStep: Int, padded: Bool
) {
  // Where an axis ends within a square, the last one begins earlier and does some of it again: part of a square would take longer. Not
  // of rows that are filled up, whose zeros would be missing.
  // Rows that are far apart are streams of short pieces, too short for the processor to see them as such: each line read asks for that of the
  // row which comes in its place in the next square, each line begun for the one after the next.
  let line = 64 / MemoryLayout<V.Scalar>.stride, areReadFar = fromStep > 8 &* line, areWrittenFar = toStep > 8 &* line
  for r in stride(from: 0, to: rows, by: V.count) {
    let row = padded ? r : max(0, min(r, rows &- V.count)), height = min(V.count, rows &- row)
    for c in stride(from: 0, to: columns, by: V.count) {
      let column = max(0, min(c, columns &- V.count)), width = min(V.count, columns &- column)
      let block = TransposedBlock(
        from: from + (row &* fromStep &+ column), fromStep: fromStep, rows: height, columns: width,
        to: to + (column &* toStep &+ row), toStep: toStep, written: padded ? V.count : height)
      if areReadFar && c % line == 0 {
        for i in 0..<V.count { V.prefetchNear(block.from + (V.count &+ i) &* fromStep) }
      }
      if areWrittenFar && r % line == 0 {
        for i in 0..<width { V.prefetchNear(UnsafePointer(block.to) + (i &* toStep &+ 2 &* line)) }
      }
      if height == V.count && width == V.count {
        V.transposeSquare(block.from, fromStep, block.to, toStep)
        continue
      }
      switch V.count {
      case 16: transpose(InlineArray<16, V>.self, block)
      case 8: transpose(InlineArray<8, V>.self, block)
      case 4: transpose(InlineArray<4, V>.self, block)
      default: transpose(InlineArray<2, V>.self, block)
      }
    }
  }
}

extension Vector {
  /// By rounds of interleaving whole vectors, where one instruction does that.
  @inlinable @inline(__always)
  public static func transposeSquare(
    _ from: UnsafePointer<Scalar>, _ fromStep: Int, _ to: UnsafeMutablePointer<Scalar>, _ toStep: Int
  ) {
    let block = TransposedBlock(
      from: from, fromStep: fromStep, rows: count, columns: count, to: to, toStep: toStep, written: count)
    switch count {
    case 16: transpose(InlineArray<16, Self>.self, block)
    case 8: transpose(InlineArray<8, Self>.self, block)
    case 4: transpose(InlineArray<4, Self>.self, block)
    default: transpose(InlineArray<2, Self>.self, block)
    }
  }
}

@usableFromInline
struct TransposedBlock<T> {
  @usableFromInline let from: UnsafePointer<T>, fromStep: Int, rows: Int, columns: Int
  @usableFromInline let to: UnsafeMutablePointer<T>, toStep: Int
  /// Elements written to each row of `to`.
  @usableFromInline let written: Int

  @inlinable
  init(
    from: UnsafePointer<T>, fromStep: Int, rows: Int, columns: Int, to: UnsafeMutablePointer<T>, toStep: Int, written: Int
  ) {
    (self.from, self.fromStep, self.rows, self.columns) = (from, fromStep, rows, columns)
    (self.to, self.toStep, self.written) = (to, toStep, written)
  }
}

/// A block of at most Lanes x Lanes. log2(Lanes) rounds of interleaving row i with row i + Lanes/2 transpose a square. Each
/// round is a call of its own: a loop around the constant one would keep the rows in memory.
@inlinable @inline(__always)
func transpose<V: Vector, let Lanes: Int>(_: InlineArray<Lanes, V>.Type, _ o: TransposedBlock<V.Scalar>) {
  var v = InlineArray<Lanes, V>(repeating: V.repeating(0))
  if o.rows == Lanes && o.columns == Lanes {
    for i in 0..<Lanes { v[i] = V.load(o.from + i &* o.fromStep) }
  } else {
    for i in 0..<Lanes where i < o.rows { v[i] = load(o.from + i &* o.fromStep, o.columns) }
  }
  v = interleaved(v)
  if Lanes > 2 { v = interleaved(v) }
  if Lanes > 4 { v = interleaved(v) }
  if Lanes > 8 { v = interleaved(v) }
  if o.columns == Lanes && o.written == Lanes {
    for i in 0..<Lanes { V.store(v[i], o.to + i &* o.toStep) }
  } else {
    for i in 0..<Lanes where i < o.columns { store(v[i], o.to + i &* o.toStep, o.written) }
  }
}

@inlinable @inline(__always)
func interleaved<V: Vector, let Lanes: Int>(_ v: InlineArray<Lanes, V>) -> InlineArray<Lanes, V> {
  var w = v
  for i in 0..<Lanes / 2 {
    w[2 &* i] = V.interleavedLow(v[i], v[i &+ Lanes / 2])
    w[2 &* i &+ 1] = V.interleavedHigh(v[i], v[i &+ Lanes / 2])
  }
  return w
}
