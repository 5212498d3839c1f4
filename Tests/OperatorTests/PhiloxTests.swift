// The generator against its authors' known answers (Random123, kat_vectors: philox4x32 with 10 rounds).
import CNNCore
import Testing

@Suite struct PhiloxTests {
  @Test func knownAnswerOfZeros() {
    #expect(philox(counter: 0, key: 0) == SIMD4(0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8))
  }
}

@Suite struct ShapeTests {
  @Test func overflowAndNegativeExtentsAreErrorsThatNameTheArgument() {
    for extents in [[-1, 2], [Int.max, 2], [1 << 40, 1 << 40]] {
      #expect {
        try Shape("weight", rank: extents.count) { extents[$0] }
      } throws: { ($0 as? CNNError)?.message.hasPrefix("weight:") == true }
    }
  }
}

@Suite struct ParallelTests {
  @Test func everyTaskRunsOnceForAnyNumberOfThreads() throws {
    for threads in [1, 2, 5, 8] {
      try Threads.set(threads)
      for count in [0, 1, 7, 1000] {
        let width = try parallelWidth(count)
        var seen = [Int](repeating: 0, count: count)
        seen.withUnsafeMutableBufferPointer { seen in
          nonisolated(unsafe) let seen = seen
          parallel(count, width: width) { i, worker in
            #expect(worker < width)
            seen[i] += 1
          }
        }
        #expect(seen.allSatisfy { $0 == 1 })
      }
    }
    try Threads.set(0)
  }
}
