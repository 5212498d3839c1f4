// Loading a network from an ONNX file, or from the bytes of one.
package import CNNCore
package import CNNNetwork

/// A network of the type that its model computes in.
package enum LoadedNetwork {
  case single(Network<Float>), double(Network<Double>)
}

/// What a network is to compute in: float32, float64, or what its model does.
package enum LoadedType { case single, double, asDeclared }

/// The network of the ONNX file at `path`. Arrays that it has in other files are looked for beside it.
package func loadNetwork(path: Name, _ type: LoadedType = .asDeclared) throws(CNNError) -> LoadedNetwork {
  do throws(CNNError) { return try load(FileBytes(path: path), ExternalData(besides: path), type) } catch {
    throw error.kind == .file ? error : CNNError(error.kind, "\(path): \(error.message)")
  }
}

/// The network of an ONNX file's bytes, which are read during the call alone.
package func loadNetwork(
  bytes: UnsafeRawBufferPointer, _ type: LoadedType = .asDeclared
) throws(CNNError) -> LoadedNetwork {
  let part = bytes.baseAddress.map { Bytes($0, bytes.count) } ?? .none
  do throws(CNNError) { return try load(FileBytes(borrowing: part), ExternalData(besides: nil), type) } catch {
    throw CNNError(error.kind, "model: \(error.message)")
  }
}

/// The network of the ONNX file at `path`, read into an empty one, of whatever type that is.
package func load<T: Element>(path: Name, into network: Network<T>) throws(CNNError) {
  do throws(CNNError) {
    let file = try FileBytes(path: path)
    try ModelReader(ModelProto(file.bytes), file, ExternalData(besides: path), into: network).read()
  } catch {
    throw error.kind == .file ? error : CNNError(error.kind, "\(path): \(error.message)")
  }
}

private func load(_ file: FileBytes, _ external: ExternalData, _ type: LoadedType) throws(CNNError) -> LoadedNetwork {
  let model = try ModelProto(file.bytes)
  // Computed as its first floating-point input is; as its first output where there is none.
  let first = (model.graph.inputs + model.graph.outputs).first { $0.type?.isFloating ?? false }
  if type == .double || type == .asDeclared && first?.type == .double {
    let network = Network<Double>()
    try ModelReader(model, file, external, into: network).read()
    return .double(network)
  }
  let network = Network<Float>()
  try ModelReader(model, file, external, into: network).read()
  return .single(network)
}
