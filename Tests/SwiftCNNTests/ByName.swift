// A network built and trained through the engine's own names, for NetworkTests to compare with.
import CNNCore
import CNNNetwork
import CNNOperators

/// The network of `NetworkTests.residual`, by name: its parameters, one array, and its scores after `epochs` on these images.
func trainedByName(
  seed: UInt64, x: [Float], images: Int, side: Int, classes: [Int64], epochs: Int, batchSize: Int
) throws -> (parameters: [[Float]], scores: [Float]) {
  let network = Network<Float>(seed: seed), graph = network.graph
  func shape(_ extents: Int...) throws -> Shape { try Shape("shape", rank: extents.count) { extents[$0] } }
  func parameter(_ name: Name, _ shape: Shape, _ initializer: StaticString, _ list: Attribute...) throws -> ValueID {
    try network.parameter(name, shape, Initializer(Attributes(of: Name(initializer), list), shape))
  }
  func constant(_ name: Name, _ value: Float) throws -> ValueID {
    try graph.buffer(name, shape(4)) { array in array.data.update(repeating: value, count: 4) }
  }
  let same: [Attribute] = [.init("pads", .ints([1, 1, 1, 1]))]
  let half: [Attribute] = [.init("kernel_shape", .ints([2, 2])), .init("strides", .ints([2, 2]))]
  var y = graph.input("x", shape: try shape(1, 1, side, side))
  y = try graph.add(
    "Conv", same,
    inputs: [y, parameter("0.weight", shape(4, 1, 3, 3), "HeNormal"), parameter("0.bias", shape(4), "Constant")])[0]
  let before = try graph.add("Relu", inputs: [y])[0]
  y = try graph.add("Conv", same, inputs: [before, parameter("2.branch.0.weight", shape(4, 4, 3, 3), "HeNormal")])[0]
  y = try graph.add(
    "BatchNormalization",
    inputs: [
      y, parameter("2.branch.1.weight", shape(4), "Constant", .init("value", .float(1))),
      parameter("2.branch.1.bias", shape(4), "Constant"), constant("2.branch.1.running_mean", 0),
      constant("2.branch.1.running_var", 1),
    ])[0]
  y = try graph.add("Relu", inputs: [graph.add("Add", inputs: [y, before])[0]])[0]
  y = try graph.add("Flatten", inputs: [graph.add("MaxPool", half, inputs: [y])[0]])[0]
  y = try graph.add("Dropout", [.init("ratio", .float(0.2))], inputs: [y])[0]
  let features = side * side
  y = try graph.add(
    "Gemm", [.init("transB", .int(1))],
    inputs: [y, parameter("7.weight", shape(3, features), "HeNormal"), parameter("7.bias", shape(3), "Constant")])[0]
  try graph.setOutputs([y])
  try network.setLoss(Attributes(of: "SoftmaxCrossEntropyLoss", []))
  try network.setOptimizer(Attributes(of: "Adam", [.init("lr", .float(0.01))]))

  var scores = [Float](repeating: 0, count: images * 3)
  let (imagesShape, classesShape, scoresShape) = try (shape(images, 1, side, side), shape(images), shape(images, 3))
  try x.withUnsafeBufferPointer { x in
    try classes.withUnsafeBufferPointer { classes in
      let input = Input("x", imagesShape, x.baseAddress!), target = Input("target", classesShape, classes.baseAddress!)
      var options = EpochOptions()
      options.batchSize = batchSize
      for _ in 0..<epochs { _ = try network.trainEpoch([input], .indices64(target), options) }
      try scores.withUnsafeMutableBufferPointer {
        try network.predict([input], [Output("y", scoresShape, $0.baseAddress!)])
      }
    }
  }
  let memory = try graph.parameters.memory()
  let parameters = graph.parameters.entries.map { entry in (0..<entry.shape.count).map { memory[entry.offset + $0] } }
  return (parameters, scores)
}
