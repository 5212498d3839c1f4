// Random numbers in vectors: Philox 4x32-10 (Salmon et al. 2011), and what is made of its words. Only operations that every
// instruction set rounds alike, none of them fused, so that the numbers have the same bits everywhere.
public import CPlatform

/// A vector of float64 whose integers are also words of 32 bits in 64, for a generator, and the bits of its numbers.
public protocol WordVector: Vector where Scalar == Double {
  static func words(_ x: UInt64) -> Integers
  /// 0, 1, 2 …
  static func laneNumbers() -> Integers
  static func sum(_ a: Integers, _ b: Integers) -> Integers
  /// Of the lower 32 bits of each.
  static func product(_ a: Integers, _ b: Integers) -> Integers
  static func exclusiveOr(_ a: Integers, _ b: Integers) -> Integers
  static func shiftedRight(_ a: Integers, by bits: UInt64) -> Integers
  static func bits(_ x: Self) -> Integers
  static func number(bits: Integers) -> Self
}
extension F64x8: WordVector {}
extension F64x4: WordVector {}
extension F64x2: WordVector {}

/// Numbers are made by 32: number i is of word i % 32 / 8 of the generator's block i / 32 * 8 + i % 8. So vectors of 2, 4 and 8
/// blocks store each word where it belongs.
@inlinable @inline(__always)
public var randomChunk: Int { 32 }

/// The chunks from `chunk` on; `transform` makes numbers of a block's four words.
@inlinable @inline(__always)
func fillChunks<V: WordVector>(
  _: V.Type, key: UInt64, chunk: Int, chunks: Int, to: UnsafeMutablePointer<Double>,
  _ transform: (_ w0: V.Integers, _ w1: V.Integers, _ w2: V.Integers, _ w3: V.Integers) -> (V, V, V, V)
) {
  let first = UInt64(truncatingIfNeeded: chunk) &* 8
  for i in 0..<chunks &* (8 / V.count) {
    let block = i &* V.count, place = block / 8 &* 32 &+ block % 8
    let words = philox(V.self, counter: V.sum(V.words(first &+ UInt64(truncatingIfNeeded: block)), V.laneNumbers()), key: key)
    let numbers = transform(words.0, words.1, words.2, words.3)
    V.store(numbers.0, to + place)
    V.store(numbers.1, to + (place &+ 8))
    V.store(numbers.2, to + (place &+ 16))
    V.store(numbers.3, to + (place &+ 24))
  }
}

/// Four random words for each counter, in the lower halves.
@inlinable @inline(__always)
func philox<V: WordVector>(
  _: V.Type, counter: V.Integers, key: UInt64
) -> (V.Integers, V.Integers, V.Integers, V.Integers) {
  let m0 = V.words(0xD251_1F53), m1 = V.words(0xCD9E_8D57), low = V.words(0xFFFF_FFFF), zero = V.words(0)
  var (c0, c1, c2, c3) = (counter, V.shiftedRight(counter, by: 32), zero, zero)
  var k0 = key & 0xFFFF_FFFF, k1 = key >> 32
  for _ in 0..<10 {
    // What stands in the upper halves of c1 and c3 goes no further than the next products, which do not look at it.
    let a = V.product(c0, m0), b = V.product(c2, m1)
    c0 = V.exclusiveOr(V.exclusiveOr(V.shiftedRight(b, by: 32), c1), V.words(k0))
    c2 = V.exclusiveOr(V.exclusiveOr(V.shiftedRight(a, by: 32), c3), V.words(k1))
    (c1, c3) = (b, a)
    k0 = (k0 &+ 0x9E37_79B9) & 0xFFFF_FFFF
    k1 = (k1 &+ 0xBB67_AE85) & 0xFFFF_FFFF
  }
  return (V.and(c0, low), V.and(c1, low), V.and(c2, low), V.and(c3, low))
}

/// An integer below 2^52 as a number: the mantissa of one from 2^52 on.
@inlinable @inline(__always)
func number<V: WordVector>(_ x: V.Integers, _: V.Type = V.self) -> V {
  V.number(bits: V.or(x, V.words(0x4330_0000_0000_0000))) - V.repeating(4_503_599_627_370_496)
}

