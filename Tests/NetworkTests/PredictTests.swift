// Predictions are written where the caller wants them, also over an input.
import CNNCore
import CNNNetwork
import CNNOperators
import Testing

@Suite struct PredictTests {
  private func network(_ addsRelu: Bool) throws -> Network<Float> {
    let network = Network<Float>(), graph = network.graph
    let x = graph.input("x", shape: try Shape("x", 1, 16, 6, 5))
    let w = try graph.parameter("w", Shape("w", 16, 16, 3, 3)) { array throws(CNNError) in
      for i in 0..<array.shape.count { array.data[i] = Float((i * 7919 + 13) % 2003 - 1001) / 2003 }
    }
    let y = try graph.add("Conv", [.ints("pads", [1, 1, 1, 1])], inputs: [x, w])[0]
    // An output that is not the last node's, and one that is a view of it.
    let last = try graph.add("Flatten", inputs: [addsRelu ? graph.add("Tanh", inputs: [y])[0] : y])[0]
    try graph.setOutputs([y, last])
    return network
  }

  @Test(arguments: [false, true]) func outputsMayLieAnywhere(_ addsRelu: Bool) throws {
    let network = try network(addsRelu), count = 2 * 16 * 30
    let x = try Array1<Float>([2, 16, 6, 5]) { Float(($0 * 7919 + 13) % 2003 - 1001) / 501 }
    let image = try Shape("y", 2, 16, 6, 5), flat = try Shape("y", 2, 480)
    func predict(_ first: UnsafeMutablePointer<Float>, _ second: UnsafeMutablePointer<Float>) throws {
      try network.predict([x.input], [Output("y", image, first), Output("flat", flat, second)])
    }
    let apart = try (Block<Float>(count), Block<Float>(count)), overlapping = try Block<Float>(count + 7)
    try predict(apart.0.data, apart.1.data)
    // The second over the first, a little further on.
    try predict(overlapping.data, overlapping.data + 7)
    #expect((0..<count).allSatisfy { overlapping.data[$0 + 7] == apart.1.data[$0] })
    // Over the input.
    let onto = UnsafeMutablePointer(mutating: x.input.data)
    try predict(overlapping.data, onto)
    #expect((0..<count).allSatisfy { onto[$0] == apart.1.data[$0] && overlapping.data[$0] == apart.0.data[$0] })
  }

  /// The last node's own output is written in place, but not over what is still read.
  @Test func theLastOutputMayLieOverAnInput() throws {
    let network = Network<Float>(), graph = network.graph, image = try Shape("y", 2, 16, 6, 5)
    let input = graph.input("x", shape: try Shape("x", 1, 16, 6, 5))
    let w = try graph.parameter("w", Shape("w", 16, 16, 3, 3)) { array throws(CNNError) in
      for i in 0..<array.shape.count { array.data[i] = Float(i % 17) }
    }
    try graph.setOutputs([graph.add("Conv", [.ints("pads", [1, 1, 1, 1])], inputs: [input, w])[0]])
    let x = try Array1<Float>([2, 16, 6, 5]) { Float(($0 * 7919 + 13) % 2003 - 1001) / 501 }, y = try Block<Float>(image.count)
    try network.predict([x.input], [Output("y", image, y.data)])
    let onto = UnsafeMutablePointer(mutating: x.input.data)
    try network.predict([x.input], [Output("y", image, onto)])
    #expect((0..<image.count).allSatisfy { onto[$0] == y.data[$0] })
  }

  /// What a last node refuses only when it sees it is refused before it writes to the caller.
  @Test func nothingIsWrittenWhereElementsAreRefused() throws {
    func check(_ name: StaticString, _ attributes: [Attribute], _ inputs: [TypedArray], _ y: [Int]) throws {
      let network = Network<Float>(), graph = network.graph
      let ids = inputs.map { graph.input(Name("x\(graph.inputs.count)"), type: $0.type, shape: $0.shape) as ValueID? }
      try graph.setOutputs(graph.add(Name(name), attributes, inputs: ids))
      let result = try Array1<Float>(y) { _ in 7 }
      let given = inputs.map { AnyInput("x", $0.shape, $0.type, UnsafeRawPointer($0.data)) }
      #expect(throws: CNNError.self, "\(name)") { try network.predict(given, [AnyOutput(result.output)]) }
      #expect((0..<result.input.shape.count).allSatisfy { result.input.data[$0] == 7 }, "\(name)")
    }
    let scores = try TypedArray.of([1, 2, 3, 4, 5, 6] as [Float], [2, 3])
    for name in ["SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss"] as [StaticString] {
      try check(name, [.string("reduction", "none")], [scores, .of([1, 3], [2])], [2])
    }
    let regions = try TypedArray.of([0, 0, 1, 1, 0, 0, .infinity, 1] as [Float], [2, 4])
    let image = try TypedArray.of([1, 2, 3, 4] as [Float], [1, 1, 2, 2])
    try check("RoiAlign", [], [image, regions, .of([0, 0], [2])], [2, 1, 1, 1])
  }
}
