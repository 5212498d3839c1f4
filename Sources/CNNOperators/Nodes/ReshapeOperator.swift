// Reshape: the elements of `data` in another shape, in which one extent may be -1, whatever is left, and 0 is the extent that data
// has there. The elements stay where they are.
import CNNCore

final class ReshapeOperator<T: Element>: ViewOperator<T> {
  private let shape: [Int]
  private let allowsZero: Bool

  init(_ attributes: Attributes) throws(CNNError) {
    allowsZero = try attributes.flag("allowzero", default: false)
    // An attribute, until ONNX's version 5 made an input of it.
    let attribute = try attributes.ints("shape")
    guard let shape = try attributes.integers(input: 1, "shape") ?? attribute else {
      throw attributes.wrong("shape", "integers, got none")
    }
    var unknown = 0
    for extent in shape {
      guard extent >= -1 else { throw attributes.wrong("shape", "extents, 0 or one -1, got \(extent)") }
      unknown += extent == -1 ? 1 : 0
    }
    guard unknown <= 1 else { throw attributes.wrong("shape", "at most one extent of -1, got \(unknown)") }
    self.shape = shape
    super.init(try Signature(attributes, inputs: ["data", "shape"], required: 1))
  }

  private init(_ other: ReshapeOperator, images: Int) {
    (shape, allowsZero) = ([images] + other.shape.dropFirst(), other.allowsZero)
    super.init(other.signature)
  }
  /// Files for batches of one size give the shape as numbers.
  override func forImages(_ images: Int) -> Operator<T> {
    if let first = shape.first, first > 0 { ReshapeOperator(self, images: images) } else { self }
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let x = inputs[0]
    func extent(_ i: Int) -> Int { shape[i] == 0 && !allowsZero ? x[i] : shape[i] }
    var known = 1, overflows = false
    for i in shape.indices where shape[i] != -1 {
      let product = known.multipliedReportingOverflow(by: extent(i))
      (known, overflows) = (product.partialValue, overflows || product.overflow)
    }
    let isWhole = known == 0 ? x.count == 0 : x.count % known == 0
    let y = try Shape("shape", rank: shape.count) { shape[$0] == -1 ? (known == 0 ? 0 : x.count / known) : extent($0) }
    guard !overflows && isWhole && y.count == x.count else {
      throw .shape("shape: wanted one of \(x.count) elements as data has (\(x.description)), got \(y.description)")
    }
    return [y]
  }
}
