// Networks in ONNX files, and what a network says of its inputs and outputs.
public import CHeader
import CNNCore
import CNNModelFiles
import CNNNetwork
import CNNOperators

private func handOut(_ loaded: LoadedNetwork, _ network: UnsafeMutablePointer<OpaquePointer?>) {
  let handle =
    switch loaded {
    case .single(let network): NetworkHandle(.single(network))
    case .double(let network): NetworkHandle(.double(network))
    }
  network.pointee = OpaquePointer(Unmanaged.passRetained(handle).toOpaque())
}

private func loadedType(_ type: Int32) throws(CNNError) -> LoadedType {
  switch UInt32(bitPattern: type) {
  case 0: return .asDeclared
  case SWIFTCNN_FLOAT32.rawValue: return .single
  case SWIFTCNN_FLOAT64.rawValue: return .double
  default: throw .type("type: wanted float32, float64 or 0, got \(type)")
  }
}

@_cdecl("swiftcnn_network_load") @implementation
public func swiftcnn_network_load(
  _ path: UnsafePointer<CChar>!, _ type: Int32, _ network: UnsafeMutablePointer<OpaquePointer?>!
) -> swiftcnn_status {
  status { () throws(CNNError) in
    guard let network else { throw .argument("network: is NULL") }
    handOut(try loadNetwork(path: decode(path, "path"), loadedType(type)), network)
  }
}

@_cdecl("swiftcnn_network_load_bytes") @implementation
public func swiftcnn_network_load_bytes(
  _ bytes: UnsafeRawPointer!, _ count: Int, _ type: Int32, _ network: UnsafeMutablePointer<OpaquePointer?>!
) -> swiftcnn_status {
  status { () throws(CNNError) in
    guard let network else { throw .argument("network: is NULL") }
    guard count >= 0 && (bytes != nil || count == 0) else { throw .argument("bytes: is NULL, wanted \(count) bytes") }
    handOut(try loadNetwork(bytes: UnsafeRawBufferPointer(start: bytes, count: count), loadedType(type)), network)
  }
}

@_cdecl("swiftcnn_network_save") @implementation
public func swiftcnn_network_save(_ network: OpaquePointer!, _ path: UnsafePointer<CChar>!) -> swiftcnn_status {
  func call<T: Element>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    try save(network, path: decode(path, "path"))
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_save_bytes") @implementation
public func swiftcnn_network_save_bytes(
  _ network: OpaquePointer!, _ bytes: UnsafeMutableRawPointer!, _ count: UnsafeMutablePointer<Int>!
) -> swiftcnn_status {
  func call<T: Element>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    guard let count else { throw .argument("count: is NULL") }
    try save(network) { needed throws(CNNError) in
      guard bytes == nil || count.pointee >= needed else {
        throw .argument("count: wanted room for \(needed) bytes, got \(count.pointee)")
      }
      count.pointee = needed
      return bytes
    }
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_type") @implementation
public func swiftcnn_network_type(_ network: OpaquePointer!, _ type: UnsafeMutablePointer<swiftcnn_type>!) -> swiftcnn_status {
  func call<T: Element & CElement>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    guard let type else { throw .argument("type: is NULL") }
    type.pointee = T.type
  }
  return status(network, call, call)
}

// Inputs and outputs

@_cdecl("swiftcnn_network_port_counts") @implementation
public func swiftcnn_network_port_counts(
  _ network: OpaquePointer!, _ inputs: UnsafeMutablePointer<Int>!, _ outputs: UnsafeMutablePointer<Int>!
) -> swiftcnn_status {
  func call<T: Element>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    guard let inputs else { throw .argument("inputs: is NULL") }
    guard let outputs else { throw .argument("outputs: is NULL") }
    (inputs.pointee, outputs.pointee) = (network.graph.inputs.count, network.graph.outputs.count)
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_port") @implementation
public func swiftcnn_network_port(
  _ network: OpaquePointer!, _ output: Int32, _ index: Int, _ name: UnsafeMutablePointer<UnsafePointer<CChar>?>!,
  _ onnx_type: UnsafeMutablePointer<Int32>!, _ shape: UnsafeMutablePointer<Int64>!, _ rank: UnsafeMutablePointer<Int32>!
) -> swiftcnn_status {
  func call<T: Element>(_ handle: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    guard let name else { throw .argument("name: is NULL") }
    guard let onnx_type else { throw .argument("onnx_type: is NULL") }
    guard let shape else { throw .argument("shape: is NULL") }
    guard let rank else { throw .argument("rank: is NULL") }
    let ports = try output == 0 ? network.inputPorts() : network.outputPorts()
    guard index >= 0 && index < ports.count else { throw .argument("index: wanted 0 to \(ports.count - 1), got \(index)") }
    let port = ports[index]
    if let extents = port.extents, extents.count > Shape.maximumRank {
      throw CNNError(.unsupported, "\(port.name): has \(extents.count) axes, wanted at most \(Shape.maximumRank)")
    }
    name.pointee = handle.show(port.name)
    onnx_type.pointee = Int32(port.type)
    rank.pointee = port.extents.map { Int32($0.count) } ?? -1
    for (axis, extent) in (port.extents ?? []).enumerated() { shape[axis] = Int64(extent ?? -1) }
  }
  return status(network, call, call)
}
