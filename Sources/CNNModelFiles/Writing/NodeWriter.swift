// A node of the engine as nodes of ONNX: attributes that ONNX takes as inputs, and operators that it has by another name or not at all.
import CNNCore
import CNNNetwork
import CNNOperators

/// A node as the file has it.
struct WrittenNode {
  var operatorName: Name
  /// "" where an input is absent.
  var inputs: [Name], outputs: [Name]
  var attributes: [Attribute] = []
  /// What ONNX's operator has no attribute for, and the engine wants to find again.
  var notes: [(key: Name, value: Int)] = []

  func message<T: Element>(_ name: Name, _: T.Type) -> MessageWriter {
    var message = MessageWriter()
    for input in inputs { message.name(1, input) }
    for output in outputs { message.name(2, output) }
    message.name(3, name)
    message.name(4, operatorName)
    for attribute in attributes { message.message(5, WrittenNode.message(attribute, T.self)) }
    for note in notes {
      var entry = MessageWriter()
      entry.name(1, note.key)
      entry.name(2, Name("\(note.value)"))
      message.message(9, entry)
    }
    return message
  }

  private static func message<T: Element>(_ attribute: Attribute, _: T.Type) -> MessageWriter {
    var message = MessageWriter()
    message.name(1, attribute.name)
    let type: Int
    switch attribute.value {
    case .float(let number):
      message.float(2, Float(number))
      type = 1
    case .int(let number):
      message.int(3, number)
      type = 2
    case .string(let text):
      message.name(4, text)
      type = 3
    case .floats(let numbers):
      for number in numbers { message.float(7, Float(number)) }
      type = 6
    case .ints(let numbers):
      message.ints(8, numbers)
      type = 7
    case .tensor(let array):
      message.message(5, ModelWriter<T>.message(array, Name("")))
      type = 4
    }
    message.int(20, type)
    return message
  }

  mutating func take(_ name: Name) -> AttributeValue? {
    guard let place = attributes.firstIndex(where: { $0.name == name }) else { return nil }
    return attributes.remove(at: place).value
  }
}

/// Attributes that are inputs in the operator sets that are written, and their places.
private struct Moved {
  let operatorName: StaticString, attribute: StaticString, input: Int
}
private var moved: [Moved] {
  [
    Moved(operatorName: "Clip", attribute: "min", input: 1), Moved(operatorName: "Clip", attribute: "max", input: 2),
    Moved(operatorName: "Dropout", attribute: "ratio", input: 1),
    Moved(operatorName: "Pad", attribute: "pads", input: 1), Moved(operatorName: "Pad", attribute: "value", input: 2),
    Moved(operatorName: "Reshape", attribute: "shape", input: 1),
    Moved(operatorName: "Slice", attribute: "starts", input: 1), Moved(operatorName: "Slice", attribute: "ends", input: 2),
    Moved(operatorName: "Slice", attribute: "axes", input: 3),
    Moved(operatorName: "Split", attribute: "split", input: 1), Moved(operatorName: "Squeeze", attribute: "axes", input: 1),
    Moved(operatorName: "TopK", attribute: "k", input: 1), Moved(operatorName: "Unsqueeze", attribute: "axes", input: 1),
    Moved(operatorName: "Upsample", attribute: "scales", input: 1),
  ]
}
private func isReduction(_ name: Name) -> Bool { name.utf8.starts(with: Array("Reduce".utf8)) }

extension ModelWriter {
  /// The nodes that do in ONNX what this one does in the engine.
  func written(_ node: Graph<T>.Node) throws(CNNError) -> [WrittenNode] {
    var main = WrittenNode(
      operatorName: node.operatorName, inputs: node.inputs.map { $0.map { name($0) } ?? Name("") },
      outputs: node.outputs.map { name($0) }, attributes: node.attributes)
    for move in moved where main.operatorName.is(move.operatorName) {
      try shift(&main, move.attribute, to: move.input, node.name)
    }
    if isReduction(main.operatorName) { try shift(&main, "axes", to: 1, node.name) }
    while let last = main.inputs.last, last.isEmpty { main.inputs.removeLast() }

    for note in notes where main.operatorName == note.operatorName {
      if case .int(1)? = main.take(note.attribute) { main.notes.append((note.key, 1)) }
    }
    if main.operatorName.is("Upsample") {
      main.operatorName = "Resize"
      main.inputs.insert(Name(""), at: 1)
      main.attributes += [
        Attribute("coordinate_transformation_mode", .string("asymmetric")), Attribute("nearest_mode", .string("floor")),
      ]
    }
    if main.operatorName.is("AdaptiveAveragePool") { return try average(main, node) }
    if main.operatorName.is("AdaptiveMaxPool") { return try maxima(main, node) }
    if main.operatorName.is("Swish") { return try swish(main, node) }
    return [main]
  }

  private func shift(_ main: inout WrittenNode, _ attribute: StaticString, to input: Int, _ name: Name) throws(CNNError) {
    guard let value = main.take(Name(attribute)) else { return }
    while main.inputs.count <= input { main.inputs.append(Name("")) }
    main.inputs[input] =
      switch value {
      case .int(let number): constant(name, attribute, [number], scalar: false)
      case .ints(let numbers): constant(name, attribute, numbers, scalar: false)
      case .float(let number): try constant(name, attribute, [T(number)], [])
      case .floats(let numbers): numbersConstant(name, attribute, numbers)
      case .string, .tensor: Name("")
      }
  }

