// Arrays seen in another order. Operators that only move elements (Transpose, Slice, Split, Pad, DepthToSpace, …) state two views of
// one shape, and the elements go from one to the other. A view that stands still along an axis (stride 0) repeats what is read
// from it, and sums what is added to it: so reductions are walks too.
import CNNCore
import Microkernels

/// Element [i][j]… of the view is element offset + i * axes[0].stride + j * axes[1].stride + … of the array.
struct StridedView {
  struct Axis { let extent: Int, stride: Int }
  let axes: [Axis]
  let offset: Int

  private init(_ axes: [Axis], offset: Int) { (self.axes, self.offset) = (axes, offset) }
  init(axes: [Axis]) { self.init(axes, offset: 0) }
  /// The whole array, in C order. The extents may be those of another shape of as many elements.
  init(_ extents: [Int]) {
    var axes: [Axis] = [], stride = 1
    for extent in extents.reversed() {
      axes.append(Axis(extent: extent, stride: stride))
      stride &*= extent
    }
    self.init(axes.reversed(), offset: 0)
  }
  init(_ shape: Shape) { self.init((0..<shape.rank).map { shape[$0] }) }

  /// Axis i of the result is axis order[i] of this view.
  func permuted(_ order: [Int]) -> StridedView { StridedView(order.map { axes[$0] }, offset: offset) }

  /// Along an axis, `count` elements: `first`, first + step, … Step 0 is the same element all along.
  func part(_ axis: Int, first: Int, step: Int = 1, count: Int) -> StridedView {
    var axes = axes
    let stride = axes[axis].stride
    axes[axis] = Axis(extent: count, stride: stride &* step)
    return StridedView(axes, offset: offset &+ first &* stride)
  }
  /// A view of extent 1 along these axes, as if it had the extents of `shape` there.
  func repeated(along repeated: [Int], of shape: Shape) -> StridedView {
    var view = self
    for axis in repeated { view = view.part(axis, first: 0, step: 0, count: shape[axis]) }
    return view
  }
  /// The array as if repeated to a larger shape, to which it must broadcast.
  init(_ x: Shape, broadcastTo y: Shape) {
    let missing = y.rank - x.rank
    var view = StridedView((0..<y.rank).map { $0 < missing ? 1 : x[$0 - missing] })
    for axis in 0..<y.rank where view.axes[axis].extent != y[axis] { view = view.part(axis, first: 0, step: 0, count: y[axis]) }
    self = view
  }
}

/// Two views of equal extents, walked side by side in runs of elements that are equally far apart. Runs that meet in one place of
/// `to` are one task, in their order; all else is cut by the shape alone and may run on several threads.
struct StridedWalk {
  struct Axis { var extent: Int, from: Int, to: Int }
  /// A run is of run.extent elements, at most; they are run.from and run.to apart.
  let run: Axis
  /// Axes of tasks, of rows of `to`, then those along which `to` stands still.
  private let axes: [Axis]
  private let rows: Int, runsOfRow: Int
  private let from: Int, to: Int
  /// What one element of a run stands for.
  private let weight: Int

  init(from: StridedView, to: StridedView) { self.init(from, to, width: 1, Self.joined(from, to)) }

  private init(_ from: StridedView, _ to: StridedView, width: Int, _ joined: [Axis]) {
    var axes = joined
    run = axes.popLast() ?? Axis(extent: 1, from: 1, to: 1)
    let parallel = axes.filter { $0.to != 0 }, summed = axes.filter { $0.to == 0 }
    self.axes = parallel + summed
    rows = parallel.reduce(1) { $0 &* $1.extent }
    runsOfRow = summed.reduce(1) { $0 &* $1.extent }
    (self.from, self.to) = (from.offset, to.offset)
    weight = runsOfRow &* width
  }

  /// The axes of more than one element, the closest in `to` last where they may be sorted; neighbours that are as one are one.
  private static func joined(_ from: StridedView, _ to: StridedView, sorted: Bool = false) -> [Axis] {
    var all = zip(from.axes, to.axes).filter { $0.0.extent != 1 }
      .map { Axis(extent: $0.extent, from: $0.stride, to: $1.stride) }
    if sorted { all.sort { abs($0.to) > abs($1.to) } }
    var axes: [Axis] = []
    for axis in all {
      if let last = axes.last, last.from == axis.extent &* axis.from, last.to == axis.extent &* axis.to {
        axes[axes.count - 1] = Axis(extent: last.extent &* axis.extent, from: axis.from, to: axis.to)
      } else {
        axes.append(axis)
      }
    }
    return axes
  }

