// Memory that lives as long as whoever refers to it.
package import CNNCore

/// Elements, 64-byte aligned.
package final class Block<T: BitwiseCopyable> {
  package let data: UnsafeMutablePointer<T>
  package let count: Int
  private let memory: Scratch<T>

  /// From the library's pool of blocks.
  package init(_ count: Int) throws(CNNError) {
    memory = try Scratch(count)
    data = memory.data
    self.count = count
  }
  /// All 0. Where there are many, they take no room before they are touched.
  package init(zeros count: Int, hugePages: Bool = true) throws(CNNError) {
    memory = try Scratch(zeros: count, hugePages: hugePages)
    data = memory.data
    self.count = count
  }
}

/// Arrays of one type side by side in one block, each beginning at a multiple of 64 bytes; what lies between is 0 and stays so. Arrays are
/// added by one thread; then any number may ask for elements.
package final class FlatArrays<T: Element> {
  package struct Entry {
    package let name: Name
    package let shape: Shape
    package let offset: Int
  }
  package private(set) var entries: [Entry] = []
  /// Elements of all arrays and of what lies between them.
  package private(set) var count = 0
  private var block: Block<T>?
  private var laidOut = 0
  /// Of each array: where its elements come from as long as they are not in the block. Guarded by the library's lock.
  private var sources: [Source?] = []
  private var missing = 0
  private struct Source {
    let isLasting: Bool
    let write: (Output<T>) throws(CNNError) -> Void
  }
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

  /// Adds an array, which `write` writes. `isLasting`: it always can, and writes the same, so that the array need not be in memory before
  /// somebody asks for it; else it does so when arrays are laid out. The others may move then.
  package func add(
    _ name: Name, _ shape: Shape, isLasting: Bool = false, _ write: @escaping (Output<T>) throws(CNNError) -> Void
  ) throws(CNNError) -> Int {
    for entry in entries where entry.name == name { throw .argument("name: there is a \(name) already") }
    let lanes = 64 / MemoryLayout<T>.stride
    let end = (shape.count + lanes - 1) / lanes * lanes
    guard count + end <= Int.max / 16 else { throw .shape("shape: the number of all elements overflows") }
    entries.append(Entry(name: name, shape: shape, offset: count))
    sources.append(Source(isLasting: isLasting, write: write))
    count += end
    return entries.count - 1
  }

  /// Where all of it is, or will be: `count` elements. The address stays the same until another array is added.
  package func place() throws(CNNError) -> UnsafeMutablePointer<T> {
    if let block, laidOut == entries.count { return block.data }
    // Whose pages are touched here and there, and who keeps the others, is better off with small ones.
    let grown = try Block<T>(zeros: count, hugePages: !sources.contains { $0?.isLasting ?? false })
    if let block { CNNCore.copy(UnsafePointer(block.data), to: grown.data, block.count) }
    for i in laidOut..<entries.count {
      guard let source = sources[i], !source.isLasting else { continue }
      try source.write(output(i, grown.data))
    }
    for i in laidOut..<entries.count where !(sources[i]?.isLasting ?? false) { sources[i] = nil }
    missing = sources.count(where: { $0 != nil })
    block = grown
    laidOut = entries.count
    version += 1
    return grown.data
  }
  /// The same with all elements.
  package func memory() throws(CNNError) -> UnsafeMutablePointer<T> {
    let place = try place()
    if locked({ missing }) > 0 { for i in entries.indices { _ = try array(i) } }
    return place
  }

  /// An array in its place.
  package func array(_ i: Int) throws(CNNError) -> Output<T> {
    guard i >= 0 && i < entries.count else { throw .argument("index: wanted 0 to \(entries.count - 1), got \(i)") }
    let array = output(i, try place())
    guard let source = locked({ sources[i] }) else { return array }
    // Elsewhere first: another thread may be here too, and whoever comes first may change it at once.
    let count = array.shape.count, written = try Block<T>(count)
    try source.write(Output("parameter", array.shape, written.data))
    locked {
      if sources[i] == nil { return }
      CNNCore.copy(UnsafePointer(written.data), to: array.data, count)
      sources[i] = nil
      missing -= 1
    }
    return array
  }

  package func isInMemory(_ i: Int) -> Bool { locked { sources[i] == nil } }
  /// Writes a copy of an array that need not be in memory, and will not be for that.
  package func copy(_ i: Int, to place: UnsafeMutablePointer<T>) throws(CNNError) {
    if let source = locked({ sources[i] }) { return try source.write(Output("parameter", entries[i].shape, place)) }
    CNNCore.copy(UnsafePointer(try self.place() + entries[i].offset), to: place, entries[i].shape.count)
  }

  private func output(_ i: Int, _ start: UnsafeMutablePointer<T>) -> Output<T> {
    Output("parameter", entries[i].shape, start + entries[i].offset)
  }
}
