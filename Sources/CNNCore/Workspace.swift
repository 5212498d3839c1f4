// Scratch memory. Blocks are kept between calls, a few and the largest, so that a steady step allocates nothing and memory
// stays flat; they are lent to one user at a time.
import CPlatform

package enum Workspace {
  private static let kept = 64
  private struct Block {
    var memory: UnsafeMutableRawPointer?
    var bytes = 0
  }
  /// Guarded by the library's lock.
  nonisolated(unsafe) private static var idle = InlineArray<64, Block>(repeating: Block())

  /// How often the system was asked for memory: not once in a steady step.
  package static var allocations: Int {
    platform_lock()
    defer { platform_unlock() }
    return allocated
  }
  nonisolated(unsafe) private static var allocated = 0

  static func borrow(_ bytes: Int) throws(CNNError) -> (memory: UnsafeMutableRawPointer, bytes: Int) {
    platform_lock()
    var best = -1
    for i in 0..<kept where idle[i].memory != nil && idle[i].bytes >= bytes {
      if best < 0 || idle[i].bytes < idle[best].bytes { best = i }
    }
    // A block more than four times too large is left for whoever needs it.
    if best >= 0, idle[best].bytes / 4 <= max(bytes, 1 << 14), let memory = idle[best].memory {
      let size = idle[best].bytes
      idle[best] = Block()
      platform_unlock()
      return (memory, size)
    }
    allocated += 1
    platform_unlock()
    let size = max((bytes + 4095) & ~4095, 4096)
    guard let memory = platform_allocate(size) else {
      throw CNNError(.memory, "no memory for \(size) bytes of scratch space")
    }
    return (memory, size)
  }

  /// Fresh pages, all 0. `bytes`: whole pages.
  static func reserve(_ bytes: Int, hugePages: Bool) throws(CNNError) -> UnsafeMutableRawPointer {
    locked { allocated += 1 }
    guard let memory = platform_reserve(bytes, hugePages) else { throw CNNError(.memory, "no memory for \(bytes) bytes") }
    return memory
  }

  static func giveBack(_ memory: UnsafeMutableRawPointer, _ bytes: Int) {
    platform_lock()
    var smallest = 0
    for i in 0..<kept {
      if idle[i].memory == nil {
        smallest = i
        break
      }
      if idle[i].bytes < idle[smallest].bytes { smallest = i }
    }
    var surplus = idle[smallest]
    if surplus.bytes < bytes { idle[smallest] = Block(memory: memory, bytes: bytes) } else { surplus.memory = memory }
    platform_unlock()
    if let memory = surplus.memory { platform_free(memory) }
  }

  /// Gives all idle blocks back to the system.
  package static func release() {
    platform_lock()
    let blocks = idle
    idle = InlineArray(repeating: Block())
    platform_unlock()
    for i in 0..<kept { if let memory = blocks[i].memory { platform_free(memory) } }
  }
}

/// count elements of scratch, 64-byte aligned, not initialised, returned at the end of its scope. There are lanes to spare
/// behind the last element, so that whole vectors may be read and written there. (`@usableFromInline`: without it Embedded
/// Swift does not see the deinit from other modules.)
@usableFromInline
package struct Scratch<T: BitwiseCopyable>: ~Copyable {
  package let data: UnsafeMutablePointer<T>
  private let memory: UnsafeMutableRawPointer
  private let bytes: Int
  /// Pages of its own, that nobody else gets.
  private let isReserved: Bool

  package init(_ count: Int) throws(CNNError) {
    let (memory, bytes) = try Workspace.borrow(Scratch.bytes(count))
    self.init(memory, bytes, isReserved: false)
  }
  /// All 0. Where there are many, they take no room before they are touched.
  package init(zeros count: Int, hugePages: Bool = true) throws(CNNError) {
    let wanted = try Scratch.bytes(count), isReserved = wanted >= 1 << 20, pages = (wanted + 0xffff) & ~0xffff
    let (memory, bytes) =
      isReserved ? (try Workspace.reserve(pages, hugePages: hugePages), pages) : try Workspace.borrow(wanted)
    if !isReserved { platform_zero(memory, wanted) }
    self.init(memory, bytes, isReserved: isReserved)
  }
  private init(_ memory: UnsafeMutableRawPointer, _ bytes: Int, isReserved: Bool) {
    data = memory.assumingMemoryBound(to: T.self)
    (self.memory, self.bytes, self.isReserved) = (memory, bytes, isReserved)
  }
  deinit { if isReserved { platform_unreserve(memory, bytes) } else { Workspace.giveBack(memory, bytes) } }

  private static func bytes(_ count: Int) throws(CNNError) -> Int {
    let size = count.multipliedReportingOverflow(by: MemoryLayout<T>.stride)
    guard !size.overflow && count >= 0 && size.partialValue < Int.max / 2 else {
      throw CNNError(.memory, "no memory for \(count) elements of scratch space")
    }
    return size.partialValue + 512
  }

  package func zero(_ count: Int) { platform_zero(data, count &* MemoryLayout<T>.stride) }
}

package func zero<T: BitwiseCopyable>(_ p: UnsafeMutablePointer<T>, _ count: Int) {
  platform_zero(p, count &* MemoryLayout<T>.stride)
}
package func copy<T: BitwiseCopyable>(_ source: UnsafePointer<T>, to p: UnsafeMutablePointer<T>, _ count: Int) {
  platform_copy(p, source, count &* MemoryLayout<T>.stride)
}
package func copyBytes(_ source: UnsafeRawPointer, to p: UnsafeMutableRawPointer, _ bytes: Int) {
  platform_copy(p, source, bytes)
}
package func logarithm(_ x: Double) -> Double { platform_log(x) }
package func exponential(_ x: Double) -> Double { platform_exp(x) }
package func cosine(_ x: Double) -> Double { platform_cos(x) }
