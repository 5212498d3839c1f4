// Transposition in vectors: how planes of pixels become rows of channels and back.

/// to[c][r] = from[r][c] for r < rows, c < columns. With padded, each row of `to` is filled with zeros to a whole number of
/// vectors.
@inlinable @inline(never)
public func transpose<V: Vector>(
  _: V.Type, _ from: UnsafePointer<V.Scalar>, _ fromStep: Int, rows: Int, columns: Int, _ to: UnsafeMutablePointer<V.Scalar>,
  _ toStep: Int, padded: Bool
) {
  var r = 0
  while r < rows {
    let height = min(V.count, rows &- r)
    var c = 0
    while c < columns {
      let block = TransposedBlock(
        from: from + (r &* fromStep &+ c), fromStep: fromStep, rows: height, columns: min(V.count, columns &- c),
        to: to + (c &* toStep &+ r), toStep: toStep, written: padded ? V.count : height)
      switch V.count {
      case 16: transpose(InlineArray<16, V>.self, block)
      case 8: transpose(InlineArray<8, V>.self, block)
      case 4: transpose(InlineArray<4, V>.self, block)
      default: transpose(InlineArray<2, V>.self, block)
      }
      c &+= V.count
    }
    r &+= V.count
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
