// Small networks and arrays that the tests share.
import CNNCore
import CNNNetwork
import CNNOperators

/// An array that the test owns.
final class Array1<T: BitwiseCopyable> {
  let shape: Shape
  let block: Block<T>
  init(_ extents: [Int], _ element: (Int) -> T) throws {
    shape = try CNNCore.Shape("array", rank: extents.count) { extents[$0] }
    block = try Block(shape.count)
    for i in 0..<shape.count { block.data[i] = element(i) }
  }
  var input: Input<T> { Input("x", shape, UnsafePointer(block.data)) }
  var output: Output<T> { Output("y", shape, block.data) }
  var elements: [T] { (0..<shape.count).map { block.data[$0] } }
}

extension Attributes {
  static func of(_ name: StaticString, _ list: Attribute...) throws -> Attributes { try Attributes(of: Name(name), list) }
}

/// Images of 1 channel and 8 x 8 pixels in 3 classes, which a bright row gives away.
func images<T: Element>(_ count: Int, _: T.Type) throws -> (x: Array1<T>, classes: Array1<Int64>) {
  let noise = spread(count * 64, seed: 5)
  let x = try Array1<T>([count, 1, 8, 8]) { T(noise[$0] * 0.5 + ($0 / 8 % 8 == $0 / 64 % 3 * 2 + 1 ? 1 : 0)) }
  return (x, try Array1<Int64>([count]) { Int64($0 % 3) })
}

/// Conv, Relu, a residual block whose convolutions share one weight, MaxPool, Flatten, Gemm.
func residualNetwork<T: Element>(seed: UInt64 = 1, _: T.Type) throws -> Network<T> {
  let network = Network<T>(seed: seed), graph = network.graph
  func parameter(_ name: Name, _ extents: [Int], _ initializer: StaticString = "HeNormal") throws -> ValueID {
    let shape = try shape(extents)
    return try network.parameter(name, shape, Initializer(.of(initializer), shape))
  }
  let same: [Attribute] = [.ints("pads", [1, 1, 1, 1])],
    half: [Attribute] = [.ints("kernel_shape", [2, 2]), .ints("strides", [2, 2])]
  let x = graph.input("x", shape: try shape([1, 1, 8, 8]))
  let stem = try graph.add("Conv", same, inputs: [x, parameter("w1", [4, 1, 3, 3]), parameter("b1", [4], "Constant")])
  let open = try graph.add("Relu", inputs: [stem[0]])
  let w2 = try parameter("w2", [4, 4, 3, 3])
  let first = try graph.add("Relu", inputs: [graph.add("Conv", same, inputs: [open[0], w2])[0]])
  let second = try graph.add("Conv", same, inputs: [first[0], w2])
  let sum = try graph.add("Relu", inputs: [graph.add("Add", inputs: [second[0], open[0]])[0]])
  let pooled = try graph.add("Flatten", inputs: [graph.add("MaxPool", half, inputs: [sum[0]])[0]])
  let scores = try graph.add(
    "Gemm", [.int("transB", 1)], inputs: [pooled[0], parameter("w3", [3, 64]), parameter("b3", [3], "Constant")])
  try graph.setOutputs(scores)
  try network.setLoss(.of("SoftmaxCrossEntropyLoss"))
  try network.setOptimizer(.of("Adam", .float("lr", 0.01)))
  return network
}

extension Network {
  var flatParameters: [T] {
    get throws { Array(UnsafeBufferPointer(start: try graph.parameters.memory(), count: graph.parameters.count)) }
  }
}
