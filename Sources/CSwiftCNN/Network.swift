// Networks: the handle, building and running.
public import CHeader
import CNNCore
import CNNNetwork
import CNNOperators

/// What a swiftcnn_network is.
final class NetworkHandle {
  enum AnyNetwork {
    case single(Network<Float>), double(Network<Double>)
  }
  let network: AnyNetwork
  /// Shapes and names that C was shown, by the kind and number of the array; freed with the network.
  private struct Shown {
    let kind: UInt32, index: Int, name: Name
    let shape: UnsafeMutablePointer<Int64>, text: UnsafeMutablePointer<CChar>
  }
  private var shown: [Shown] = []
  private var shownNames: [(name: Name, text: UnsafeMutablePointer<CChar>)] = []
  /// Whether C may write parameters, and constants, at any moment.
  private var hasLentParameters = false, hasLentConstants = false

  init(_ network: AnyNetwork) { self.network = network }
  deinit {
    for entry in shown {
      entry.shape.deallocate()
      entry.text.deallocate()
    }
    for entry in shownNames { entry.text.deallocate() }
  }

  /// A copy of a name that lives as long as the network.
  func show(_ name: Name) -> UnsafePointer<CChar> {
    for entry in shownNames where entry.name == name { return UnsafePointer(entry.text) }
    shownNames.append((name, name.copy()))
    return UnsafePointer(shownNames[shownNames.count - 1].text)
  }

  /// Arrays of this kind go to C, which may write them until `takeBack`.
  func lend(_ kind: swiftcnn_arrays) {
    switch kind {
    case SWIFTCNN_PARAMETERS where !hasLentParameters:
      hasLentParameters = true
      onGraph({ $0.parameters.lend() }, { $0.parameters.lend() })
    case SWIFTCNN_CONSTANTS where !hasLentConstants:
      hasLentConstants = true
      onGraph({ $0.buffers.lend() }, { $0.buffers.lend() })
    default: break
    }
  }
  func takeBack() {
    if hasLentParameters { onGraph({ $0.parameters.takeBack() }, { $0.parameters.takeBack() }) }
    if hasLentConstants { onGraph({ $0.buffers.takeBack() }, { $0.buffers.takeBack() }) }
    (hasLentParameters, hasLentConstants) = (false, false)
  }
  private func onGraph(_ single: (Graph<Float>) -> Void, _ double: (Graph<Double>) -> Void) {
    switch network {
    case .single(let network): single(network.graph)
    case .double(let network): double(network.graph)
    }
  }

  /// Copies of a shape and a name that live as long as the network.
  func show(
    _ kind: swiftcnn_arrays, _ index: Int, _ shape: Shape, _ name: Name
  ) -> (shape: UnsafePointer<Int64>, name: UnsafePointer<CChar>) {
    for entry in shown where entry.kind == kind.rawValue && entry.index == index && entry.name == name {
      // Ranks are those of the first time; lengths of flat arrays change with the network.
      for axis in 0..<shape.rank { entry.shape[axis] = Int64(shape[axis]) }
      return (UnsafePointer(entry.shape), UnsafePointer(entry.text))
    }
    let extents = UnsafeMutablePointer<Int64>.allocate(capacity: Shape.maximumRank)
    for axis in 0..<shape.rank { extents[axis] = Int64(shape[axis]) }
    let text = name.copy()
    shown.append(Shown(kind: kind.rawValue, index: index, name: name, shape: extents, text: text))
    return (UnsafePointer(extents), UnsafePointer(text))
  }
}

/// Runs one generic body, given twice, on the network behind a handle.
func status(
  _ network: OpaquePointer?, _ single: (NetworkHandle, Network<Float>) throws(CNNError) -> Void,
  _ double: (NetworkHandle, Network<Double>) throws(CNNError) -> Void
) -> swiftcnn_status {
  status { () throws(CNNError) in
    guard let network else { throw .argument("network: is NULL") }
    let handle = Unmanaged<NetworkHandle>.fromOpaque(UnsafeRawPointer(network)).takeUnretainedValue()
    switch handle.network {
    case .single(let network): try single(handle, network)
    case .double(let network): try double(handle, network)
    }
  }
}

