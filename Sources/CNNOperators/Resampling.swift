// Arrays of other extents whose elements are weighted sums of neighbours, axis by axis: Resize, and pooling to a given size. The
// gradient is the same with the table of weights transposed.
import CNNCore
import Microkernels

/// Along an axis of `from` elements, element o of the result is the sum of weights[starts[o] + k] * x[first[o] + k].
struct ResampledAxis<T: Element> {
  let from: Int
  var to: Int { first.count }
  private var first: [Int] = [], starts: [Int] = [0], weights: [T] = []

  init(from: Int) { self.from = from }

  /// One more element, of those from i on. Beyond the first and the last element they stand for that one.
  mutating func append(_ i: Int, _ taps: [T]) {
    func inside(_ i: Int) -> Int { min(max(i, 0), from - 1) }
    let lowest = inside(i)
    var merged = [T](repeating: 0, count: inside(i + taps.count - 1) - lowest + 1)
    for (k, weight) in taps.enumerated() { merged[inside(i + k) - lowest] += weight }
    // What has no weight is not looked at, be it infinite.
    let begin = merged.firstIndex { $0 != 0 } ?? 0
    while merged.count > begin + 1 && merged[merged.count - 1] == 0 { merged.removeLast() }
    first.append(lowest + begin)
    weights += merged[begin...]
    starts.append(weights.count)
  }

  /// The way back: element j is the sum of what j gave to each.
  var transposed: ResampledAxis {
    var result = ResampledAxis(from: to)
    var low = [Int](repeating: to, count: from), high = [Int](repeating: -1, count: from)
    for o in 0..<to {
      for j in first[o]..<first[o] + starts[o + 1] - starts[o] {
        low[j] = min(low[j], o)
        high[j] = o
      }
    }
    for j in 0..<from {
      result.first.append(high[j] < 0 ? 0 : low[j])
      for o in stride(from: low[j], through: high[j], by: 1) {
        let k = j - first[o]
        result.weights.append(k >= 0 && k < starts[o + 1] - starts[o] ? weights[starts[o] + k] : 0)
      }
      result.starts.append(result.weights.count)
    }
    return result
  }

  /// y[outer][to][inner] of x[outer][from][inner].
  @_specialize(where T == Float) @_specialize(where T == Double)
  func apply(_ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, outer: Int, inner: Int) throws(CNNError) {
    let kernels = T.kernels, (from, to) = (from, to), rows = outer &* to
    if rows &* inner == 0 { return }
    let together = max(1, (1 << 16) / inner), tasks = (rows &+ together &- 1) / together
    parallel(tasks, width: try parallelWidth(tasks, .elements(rows, inner, max(1, weights.count / max(1, to))))) { task, _ in
      for row in task &* together..<min(rows, (task &+ 1) &* together) {
        let o = row % to, k = starts[o], count = starts[o &+ 1] &- k
        let x = x + (row / to &* from &+ first[o]) &* inner, y = y + row &* inner
        if inner == 1 {
          var total: T = 0
          for t in 0..<count { total += weights[k &+ t] * x[t] }
          y.pointee = total
        } else if count == 0 {
          zero(y, inner)
        } else if count == 1 && weights[k] == 1 {
          copy(x, to: y, inner)
        } else if count == 1 {
          kernels.scaleShift(x, weights[k], 0, y, inner)
        } else {
          kernels.combine(x, weights[k], x + inner, weights[k &+ 1], 0, y, inner)
          for t in 2..<count { kernels.combine(UnsafePointer(y), 1, x + t &* inner, weights[k &+ t], 0, y, inner) }
        }
      }
    }
  }
}

/// All axes of an array; nil: one that stays.
struct Resampling<T: Element> {
  let axes: [ResampledAxis<T>?]
  var transposed: Resampling { Resampling(axes: axes.map { $0?.transposed }) }

  /// One axis after the other, the last first; what is between two lies in scratch memory.
  func apply(_ x: Input<T>, _ y: Output<T>) throws(CNNError) {
    let order = axes.indices.reversed().filter { axes[$0] != nil }
    if order.isEmpty { return copy(x.data, to: y.data, y.shape.count) }
    var extents = x.shape.extents, between = 0
    for axis in order.dropLast() {
      extents[axis] = y.shape[axis]
      between = max(between, try Shape("between", extents: extents).count)
    }
    let scratch = try Scratch<T>(between), other = try Scratch<T>(order.count > 2 ? between : 0)
    var from = x.data
    extents = x.shape.extents
    for (number, axis) in order.enumerated() {
      guard let table = axes[axis] else { continue }
      let to = number == order.count - 1 ? y.data : number % 2 == 0 ? scratch.data : other.data
      let outer = extents[..<axis].reduce(1) { $0 &* $1 }, inner = extents[(axis + 1)...].reduce(1) { $0 &* $1 }
      try table.apply(from, to, outer: outer, inner: inner)
      extents[axis] = table.to
      from = UnsafePointer(to)
    }
  }
}
