// Arrays so large that they are cut into several tasks, which those of the battery are not; `perImage: false` keeps it from
// making more of them.
import CNNCore
import CNNOperators
import Testing

private let large: [OperatorCase] = [
  .init("Transpose", [], .shape([307, 303]), perImage: false) { x in array([303, 307]) { i in x[0][i[1] * 303 + i[0]] } },
  .init("Transpose", [.ints("perm", [1, 2, 0])], .shape([3, 30, 1000]), perImage: false) { x in
    array([30, 1000, 3]) { i in x[0][place([3, 30, 1000], i[2], i[0], i[1])] }
  },
  .init(
    "Slice", [], .shape([1, 140_001]), .integers([-1]), .integers([.min]), .integers([1]), .integers([-2]), perImage: false
  ) { x in
    array([1, 70_001]) { i in x[0][140_000 - 2 * i[1]] }
  },
  .init("Slice", [.ints("starts", [1]), .ints("ends", [4]), .ints("axes", [1])], .shape([30_000, 5]), perImage: false) { x in
    array([30_000, 3]) { i in x[0][i[0] * 5 + 1 + i[1]] }
  },
  .init("Pad", [.string("mode", "edge"), .ints("pads", [0, 70_000, 0, 1])], .shape([1, 70_000]), perImage: false) { x in
    array([1, 140_001]) { i in x[0][max(0, min(69_999, i[1] - 70_000))] }
  },
  .init("ReduceMean", [.ints("axes", [1])], .shape([3, 70_001]), perImage: false) { x in
    (0..<3).map { n in (0..<70_001).reduce(0.0) { $0 + x[0][n * 70_001 + $1] } / 70_001 }
  },
  .init("ReduceMean", [.ints("axes", [0])], .shape([3, 70_001]), perImage: false) { x in
    (0..<70_001).map { i in (0..<3).reduce(0.0) { $0 + x[0][$1 * 70_001 + i] } / 3 }
  },
  .init("ReduceMax", [.ints("axes", [1])], .shape([25_000, 3, 2]), perImage: false) { x in
    array([25_000, 2]) { i in (0..<3).map { x[0][(i[0] * 3 + $0) * 2 + i[1]] }.max() ?? .nan }
  },
  .init("Upsample", [.floats("scales", [1, 2, 3])], .shape([2, 80, 90]), perImage: false) { x in
    array([2, 160, 270]) { i in x[0][place([2, 80, 90], i[0], i[1] / 2, i[2] / 3)] }
  },
]

@Suite(.serialized) struct LargeArrayTests {
  @Test(arguments: large) func forwardIsWhatTheReferenceSays(_ test: OperatorCase) throws {
    try OperatorBattery().forwardIsWhatTheReferenceSays(test)
  }
  @Test(arguments: large) func bitsAreTheSameForAnyNumberOfThreads(_ test: OperatorCase) throws {
    try OperatorBattery().bitsAreTheSameTwiceAndForAnyNumberOfThreads(test)
  }

  /// All of them are linear, or, for maxima, linear nearby: so their loss is the product of its gradient and x. Sums of some 100,000
  /// terms of size 1, whose rounding errors add up to their square root times an ulp.
  @Test(arguments: large) func gradientTimesInputIsTheLoss(_ test: OperatorCase) throws {
    let run = try OperatorRun<Double>(test, handIn: false)
    let (y, gradients) = try run.forwardBackward()
    let loss = zip(y, OperatorRun<Double>.weights(y.count)).reduce(0) { $0 + $1.0 * $1.1 }
    let product = zip(gradients[0], run.parameters[0].values).reduce(0) { $0 + $1.0 * $1.1 }
    #expect(abs(loss - product) < 1e-9)
    // Each gradient by itself, where a few elements are changed.
    for i in [0, gradients[0].count / 2, gradients[0].count - 1] {
      let array = try run.graph.parameters.array(0), value = array.data[i], plan = try run.execution(.train)
      array.data[i] = value + 1e-6
      let above = try run.loss(plan)
      array.data[i] = value - 1e-6
      let below = try run.loss(plan)
      array.data[i] = value
      #expect(abs((above - below) / 2e-6 - gradients[0][i]) < 1e-6, "element \(i)")
    }
  }
}
