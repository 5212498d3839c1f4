// Pooling over a plane whose windows were made contiguous: y[i] is taken over source[offsets[t] + i] for all taps t.

/// y[i] = the largest tap, positions[i] = which; the first of equals, and the first NaN.
@inlinable @inline(__always)
public func maxTaps<V: Vector>(
  _: V.Type, _ source: UnsafePointer<V.Scalar>, _ offsets: UnsafePointer<Int>, _ taps: Int, _ count: Int,
  _ y: UnsafeMutablePointer<V.Scalar>, _ positions: UnsafeMutablePointer<Int32>?
) {
  let lanes = V.scalarCount
  var i = 0
  while i < count {
    let left = count &- i
    var best: V = loadPartial(source + (offsets[0] &+ i), left, fill: 0)
    var position = V.MaskStorage(repeating: 0)
    for t in 1..<max(taps, 1) {
      let v: V = loadPartial(source + (offsets[t] &+ i), left, fill: 0)
      let wins = (v .> best) .| ((v .!= v) .& (best .== best))
      best.replace(with: v, where: wins)
      position.replace(
        with: V.MaskStorage(repeating: V.MaskStorage.Scalar(truncatingIfNeeded: t)),
        where: unsafeBitCast(wins, to: SIMDMask<V.MaskStorage.MaskStorage>.self))
    }
    storePartial(best, y + i, left)
    if let positions {
      let destination = positions + i
      if left >= lanes {
        for lane in 0..<lanes { destination[lane] = Int32(truncatingIfNeeded: position[lane]) }
      } else {
        for lane in 0..<left { destination[lane] = Int32(truncatingIfNeeded: position[lane]) }
      }
    }
    i &+= lanes
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
    let left = count &- i
    var total: V = V(repeating: 0)
    for t in 0..<taps { total += loadPartial(source + (offsets[t] &+ i), left, fill: 0) as V }
    storePartial(total, y + i, left)
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
