// Random numbers in vectors against the generator one block at a time, and its transforms by the C library's functions.
import CNNCore
import Glibc
import Microkernels
import TestSupport
import Testing

@Suite struct RandomTests {
  /// Block and word of a number, as the kernels promise.
  private func word(_ i: Int, _ key: UInt64) -> UInt32 { philox(counter: UInt64(i / 32 * 8 + i % 8), key: key)[i % 32 / 8] }

  private let places = [(chunk: 0, chunks: 1), (chunk: 5, chunks: 3), (chunk: 1 << 40, chunks: 2), (chunk: 3, chunks: 0)]

  @Test(arguments: instructionSets) func uniforms(_ set: InstructionSet) {
    for (chunk, chunks) in places {
      for key: UInt64 in [0, 0xFEDC_BA98_7654_3210] {
        let to = Block<Double>(untouched: chunks * randomChunk)
        set.random().uniforms(key, chunk, chunks, to.data)
        to.expect((0..<to.count).map { fraction(word(chunk * randomChunk + $0, key)) }, "uniform, chunk \(chunk)")
      }
    }
  }

  /// The C library's functions are good to a unit in the last place; the kernel's series, a dozen terms, to a few of 1 or of the
  /// result. Every instruction set gives the same bits.
  @Test func normals() throws {
    for (chunk, chunks) in places + [(chunk: 100, chunks: 300)] {
      let key: UInt64 = 0x0123_4567_89AB_CDEF, count = chunks * randomChunk
      let first = Block<Double>(untouched: count)
      instructionSets[0].random().normals(key, chunk, chunks, first.data)
      let wanted = (0..<count).map { i in
        let (pair, isSecond) = (i / 16 * 16 + i % 8, i % 16 >= 8), start = chunk * randomChunk
        let radius = (-2 * log(fraction(word(start + pair, key)))).squareRoot()
        // The upper bits are the quarter, whose middle is where its number says.
        let w = word(start + pair + 8, key),
          angle = ((Double(w & 0x3FFF_FFFF) + 0.5) / 1_073_741_824 - 0.5 + Double(w >> 30)) * .pi / 2
        let value = radius * (isSecond ? sin(angle) : cos(angle))
        return Expected(value, within: 16 * Double.ulpOfOne * radius)
      }
      first.expect(wanted, "normal, chunk \(chunk)")
      for set in instructionSets {
        let other = Block<Double>(untouched: count)
        set.random().normals(key, chunk, chunks, other.data)
        other.expect((0..<count).map { first.data[$0] }, "normal, chunk \(chunk), \(set.name)")
      }
    }
  }
}
