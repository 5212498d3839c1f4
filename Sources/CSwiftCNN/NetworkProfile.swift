// What the steps of a network's inference take.
public import CHeader
import CNNCore
import CNNNetwork

@_cdecl("swiftcnn_network_profile") @implementation
public func swiftcnn_network_profile(
  _ network: OpaquePointer!, _ inputs: UnsafePointer<swiftcnn_tensor>!, _ input_count: Int, _ runs: Int32,
  _ steps: UnsafeMutablePointer<swiftcnn_step>!, _ count: UnsafeMutablePointer<Int>!, _ peak: UnsafeMutablePointer<Double>!
) -> swiftcnn_status {
  func call<T: Element & CElement>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    guard let count else { throw .argument("count: is NULL") }
    let inputs: [AnyInput] = try decode(inputs, input_count)
    let needed = try network.stepCount(inputs)
    guard let steps else {
      count.pointee = needed
      return
    }
    guard count.pointee >= needed else { throw .argument("count: wanted room for \(needed) steps, got \(count.pointee)") }
    let profile = try network.profile(inputs, runs: Int(runs)), most = try peak == nil ? 0 : Network<T>.peak()
    for (i, step) in profile.enumerated() {
      var given = swiftcnn_step()
      withUnsafeMutableBytes(of: &given.name) { write(step.name.utf8, to: $0) }
      var operators: [UInt8] = []
      for name in step.operators { operators += (operators.isEmpty ? [] : [UInt8(ascii: "+")]) + name.utf8 }
      withUnsafeMutableBytes(of: &given.operators) { write(operators, to: $0) }
      (given.seconds, given.multiply_adds, given.bytes) = (step.seconds, Int64(step.multiplyAdds), Int64(step.bytes))
      steps[i] = given
    }
    count.pointee = needed
    if let peak { peak.pointee = most }
  }
  return status(network, call, call)
}

/// As much as there is room for before a zero byte, and no part of a character.
private func write(_ text: [UInt8], to room: UnsafeMutableRawBufferPointer) {
  var count = min(text.count, room.count - 1)
  if count < text.count { while count > 0 && text[count] & 0xc0 == 0x80 { count -= 1 } }
  for i in 0..<room.count { room[i] = i < count ? text[i] : 0 }
}
