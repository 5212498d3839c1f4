// NonZero: the indices of the elements of x that are not 0, y[axis][element] of int64. Its shape depends on them: x must be known when a plan is
// made.
import CNNCore

final class NonZeroOperator<T: Element>: Operator<T> {
  private let places: [Int], rank: Int

  init(_ attributes: Attributes) throws(CNNError) {
    guard let x = try attributes.array(input: 0, "X") else { throw attributes.wrong("X", "an array, got none") }
    places = (0..<x.shape.count).filter { x.number($0) != 0 }
    rank = max(1, x.shape.rank)
    super.init(try Signature(attributes, inputs: ["X"]))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [try Shape("Y", rank, places.count)] }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] { [.int64] }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.inputShape(0), y: Output<Int64> = try arrays.anyOutput().bound()
    for (i, place) in places.enumerated() {
      var rest = place
      for axis in (0..<rank).reversed() {
        y.data[axis * places.count + i] = Int64(rest % max(1, x[axis]))
        rest /= max(1, x[axis])
      }
    }
  }
}