  /// x * sigmoid(alpha * x): operator sets before 24 have no Swish.
  private func swish(_ main: WrittenNode, _ node: Graph<T>.Node) throws(CNNError) -> [WrittenNode] {
    var x = main.inputs[0], nodes: [WrittenNode] = []
    let gate = fresh(Name("\(node.name)/gate"))
    for attribute in main.attributes where attribute.name.is("alpha") {
      guard case .float(let alpha) = attribute.value, alpha != 1 else { continue }
      let scaled = fresh(Name("\(node.name)/scaled"))
      nodes.append(
        WrittenNode(operatorName: "Mul", inputs: [x, try constant(node.name, "alpha", [T(alpha)], [])], outputs: [scaled]))
      x = scaled
    }
    nodes.append(WrittenNode(operatorName: "Sigmoid", inputs: [x], outputs: [gate]))
    nodes.append(WrittenNode(operatorName: "Mul", inputs: [main.inputs[0], gate], outputs: main.outputs))
    return nodes
  }

  /// Pooling to a given size: windows of one size where they are, which ONNX has; else a product with a matrix along each axis.
  private func average(_ main: WrittenNode, _ node: Graph<T>.Node) throws(CNNError) -> [WrittenNode] {
    let (x, y) = try extents(node)
    var pooling = main
    pooling.attributes = []
    if y.allSatisfy({ $0 == 1 }) {
      pooling.operatorName = "GlobalAveragePool"
      return [pooling]
    }
    if zip(x, y).allSatisfy({ $0 % $1 == 0 }) {
      pooling.operatorName = "AveragePool"
      let kernel = zip(x, y).map { $0 / $1 }
      pooling.attributes = [Attribute("kernel_shape", .ints(kernel)), Attribute("strides", .ints(kernel))]
      return [pooling]
    }
    guard x.count <= 2 else { throw CNNError(.unsupported, "\(node.name): \(x.count) axes of pixels pooled to \(y)") }
    var nodes: [WrittenNode] = [], from = main.inputs[0]
    for (axis, (n, m)) in zip(x, y).enumerated() {
      let isLast = axis == x.count - 1, to = isLast ? main.outputs[0] : fresh(Name("\(node.name)/rows"))
      var matrix = [T](repeating: 0, count: n * m)
      for o in 0..<m {
        let window = o * n / m..<((o + 1) * n + m - 1) / m
        // Along columns the matrix stands behind the image, with a column for each result.
        for i in window { matrix[isLast ? i * m + o : o * n + i] = 1 / T(window.count) }
      }
      let weights = try constant(node.name, isLast ? "columns" : "rows", matrix, isLast ? [n, m] : [m, n])
      nodes.append(WrittenNode(operatorName: "MatMul", inputs: isLast ? [from, weights] : [weights, from], outputs: [to]))
      from = to
    }
    return nodes
  }

  /// The largest of each window: rows, and then columns, gathered window by window, the last of a short one again and again.
  private func maxima(_ main: WrittenNode, _ node: Graph<T>.Node) throws(CNNError) -> [WrittenNode] {
    let (x, y) = try extents(node)
    var pooling = main
    pooling.attributes = []
    if y.allSatisfy({ $0 == 1 }) {
      pooling.operatorName = "GlobalMaxPool"
      return [pooling]
    }
    if zip(x, y).allSatisfy({ $0 % $1 == 0 }) {
      pooling.operatorName = "MaxPool"
      let kernel = zip(x, y).map { $0 / $1 }
      pooling.attributes = [Attribute("kernel_shape", .ints(kernel)), Attribute("strides", .ints(kernel))]
      return [pooling]
    }
    var nodes: [WrittenNode] = [], from = main.inputs[0]
    for (axis, (n, m)) in zip(x, y).enumerated() {
      let longest = (0..<m).reduce(1) { max($0, (($1 + 1) * n + m - 1) / m - $1 * n / m) }
      var indices: [Int] = []
      for o in 0..<m {
        let window = o * n / m..<((o + 1) * n + m - 1) / m
        for i in 0..<longest { indices.append(window.lowerBound + min(i, window.count - 1)) }
      }
      let windows = fresh(Name("\(node.name)/windows"))
      let to = axis == x.count - 1 ? main.outputs[0] : fresh(Name("\(node.name)/maxima"))
      nodes.append(
        WrittenNode(
          operatorName: "Gather", inputs: [from, constant(node.name, "windows", indices, shape: [m, longest])],
          outputs: [windows],
          attributes: [Attribute("axis", .int(2 + axis))]))
      nodes.append(
        WrittenNode(
          operatorName: "ReduceMax", inputs: [windows, constant(node.name, "axes", [3 + axis], scalar: false)], outputs: [to],
          attributes: [Attribute("keepdims", .int(0))]))
      from = to
    }
    return nodes
  }

  /// The axes of pixels of the input, as far as they are known, and of the output.
  private func extents(_ node: Graph<T>.Node) throws(CNNError) -> (x: [Int], y: [Int]) {
    guard let input = node.inputs.first, let input else { throw .argument("\(node.name): x is absent") }
    var y: [Int] = []
    for attribute in node.attributes where attribute.name.is("output_size") {
      if case .ints(let list) = attribute.value { y = list }
    }
    if y.allSatisfy({ $0 == 1 }) { return (y, y) }
    guard let x = try shape(input) else {
      throw CNNError(.unsupported, "\(node.name) (\(node.operatorName)): ONNX has it for images of known size alone")
    }
    return ((2..<x.rank).map { x[$0] }, y)
  }
}
