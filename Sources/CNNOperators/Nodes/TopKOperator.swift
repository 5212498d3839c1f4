// TopK: along `axis` (-1) the k largest elements, or least, in their order, and as a second output where they are; of equals the first.
import CNNCore

final class TopKOperator<T: Element>: Operator<T> {
  private let axis: Int, k: Int, takesLargest: Bool

  init(_ attributes: Attributes) throws(CNNError) {
    axis = try attributes.int("axis", default: -1)
    takesLargest = try attributes.flag("largest", default: true)
    _ = try attributes.flag("sorted", default: true)  // they always are
    let attribute = try attributes.int("k", default: -1), given = try attributes.integers(input: 1, "K")
    guard given == nil || given?.count == 1 else { throw attributes.wrong("K", "one integer") }
    k = given?[0] ?? attribute
    guard k >= 0 else { throw attributes.wrong("K", "0 or more, got \(k)") }
    super.init(try Signature(attributes, inputs: ["X", "K"], required: 1, outputs: 2))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let x = inputs[0], axis = try resolve(axis: axis, rank: x.rank, "axis")
    guard k <= x[axis] else { throw .argument("K: wanted at most the \(x[axis]) elements of axis \(axis), got \(k)") }
    return [Shape](repeating: try Shape("Values", rank: x.rank) { $0 == axis ? k : x[$0] }, count: 2)
  }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    if inputs[0] == .bool { throw wrongType(0, "numbers or integers", .bool) }
    return [inputs[0] ?? T.elementType, .int64]
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.anyInput(0), y = try arrays.anyOutput()
    let wantsIndices = arrays.outputCount > 1, spare = try Scratch<Int64>(wantsIndices ? 0 : y.shape.count)
    let places = wantsIndices ? try arrays.anyOutput(1).bound(to: Int64.self).data : spare.data
    let kept: Output<Int32>? = arrays.mode == .train ? try arrays.kept(0) : nil
    let rows = AxisRows(x.shape, axis: try resolve(axis: axis, rank: x.shape.rank, "axis"))
    if x.type == T.elementType {
      try select(arrays.input(0).data, rows, arrays.output().data, places)
    } else {
      let wide = try Operand64(x, x.shape), scratch = try Scratch<Int64>(y.shape.count)
      try select(wide.data, rows, scratch.data, places)
      Wide.store(UnsafePointer(scratch.data), y, 0, y.shape.count)
    }
    if let kept { for i in 0..<y.shape.count { kept.data[i] = Int32(truncatingIfNeeded: places[i]) } }
  }
  private func select<U: Comparable>(
    _ x: UnsafePointer<U>, _ rows: AxisRows, _ y: UnsafeMutablePointer<U>, _ places: UnsafeMutablePointer<Int64>
  ) throws(CNNError) {
    let step = rows.inner
    try forEachPiece(rows.outer &* step) { start, count in
      for row in start..<start &+ count {
        let x = x + (row / step &* rows.K &* step &+ row % step), to = row / step &* k &* step &+ row % step
        let order = (0..<rows.K).sorted { a, b in
          let (first, second) = takesLargest ? (x[b &* step], x[a &* step]) : (x[a &* step], x[b &* step])
          return first < second || (!(second < first) && a < b)
        }
        for i in 0..<k {
          y[to &+ i &* step] = x[order[i] &* step]
          places[to &+ i &* step] = Int64(order[i])
        }
      }
    }
  }

  override func kept(_ inputs: [Shape], _ outputs: [Shape]) throws(CNNError) -> [Kept] { [Kept(outputs[0], .int32)] }
  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    let gradY = try arrays.gradOutput(), places: Output<Int32> = try arrays.kept(0)
    let rows = AxisRows(gradX.shape, axis: try resolve(axis: axis, rank: gradX.shape.rank, "axis")), step = rows.inner
    zero(gradX.data, gradX.shape.count)
    for i in 0..<gradY.shape.count {
      let outer = i / (k &* step), inner = i % step
      gradX.data[(outer &* rows.K &+ Int(places.data[i])) &* step &+ inner] = gradY.data[i]
    }
  }
}
