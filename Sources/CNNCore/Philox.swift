// The one random generator: Philox 4x32-10 (Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3"). A number is a
// function of its place and the seed, so the same for every language, machine and number of threads.
import Microkernels

/// Four random words for a place.
package func philox(counter: UInt64, key: UInt64) -> SIMD4<UInt32> {
  var (c0, c1) = (UInt32(truncatingIfNeeded: counter), UInt32(truncatingIfNeeded: counter >> 32))
  var (c2, c3): (UInt32, UInt32) = (0, 0)
  var (k0, k1) = (UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32))
  for _ in 0..<10 {
    let (a, b) = (c0.multipliedFullWidth(by: 0xD251_1F53), c2.multipliedFullWidth(by: 0xCD9E_8D57))
    (c0, c1, c2, c3) = (b.high ^ c1 ^ k0, b.low, a.high ^ c3 ^ k1, a.low)
    k0 &+= 0x9E37_79B9
    k1 &+= 0xBB67_AE85
  }
  return SIMD4(c0, c1, c2, c3)
}

/// A random word as a number above 0 and below 1.
package func fraction(_ word: UInt32) -> Double { (Double(word) + 0.5) / 4_294_967_296 }

/// What numbers are made of words: evenly between 0 and 1, or normal.
package enum Distribution: Sendable { case uniform, normal }

/// Calls body(first, numbers, count) for all of `count` numbers of the key, by 4096 of them, on all threads. A number is a function
/// of its place and the key.
package func forEachRandom(
  _ count: Int, _ distribution: Distribution, key: UInt64,
  _ body: (_ first: Int, _ numbers: UnsafePointer<Double>, _ count: Int) -> Void
) throws(CNNError) {
  let piece = 4096, pieces = (count &+ piece &- 1) / piece
  let width = try parallelWidth(pieces, .elements(count, 8)), scratch = try Scratch<Double>(piece &* width)
  let (room, table) = (scratch.data, randomTable)
  parallel(pieces, width: width) { i, worker in
    let here = min(piece, count &- i &* piece), numbers = room + worker &* piece
    let chunk = i &* (piece / randomChunk), chunks = (here &+ randomChunk &- 1) / randomChunk
    switch distribution {
    case .uniform: table.uniforms(key, chunk, chunks, numbers)
    case .normal: table.normals(key, chunk, chunks, numbers)
    }
    body(i &* piece, UnsafePointer(numbers), here)
  }
}
private let randomTable = InstructionSet.chosen.random()

/// What random numbers are for: each purpose draws from a generator of its own, so that one more parameter, say, does not change
/// the order of the images.
package enum RandomStream: UInt64, Sendable {
  case parameters = 1, order, operators, augmentations

  /// The key of number `number` of this purpose.
  package func key(_ seed: UInt64, _ number: Int) -> UInt64 {
    let words = philox(counter: UInt64(truncatingIfNeeded: number), key: seed &+ rawValue &* 0x9E37_79B9_7F4A_7C15)
    return UInt64(words[0]) << 32 | UInt64(words[1])
  }
}
