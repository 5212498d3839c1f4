// Operators that only move elements, as lines of the battery.
import CNNOperators

let depthToSpace: [OperatorCase] = [
  .init("DepthToSpace", [.int("blocksize", 2)], .shape([2, 8, 3, 5]), reference: depthFirst),
  .init("DepthToSpace", [.int("blocksize", 2), .string("mode", "CRD")], .shape([2, 8, 3, 5]), reference: channelFirst),
]
@Sendable private func depthFirst(_ x: [[Double]]) -> [Double] {
  array([2, 2, 6, 10]) { i in
    x[0][place([2, 2, 2, 2, 3, 5], i[0], i[2] % 2, i[3] % 2, i[1], i[2] / 2, i[3] / 2)]
  }
}
@Sendable private func channelFirst(_ x: [[Double]]) -> [Double] {
  array([2, 2, 6, 10]) { i in
    x[0][place([2, 2, 2, 2, 3, 5], i[0], i[1], i[2] % 2, i[3] % 2, i[2] / 2, i[3] / 2)]
  }
}

let spaceToDepth: [OperatorCase] = [
  .init("SpaceToDepth", [.int("blocksize", 3)], .shape([2, 2, 6, 9]), reference: blocksAsChannels)
]
@Sendable private func blocksAsChannels(_ x: [[Double]]) -> [Double] {
  array([2, 3, 3, 2, 2, 3]) { i in x[0][place([2, 2, 6, 9], i[0], i[3], i[4] * 3 + i[1], i[5] * 3 + i[2])] }
}

let pad: [OperatorCase] = [
  .init(
    "Pad", [], .shape([2, 3, 4]), .integers([0, 1, 2, 0, 0, 3]), .constant([], [0.5]),
    reference: { padded($0, [2, 4, 9], [0, 1, 2], outside: 0.5) { i, n in (0..<n).contains(i) ? i : nil } }),
  .init("Pad", [.ints("pads", [0, -1, 1, 0, 2, -2]), .float("value", -3)], .shape([2, 3, 4])),
  .init(
    "Pad", [.string("mode", "reflect")], .shape([2, 3, 4]), .integers([2, 3, 5, 1]), .absent, .integers([1, -1]),
    reference: { padded($0, [2, 10, 8], [0, 2, 3]) { i, n in (n - 1) - abs((n - 1) - (i + 4 * (n - 1)) % (2 * n - 2)) } }),
  .init(
    "Pad", [.string("mode", "edge"), .ints("pads", [0, 2, 3, 0, 1, -1])], .shape([2, 3, 4]),
    reference: { padded($0, [2, 6, 6], [0, 2, 3]) { i, n in max(0, min(n - 1, i)) } }),
  .init(
    "Pad", [.string("mode", "wrap"), .ints("pads", [0, 4, 3, 0, 2, 9])], .shape([2, 3, 4]),
    reference: { padded($0, [2, 9, 16], [0, 4, 3]) { i, n in (i + 3 * n) % n } }),
  .init("Pad", [.string("mode", "edge"), .ints("pads", [1, 0, 0, 2, 1, 1])], .shape([2, 3, 4]), perImage: false),
]
/// y of x[2][3][4], where element i of an axis, counted from x's first, is x's element source(i, n).
private func padded(
  _ x: [[Double]], _ shape: [Int], _ before: [Int], outside: Double = .nan, _ source: (_ i: Int, _ n: Int) -> Int?
) -> [Double] {
  array(shape) { i in
    guard let a = source(i[0] - before[0], 2), let b = source(i[1] - before[1], 3), let c = source(i[2] - before[2], 4)
    else { return outside }
    return x[0][place([2, 3, 4], a, b, c)]
  }
}

let slice: [OperatorCase] = [
  .init(
    "Slice", [], .shape([3, 4, 7]), .integers([1, -2]), .integers([99, -99]), .integers([1, -1]), .integers([2, -2]),
    reference: someBackwards),
  .init("Slice", [.ints("starts", [1, -3]), .ints("ends", [-1, .max]), .ints("axes", [1, 2])], .shape([3, 4, 7])),
  .init("Slice", [], .shape([3, 4, 7]), .integers([2]), .integers([.min]), .absent, .integers([-1]), perImage: false),
  .init("Slice", [], .shape([3, 4, 7]), .integers([3]), .integers([3]), .integers([1]), reference: { _ in [] }),
]
@Sendable private func someBackwards(_ x: [[Double]]) -> [Double] {
  array([3, 2, 3]) { i in x[0][place([3, 4, 7], i[0], 1 + 2 * i[1], 5 - 2 * i[2])] }
}

let split: [OperatorCase] = [
  .init("Split", [.int("axis", 1)], .shape([3, 4, 2]), outputs: 2, output: 1) { x in
    array([3, 2, 2]) { i in x[0][place([3, 4, 2], i[0], 2 + i[1], i[2])] }
  },
  .init("Split", [.int("axis", -1)], .shape([3, 7]), .integers([2, 0, 5]), outputs: 3, output: 2),
  .init("Split", [.ints("split", [1, 2])], .shape([3, 7]), perImage: false, outputs: 2, output: 1),
  .init("Split", [.int("axis", 1), .int("num_outputs", 3)], .shape([3, 7]), outputs: 3, output: 2) { x in
    array([3, 1]) { i in x[0][i[0] * 7 + 6] }
  },
]

let squeeze: [OperatorCase] = [
  .init("Squeeze", [], .shape([3, 1, 4, 1]), reference: { $0[0] }),
  .init("Squeeze", [.ints("axes", [-1])], .shape([3, 1, 4, 1]), reference: { $0[0] }),
  .init("Squeeze", [], .shape([3, 1, 4, 1]), .integers([1, 3]), reference: { $0[0] }),
]

let transpose: [OperatorCase] = [
  .init("Transpose", [], .shape([3, 5, 7]), perImage: false) { x in
    array([7, 5, 3]) { i in x[0][place([3, 5, 7], i[2], i[1], i[0])] }
  },
  .init("Transpose", [.ints("perm", [0, 2, 3, 1])], .shape([2, 19, 3, 6])) { x in
    array([2, 3, 6, 19]) { i in x[0][place([2, 19, 3, 6], i[0], i[3], i[1], i[2])] }
  },
  .init("Transpose", [.ints("perm", [0, 2, 1, 3])], .shape([2, 4, 3, 5])),
  .init("Transpose", [.ints("perm", [0, 3, 2, 1])], .shape([2, 4, 1, 5])),
]

let unsqueeze: [OperatorCase] = [
  .init("Unsqueeze", [.ints("axes", [1, -1])], .shape([3, 4]), reference: { $0[0] }),
  .init("Unsqueeze", [], .shape([3, 4]), .integers([3, 1]), reference: { $0[0] }),
]