  /// Calls body(first element in from, in to, how many) for all runs.
  func forEachRun(_ body: (_ from: Int, _ to: Int, _ count: Int) -> Void) throws(CNNError) {
    if run.extent == 0 || rows == 0 || weight == 0 { return }
    let most = 1 << 16, size = run.extent.multipliedReportingOverflow(by: weight)
    // A long run is several tasks, unless it is a sum.
    let length = run.to == 0 ? run.extent : min(run.extent, max(64, most / weight))
    let pieces = (run.extent &+ length &- 1) / length
    let together = pieces > 1 || size.overflow ? 1 : max(1, most / size.partialValue)
    let tasks = (rows &+ together &- 1) / together &* pieces
    parallel(tasks, width: try parallelWidth(tasks, .elements(rows, run.extent, weight))) { task, _ in
      let start = task % pieces &* length, count = min(length, run.extent &- start)
      let first = task / pieces &* together, last = min(rows, first &+ together)
      var place = Odometer(axes, at: first &* runsOfRow)
      for _ in 0..<(last &- first) &* runsOfRow {
        body(from &+ place.from &+ start &* run.from, to &+ place.to &+ start &* run.to, count)
        place.advance()
      }
    }
  }

  private struct Odometer {
    private let axes: [Axis]
    private var index: [Int]
    private(set) var from = 0, to = 0

    init(_ axes: [Axis], at number: Int) {
      self.axes = axes
      index = axes.map { _ in 0 }
      var rest = number
      for i in axes.indices.reversed() {
        index[i] = rest % axes[i].extent
        rest /= axes[i].extent
        from &+= index[i] &* axes[i].from
        to &+= index[i] &* axes[i].to
      }
    }
    mutating func advance() {
      for i in axes.indices.reversed() {
        index[i] &+= 1
        from &+= axes[i].from
        to &+= axes[i].to
        if index[i] < axes[i].extent { return }
        index[i] = 0
        from &-= axes[i].extent &* axes[i].from
        to &-= axes[i].extent &* axes[i].to
      }
    }
  }

  // What is done to the elements

  /// to = from. Where neighbours in `to` are not neighbours in `from`, squares that are transposed in vectors.
  @_specialize(where T == Float) @_specialize(where T == Double)
  static func copy<T: Element>(
    _ x: UnsafePointer<T>, _ from: StridedView, to y: UnsafeMutablePointer<T>, _ to: StridedView
  ) throws(CNNError) {
    let kernels = T.kernels
    var axes = joined(from, to, sorted: true)
    if let last = axes.last, last.to == 1, last.from > 1, let i = axes.firstIndex(where: { $0.from == 1 }) {
      let columns = axes.remove(at: i)
      let walk = StridedWalk(from, to, width: columns.extent, axes)
      return try walk.forEachRun {
        kernels.transpose(x + $0, last.from, $2, columns.extent, y + $1, columns.to, false)
      }
    }
    let walk = StridedWalk(from, to, width: 1, axes), (a, b) = (walk.run.from, walk.run.to)
    try walk.forEachRun { start, end, count in
      let x = x + start, y = y + end
      switch (a, b) {
      case (1, 1): CNNCore.copy(x, to: y, count)
      case (0, 1): y.update(repeating: x.pointee, count: count)
      default: for i in 0..<count { y[i &* b] = x[i &* a] }
      }
    }
  }

  /// The same of whatever type: elements of four and eight bytes go as numbers do.
  static func move(_ x: AnyInput, _ from: StridedView, to y: AnyOutput, _ to: StridedView) throws(CNNError) {
    switch x.type.stride {
    case 1: try moveSmall(x.bound(to: UInt8.self).data, from, to: y.bound().data, to)
    case 2: try moveSmall(x.bound(to: UInt16.self).data, from, to: y.bound().data, to)
    case 4: try copy(x.bound(to: Float.self).data, from, to: y.bound().data, to)
    default: try copy(x.bound(to: Double.self).data, from, to: y.bound().data, to)
    }
  }
  private static func moveSmall<U: BitwiseCopyable>(
    _ x: UnsafePointer<U>, _ from: StridedView, to y: UnsafeMutablePointer<U>, _ to: StridedView
  ) throws(CNNError) {
    let walk = StridedWalk(from, to, width: 1, joined(from, to, sorted: true)), (a, b) = (walk.run.from, walk.run.to)
    try walk.forEachRun { start, end, count in
      let x = x + start, y = y + end
      if a == 1 && b == 1 { return CNNCore.copy(x, to: y, count) }
      for i in 0..<count { y[i &* b] = x[i &* a] }
    }
  }

  /// to += from.
  @_specialize(where T == Float) @_specialize(where T == Double)
  static func add<T: Element>(
    _ x: UnsafePointer<T>, _ from: StridedView, to y: UnsafeMutablePointer<T>, _ to: StridedView
  ) throws(CNNError) {
    let kernels = T.kernels
    let walk = StridedWalk(from: from, to: to), (a, b) = (walk.run.from, walk.run.to)
    try walk.forEachRun { start, end, count in
      let x = x + start, y = y + end
      switch (a, b) {
      case (1, 0): y.pointee += kernels.sum(x, count)
      case (1, 1): kernels.addTo(y, x, count)
      default: for i in 0..<count { y[i &* b] += x[i &* a] }
      }
    }
  }
}
