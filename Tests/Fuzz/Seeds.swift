// Networks to begin with, as the writer writes them.
import CNNCore
import CNNModelFiles
import CNNNetwork
import CNNOperators

func ownSeeds() throws(CNNError) -> [[UInt8]] {
  [try bytes(classifier()), try bytes(branches()), try bytes(resampling())]
}

func bytes<T: Element>(_ network: Network<T>) throws(CNNError) -> [UInt8] {
  var room: UnsafeMutableRawBufferPointer?
  defer { room?.deallocate() }
  try save(network) { count throws(CNNError) in
    let made = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 8)
    room = made
    return made.baseAddress
  }
  return room.map { Array($0) } ?? []
}

private func filled(_ network: Network<Float>, _ name: Name, _ extents: Int...) throws(CNNError) -> ValueID {
  try network.graph.parameter(name, Shape("shape", rank: extents.count) { extents[$0] }) { array throws(CNNError) in
    for i in 0..<array.shape.count { array.data[i] = Float(i % 7) - 3 }
  }
}

private func classifier() throws(CNNError) -> Network<Float> {
  let network = Network<Float>(), graph = network.graph
  var x = graph.input("x", shape: try Shape("x", 1, 2, 8, 8))
  x = try graph.add(
    "Conv", [Attribute("pads", .ints([1, 1, 1, 1])), Attribute("strides", .ints([2, 2]))],
    inputs: [x, filled(network, "w", 4, 2, 3, 3), filled(network, "b", 4)])[0]
  let statistics = [try filled(network, "scale", 4), try filled(network, "bias", 4)]
  let moments = [
    try graph.buffer("mean", Shape("s", 4)) { for i in 0..<4 { $0.data[i] = 0.5 } },
    try graph.buffer("variance", Shape("s", 4)) { for i in 0..<4 { $0.data[i] = 1.5 } },
  ]
  x = try graph.add("BatchNormalization", inputs: [x] + statistics + moments)[0]
  x = try graph.add("Relu", inputs: [x])[0]
  x = try graph.add("MaxPool", [Attribute("kernel_shape", .ints([2, 2])), Attribute("strides", .ints([2, 2]))], inputs: [x])[0]
  x = try graph.add("Flatten", inputs: [x])[0]
  x = try graph.add(
    "Gemm", [Attribute("transB", .int(1))], inputs: [x, filled(network, "fc", 3, 16), filled(network, "fb", 3)])[0]
  x = try graph.add("Dropout", [Attribute("ratio", .float(0.25))], inputs: [x])[0]
  try graph.setOutputs([try graph.add("Softmax", inputs: [x])[0]])
  return network
}

private func branches() throws(CNNError) -> Network<Double> {
  let network = Network<Double>(), graph = network.graph
  let x = graph.input("x", shape: try Shape("x", 1, 4, 6, 5))
  let parts = try graph.add("Split", [Attribute("axis", .int(1)), Attribute("split", .ints([1, 3]))], inputs: [x], outputs: 2)
  let a = try graph.add("LeakyRelu", [Attribute("alpha", .float(0.3))], inputs: [parts[0]])[0]
  let b = try graph.add("Clip", [Attribute("min", .float(0)), Attribute("max", .float(6))], inputs: [parts[1]])[0]
  let joined = try graph.add("Concat", [Attribute("axis", .int(1))], inputs: [a, b, a])[0]
  let padded = try graph.add(
    "Pad", [Attribute("pads", .ints([0, 0, 1, 0, 0, 0, 0, 2])), Attribute("mode", .string("reflect"))], inputs: [joined])[0]
  let sliced = try graph.add(
    "Slice", [Attribute("starts", .ints([1])), Attribute("ends", .ints([-1])), Attribute("axes", .ints([2]))], inputs: [padded])[
      0]
  let moved = try graph.add("Transpose", [Attribute("perm", .ints([0, 2, 3, 1]))], inputs: [sliced])[0]
  let mean = try graph.add("ReduceMean", [Attribute("axes", .ints([1, 2]))], inputs: [moved])[0]
  let shape = try graph.integers("shape", [0, -1])
  let flat = try graph.add("Reshape", inputs: [moved, shape])[0]
  try graph.setOutputs([flat, mean])
  return network
}

private func resampling() throws(CNNError) -> Network<Float> {
  let network = Network<Float>(), graph = network.graph
  var x = graph.input("x", shape: try Shape("x", 1, 3, 4, 4))
  x = try graph.add(
    "ConvTranspose", [Attribute("strides", .ints([2, 2])), Attribute("group", .int(3))],
    inputs: [x, filled(network, "w", 3, 2, 2, 2)])[0]
  x = try graph.add("GlobalAveragePool", inputs: [x])[0]
  x = try graph.add("PRelu", inputs: [x, filled(network, "slope", 6, 1, 1)])[0]
  x = try graph.add("MatMul", inputs: [x, filled(network, "m", 1, 3)])[0]
  x = try graph.add("Add", inputs: [x, filled(network, "a", 6, 1, 3)])[0]
  try graph.setOutputs([x])
  return network
}
