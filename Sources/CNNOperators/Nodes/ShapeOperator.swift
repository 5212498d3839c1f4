// Shape: the extents of x as int64, from axis `start` to before `end`; known as soon as the shapes are.
import CNNCore

final class ShapeOperator<T: Element>: MovingOperator<T> {
  private let start: Int, end: Int

  init(_ attributes: Attributes) throws(CNNError) {
    start = try attributes.int("start", default: 0)
    end = try attributes.int("end", default: .max)
    super.init(try Signature(attributes, inputs: ["data"]))
  }

  private func extents(_ x: Shape) -> [Int] {
    func place(_ i: Int) -> Int { min(max(i < 0 ? i + x.rank : i, 0), x.rank) }
    return place(start) < place(end) ? Array(x.extents[place(start)..<place(end)]) : []
  }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [try Shape("shape", extents(inputs[0]).count)] }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] { [.int64] }
  override func outputs(ofShapes inputs: [Shape]) throws(CNNError) -> [TypedArray]? { [try TypedArray(extents(inputs[0]))] }
}
