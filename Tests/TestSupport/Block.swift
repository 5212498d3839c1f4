// What the tests of the kernels share: sizes at which loops turn, memory that notices a step outside, and expected numbers that
// know how far from them another order of the same operations may come.
import CNNCore
import Glibc
import Microkernels
import Testing

/// The argument of every test here: each kernel is tested in each.
let instructionSets = InstructionSet.allCases.filter(\.isAvailable)

extension KernelTable {
  /// Where loops over vectors turn: nothing, a part of a vector, one vector, several; and primes, the last of which is several
  /// times four vectors, some more and a part of one, whatever the vector.
  var sizes: [Int] { Set([0, 1, lanes - 1, lanes, lanes + 1, 2 * lanes + 3, 7, 31, 223]).sorted() }
}

/// Numbers in -2...2, no two neighbours alike, whose products and sums have to be rounded.
func numbers<T: BinaryFloatingPoint>(_ count: Int, _ seed: Int = 1, of _: T.Type = T.self) -> [T] {
  (0..<count).map { T(($0 * 7919 + seed * 104_729) % 2003 - 1001) / 501 }
}

extension Numeric {
  /// What stands wherever no kernel may write: no result of these tests.
  static var untouched: Self { 77 }
}

/// What a plain loop gives, and how far from it a kernel may be.
///
/// A sum of n terms, added in any order, is within n half units in the last place of the sum of their absolute values (Higham
/// 2002, "Accuracy and Stability of Numerical Algorithms", section 4.2), and so is the plain loop's. Terms are made of up to
/// three operations more, each rounded or fused with the next. What is not a sum has to be equal.
struct Expected<T: BinaryFloatingPoint> {
  private(set) var value: T, tolerance: T = 0
  private var terms = 1, size: T

  init(_ value: T) {
    self.value = value
    size = abs(value)
  }
  init(_ value: T, within tolerance: T) {
    self.init(value)
    self.tolerance = tolerance
  }
  static func += (sum: inout Expected, term: T) {
    sum.value += term
    sum.size += abs(term)
    sum.terms += 1
    sum.tolerance = T(sum.terms + 3) * T.ulpOfOne * sum.size
  }
  func matches(_ got: T) -> Bool { got == value || got.isNaN && value.isNaN || abs(got - value) <= tolerance }
}

/// An array that ends where an inaccessible page begins: whoever reads or writes behind it, or behind the guards there, ends the
/// process. What is written among the guards behind and in front of it is noticed by `expect`.
final class Block<T: Numeric & BitwiseCopyable> {
  let data: UnsafeMutablePointer<T>
  let count: Int
  /// All that is accessible: guards, the array, guards.
  private let memory: UnsafeMutableBufferPointer<T>
  private let page: Int

  /// With no guards behind, to notice reads: for inputs, and for outputs that are read too.
  init(_ values: [T], guardsBehind: Int = 0) {
    page = sysconf(Int32(_SC_PAGESIZE))
    count = values.count
    let bytes = (count + guardsBehind) * MemoryLayout<T>.stride
    let room = (bytes / page + 1) * page
    let start = mmap(nil, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    precondition(start != MAP_FAILED && mprotect(start! + room, page, PROT_NONE) == 0)
    memory = UnsafeMutableRawBufferPointer(start: start, count: room).bindMemory(to: T.self)
    data = memory.baseAddress! + (memory.count - guardsBehind - count)
    memory.initialize(repeating: .untouched)
    for (i, value) in values.enumerated() { data[i] = value }
  }
  /// For outputs that are only written: untouched as yet.
  convenience init(untouched count: Int) {
    self.init([T](repeating: .untouched, count: count), guardsBehind: 64)
  }
  deinit { munmap(memory.baseAddress, memory.count * MemoryLayout<T>.stride + page) }

  /// Records the first element that is not as wanted, or that is outside and not as it was.
  func expect(_ wanted: [T], _ what: @autoclosure () -> String, location: SourceLocation = #_sourceLocation) {
    expect(wanted, what(), location) { $0 == $1 }
  }
  func expect(
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

/// Runs a kernel that maps x to y on every size, out of place and in place. `values` gives x, `twin` is the map.
func expectMap<T: Element>(
  _ table: KernelTable<T>, _ what: String, sizes: [Int]? = nil, _ values: (_ count: Int) -> [T],
  _ kernel: (_ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ count: Int) -> Void, twin: (_ x: T, _ i: Int) -> Expected<T>,
  location: SourceLocation = #_sourceLocation
) {
  for count in sizes ?? table.sizes {
    let numbers = values(count), wanted = numbers.enumerated().map { twin($1, $0) }
    let x = Block(numbers), y = Block<T>(untouched: count)
    kernel(x.data, y.data, count)
    y.expect(wanted, "\(what) of \(count)", location: location)
    kernel(x.data, x.data, count)
    x.expect(wanted, "\(what) of \(count) in place", location: location)
  }
}
