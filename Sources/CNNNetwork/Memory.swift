// Memory that lives as long as whoever refers to it.
package import CNNCore

/// Elements, 64-byte aligned, from the library's pool of blocks.
package final class Block<T: BitwiseCopyable> {
  package let data: UnsafeMutablePointer<T>
  package let count: Int
  private let memory: Scratch<T>

  package init(_ count: Int) throws(CNNError) {
    memory = try Scratch(count)
    data = memory.data
    self.count = count
  }
}

/// Arrays of one type side by side in one block, each beginning at a multiple of 64 bytes; what lies between is 0 and stays so.
package final class FlatArrays<T: Element> {
  package struct Entry {
    package let name: Name
    package let shape: Shape
    package let offset: Int
    /// nil once it has written the array: what it refers to, such as a file, is not needed any more.
    fileprivate var fill: ((Output<T>) throws(CNNError) -> Void)?
  }
  package private(set) var entries: [Entry] = []
  /// Elements of all arrays and of what lies between them.
  package private(set) var count = 0
  private var block: Block<T>?
  private var filled = 0
  /// Rises whenever elements change, so that what follows from them is known to be stale.
  package private(set) var version = 0
  private var borrowers = 0
  /// Whether somebody may write elements without saying so.
  package var isLent: Bool { borrowers > 0 }

  package init() {}

  /// Elements were changed.
  package func change() { version += 1 }
  /// From here to `takeBack` somebody else may write elements at any moment between calls.
  package func lend() { borrowers += 1 }
  package func takeBack() {
    borrowers -= 1
    version += 1
  }

  /// Adds an array; `fill` writes it the first time that it is needed. The others may move then.
  package func add(
    _ name: Name, _ shape: Shape, _ fill: @escaping (Output<T>) throws(CNNError) -> Void
  ) throws(CNNError) -> Int {
    for entry in entries where entry.name == name { throw .argument("name: there is a \(name) already") }
    let lanes = 64 / MemoryLayout<T>.stride
    let end = (shape.count + lanes - 1) / lanes * lanes
    guard count + end <= Int.max / 16 else { throw .shape("shape: the number of all elements overflows") }
    entries.append(Entry(name: name, shape: shape, offset: count, fill: fill))
    count += end
    return entries.count - 1
  }

  /// All of it: `count` elements. The address stays the same until another array is added.
  package func memory() throws(CNNError) -> UnsafeMutablePointer<T> {
    if let block, filled == entries.count { return block.data }
    let grown = try Block<T>(count)
    zero(grown.data, count)
    if let block { copy(UnsafePointer(block.data), to: grown.data, block.count) }
    for i in filled..<entries.count {
      try entries[i].fill?(Output("parameter", entries[i].shape, grown.data + entries[i].offset))
    }
    for i in filled..<entries.count { entries[i].fill = nil }
    block = grown
    filled = entries.count
    version += 1
    return grown.data
  }

  package func array(_ i: Int) throws(CNNError) -> Output<T> {
    guard i >= 0 && i < entries.count else { throw .argument("index: wanted 0 to \(entries.count - 1), got \(i)") }
    return Output("parameter", entries[i].shape, try memory() + entries[i].offset)
  }
}
