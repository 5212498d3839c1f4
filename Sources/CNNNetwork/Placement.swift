// Where arrays lie in one arena: those whose lives overlap lie apart, others share memory.

/// Memory of so many bytes that is needed from one moment to another, both included.
struct Life {
  var bytes: Int
  var first: Int, last: Int
  /// In the arena; set by `place`.
  var offset = 0

  init(bytes: Int, at moment: Int) {
    self.bytes = (bytes + 63) & ~63
    (first, last) = (moment, moment)
  }

  /// Gives each its place, the largest first, each at the lowest place that is free during its life; returns the arena's size.
  static func place(_ lives: inout [Life]) -> Int {
    let order = (0..<lives.count).sorted { (lives[$0].bytes, $1) > (lives[$1].bytes, $0) }
    var placed: [Int] = []  // by offset
    var size = 0
    for i in order where lives[i].bytes > 0 {
      var offset = 0
      for j in placed where lives[j].first <= lives[i].last && lives[i].first <= lives[j].last {
        if lives[j].offset >= offset + lives[i].bytes { break }
        offset = max(offset, lives[j].offset + lives[j].bytes)
      }
      lives[i].offset = offset
      size = max(size, offset + lives[i].bytes)
      var at = placed.count
      while at > 0 && lives[placed[at - 1]].offset > offset { at -= 1 }
      placed.insert(i, at: at)
    }
    return size
  }
}
