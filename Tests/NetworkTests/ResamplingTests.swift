// What reductions, resampling and the way back from pooling refuse; and pooling and the way back in one network.
import CNNCore
import CNNNetwork
import CNNOperators
import Testing

@Suite struct ResamplingTests {
  @Test func shapesFollowTheirRules() throws {
    #expect(try outputShapes("ReduceSum", [.ints("axes", [-1]), .int("keepdims", 0)], [[2, 3, 4]]) == [[2, 3]])
    #expect(try outputShapes("ReduceMax", [], [[2, 3, 4]]) == [[1, 1, 1]])
    #expect(try outputShapes("ReduceMean", [.int("keepdims", 0)], [[2, 0]]) == [[]])
    #expect(try outputShapes("Upsample", [.floats("scales", [1, 1.6, 0.5])], [[2, 3, 5]]) == [[2, 4, 2]])
    #expect(try outputShapes("AdaptiveMaxPool", [.ints("output_size", [7, 1])], [[2, 3, 5, 4]]) == [[2, 3, 7, 1]])
    #expect(
      try outputShapes(
        "ConvTranspose", [.ints("strides", [2, 2]), .ints("pads", [1, 1, 1, 1])], [[1, 8, 7, 7], [8, 4, 4, 4]])
        == [[1, 4, 14, 14]])
    #expect(try outputShapes("MaxPool", [.ints("kernel_shape", [2])], [[2, 3, 5]], outputs: 2) == [[2, 3, 4], [2, 3, 4]])
  }

  @Test(
    arguments: [
      ("ReduceSum", [.ints("axes", [3])], [[2, 3]]), ("ReduceSum", [.ints("axes", [1, -1])], [[2, 3]]),
      ("Upsample", [], [[2, 3]]), ("Upsample", [.floats("scales", [1])], [[2, 3]]),
      ("Upsample", [.floats("scales", [1, 0])], [[2, 3]]), ("Upsample", [.floats("scales", [1, -2])], [[2, 3]]),
      ("Upsample", [.floats("scales", [1, .nan])], [[2, 3]]), ("Upsample", [.floats("scales", [1e300, 1])], [[2, 3]]),
      ("Upsample", [.floats("scales", [1, 1]), .string("mode", "cubic")], [[2, 3]]), ("Resize", [], [[2, 3]]),
      ("AdaptiveAveragePool", [.ints("output_size", [2, 2])], [[2, 3, 4]]),
      ("AdaptiveAveragePool", [.ints("output_size", [0])], [[2, 3, 4]]),
      ("AdaptiveAveragePool", [.ints("output_size", [2])], [[2, 3, 0]]),
      ("AdaptiveMaxPool", [.ints("output_size", [1, 1, 1])], [[2, 3, 4, 4, 4]]),
      ("ConvTranspose", [], [[1, 3, 4, 4], [2, 3, 2, 2]]), ("ConvTranspose", [], [[1, 3, 4, 4], [3, 2, 2]]),
      ("ConvTranspose", [.int("group", 2)], [[1, 3, 4, 4], [3, 2, 2, 2]]),
      ("ConvTranspose", [.int("group", .max)], [[1, 3, 4, 4], [3, 2, 2, 2]]),
      ("ConvTranspose", [.ints("output_padding", [1, 1])], [[1, 3, 4, 4], [3, 2, 2, 2]]),
      ("ConvTranspose", [.ints("output_padding", [1])], [[1, 3, 4, 4], [3, 2, 2, 2]]),
      ("ConvTranspose", [.ints("output_shape", [9, 5])], [[1, 3, 4, 4], [3, 2, 2, 2]]),
      ("ConvTranspose", [.ints("pads", [5, 0, 5, 0])], [[1, 3, 4, 4], [3, 2, 2, 2]]),
      ("ConvTranspose", [], [[1, 3, 4, 4], [3, 2, 2, 2], [3]]),
      ("MaxUnpool", [.ints("kernel_shape", [2])], [[1, 1, 3], [1, 1, 2]]), ("MaxUnpool", [], [[1, 1, 3], [1, 1, 3]]),
      ("MaxUnpool", [.ints("kernel_shape", [2]), .ints("strides", [1, 1])], [[1, 1, 3], [1, 1, 3]]),
      ("MaxUnpool", [.ints("kernel_shape", [2]), .ints("strides", [1 << 30])], [[1, 1, 3], [1, 1, 3]]),
    ] as [(StaticString, [Attribute], [[Int]])])
  func whatCannotBeIsRefused(_ name: StaticString, _ attributes: [Attribute], _ inputs: [[Int]]) {
    #expect(throws: CNNError.self) { try outputShapes(name, attributes, inputs) }
  }

  @Test(arguments: [4, -2, .min, .max]) func placesOutsideAreRefused(_ place: Int) throws {
    let test = OperatorCase(
      "MaxUnpool", [.ints("kernel_shape", [2])], .shape([1, 1, 3]), .typed([1, 1, 3], [0, place, 3], .int64))
    let run = try OperatorRun<Float>(test, handIn: true), execution = try run.execution(.infer)
    #expect(throws: CNNError.self) { try run.forward(execution) }
  }

  /// Maxima go back to where they came from, and with them the gradient.
  @Test(arguments: [Mode.train, .infer]) func unpoolingIsTheWayBack(_ mode: Mode) throws {
    let graph = Graph<Double>(), numbers = spread(2 * 3 * 4 * 6, seed: 5)
    let x = try graph.parameter("x", shape([2, 3, 4, 6])) { array throws(CNNError) in
      for (i, number) in numbers.enumerated() { array.data[i] = number }
    }
    let window = [Attribute.ints("kernel_shape", [2, 2]), .ints("strides", [2, 2])]
    let pooled = try graph.add("MaxPool", window, inputs: [x], outputs: 2)
    try graph.setOutputs(try graph.add("MaxUnpool", window, inputs: pooled))
    let run = try Execution(Plan(graph, inputs: [], mode: mode))
    let gradients = try Block<Double>(graph.parameters.count)
    try run.forward([], graph, gradients: gradients.data)
    let y = try run.output(0)
    let isMaximum = array([2, 3, 4, 6]) { i in
      let window = indices(2, 2, 1).map { a, b, _ in
        numbers[place([2, 3, 4, 6], i[0], i[1], i[2] / 2 * 2 + a, i[3] / 2 * 2 + b)]
      }
      return window.max() == numbers[place([2, 3, 4, 6], i[0], i[1], i[2], i[3])] ? 1 : 0
    }
    for i in numbers.indices { #expect(y.data[i] == numbers[i] * isMaximum[i]) }
    guard mode == .train else { return }
    let gradient = try run.lossGradient()
    for i in numbers.indices { gradient.data[i] = Double(i + 1) }
    try run.backward()
    for i in numbers.indices { #expect(gradients.data[i] == Double(i + 1) * isMaximum[i]) }
  }
}
