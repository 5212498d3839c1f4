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
  switch V.scalarCount {
  case 16: transposeSquare((InlineArray<16, V>).self, from, fromStep, rows, columns, to, toStep, written, roomy, rounds: 4)
  case 8: transposeSquare((InlineArray<8, V>).self, from, fromStep, rows, columns, to, toStep, written, roomy, rounds: 3)
  case 4: transposeSquare((InlineArray<4, V>).self, from, fromStep, rows, columns, to, toStep, written, roomy, rounds: 2)
  default: transposeSquare((InlineArray<2, V>).self, from, fromStep, rows, columns, to, toStep, written, roomy, rounds: 1)
  }
}

@inlinable @inline(__always)
func transposeSquare<V: Vector, let Lanes: Int>(
  _: (InlineArray<Lanes, V>).Type, _ from: UnsafePointer<V.Scalar>, _ fromStep: Int, _ rows: Int, _ columns: Int,
  _ to: UnsafeMutablePointer<V.Scalar>, _ toStep: Int, _ written: Int, _ roomy: Bool, rounds: Int
) {
  var v = InlineArray<Lanes, V>(repeating: V(repeating: 0))
  if columns == Lanes && rows == Lanes {
    for i in 0..<Lanes { v[i] = load(from + i &* fromStep) }
  } else if columns == Lanes || roomy {
    for i in 0..<Lanes where i < rows { v[i] = load(from + i &* fromStep) }
  } else {
    for i in 0..<Lanes where i < rows { v[i] = loadPartial(from + i &* fromStep, columns, fill: 0) }
  }
  for _ in 0..<rounds {
    var w = v
    for i in 0..<Lanes / 2 {
      let (low, high) = V.interleave(v[i], v[i &+ Lanes / 2])
      w[2 &* i] = low
      w[2 &* i &+ 1] = high
    }
    v = w
  }
  if columns == Lanes && written == Lanes {
    for i in 0..<Lanes { store(v[i], to + i &* toStep) }
  } else if written == Lanes {
    for i in 0..<Lanes where i < columns { store(v[i], to + i &* toStep) }
  } else {
    for i in 0..<Lanes where i < columns { storePartial(v[i], to + i &* toStep, written) }
  }
}
