// From a network to an ONNX model: the oldest operator set that has all of its operators, weights as they are in memory.
import CNNCore
import CNNNetwork
import CNNOperators

final class ModelWriter<T: Element> {
  private let network: Network<T>
  private var names: [Name?]
  private var taken = NameTable<Bool>()
  private var initializers: [MessageWriter] = []
  private var written: [Bool]
  /// Keeps what initializers refer to.
  private var kept: [Block<T>] = []
  private static var floatType: Int { MemoryLayout<T>.size == 4 ? 1 : 11 }

  init(_ network: Network<T>) {
    self.network = network
    names = [Name?](repeating: nil, count: network.graph.values.count)
    written = [Bool](repeating: false, count: network.graph.values.count)
  }

  /// What it gives refers to the network's memory.
  func model() throws(CNNError) -> MessageWriter {
    let graph = network.graph
    guard !graph.outputs.isEmpty else { throw .argument("network: has no outputs") }
    // Inputs, outputs and parameters keep their names; whatever else is called like one of them gets another.
    for (port, id) in zip(try network.inputPorts(), graph.inputs) { names[id.index] = fresh(port.name) }
    for (port, id) in zip(try network.outputPorts(), graph.outputs) where names[id.index] == nil {
      names[id.index] = fresh(port.name)
    }
    for (i, value) in graph.values.enumerated() {
      if case .parameter = value.source { names[i] = fresh(value.name) }
      if case .buffer = value.source { names[i] = fresh(value.name) }
    }
    // Parameters in their order, which the states of optimizers follow; and all that nodes use.
    for (i, value) in graph.values.enumerated() { if case .parameter = value.source { try writeConstant(ValueID(index: i)) } }
    var message = MessageWriter(), nodes = MessageWriter(), version = 18
    var nodeNames = NameTable<Bool>()
    for node in graph.nodes {
      for input in node.inputs { if let input { try writeConstant(input) } }
      for step in try written(node) {
        let name = unique(node.name, in: &nodeNames)
        nodes.message(1, step.message(name, T.self))
        version = max(version, ModelWriter.firstVersion(step.operatorName))
      }
    }
    message.int(1, version >= 24 ? 11 : version >= 21 ? 10 : version >= 20 ? 9 : 8)
    message.name(2, "swiftcnn")
    message.name(3, "0.1.0")
    var set = MessageWriter()
    set.name(1, Name(""))
    set.int(2, version)
    message.message(7, try graphMessage(nodes))
    message.message(8, set)
    return message
  }

  private func graphMessage(_ nodes: MessageWriter) throws(CNNError) -> MessageWriter {
    var message = nodes
    message.name(2, "network")
    for initializer in initializers { message.message(5, initializer) }
    for (port, id) in zip(try network.inputPorts(), network.graph.inputs) { message.message(11, info(port, name(id))) }
    for (port, id) in zip(try outputPorts(), network.graph.outputs) { message.message(12, info(port, name(id))) }
    return message
  }

  /// The set that has had an operator first, where it is later than the oldest that is written.
  private static func firstVersion(_ name: Name) -> Int {
    if name.is("CausalConvWithState") { return 27 }
    if name.is("Swish") { return 24 }
    if name.is("RMSNormalization") { return 23 }
    if name.is("GroupNormalization") { return 21 }
    return name.is("Gelu") || name.is("AffineGrid") || name.is("GridSample") || name.is("IsInf") || name.is("IsNaN")
      ? 20
      : name.is("Resize") ? 19 : 18
  }

  // Names

  func name(_ id: ValueID) -> Name {
    if let name = names[id.index] { return name }
    let name = fresh(network.graph.values[id.index].name)
    names[id.index] = name
    return name
  }
  /// This name, or one like it that nothing has.
  func fresh(_ wanted: Name) -> Name { unique(wanted.isEmpty ? "value" : wanted, in: &taken) }
  private func unique(_ wanted: Name, in table: inout NameTable<Bool>) -> Name {
    var name = wanted, number = 1
    while table[name] != nil {
      number += 1
      name = Name("\(wanted)_\(number)")
    }
    table.set(name, true)
    return name
  }

  // Constants

