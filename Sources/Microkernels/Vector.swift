// What every template needs of a vector: moves to and from any address, arithmetic, comparisons, interleaving. The types and
// their operations come from C (see vectors.h), where one name is one instruction.
public import CPlatform

/// A vector of `count` numbers, and what its instruction set can do with it.
public protocol Vector: SendableMetatype {
  associatedtype Scalar: BinaryFloatingPoint & SIMDScalar & SendableMetatype
  /// As many integers of the same size; a comparison gives -1 for true and 0 for false.
  associatedtype Integers
  static var count: Int { get }

  static func repeating(_ x: Scalar) -> Self
  static func load(_ p: UnsafePointer<Scalar>) -> Self
  static func store(_ v: Self, _ p: UnsafeMutablePointer<Scalar>)
  /// The first n lanes, n <= count, and no memory behind them; the others become 0.
  static func load(_ p: UnsafePointer<Scalar>, first n: Int) -> Self
  static func store(_ v: Self, _ p: UnsafeMutablePointer<Scalar>, first n: Int)
  /// The lanes where the condition is true, and no other memory; the others become 0.
  static func load(_ p: UnsafePointer<Scalar>, where condition: Integers) -> Self
  /// Asks for what lies there to be brought into the second cache; any address will do.
  static func prefetch(_ p: UnsafePointer<Scalar>)
  /// The same into the first.
  static func prefetchNear(_ p: UnsafePointer<Scalar>)
  static func lane(_ v: Self, _ i: Int) -> Scalar

  static func plus(_ a: Self, _ b: Self) -> Self
  static func minus(_ a: Self, _ b: Self) -> Self
  static func times(_ a: Self, _ b: Self) -> Self
  static func over(_ a: Self, _ b: Self) -> Self
  /// a*b + c, in one rounding where the instruction set has it.
  static func multiplyAdd(_ a: Self, _ b: Self, _ c: Self) -> Self
  static func squareRoot(_ a: Self) -> Self

  static func isLess(_ a: Self, _ b: Self) -> Integers
  static func isLessOrEqual(_ a: Self, _ b: Self) -> Integers
  static func isNaN(_ a: Self) -> Integers
  static func and(_ a: Integers, _ b: Integers) -> Integers
  static func or(_ a: Integers, _ b: Integers) -> Integers
  static func not(_ a: Integers) -> Integers
  /// v, but NaN where the condition is true.
  static func nan(where condition: Integers, else v: Self) -> Self
  static func select(_ condition: Integers, _ a: Self, _ b: Self) -> Self
  static func select(_ condition: Integers, _ a: Integers, _ b: Integers) -> Integers

  static func integers(_ x: Int32) -> Integers
  /// True in lanes low to high - 1.
  static func lanes(_ low: Int, _ high: Int) -> Integers
  static func isEqual(_ a: Integers, _ b: Integers) -> Integers
  static func loadInt32(_ p: UnsafePointer<Int32>, first n: Int) -> Integers
  static func loadInt32(_ p: UnsafePointer<Int32>, where condition: Integers) -> Integers
  static func storeInt32(_ v: Integers, _ p: UnsafeMutablePointer<Int32>, first n: Int)
  static func storeBytes(_ v: Integers, _ p: UnsafeMutablePointer<UInt8>, first n: Int)
  static func areBytes(_ p: UnsafePointer<UInt8>, _ wanted: UInt8, first n: Int) -> Integers
  /// 2^n of a number n + 1.5 * 2^mantissa, whose last bits are the integer n.
  static func powerOfTwo(_ shifted: Self) -> Self

  /// (a0 b0 a1 b1 …) of the lower, and of the upper halves.
  static func interleavedLow(_ a: Self, _ b: Self) -> Self
  static func interleavedHigh(_ a: Self, _ b: Self) -> Self
  /// to[c*toStep + r] = from[r*fromStep + c] of as many rows and columns as there are lanes.
  static func transposeSquare(
    _ from: UnsafePointer<Scalar>, _ fromStep: Int, _ to: UnsafeMutablePointer<Scalar>, _ toStep: Int)

  /// (v0 v2 …) and (v1 v3 …) of v = a, b.
  static func even(_ a: Self, _ b: Self) -> Self
  static func odd(_ a: Self, _ b: Self) -> Self
}

extension F32x16: Vector {
  public typealias Scalar = Float
  @inlinable public static var count: Int { 16 }
}
extension F32x8: Vector {
  public typealias Scalar = Float
  @inlinable public static var count: Int { 8 }
}
extension F32x4: Vector {
  public typealias Scalar = Float
  @inlinable public static var count: Int { 4 }
}
extension F64x8: Vector {
  public typealias Scalar = Double
  @inlinable public static var count: Int { 8 }
}
extension F64x4: Vector {
  public typealias Scalar = Double
  @inlinable public static var count: Int { 4 }
}
extension F64x2: Vector {
  public typealias Scalar = Double
  @inlinable public static var count: Int { 2 }
}

extension Vector {
  @inlinable @inline(__always) static func + (a: Self, b: Self) -> Self { .plus(a, b) }
  @inlinable @inline(__always) static func - (a: Self, b: Self) -> Self { .minus(a, b) }
  @inlinable @inline(__always) static func * (a: Self, b: Self) -> Self { .times(a, b) }
  @inlinable @inline(__always) static func / (a: Self, b: Self) -> Self { .over(a, b) }
}

/// Calls body(start, lanes) for whole vectors, then for the rest.
@inlinable @inline(__always)
func forEachVector<V: Vector>(_: V.Type, _ count: Int, _ body: (_ i: Int, _ n: Int) -> Void) {
  var i = 0
  while i &+ V.count <= count {
    body(i, V.count)
    i &+= V.count
  }
  if i < count { body(i, count &- i) }
}

/// Calls body(start, lanes) for whole vectors, of which the last does some elements again where they are no multiple: what takes as long as
/// another vector, and less than a part of one. Of less than a vector it is the part.
@inlinable @inline(__always)
func forEachWholeVector<V: Vector>(_: V.Type, _ count: Int, _ body: (_ i: Int, _ n: Int) -> Void) {
  if count < V.count {
    if count > 0 { body(0, count) }
    return
  }
  var i = 0
  repeat {
    body(min(i, count &- V.count), V.count)
    i &+= V.count
  } while i < count
}

/// A move of n lanes: the whole vector where n is known to be its count.
@inlinable @inline(__always)
func load<V: Vector>(_ p: UnsafePointer<V.Scalar>, _ n: Int, _: V.Type = V.self) -> V {
  n == V.count ? V.load(p) : V.load(p, first: n)
}
@inlinable @inline(__always)
func store<V: Vector>(_ v: V, _ p: UnsafeMutablePointer<V.Scalar>, _ n: Int) {
  if n == V.count { V.store(v, p) } else { V.store(v, p, first: n) }
}
