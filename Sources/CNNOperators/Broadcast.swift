// Broadcasting (ONNX's, which is NumPy's): an array of a smaller shape as if repeated to a larger one.
package import CNNCore
import Microkernels

/// Pieces of 64 Ki elements of `count`, on all threads; cut by the count alone.
func forEachPiece(_ count: Int, _ body: (_ start: Int, _ count: Int) -> Void) throws(CNNError) {
  let piece = 1 << 16
  let pieces = (count &+ piece &- 1) / piece
  parallel(pieces, width: try parallelWidth(pieces, .elements(count))) { i, _ in
    body(i &* piece, min(piece, count &- i &* piece))
  }
}

/// y = x * factor, in place if wanted.
func scale<T: Element>(_ x: Input<T>, by factor: T, _ y: Output<T>) throws(CNNError) {
  try forEachPiece(x.shape.count) { T.kernels.scaleShift(x.data + $0, factor, 0, y.data + $0, $1) }
}

/// The shape that both are repeated to.
func broadcastShape(_ a: Shape, _ b: Shape) throws(CNNError) -> Shape {
  let rank = max(a.rank, b.rank)
  for i in 1..<rank + 1 {
    let (m, n) = (a[a.rank - i], b[b.rank - i])
    guard m == n || m == 1 || n == 1 else {
      throw .shape("b: shape \(b.description) does not broadcast with shape \(a.description) of a")
    }
  }
  return try Shape("y", rank: rank) { i in
    let (m, n) = (a[i - rank + a.rank], b[i - rank + b.rank])
    return m == 1 ? n : m
  }
}

/// How an array of one shape is repeated to another: y consists of runs, and over each of them x is either as long as the run, or
/// one element.
struct Broadcast {
  /// Neighbouring axes that are alike count as one. The last is the run; the others say which run.
  private var extents: [Int] = []
  private var repeats: [Bool] = []
  private let count: Int, small: Int
  private let run: Int
  private let runRepeats: Bool

  init(_ x: Shape, to y: Shape, _ name: StaticString) throws(CNNError) {
    for i in 1..<max(x.rank, 1) + 1 where x.rank > y.rank || (x[x.rank - i] != 1 && x[x.rank - i] != y[y.rank - i]) {
      throw .shape("\(name): shape \(x.description) does not broadcast to shape \(y.description)")
    }
    for axis in 0..<y.rank where y[axis] != 1 {
      let isRepeated = x[axis - y.rank + x.rank] == 1
      if let last = repeats.last, last == isRepeated {
        extents[extents.count - 1] *= y[axis]
      } else {
        extents.append(y[axis])
        repeats.append(isRepeated)
      }
    }
    count = y.count
    small = x.count
    run = extents.popLast() ?? 1
    runRepeats = repeats.popLast() ?? false
  }

  private var isSame: Bool { extents.isEmpty && !runRepeats }
  private var runs: Int { count / max(run, 1) }

  /// Where in x the run with this number begins.
  private func place(_ number: Int) -> Int {
    var rest = number, step = runRepeats ? 1 : run, place = 0
    for i in stride(from: extents.count - 1, through: 0, by: -1) {
      if !repeats[i] {
        place &+= rest % extents[i] &* step
        step &*= extents[i]
      }
      rest /= extents[i]
    }
    return place
  }

  /// Where in x the element i of y comes from.
  func place(of i: Int) -> Int { run == 0 ? 0 : place(i / run) &+ (runRepeats ? 0 : i % run) }

  /// Calls body(first element in y, elements, first element in x, whether x is that one element) for all of y, on all threads.
  func forEachRun(_ body: (_ y: Int, _ count: Int, _ x: Int, _ isOne: Bool) -> Void) throws(CNNError) {
    if count == 0 { return }
    let piece = 1 << 16
    if run >= piece {
      let pieces = (run &+ piece &- 1) / piece
      parallel(runs &* pieces, width: try parallelWidth(runs &* pieces, .elements(count))) { task, _ in
        let number = task / pieces, start = task % pieces &* piece
        body(number &* run &+ start, min(piece, run &- start), place(number) &+ (runRepeats ? 0 : start), runRepeats)
      }
    } else {
      let together = piece / run, tasks = (runs &+ together &- 1) / together
      parallel(tasks, width: try parallelWidth(tasks, .elements(count))) { task, _ in
        for number in task &* together..<min(runs, (task &+ 1) &* together) {
          body(number &* run, run, place(number), runRepeats)
        }
      }
    }
  }

  /// y = x, repeated; nothing where x is y already.
  func copy<T: Element>(_ x: UnsafePointer<T>, to y: UnsafeMutablePointer<T>) throws(CNNError) {
    if isSame && x == UnsafePointer(y) { return }
    try forEachRun { place, count, from, isOne in
      if isOne {
        (y + place).update(repeating: x[from], count: count)
      } else {
        CNNCore.copy(x + from, to: y + place, count)
      }
    }
  }

  /// y += factor * x.
  func add<T: Element>(_ x: UnsafePointer<T>, times factor: T, to y: UnsafeMutablePointer<T>) throws(CNNError) {
    let kernels = T.kernels
    try forEachRun { place, count, from, isOne in
      let to = y + place
      if isOne {
        kernels.scaleShift(to, 1, factor * x[from], to, count)
      } else if factor == 1 {
        kernels.addTo(to, x + from, count)
      } else {
        kernels.combine(to, 1, x + from, factor, 0, to, count)
      }
    }
  }

  /// x = the sum of what y has in each of its places: the adjoint of copy. Runs in their order, on one thread.
  func reduce<T: Element>(_ y: UnsafePointer<T>, to x: UnsafeMutablePointer<T>) throws(CNNError) {
    if isSame { return try copy(y, to: x) }
    zero(x, small)
    if count == 0 { return }
    // Runs that belong to the same place one after another are summed as rows.
    let together = runRepeats || repeats.last != true ? 1 : extents[extents.count - 1]
    for number in stride(from: 0, to: runs, by: together) {
      let to = x + place(number), from = y + number &* run
      if runRepeats { to.pointee += T.kernels.sum(from, run) } else { T.kernels.addRows(from, run, together, to, run) }
    }
  }
}

/// to += from.
package func add<T: Element>(_ from: Input<T>, to: Output<T>) throws(CNNError) {
  try forEachPiece(from.shape.count) { T.kernels.addTo(to.data + $0, from.data + $0, $1) }
}
