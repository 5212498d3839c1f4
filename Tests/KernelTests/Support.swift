// What the tests of the kernels share: the instruction sets, sizes at which loops turn, and maps.
import CNNCore
import Microkernels
import TestSupport
import Testing

/// The argument of every test here: each kernel is tested in each.
let instructionSets = InstructionSet.allCases.filter(\.isAvailable)

extension KernelTable {
  /// Where loops over vectors turn: nothing, a part of a vector, one vector, several; and primes, the last of which is several
  /// times four vectors, some more and a part of one, whatever the vector.
  var sizes: [Int] { Set([0, 1, lanes - 1, lanes, lanes + 1, 2 * lanes + 3, 7, 31, 223]).sorted() }
}

/// Runs a kernel that maps x to y on every size, out of place and in place. `values` gives x, `twin` is the map.
func expectMap<T: Element>(
  _ table: KernelTable<T>, _ what: String, sizes: [Int]? = nil, _ values: (_ count: Int) -> [T],
  _ kernel: (_ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ count: Int) -> Void,
  twin: (_ x: T, _ i: Int) -> Expected<T>,
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