@_cdecl("swiftcnn_network_create") @implementation
public func swiftcnn_network_create(
  _ type: swiftcnn_type, _ seed: UInt64, _ network: UnsafeMutablePointer<OpaquePointer?>!
) -> swiftcnn_status {
  status { () throws(CNNError) in
    guard let network else { throw .argument("network: is NULL") }
    let handle =
      switch type {
      case SWIFTCNN_FLOAT32: NetworkHandle(.single(Network(seed: seed)))
      case SWIFTCNN_FLOAT64: NetworkHandle(.double(Network(seed: seed)))
      default: throw .type("type: wanted float32 or float64, got \(name(type))")
      }
    network.pointee = OpaquePointer(Unmanaged.passRetained(handle).toOpaque())
  }
}

@_cdecl("swiftcnn_network_free") @implementation
public func swiftcnn_network_free(_ network: OpaquePointer!) {
  guard let network else { return }
  Unmanaged<NetworkHandle>.fromOpaque(UnsafeRawPointer(network)).release()
}

@_cdecl("swiftcnn_network_set_seed") @implementation
public func swiftcnn_network_set_seed(_ network: OpaquePointer!, _ seed: UInt64) -> swiftcnn_status {
  func call<T: Element>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) { network.seed = seed }
  return status(network, call, call)
}

// Building

