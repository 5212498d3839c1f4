// Things by name. (Dictionary needs random numbers of the system for its hashes, which Embedded Swift would have to link.)
import CNNCore

struct NameTable<Thing> {
  private(set) var entries: [(name: Name, thing: Thing)] = []
  /// Places in `entries`, by hash; -1: free. A power of two of them, at least twice as many as entries.
  private var places = [Int](repeating: -1, count: 16)

  subscript(name: Name) -> Thing? {
    let place = places[find(name)]
    return place < 0 ? nil : entries[place].thing
  }
  /// Adds a thing, or puts it in the place of the one of this name; returns whether there was one.
  @discardableResult mutating func set(_ name: Name, _ thing: Thing) -> Bool {
    let slot = find(name)
    if places[slot] >= 0 {
      entries[places[slot]].thing = thing
      return true
    }
    places[slot] = entries.count
    entries.append((name, thing))
    if 2 * entries.count > places.count { grow() }
    return false
  }

  private func find(_ name: Name) -> Int {
    var slot = Int(truncatingIfNeeded: name.hash) & (places.count - 1)
    while places[slot] >= 0 && entries[places[slot]].name != name { slot = (slot + 1) & (places.count - 1) }
    return slot
  }
  private mutating func grow() {
    places = [Int](repeating: -1, count: 2 * places.count)
    for (i, entry) in entries.enumerated() { places[find(entry.name)] = i }
  }
}
