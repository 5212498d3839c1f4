// Which axes ReduceSum, ReduceMean, ReduceMax, … take together, and what is left of a shape.
import CNNCore

struct Reduction {
  private let axes: [Int]?
  private let keepsAxes: Bool, isNothingWithoutAxes: Bool

  init(_ attributes: Attributes) throws(CNNError) {
    let axes = try attributes.integers("axes", orInput: 1)
    self.axes = axes?.isEmpty ?? true ? nil : axes
    keepsAxes = try attributes.flag("keepdims", default: true)
    isNothingWithoutAxes = try attributes.flag("noop_with_empty_axes", default: false)
  }
  static func signature(_ attributes: Attributes) throws(CNNError) -> Signature {
    try Signature(attributes, inputs: ["data", "axes"], required: 1)
  }

  private func reduced(_ x: Shape) throws(CNNError) -> [Int] {
    guard let axes else { return isNothingWithoutAxes ? [] : Array(0..<x.rank) }
    return try resolve(axes: axes, rank: x.rank, "axes")
  }
  func outputShape(_ x: Shape) throws(CNNError) -> Shape {
    let reduced = try reduced(x), left = (0..<x.rank).filter { keepsAxes || !reduced.contains($0) }
    return try Shape("reduced", extents: left.map { reduced.contains($0) ? 1 : x[$0] })
  }

  /// Whether it is over all pixels of x[N][C][H][W], and over nothing else.
  func isOverPixels(_ x: Shape) -> Bool { x.rank == 4 && (try? reduced(x).sorted()) == [2, 3] }

  /// Of each image for itself, where it is not reduced over them.
  func imageRule(_ x: Shape) -> ImageRule { (try? reduced(x).contains(0)) == false ? .first : .together }

  /// The result with the extents of x: it stands still along the axes that are reduced.
  func result(_ x: Shape) throws(CNNError) -> StridedView {
    let reduced = try reduced(x)
    return StridedView((0..<x.rank).map { reduced.contains($0) ? 1 : x[$0] }).repeated(along: reduced, of: x)
  }
}