@_cdecl("swiftcnn_network_input") @implementation
public func swiftcnn_network_input(
  _ network: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ type: swiftcnn_type, _ shape: UnsafePointer<Int64>!,
  _ rank: Int32, _ value: UnsafeMutablePointer<swiftcnn_value>!
) -> swiftcnn_status {
  func call<T: Element>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    guard let value else { throw .argument("value: is NULL") }
    let name = try decode(name, "name"), example = shape == nil ? nil : try decodeShape(shape, rank)
    let type = try decode(type, "type")
    guard !type.isFloatingPoint || type == T.elementType else {
      throw .type("type: wanted \(T.elementType.description), as the network computes in it, got \(type.description)")
    }
    value.pointee = encode(network.graph.input(name, type: type, shape: example))
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_parameter") @implementation
public func swiftcnn_network_parameter(
  _ network: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ shape: UnsafePointer<Int64>!, _ rank: Int32,
  _ initializer: UnsafePointer<CChar>!, _ attributes: UnsafePointer<swiftcnn_attribute>!, _ attribute_count: Int,
  _ value: UnsafeMutablePointer<swiftcnn_value>!
) -> swiftcnn_status {
  func call<T: Element>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    guard let value else { throw .argument("value: is NULL") }
    let shape = try decodeShape(shape, rank)
    let initializer = try Initializer(decode(initializer, "initializer", attributes, attribute_count), shape)
    value.pointee = encode(try network.parameter(decode(name, "name"), shape, initializer))
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_constant") @implementation
public func swiftcnn_network_constant(
  _ network: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ data: swiftcnn_tensor,
  _ value: UnsafeMutablePointer<swiftcnn_value>!
) -> swiftcnn_status {
  func call<T: Element & CElement>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    guard let value else { throw .argument("value: is NULL") }
    let name = try decode(name, "name")
    if data.type != SWIFTCNN_FLOAT32 && data.type != SWIFTCNN_FLOAT64 {
      value.pointee = encode(try network.graph.constant(name, TypedArray(data.anyInput("data"))))
      return
    }
    let array: Input<T> = try data.input("data")
    let kept = try Block<T>(array.shape.count)
    copy(array.data, to: kept.data, array.shape.count)
    value.pointee = encode(
      try network.graph.buffer(name, array.shape) { to throws(CNNError) in
        copy(UnsafePointer(kept.data), to: to.data, to.shape.count)
      })
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_add") @implementation
public func swiftcnn_network_add(
  _ network: OpaquePointer!, _ operator_name: UnsafePointer<CChar>!, _ name: UnsafePointer<CChar>!,
  _ attributes: UnsafePointer<swiftcnn_attribute>!, _ attribute_count: Int, _ inputs: UnsafePointer<swiftcnn_value>!,
  _ input_count: Int, _ outputs: UnsafeMutablePointer<swiftcnn_value>!, _ output_count: Int
) -> swiftcnn_status {
  func call<T: Element>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    let values = try decode(inputs, input_count, "inputs").map { $0 == SWIFTCNN_ABSENT ? nil : ValueID(index: Int($0)) }
    guard let outputs else { throw .argument("outputs: is NULL") }
    guard output_count >= 0 && output_count <= 1024 else {
      throw .argument("output_count: wanted 1 to 1024, got \(output_count)")
    }
    let made = try network.graph.add(
      decode(operator_name, "operator_name"), decode(attributes, attribute_count), inputs: values, outputs: output_count,
      name: name == nil ? nil : Name(cString: name))
    for (i, value) in made.enumerated() { outputs[i] = encode(value) }
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_set_outputs") @implementation
public func swiftcnn_network_set_outputs(
  _ network: OpaquePointer!, _ values: UnsafePointer<swiftcnn_value>!, _ count: Int
) -> swiftcnn_status {
  func call<T: Element>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    let outputs = try decode(values, count, "values").map { ValueID(index: Int($0)) }
    guard !outputs.isEmpty else { throw .argument("values: wanted at least one, got none") }
    try network.graph.setOutputs(outputs)
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_shape") @implementation
public func swiftcnn_network_shape(
  _ network: OpaquePointer!, _ value: swiftcnn_value, _ shape: UnsafeMutablePointer<Int64>!,
  _ rank: UnsafeMutablePointer<Int32>!
) -> swiftcnn_status {
  func call<T: Element>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    guard let known = try network.graph.value(ValueID(index: Int(value)), "value").shape else {
      throw .argument("value: its shape is not known, as an input has no example shape")
    }
    try encode(known, shape, rank)
  }
  return status(network, call, call)
}

// Running

private func outputKind<T: Element>(
  _ network: Network<T>, _ inputs: [AnyInput], _ output: Int
) throws(CNNError) -> (shape: Shape, type: ElementType) {
  let kinds = try network.outputKinds(inputs)
  guard output >= 0 && output < kinds.count else {
    throw .argument("output: wanted 0 to \(kinds.count - 1), got \(output)")
  }
  return kinds[output]
}

@_cdecl("swiftcnn_network_output_shape") @implementation
public func swiftcnn_network_output_shape(
  _ network: OpaquePointer!, _ inputs: UnsafePointer<swiftcnn_tensor>!, _ input_count: Int, _ output: Int,
  _ shape: UnsafeMutablePointer<Int64>!, _ rank: UnsafeMutablePointer<Int32>!
) -> swiftcnn_status {
  func call<T: Element & CElement>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    try encode(outputKind(network, decode(inputs, input_count), output).shape, shape, rank)
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_output_type") @implementation
public func swiftcnn_network_output_type(
  _ network: OpaquePointer!, _ inputs: UnsafePointer<swiftcnn_tensor>!, _ input_count: Int, _ output: Int,
  _ type: UnsafeMutablePointer<swiftcnn_type>!
) -> swiftcnn_status {
  func call<T: Element & CElement>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    guard let type else { throw .argument("type: is NULL") }
    type.pointee = encode(try outputKind(network, decode(inputs, input_count), output).type)
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_memory") @implementation
public func swiftcnn_network_memory(
  _ network: OpaquePointer!, _ inputs: UnsafePointer<swiftcnn_tensor>!, _ input_count: Int, _ train: Int32,
  _ bytes: UnsafeMutablePointer<Int64>!
) -> swiftcnn_status {
  func call<T: Element & CElement>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    guard let bytes else { throw .argument("bytes: is NULL") }
    let inputs: [AnyInput] = try decode(inputs, input_count)
    bytes.pointee = Int64(try network.memory(inputs, train != 0 ? .train : .infer))
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_predict") @implementation
public func swiftcnn_network_predict(
  _ network: OpaquePointer!, _ inputs: UnsafePointer<swiftcnn_tensor>!, _ input_count: Int,
  _ outputs: UnsafePointer<swiftcnn_tensor>!, _ output_count: Int
) -> swiftcnn_status {
  func call<T: Element & CElement>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    var results: [AnyOutput] = []
    for tensor in try decode(outputs, output_count, "outputs") { results.append(try tensor.anyOutput("outputs")) }
    try network.predict(decode(inputs, input_count) as [AnyInput], results)
  }
  return status(network, call, call)
}

// From C to Swift and back

func encode(_ value: ValueID) -> swiftcnn_value { swiftcnn_value(truncatingIfNeeded: value.index) }

func decode(_ text: UnsafePointer<CChar>?, _ argument: StaticString) throws(CNNError) -> Name {
  guard let text else { throw .argument("\(argument): is NULL") }
  return Name(cString: text)
}

/// The caller's list in place.
func decode<S>(
  _ list: UnsafePointer<S>?, _ count: Int, _ argument: StaticString
) throws(CNNError) -> UnsafeBufferPointer<S> {
  guard count >= 0 && count <= 1 << 20 else { throw .argument("\(argument): wanted at most 2^20 of them, got \(count)") }
  guard list != nil || count == 0 else { throw .argument("\(argument): is NULL, wanted \(count) of them") }
  return UnsafeBufferPointer(start: list, count: count)
}

func decode<T: CElement>(_ inputs: UnsafePointer<swiftcnn_tensor>?, _ count: Int) throws(CNNError) -> [Input<T>] {
  var list: [Input<T>] = []
  for tensor in try decode(inputs, count, "inputs") { list.append(try tensor.input("inputs")) }
  return list
}

func decode(_ inputs: UnsafePointer<swiftcnn_tensor>?, _ count: Int) throws(CNNError) -> [AnyInput] {
  var list: [AnyInput] = []
  for tensor in try decode(inputs, count, "inputs") { list.append(try tensor.anyInput("inputs")) }
  return list
}

func decodeShape(_ extents: UnsafePointer<Int64>?, _ rank: Int32) throws(CNNError) -> Shape {
  guard let extents else {
    guard rank == 0 else { throw .argument("shape: is NULL, wanted \(rank) extents") }
    return try Shape("shape")
  }
  return try Shape("shape", rank: Int(rank)) { Int(extents[$0]) }
}

func encode(_ known: Shape, _ shape: UnsafeMutablePointer<Int64>?, _ rank: UnsafeMutablePointer<Int32>?) throws(CNNError) {
  guard let shape else { throw .argument("shape: is NULL") }
  guard let rank else { throw .argument("rank: is NULL") }
  for i in 0..<known.rank { shape[i] = Int64(known[i]) }
  rank.pointee = Int32(known.rank)
}

func decode(_ attributes: UnsafePointer<swiftcnn_attribute>?, _ count: Int) throws(CNNError) -> [Attribute] {
  var list: [Attribute] = []
  for given in try decode(attributes, count, "attributes") {
    let name = try decode(given.name, "attributes: name")
    switch given.type {
    case SWIFTCNN_ATTRIBUTE_INT: list.append(Attribute(name, .int(Int(given.integer))))
    case SWIFTCNN_ATTRIBUTE_FLOAT: list.append(Attribute(name, .float(given.number)))
    case SWIFTCNN_ATTRIBUTE_STRING: list.append(Attribute(name, .string(try decode(given.text, "attributes: text"))))
    case SWIFTCNN_ATTRIBUTE_INTS:
      list.append(Attribute(name, .ints(try decode(given.integers, given.count, "attributes: integers").map { Int($0) })))
    case SWIFTCNN_ATTRIBUTE_FLOATS:
      list.append(Attribute(name, .floats(Array(try decode(given.numbers, given.count, "attributes: numbers")))))
    default: throw .argument("attributes: \(name) has the unknown type \(given.type.rawValue)")
    }
  }
  return list
}

func decode(
  _ owner: UnsafePointer<CChar>?, _ argument: StaticString, _ attributes: UnsafePointer<swiftcnn_attribute>?, _ count: Int
) throws(CNNError) -> Attributes {
  try Attributes(of: decode(owner, argument), decode(attributes, count))
}
