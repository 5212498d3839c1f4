// MeanVarianceNormalization: (x - mean) / (standard deviation + 1e-9) over `axes` ([0, 2, 3]).
import CNNCore
import Microkernels

final class MeanVarianceNormalizationOperator<T: Element>: Operator<T> {
  private let axes: [Int]

  init(_ attributes: Attributes) throws(CNNError) {
    axes = try attributes.ints("axes") ?? [0, 2, 3]
    super.init(try Signature(attributes, inputs: ["X"]))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    _ = try resolve(axes: axes, rank: inputs[0].rank, "axes")
    return [inputs[0]]
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), y = try arrays.output(), reduced = try resolve(axes: axes, rank: x.shape.rank, "axes")
    let left = try Shape("statistics", rank: x.shape.rank) { reduced.contains($0) ? 1 : x.shape[$0] }
    let view = StridedView(left).repeated(along: reduced, of: x.shape), all = StridedView(x.shape)
    let sums = try Scratch<T>(left.count), squares = try Scratch<T>(x.shape.count), n = T(x.shape.count) / T(max(1, left.count))
    func meanOf(_ from: UnsafePointer<T>) throws(CNNError) {
      zero(sums.data, left.count)
      try StridedWalk.add(from, all, to: sums.data, view)
      for i in 0..<left.count { sums.data[i] /= n }
    }
    try meanOf(x.data)
    try StridedWalk.copy(UnsafePointer(sums.data), view, to: squares.data, all)
    let kernels = T.kernels, count = x.shape.count
    kernels.combine(x.data, 1, UnsafePointer(squares.data), -1, 0, y.data, count)
    kernels.arithmetic(.product, UnsafePointer(y.data), false, UnsafePointer(y.data), false, squares.data, count)
    try meanOf(UnsafePointer(squares.data))
    for i in 0..<left.count { sums.data[i] = sums.data[i].squareRoot() + 1e-9 }
    try StridedWalk.copy(UnsafePointer(sums.data), view, to: squares.data, all)
    kernels.arithmetic(.quotient, UnsafePointer(y.data), false, UnsafePointer(squares.data), false, y.data, count)
  }
}
