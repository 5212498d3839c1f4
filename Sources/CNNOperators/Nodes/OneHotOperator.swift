// OneHot: along a new axis (-1) of `depth` elements, the second of `values` where the index is, and the first elsewhere.
import CNNCore

final class OneHotOperator<T: Element>: Operator<T> {
  private let axis: Int, depth: Int

  init(_ attributes: Attributes) throws(CNNError) {
    axis = try attributes.int("axis", default: -1)
    let given = try attributes.numbers(input: 1, "depth") ?? []
    guard given.count == 1, given[0] >= 1, given[0] < 0x1p31 else { throw attributes.wrong("depth", "one number from 1") }
    depth = Int(given[0])
    super.init(try Signature(attributes, inputs: ["indices", "depth", "values"]))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    guard inputs[2].count == 2 else { throw .shape("values: wanted two, got shape \(inputs[2].description)") }
    var extents = inputs[0].extents
    extents.insert(depth, at: try resolve(axis: axis, rank: extents.count + 1, "axis"))
    return [try Shape("output", extents: extents)]
  }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] { [inputs[2] ?? T.elementType] }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let indices = try arrays.anyInput(0), values = try arrays.anyInput(2), y = try arrays.anyOutput(), size = y.type.stride
    let wide = try Scratch<Int64>(indices.shape.count), place = wide.data
    try convert(indices, to: AnyOutput("indices", indices.shape, .int64, place), T.self)
    let inner = AxisRows(y.shape, axis: try resolve(axis: axis, rank: y.shape.rank, "axis")).inner
    for i in 0..<y.shape.count { copyBytes(values.data, to: y.data + i &* size, size) }
    // An index outside names nothing.
    for i in 0..<indices.shape.count where place[i] >= -Int64(depth) && place[i] < Int64(depth) {
      let k = Int(place[i]) < 0 ? Int(place[i]) + depth : Int(place[i])
      copyBytes(values.data + size, to: y.data + ((i / inner &* depth &+ k) &* inner &+ i % inner) &* size, size)
    }
  }
}
