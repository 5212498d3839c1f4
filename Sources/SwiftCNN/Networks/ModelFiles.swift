// Networks in ONNX files.
public import CNNCore
import CNNModelFiles
import CNNNetwork

extension Network {
  /// The network of an ONNX file, of one input and one output, computed in `Scalar` whatever the file's numbers are. It is run, compiled and
  /// trained on like any other.
  ///
  /// ```swift
  /// let network = try Network<Float>(contentsOf: "resnet50.onnx")
  /// let scores = try network.predict(images)
  /// ```
  /// Large weights are read when they are needed first: until then the file stays open, and may be replaced or removed, but not written
  /// over.
  /// - Parameter seed: of the order of images and of dropout, where it is trained.
  /// - Throws: `CNNError` where the file cannot be read, is no whole and valid model, or has operators that there are none of: the message
  ///   names all of them.
  public convenience init(contentsOf path: String, seed: UInt64 = 0) throws(CNNError) {
    let core = CNNNetwork.Network<Scalar>(seed: seed)
    try enter { () throws(CNNError) in try load(path: Name(path), into: core) }
    guard core.graph.inputs.count == 1 && core.graph.outputs.count == 1 else {
      throw CNNError(
        .unsupported,
        "\(path): wanted a network of one input and one output, got \(core.graph.inputs.count) and \(core.graph.outputs.count)")
    }
    self.init(core)
  }

  /// Writes the network as an ONNX file, for any number of images. A failure leaves the file that was there before, or none.
  /// - Throws: `CNNError` where the network is not built, a layer cannot be expressed in ONNX, or the file cannot be written.
  public func save(to path: String) throws(CNNError) {
    let core = try core()
    try enter { () throws(CNNError) in try CNNModelFiles.save(core, path: Name(path)) }
  }
}
