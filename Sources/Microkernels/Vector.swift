// What every template needs of a vector type: loads and stores at any address, multiply-add as the instruction set has it,
// and the interleaving that a transposition is made of.

/// A vector that can be interleaved: SIMD2 to SIMD16.
public protocol Vector: SIMD, SendableMetatype where Scalar: BinaryFloatingPoint & SIMDScalar {
  /// (a0 b0 a1 b1 …) of the lower, then of the upper halves.
  static func interleave(_ a: Self, _ b: Self) -> (Self, Self)
}

extension SIMD2: Vector where Scalar: BinaryFloatingPoint & SIMDScalar {
  @inlinable @inline(__always) public static func interleave(_ a: Self, _ b: Self) -> (Self, Self) {
    (Self(a[0], b[0]), Self(a[1], b[1]))
  }
}
extension SIMD4: Vector where Scalar: BinaryFloatingPoint & SIMDScalar {
  @inlinable @inline(__always) public static func interleave(_ a: Self, _ b: Self) -> (Self, Self) {
    var low = a, high = a
    low.evenHalf = a.lowHalf
    low.oddHalf = b.lowHalf
    high.evenHalf = a.highHalf
    high.oddHalf = b.highHalf
    return (low, high)
  }
}
extension SIMD8: Vector where Scalar: BinaryFloatingPoint & SIMDScalar {
  @inlinable @inline(__always) public static func interleave(_ a: Self, _ b: Self) -> (Self, Self) {
    var low = a, high = a
    low.evenHalf = a.lowHalf
    low.oddHalf = b.lowHalf
    high.evenHalf = a.highHalf
    high.oddHalf = b.highHalf
    return (low, high)
  }
}
extension SIMD16: Vector where Scalar: BinaryFloatingPoint & SIMDScalar {
  @inlinable @inline(__always) public static func interleave(_ a: Self, _ b: Self) -> (Self, Self) {
    var low = a, high = a
    low.evenHalf = a.lowHalf
    low.oddHalf = b.lowHalf
    high.evenHalf = a.highHalf
    high.oddHalf = b.highHalf
    return (low, high)
  }
}

/// a*b + c, in one rounding where the instruction set has it. Where it has not, `addProduct` would be a library call a lane.
public protocol MultiplyAdd: SendableMetatype {
  static func add<V: Vector>(_ c: inout V, _ a: V, _ b: V)
}
public enum Fused: MultiplyAdd {
  @inlinable @inline(__always) public static func add<V: Vector>(_ c: inout V, _ a: V, _ b: V) { c.addProduct(a, b) }
}
public enum Separate: MultiplyAdd {
  @inlinable @inline(__always) public static func add<V: Vector>(_ c: inout V, _ a: V, _ b: V) { c += a * b }
}

@inlinable @inline(__always)
public func load<V: Vector>(_ p: UnsafePointer<V.Scalar>, _: V.Type = V.self) -> V {
  UnsafeRawPointer(p).loadUnaligned(as: V.self)
}
@inlinable @inline(__always)
public func load<V: Vector>(_ p: UnsafeMutablePointer<V.Scalar>, _: V.Type = V.self) -> V {
  UnsafeRawPointer(p).loadUnaligned(as: V.self)
}
@inlinable @inline(__always)
public func store<V: Vector>(_ v: V, _ p: UnsafeMutablePointer<V.Scalar>) {
  UnsafeMutableRawPointer(p).storeBytes(of: v, as: V.self)
}