/// The logarithm of (w + 1/2) / 2^32: that of its mantissa m, from sqrt(1/2) to sqrt(2), is 2 artanh((m - 1) / (m + 1)), whose
/// series to the 21st power is 2e-17 of it short.
@inlinable @inline(__always)
func logarithmOfFraction<V: WordVector>(_ w: V.Integers, _: V.Type = V.self) -> V {
  let one = V.repeating(1), bits = V.bits(number(w) + V.repeating(0.5))
  let whole = V.number(bits: V.or(V.and(bits, V.words(0x000F_FFFF_FFFF_FFFF)), V.words(0x3FF0_0000_0000_0000)))
  let isLarge = V.isLess(V.repeating(1.4142135623730951), whole)
  let m = V.select(isLarge, whole * V.repeating(0.5), whole)
  let exponent: V = number(V.shiftedRight(bits, by: 52)) - V.select(isLarge, V.repeating(1054), V.repeating(1055))
  let s = (m - one) / (m + one)
  let z = s * s
  var k = 21.0, series = V.repeating(1 / k)
  while k > 1 {
    k -= 2
    series = series * z + V.repeating(1 / k)
  }
  return (s + s) * series + exponent * V.repeating(0.6931471805599453)
}

/// 1 - z / (k (k - 1)) * (1 - z / ((k + 2) (k + 1)) * (…)): the series of cosine from 2, and of sine, but for a factor, from 3.
@inlinable @inline(__always)
func alternating<V: WordVector>(_ z: V, from first: Double, to last: Double) -> V {
  let one = V.repeating(1)
  var k = last, series = one
  while k >= first {
    series = one - series * (z * V.repeating(1 / (k * (k - 1))))
    k -= 2
  }
  return series
}

/// Cosine and sine of an angle from all around that w says: its upper two bits the quarter, the others where in it, so that the
/// series, of π/4 at most, are short: to the 17th and 18th power they are 1e-18 short.
@inlinable @inline(__always)
func cosineAndSine<V: WordVector>(_ w: V.Integers, _: V.Type = V.self) -> (V, V) {
  let place: V = (number(V.and(w, V.words(0x3FFF_FFFF))) + V.repeating(0.5)) * V.repeating(1 / 1_073_741_824) - V.repeating(0.5)
  let x = place * V.repeating(1.5707963267948966), z = x * x
  let sine = x * alternating(z, from: 3, to: 17), cosine = alternating(z, from: 2, to: 18)
  let quarter = V.shiftedRight(w, by: 30), one = V.words(1), zero = V.repeating(0)
  let isOdd = V.isEqual(V.and(quarter, one), one), isBehind = V.isEqual(V.shiftedRight(quarter, by: 1), one)
  let c = V.select(isOdd, zero - sine, cosine), s = V.select(isOdd, cosine, sine)
  return (V.select(isBehind, zero - c, c), V.select(isBehind, zero - s, s))
}

/// Numbers above 0 and below 1, evenly: (w + 1/2) / 2^32.
@inlinable @inline(never)
public func uniforms<V: WordVector>(_: V.Type, key: UInt64, chunk: Int, chunks: Int, to: UnsafeMutablePointer<Double>) {
  let half = V.repeating(0.5), scale = V.repeating(1 / 4_294_967_296)
  fillChunks(V.self, key: key, chunk: chunk, chunks: chunks, to: to) { w0, w1, w2, w3 in
    ((number(w0) + half) * scale, (number(w1) + half) * scale, (number(w2) + half) * scale, (number(w3) + half) * scale)
  }
}

/// Normal numbers (Box and Muller): words 0 and 1 are a radius and an angle, and so are 2 and 3.
@inlinable @inline(never)
public func normals<V: WordVector>(_: V.Type, key: UInt64, chunk: Int, chunks: Int, to: UnsafeMutablePointer<Double>) {
  let minusTwo = V.repeating(-2)
  fillChunks(V.self, key: key, chunk: chunk, chunks: chunks, to: to) { w0, w1, w2, w3 in
    let r0 = V.squareRoot(minusTwo * logarithmOfFraction(w0)), r1 = V.squareRoot(minusTwo * logarithmOfFraction(w2))
    let (c0, s0): (V, V) = cosineAndSine(w1), (c1, s1): (V, V) = cosineAndSine(w3)
    return (r0 * c0, r0 * s0, r1 * c1, r1 * s1)
  }
}

/// What the engine sees of it: both fill so many chunks, from number `chunk` on.
public final class RandomTable: Sendable {
  public typealias Fill = @Sendable (_ key: UInt64, _ chunk: Int, _ chunks: Int, _ to: UnsafeMutablePointer<Double>) -> Void
  public let uniforms: Fill, normals: Fill

  @usableFromInline
  init(uniforms: @escaping Fill, normals: @escaping Fill) { (self.uniforms, self.normals) = (uniforms, normals) }
}
extension RandomTable {
  /// Marked and made as KernelTable's is.
  @inlinable @inline(__always)
  public convenience init<V: WordVector>(_: V.Type) {
    self.init(
      uniforms: { Microkernels.uniforms(V.self, key: $0, chunk: $1, chunks: $2, to: $3) },
      normals: { Microkernels.normals(V.self, key: $0, chunk: $1, chunks: $2, to: $3) })
  }
}
