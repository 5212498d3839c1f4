// Operators that take elements of some axes together, as lines of the battery.
import CNNOperators

let reduceMax: [OperatorCase] = [
  .init("ReduceMax", [.ints("axes", [1])], .shape([3, 5, 4])) { x in
    array([3, 1, 4]) { i in (0..<5).map { x[0][place([3, 5, 4], i[0], $0, i[2])] }.max() ?? .nan }
  },
  .init("ReduceMax", [.int("keepdims", 0)], .shape([3, 5, 4]), .integers([-1, 1]), reference: maxOfImages),
  .init("ReduceMax", [], .shape([3, 5, 4]), perImage: false) { [$0[0].max() ?? .nan] },
]
@Sendable private func maxOfImages(_ x: [[Double]]) -> [Double] {
  (0..<3).map { x[0][$0 * 20..<($0 + 1) * 20].max() ?? .nan }
}

let reduceMean: [OperatorCase] = [
  .init("ReduceMean", [.ints("axes", [-1, -2])], .shape([3, 5, 4, 2])) { x in
    array([3, 5, 1, 1]) { i in summed(x[0], [3, 5, 8], 2, i[0], i[1]) / 8 }
  },
  .init("ReduceMean", [.ints("axes", [2, 3]), .int("keepdims", 0)], .shape([2, 13, 3, 5])) { x in
    array([2, 13]) { i in summed(x[0], [2, 13, 15], 2, i[0], i[1]) / 15 }
  },
  .init("ReduceMean", [.int("keepdims", 0)], .shape([3, 5]), .integers([0]), perImage: false) { x in
    array([5]) { i in summed(x[0], [1, 3, 5], 1, 0, i[0]) / 3 }
  },
  .init("ReduceMean", [.int("noop_with_empty_axes", 1)], .shape([3, 5]), .integers([]), reference: { $0[0] }),
]

let reduceSum: [OperatorCase] = [
  .init("ReduceSum", [], .shape([3, 5, 4]), .integers([1])) { x in
    array([3, 1, 4]) { i in summed(x[0], [3, 5, 4], 1, i[0], i[2]) }
  },
  .init("ReduceSum", [.ints("axes", [0, 2]), .int("keepdims", 0)], .shape([3, 5, 4]), perImage: false) { x in
    array([5]) { i in (0..<3).reduce(0.0) { $0 + summed(x[0], [3, 5, 4], 2, $1, i[0]) } }
  },
  .init("ReduceSum", [.int("keepdims", 0)], .shape([3, 5, 4]), perImage: false) { [$0[0].reduce(0, +)] },
]
/// The sum over one axis of x of three, at places a and b of the others.
private func summed(_ x: [Double], _ shape: [Int], _ axis: Int, _ a: Int, _ b: Int) -> Double {
  (0..<shape[axis]).reduce(0.0) { total, i in
    total + x[axis == 1 ? place(shape, a, i, b) : place(shape, a, b, i)]
  }
}
