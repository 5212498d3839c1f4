// Saving a network as an ONNX file, or as the bytes of one.
package import CNNCore
package import CNNNetwork

/// Writes the network to `path`. A failure leaves the file that was there before, or none.
package func save<T: Element>(_ network: Network<T>, path: Name) throws(CNNError) {
  let writer = ModelWriter(network), message = try writer.model()
  try checkSize(message)
  try message.writeFile(path)
  withExtendedLifetime(writer) {}
}

/// Writes the network to memory that `place` gives for a number of bytes, and returns that number.
package func save<T: Element>(
  _ network: Network<T>, to place: (Int) throws(CNNError) -> UnsafeMutableRawPointer?
) throws(CNNError) {
  let writer = ModelWriter(network), message = try writer.model()
  try checkSize(message)
  if let place = try place(message.count) { message.write(to: place) }
  withExtendedLifetime(writer) {}
}

/// Readers of protocol buffers take no larger ones.
private func checkSize(_ message: MessageWriter) throws(CNNError) {
  guard message.count < 1 << 31 else {
    throw CNNError(.unsupported, "the model would have \(message.count) bytes; files of ONNX have fewer than 2^31")
  }
}
