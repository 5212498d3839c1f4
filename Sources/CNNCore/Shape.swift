// The extents of an array, kept in line: no allocation for a call's shapes.

package struct Shape: Equatable {
  package static let maximumRank = 8
  package private(set) var rank: Int
  private var extents: InlineArray<8, Int>
  /// The number of elements.
  package private(set) var count: Int

  /// Throws where the rank is over 8, an extent is negative, or the number of elements or their bytes overflow.
  package init(_ name: StaticString, rank: Int, extent: (Int) -> Int) throws(CNNError) {
    guard rank >= 0 && rank <= Shape.maximumRank else {
      throw .shape("\(name): wanted a rank from 0 to \(Shape.maximumRank), got \(rank)")
    }
    self.rank = rank
    extents = InlineArray(repeating: 1)
    count = 1
    var overflow = false
    var size = 1
    for i in 0..<rank {
      let n = extent(i)
      guard n >= 0 else { throw .shape("\(name): extent \(i) is negative (\(n))") }
      extents[i] = n
      // An extent of 0 does not excuse the others: sums and products of them would overflow all the same.
      let product = size.multipliedReportingOverflow(by: max(n, 1))
      overflow = overflow || product.overflow || product.partialValue > Int.max / 16
      size = product.partialValue
      count = count &* n
    }
    if overflow { throw .shape("\(name): the number of elements of \(Shape.describe(rank, extent)) overflows") }
  }

  package init(_ name: StaticString, _ list: Int...) throws(CNNError) {
    try self.init(name, rank: list.count) { list[$0] }
  }

  package subscript(_ axis: Int) -> Int { axis >= 0 && axis < rank ? extents[axis] : 1 }

  package static func == (a: Shape, b: Shape) -> Bool {
    guard a.rank == b.rank else { return false }
    for i in 0..<a.rank where a.extents[i] != b.extents[i] { return false }
    return true
  }

  package var description: String { Shape.describe(rank) { self[$0] } }

  private static func describe(_ rank: Int, _ extent: (Int) -> Int) -> String {
    var text = "["
    for i in 0..<rank { text += (i == 0 ? "" : ", ") + "\(extent(i))" }
    return text + "]"
  }
}
