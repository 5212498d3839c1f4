// Conversions between the layouts, against what defines the blocked one.
import CNNCore
import CNNOperators
import TestSupport
import Testing

@Suite struct BlockedConversionTests {
  @Test func blockedArraysAreAsDefinedAndBack() throws {
    try check(Float.self)
    try check(Double.self)
  }

  private func check<T: Element>(_: T.Type) throws {
    let B = BlockedArray<T>.lanes
    var dice = Dice(seed: 3)
    for C in [1, 2, B - 1, B, B + 1, 2 * B, 3 * B - 2] {
      for (halo, isPixel) in [(0, false), (1, false), (3, false), (0, true), (1, true)] {
        let (N, H, W) = (dice(1...3), isPixel ? 1 : dice(1...9), isPixel ? 1 : dice(1...37))
        let x = try Tensor<T>(N, C, H, W) { numbers($0) }, y = try Tensor<T>(N, C, H, W)
        let count = try ArrayLayout.blocked(halo: halo).count(x.shape, of: T.self)
        let memory = Block<T>(untouched: count), array = try BlockedArray(x.shape, halo: halo, memory.data)
        try array.fill(x.input.data)
        var wanted: [T] = []
        for n in 0..<N {
          for block in 0..<(C + B - 1) / B {
            for h in -halo..<H + halo {
              for w in -halo..<W + halo {
                for lane in 0..<B {
                  let c = block * B + lane, isInside = c < C && h >= 0 && h < H && w >= 0 && w < W
                  wanted.append(isInside ? x.data[((n * C + c) * H + h) * W + w] : 0)
                }
              }
            }
          }
        }
        memory.expect(wanted, "[\(N), \(C), \(H), \(W)], halo \(halo)")
        try array.drain(y.data)
        y.block.expect((0..<x.shape.count).map { x.data[$0] }, "[\(N), \(C), \(H), \(W)] from halo \(halo)")
      }
    }
  }

  @Test func whatCannotBeBlockedIsAnError() throws {
    #expect(throws: CNNError.self) { try ArrayLayout.blocked(halo: 0).count(Shape("x", 2, 3), of: Float.self) }
    #expect(throws: CNNError.self) {
      try ArrayLayout.blocked(halo: 1 << 19).count(Shape("x", 1 << 20, 1, 1, 1), of: Float.self)
    }
  }
}
