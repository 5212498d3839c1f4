// What operators prepare from parameters and buffers, kept until these change: packed filters, folded normalizations.
import CNNCore
import CNNOperators

/// The arrays of one step that are prepared.
struct PreparedStep {
  /// Plans share what has equal keys. An output belongs to one node, and `form` says how the operator prepares; sizes follow from both.
  struct Key: Equatable {
    let mode: Mode, output: Int, form: Int, bytes: Int
  }
  let key: Key
  let step: Int
  /// Where in the block of all of them the arrays lie, and in the table of addresses.
  let places: [(offset: Int, slot: Int)]
  /// The parameters that are read for it and by no step after it, and their places in the table.
  let parameters: [(number: Int, slot: Int)]
}

/// The memory of one step's arrays. Those that are prepared together are parts of one block, which in large pages takes a third of the
/// time to get.
struct PreparedBlock {
  let data: UnsafeMutablePointer<UInt8>
  private let whole: Block<UInt8>

  init(_ whole: Block<UInt8>, from offset: Int) { (self.whole, data) = (whole, whole.data + offset) }
}

/// Prepared arrays of all plans of a network. Several threads may ask.
final class PreparedArrays {
  private var entries: [(key: PreparedStep.Key, version: ContentVersion, block: PreparedBlock)] = []

  /// What was prepared for these contents, if it was.
  func find(_ key: PreparedStep.Key, _ version: ContentVersion) -> PreparedBlock? {
    locked {
      for entry in entries where entry.key == key && entry.version == version { return entry.block }
      return nil
    }
  }
  func add(_ key: PreparedStep.Key, _ version: ContentVersion, _ block: PreparedBlock) {
    // What goes is released outside of the lock, which giving memory back takes.
    let old = locked { () -> [PreparedBlock] in
      let old = entries.filter { $0.key == key || $0.version != version }.map { $0.block }
      entries.removeAll { $0.key == key || $0.version != version }
      entries.append((key, version, block))
      return old
    }
    withExtendedLifetime(old) {}
  }
  /// Forgets what none of these plans has.
  func keep(only keys: [PreparedStep.Key]) {
    let old = locked { () -> [PreparedBlock] in
      let old = entries.filter { !keys.contains($0.key) }.map { $0.block }
      entries.removeAll { !keys.contains($0.key) }
      return old
    }
    withExtendedLifetime(old) {}
  }
}

/// Which contents parameters and buffers have: another one after every change.
struct ContentVersion: Equatable {
  let parameters: Int, buffers: Int
}

extension Graph {
  /// nil: somebody may write them at any moment, so that nothing that is prepared stays right.
  var contentVersion: ContentVersion? {
    if parameters.isLent || buffers.isLent { return nil }
    return ContentVersion(parameters: parameters.version, buffers: buffers.version)
  }
}
