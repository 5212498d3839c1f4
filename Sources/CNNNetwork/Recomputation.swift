// Recomputation of activations (Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016): training in less memory, for about
// a third more time. Nodes are cut into segments; of all but the last, forward keeps only what later segments read, and backward
// runs a segment's nodes forward again before it goes through them.
import CNNCore
import CNNOperators

/// When everything runs in a step, and what runs twice.
///
/// Moments: node w runs forward at w, the loss at n; then come the segments from the last to the first, of each its nodes that
/// run again, in order, and its nodes backward.
struct Recomputation {
  /// Ranges of nodes, in order; one where nothing runs again.
  let segments: [Range<Int>]
  /// Of each node.
  let isRecomputed: [Bool], again: [Int], backward: [Int]
  /// Of each value, whether backward reads it where it is computed again, and not where forward left it.
  let isSecond: [Bool]
  let end: Int

  /// `reads`: of each node that runs backward, the values that this reads. `leaves`: whether forward leaves something for it.
  init<T>(_ graph: Graph<T>, segments: [Range<Int>], reads: [[ValueID]], leaves: [Bool]) {
    let n = graph.nodes.count
    var segmentOf = [Int](repeating: 0, count: n), producer = [Int?](repeating: nil, count: graph.values.count)
    for (s, range) in segments.enumerated() { for node in range { segmentOf[node] = s } }
    for (number, node) in graph.nodes.enumerated() { for output in node.outputs { producer[output.index] = number } }
    // What only its own segment reads, and not the last one.
    var isInner = producer.map { $0.map { segmentOf[$0] < segments.count - 1 } ?? false }
    for (number, node) in graph.nodes.enumerated() {
      for input in node.inputs {
        if let input, let from = producer[input.index], segmentOf[from] != segmentOf[number] { isInner[input.index] = false }
      }
    }
    for output in graph.outputs { isInner[output.index] = false }

    var isWanted = [Bool](repeating: false, count: graph.values.count)
    var isRecomputed = [Bool](repeating: false, count: n), isSecond = isWanted
    for list in reads { for value in list { isWanted[value.index] = true } }
    for number in (0..<n).reversed() where segmentOf[number] < segments.count - 1 {
      let node = graph.nodes[number]
      guard leaves[number] || node.outputs.contains(where: { isInner[$0.index] && isWanted[$0.index] }) else { continue }
      isRecomputed[number] = true
      for input in node.inputs { if let input { isWanted[input.index] = true } }
      for output in node.outputs where isInner[output.index] { isSecond[output.index] = true }
    }

    var again = [Int](repeating: 0, count: n), backward = again, moment = n
    for range in segments.reversed() {
      for node in range where isRecomputed[node] {
        moment += 1
        again[node] = moment
      }
      for node in range.reversed() {
        moment += 1
        backward[node] = moment
      }
    }
    (self.segments, self.isRecomputed, self.isSecond, self.again, self.backward) = (
      segments, isRecomputed, isSecond, again, backward
    )
    end = moment + 1
  }

  /// Cuts nodes that leave so many bytes each into `count` segments that leave about as many.
  static func cut(_ bytes: [Int], into count: Int) -> [Range<Int>] {
    let total = bytes.reduce(0, &+)
    var ranges: [Range<Int>] = [], first = 0, sum = 0
    for (node, size) in bytes.enumerated() {
      sum &+= size
      if ranges.count < count - 1 && sum >= total / count &* (ranges.count + 1) {
        ranges.append(first..<node + 1)
        first = node + 1
      }
    }
    if first < bytes.count || ranges.isEmpty { ranges.append(first..<bytes.count) }
    return ranges
  }
}