  private func writeConstant(_ id: ValueID) throws(CNNError) {
    guard !written[id.index] else { return }
    written[id.index] = true
    let graph = network.graph, value = graph.values[id.index]
    switch value.source {
    case .parameter(let i): try writeTensor(name(id), graph.parameters.array(i).input, .parameter)
    case .buffer(let i): try writeTensor(name(id), graph.buffers.array(i).input, .buffer)
    case .constant(let array), .planConstant(let array): writeTensor(name(id), array)
    case .input, .node: break
    }
  }
  private func writeTensor(_ name: Name, _ array: Input<T>, _ role: TensorProto.Role) {
    var tensor = MessageWriter()
    for axis in 0..<array.shape.rank { tensor.int(1, array.shape[axis]) }
    tensor.int(2, ModelWriter.floatType)
    tensor.name(8, name)
    tensor.borrowed(9, Bytes(UnsafeRawPointer(array.data), array.shape.count * MemoryLayout<T>.size))
    var note = MessageWriter()
    note.name(1, TensorProto.Role.key)
    note.name(2, role.name)
    tensor.message(16, note)
    initializers.append(tensor)
  }
  private func writeTensor(_ name: Name, _ array: TypedArray) {
    if array.type.isFloatingPoint {
      return writeTensor(
        name, Input("constant", array.shape, UnsafePointer(array.data.assumingMemoryBound(to: T.self))), .constant)
    }
    initializers.append(ModelWriter.message(array, name))
  }
  /// It refers to the array's memory, which the network keeps.
  static func message(_ array: TypedArray, _ name: Name) -> MessageWriter {
    var tensor = MessageWriter()
    for axis in 0..<array.shape.rank { tensor.int(1, array.shape[axis]) }
    tensor.int(2, FileType(array.type).rawValue)
    tensor.name(8, name)
    tensor.borrowed(9, Bytes(UnsafeRawPointer(array.data), array.shape.count * array.type.stride))
    return tensor
  }
  private func writeIntegers(_ name: Name, _ numbers: [Int], _ shape: [Int]) {
    var tensor = MessageWriter()
    for extent in shape { tensor.int(1, extent) }
    tensor.int(2, 7)
    tensor.name(8, name)
    tensor.bytes(9, numbers.flatMap { number in (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } })
    initializers.append(tensor)
  }

  /// New constants for a node, called after it; they give their names.
  func constant(_ node: Name, _ what: StaticString, _ numbers: [Int], scalar: Bool) -> Name {
    constant(node, what, numbers, shape: scalar ? [] : [numbers.count])
  }
  func constant(_ node: Name, _ what: StaticString, _ numbers: [Int], shape: [Int]) -> Name {
    let name = fresh(Name("\(node)/\(what)"))
    writeIntegers(name, numbers, shape)
    return name
  }
  func constant(_ node: Name, _ what: StaticString, _ numbers: [T], _ shape: [Int]) throws(CNNError) -> Name {
    let name = fresh(Name("\(node)/\(what)")), block = try Block<T>(numbers.count)
    for (i, number) in numbers.enumerated() { block.data[i] = number }
    kept.append(block)
    writeTensor(
      name, Input("constant", try Shape("constant", rank: shape.count) { shape[$0] }, UnsafePointer(block.data)),
      .constant)
    return name
  }
  /// Of float whatever the network computes in, as ONNX wants scales of Resize.
  func numbersConstant(_ node: Name, _ what: StaticString, _ numbers: [Double]) -> Name {
    let name = fresh(Name("\(node)/\(what)"))
    var tensor = MessageWriter()
    tensor.int(1, numbers.count)
    tensor.int(2, 1)
    for number in numbers { tensor.float(4, Float(number)) }
    tensor.name(8, name)
    initializers.append(tensor)
    return name
  }

  // Inputs and outputs

  func shape(_ id: ValueID) throws(CNNError) -> Shape? { try network.graph.value(id, "value").shape }

  /// As declared; else the extents that do not follow the number of images.
  private func outputPorts() throws(CNNError) -> [Port] {
    let ports = try network.outputPorts()
    guard network.ports.outputs.isEmpty else { return ports }
    var inputs: [Shape] = []
    for id in network.graph.inputs {
      guard let example = try shape(id) else { return ports.map { Port(name: $0.name, type: $0.type, extents: nil) } }
      inputs.append(example)
    }
    let one = try network.outputShapes(inputs), two: [Shape]?
    do throws(CNNError) {
      two = try network.outputShapes(
        inputs.map { s throws(CNNError) in
          try Shape("input", rank: s.rank) { $0 == 0 ? 2 * s[0] : s[$0] }
        })
    } catch { two = nil }
    return zip(ports, one.indices).map { port, i in
      let extents: [Int?] = (0..<one[i].rank).map { axis in two.map { $0[i][axis] == one[i][axis] } ?? true ? one[i][axis] : nil
      }
      return Port(name: port.name, type: port.type, extents: extents)
    }
  }

  private func info(_ port: Port, _ name: Name) -> MessageWriter {
    var tensor = MessageWriter()
    // Whatever a file declared: networks have one floating type.
    let isFloating = StoredType(rawValue: port.type)?.isFloating ?? true
    tensor.int(1, isFloating ? ModelWriter.floatType : port.type)
    if let extents = port.extents {
      var shape = MessageWriter()
      for (axis, extent) in extents.enumerated() {
        var dim = MessageWriter()
        if let extent { dim.int(1, extent) } else if axis == 0 { dim.name(2, "N") }
        shape.message(1, dim)
      }
      tensor.message(2, shape)
    }
    var type = MessageWriter(), message = MessageWriter()
    type.message(1, tensor)
    message.name(1, name)
    message.message(2, type)
    return message
  }
}
