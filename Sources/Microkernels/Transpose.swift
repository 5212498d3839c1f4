// Transposition in vectors: how planes of pixels become rows of channels and back.

/// to[c][r] = from[r][c] for r < rows, c < columns. With padded, each row of `to` is filled with zeros to a whole number of
/// vectors; with roomy, rows of `from` may be read to the end of their last vector.
@inlinable @inline(__always)
public func transpose<V: Vector>(
  _: V.Type, _ from: UnsafePointer<V.Scalar>, _ fromStep: Int, rows: Int, columns: Int, _ to: UnsafeMutablePointer<V.Scalar>,
  _ toStep: Int, padded: Bool, roomy: Bool
) {
  let lanes = V.scalarCount
  var r = 0
  while r < rows {
    let height = min(lanes, rows &- r)
    var c = 0
    while c < columns {
      transposeBlock(
        V.self, from + (r &* fromStep &+ c), fromStep, height, min(lanes, columns &- c), to + (c &* toStep &+ r), toStep,
        padded ? lanes : height, roomy)
      c &+= lanes
    }
    r &+= lanes
  }
}

/// One block of at most lanes x lanes. log2(lanes) rounds of interleaving row i with row i + lanes/2 transpose a square.
@inlinable @inline(__always)
func transposeBlock<V: Vector>(
  _: V.Type, _ from: UnsafePointer<V.Scalar>, _ fromStep: Int, _ rows: Int, _ columns: Int,
  _ to: UnsafeMutablePointer<V.Scalar>, _ toStep: Int, _ written: Int, _ roomy: Bool
) {
  let partial = columns < V.scalarCount && !roomy
  let whole = rows >= V.scalarCount && !partial
  let row = { (i: Int) -> V in
    i >= rows ? V(repeating: 0) : partial ? loadPartial(from + i &* fromStep, columns, fill: 0) : load(from + i &* fromStep)
  }
  switch V.scalarCount {
  case 16:
    let v = whole ? InlineArray<16, V> { load(from + $0 &* fromStep) } : InlineArray<16, V> { row($0) }
    write(interleaved(interleaved(interleaved(interleaved(v)))), columns, to, toStep, written)
  case 8:
    let v = whole ? InlineArray<8, V> { load(from + $0 &* fromStep) } : InlineArray<8, V> { row($0) }
    write(interleaved(interleaved(interleaved(v))), columns, to, toStep, written)
  case 4:
    let v = whole ? InlineArray<4, V> { load(from + $0 &* fromStep) } : InlineArray<4, V> { row($0) }
    write(interleaved(interleaved(v)), columns, to, toStep, written)
  default:
    let v = InlineArray<2, V> { row($0) }
    write(interleaved(v), columns, to, toStep, written)
  }
}

/// One round. Each is a call of its own: a loop around the constant one would keep the rows in memory.
@inlinable @inline(__always)
func interleaved<V: Vector, let Lanes: Int>(_ v: InlineArray<Lanes, V>) -> InlineArray<Lanes, V> {
  var w = v
  for i in 0..<Lanes / 2 {
    let (low, high) = V.interleave(v[i], v[i &+ Lanes / 2])
    w[2 &* i] = low
    w[2 &* i &+ 1] = high
  }
  return w
}

@inlinable @inline(__always)
func write<V: Vector, let Lanes: Int>(
  _ v: InlineArray<Lanes, V>, _ columns: Int, _ to: UnsafeMutablePointer<V.Scalar>, _ toStep: Int, _ written: Int
) {
  if columns >= Lanes && written == Lanes {
    for i in 0..<Lanes { store(v[i], to + i &* toStep) }
  } else if written == Lanes {
    for i in 0..<Lanes where i < columns { store(v[i], to + i &* toStep) }
  } else {
    for i in 0..<Lanes where i < columns { storePartial(v[i], to + i &* toStep, written) }
  }
}
