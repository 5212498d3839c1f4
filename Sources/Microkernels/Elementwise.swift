// Loops over contiguous elements. They are plain on purpose: built with an instruction set's own flags, the compiler makes
// vectors of them as good as ours would be, and memory is the limit.

/// y = x where x > 0 (or x is NaN), else 0; mask = 1 where x <= 0.
@inlinable @inline(__always)
public func reluForward<T: BinaryFloatingPoint>(
  _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ mask: UnsafeMutablePointer<UInt8>?, _ count: Int
) {
  if let mask {
    for i in 0..<count {
      let v = x[i]
      y[i] = v <= 0 ? 0 : v
      mask[i] = v <= 0 ? 1 : 0
    }
  } else {
    for i in 0..<count { y[i] = x[i] <= 0 ? 0 : x[i] }
  }
}

/// y = x * scale where mask == keep, else 0: dropout, and the gradient of relu.
@inlinable @inline(__always)
public func maskedScale<T: BinaryFloatingPoint>(
  _ x: UnsafePointer<T>, _ mask: UnsafePointer<UInt8>, keep: UInt8, scale: T, _ y: UnsafeMutablePointer<T>, _ count: Int
) {
  for i in 0..<count { y[i] = mask[i] == keep ? x[i] * scale : 0 }
}

/// The sum, in a fixed order: four vectors of partial sums, then their lanes.
@inlinable @inline(__always)
public func sum<V: Vector>(_: V.Type, _ x: UnsafePointer<V.Scalar>, _ count: Int) -> V.Scalar {
  reduce(V.self, count) {
    load(x + $0)
  } tail: {
    x[$0]
  }
}

/// The sum of (x - mean) * (z - offset).
@inlinable @inline(__always)
public func sumOfProducts<V: Vector>(
  _: V.Type, _ x: UnsafePointer<V.Scalar>, minus mean: V.Scalar, _ z: UnsafePointer<V.Scalar>, minus offset: V.Scalar,
  _ count: Int
) -> V.Scalar {
  let means = V(repeating: mean), offsets = V(repeating: offset)
  return reduce(V.self, count) {
    let a: V = load(x + $0), b: V = load(z + $0)
    return (a - means) * (b - offsets)
  } tail: {
    (x[$0] - mean) * (z[$0] - offset)
  }
}

@inlinable @inline(__always)
func reduce<V: Vector>(_: V.Type, _ count: Int, _ term: (Int) -> V, tail: (Int) -> V.Scalar) -> V.Scalar {
  let lanes = V.scalarCount
  var s0 = V(repeating: 0), s1 = s0, s2 = s0, s3 = s0
  var i = 0
  while i &+ 4 &* lanes <= count {
    s0 += term(i)
    s1 += term(i &+ lanes)
    s2 += term(i &+ 2 &* lanes)
    s3 += term(i &+ 3 &* lanes)
    i &+= 4 &* lanes
  }
  while i &+ lanes <= count {
    s0 += term(i)
    i &+= lanes
  }
  var total: V.Scalar = 0
  while i < count {
    total += tail(i)
    i &+= 1
  }
  let s = (s0 + s1) + (s2 + s3)
  for lane in 0..<lanes { total += s[lane] }
  return total
}

/// destination += source.
@inlinable @inline(__always)
public func addTo<V: Vector>(
  _: V.Type, _ destination: UnsafeMutablePointer<V.Scalar>, _ source: UnsafePointer<V.Scalar>, _ count: Int
) {
  mapRun(V.self, count) {
    store((load(destination + $0) as V) + (load(source + $0) as V), destination + $0)
  } tail: {
    destination[$0] += source[$0]
  }
}

/// y = x * scale + shift.
@inlinable @inline(__always)
public func scaleShift<V: Vector>(
  _: V.Type, _ x: UnsafePointer<V.Scalar>, scale: V.Scalar, shift: V.Scalar, _ y: UnsafeMutablePointer<V.Scalar>, _ count: Int
) {
  let scales = V(repeating: scale), shifts = V(repeating: shift)
  mapRun(V.self, count) {
    store((load(x + $0) as V) * scales + shifts, y + $0)
  } tail: {
    y[$0] = x[$0] * scale + shift
  }
}

/// Whole vectors, then single elements. Vectors by hand, where y may be x: the compiler's own would first ask whether they
/// overlap, and go element by element.
@inlinable @inline(__always)
func mapRun<V: Vector>(_: V.Type, _ count: Int, _ vector: (Int) -> Void, tail: (Int) -> Void) {
  var i = 0
  while i &+ V.scalarCount <= count {
    vector(i)
    i &+= V.scalarCount
  }
  while i < count {
    tail(i)
    i &+= 1
  }
}

/// y = a * x + b * z + c.
@inlinable @inline(__always)
public func combine<T: BinaryFloatingPoint>(
  _ x: UnsafePointer<T>, a: T, _ z: UnsafePointer<T>, b: T, c: T, _ y: UnsafeMutablePointer<T>, _ count: Int
) {
  for i in 0..<count { y[i] = a * x[i] + b * z[i] + c }
}

/// destination[i*destinationStep] = source[i*sourceStep].
@inlinable @inline(__always)
public func copyStrided<V: Vector>(
  _: V.Type, _ source: UnsafePointer<V.Scalar>, _ sourceStep: Int, _ destination: UnsafeMutablePointer<V.Scalar>,
  _ destinationStep: Int, _ count: Int
) {
  switch (sourceStep, destinationStep) {
  case (1, 1):
    mapRun(V.self, count) {
      store(load(source + $0) as V, destination + $0)
    } tail: {
      destination[$0] = source[$0]
    }
  case (2, 1): for i in 0..<count { destination[i] = source[2 &* i] }
  case (1, 2): for i in 0..<count { destination[2 &* i] = source[i] }
  default: for i in 0..<count { destination[i &* destinationStep] = source[i &* sourceStep] }
  }
}
