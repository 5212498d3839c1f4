// Pooling over a plane whose windows were made contiguous: y[i] is taken over source[offsets[t] + i] for all taps t. All work
// in whole vectors: there must be room for one behind the last element of each array.

/// y[i] = the largest tap, positions[i] = which; the first of equals, and the first NaN. Plain loops, tap by tap: comparisons
/// of generic vectors go lane by lane, while the compiler makes masked vectors of these.
@inlinable @inline(__always)
public func maxTaps<T: BinaryFloatingPoint>(
  _ source: UnsafePointer<T>, _ offsets: UnsafePointer<Int>, _ taps: Int, _ count: Int, _ y: UnsafeMutablePointer<T>,
  _ positions: UnsafeMutablePointer<Int32>?
) {
  let first = source + offsets[0]
  for i in 0..<count { y[i] = first[i] }
  if let positions { for i in 0..<count { positions[i] = 0 } }
  for t in 1..<max(taps, 1) {
    let tap = source + offsets[t], place = Int32(truncatingIfNeeded: t)
    if let positions {
      for i in 0..<count {
        let v = tap[i], best = y[i]
        let wins = !(v <= best) && best == best
        y[i] = wins ? v : best
        positions[i] = wins ? place : positions[i]
      }
    } else {
      for i in 0..<count {
        let v = tap[i], best = y[i]
        y[i] = !(v <= best) && best == best ? v : best
      }
    }
  }
}

/// y[i] = the sum of the taps, in their order.
@inlinable @inline(__always)
public func sumTaps<V: Vector>(
  _: V.Type, _ source: UnsafePointer<V.Scalar>, _ offsets: UnsafePointer<Int>, _ taps: Int, _ count: Int,
  _ y: UnsafeMutablePointer<V.Scalar>
) {
  var i = 0
  while i < count {
    var total: V = V(repeating: 0)
    for t in 0..<taps { total += load(source + (offsets[t] &+ i)) as V }
    store(total, y + i)
    i &+= V.scalarCount
  }
}

/// destination[offsets[m] + i] += source[m][i] for m < rows, i < count: a tile of columns goes back to its pixels.
@inlinable @inline(__always)
public func scatterRows<V: Vector>(
  _: V.Type, _ source: UnsafePointer<V.Scalar>, _ sourceStep: Int, _ destination: UnsafeMutablePointer<V.Scalar>,
  _ offsets: UnsafePointer<Int>, _ rows: Int, _ count: Int
) {
  let lanes = V.scalarCount
  for m in 0..<rows {
    let from = source + m &* sourceStep, to = destination + offsets[m]
    var i = 0
    while i &+ lanes <= count {
      store((load(from + i) as V) + (load(to + i) as V), to + i)
      i &+= lanes
    }
    while i < count {
      to[i] += from[i]
      i &+= 1
    }
  }
}
