// Memory that notices a step outside.
import Glibc
public import Testing

extension Numeric {
  /// What stands wherever no kernel may write: no result of these tests.
  public static var untouched: Self { 77 }
}

/// An array that ends where an inaccessible page begins: whoever reads or writes behind it, or behind the guards there, ends
/// the process. What is written among the guards, behind and in front, is noticed by `expect`.
public final class Block<T: Numeric & BitwiseCopyable> {
  public let data: UnsafeMutablePointer<T>
  public let count: Int
  /// All that is accessible: guards, the array, guards.
  private let memory: UnsafeMutableBufferPointer<T>
  private let page: Int

  /// With no guards behind, to notice reads: for inputs, and for outputs that are read too.
  public init(_ values: [T], guardsBehind: Int = 0) {
    page = sysconf(Int32(_SC_PAGESIZE))
    count = values.count
    let guardsInFront = 64
    let bytes = (guardsInFront + count + guardsBehind) * MemoryLayout<T>.stride
    let room = (bytes + page - 1) / page * page
    let start = mmap(nil, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    precondition(start != MAP_FAILED && mprotect(start! + room, page, PROT_NONE) == 0, "no memory to test in")
    memory = UnsafeMutableRawBufferPointer(start: start, count: room).bindMemory(to: T.self)
    data = memory.baseAddress! + (memory.count - guardsBehind - count)
    memory.initialize(repeating: .untouched)
    for (i, value) in values.enumerated() { data[i] = value }
  }
  /// For outputs that are only written: untouched as yet.
  public convenience init(untouched count: Int) {
    self.init([T](repeating: .untouched, count: count), guardsBehind: 64)
  }
  deinit { munmap(memory.baseAddress, memory.count * MemoryLayout<T>.stride + page) }

  /// Records the first element that is not as wanted, or that is outside and not as it was.
  public func expect(_ wanted: [T], _ what: @autoclosure () -> String, location: SourceLocation = #_sourceLocation) {
    expect(wanted, what(), location) { $0 == $1 }
  }
  public func expect(
    _ wanted: [Expected<T>], _ what: @autoclosure () -> String, location: SourceLocation = #_sourceLocation
  ) where T: BinaryFloatingPoint {
    expect(wanted, what(), location) { $0.matches($1) }
  }
  private func expect<W>(
    _ wanted: [W], _ what: @autoclosure () -> String, _ location: SourceLocation, _ matches: (W, T) -> Bool
  ) {
    precondition(wanted.count == count)
    let start = data - memory.baseAddress!
    for (place, got) in memory.enumerated() {
      let i = place - start
      if i >= 0 && i < count {
        if matches(wanted[i], got) { continue }
        Issue.record("\(T.self) \(what()): [\(i)] is \(got), wanted \(wanted[i])", sourceLocation: location)
      } else {
        if got == .untouched { continue }
        Issue.record("\(T.self) \(what()): \(got) was written at [\(i)] of \(count)", sourceLocation: location)
      }
      return
    }
  }
}
