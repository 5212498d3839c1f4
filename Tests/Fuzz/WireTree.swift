// A message of protocol buffers as a tree, so that mutations can change one field and keep the lengths around it right.

struct Random {
  var state: UInt64
  /// SplitMix64.
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }
  mutating func below(_ n: Int) -> Int { n <= 1 ? 0 : Int(next() % UInt64(n)) }
  mutating func chance(_ one: Int) -> Bool { below(one) == 0 }
}

indirect enum WireValue {
  case varint(UInt64), fixed32(UInt32), fixed64(UInt64), bytes([UInt8]), message([WireField])
}
struct WireField {
  var number: UInt64
  var value: WireValue
}

/// The fields, if these bytes are a message; what could be one is taken for one down to `depth`.
func parse(_ bytes: ArraySlice<UInt8>, depth: Int = 6) -> [WireField]? {
  var rest = bytes, fields: [WireField] = []
  func varint() -> UInt64? {
    var value: UInt64 = 0
    for place in 0..<10 {
      guard let byte = rest.popFirst() else { return nil }
      value |= UInt64(byte & 0x7f) << UInt64(7 * place)
      if byte < 0x80 { return value }
    }
    return nil
  }
  while !rest.isEmpty {
    guard let tag = varint(), tag >> 3 > 0, tag >> 3 < 64 else { return nil }
    switch tag & 7 {
    case 0:
      guard let value = varint() else { return nil }
      fields.append(WireField(number: tag >> 3, value: .varint(value)))
    case 1, 5:
      let width = tag & 7 == 1 ? 8 : 4
      guard rest.count >= width else { return nil }
      var bits: UInt64 = 0
      for place in 0..<width { bits |= UInt64(rest.removeFirst()) << UInt64(8 * place) }
      fields.append(WireField(number: tag >> 3, value: width == 8 ? .fixed64(bits) : .fixed32(UInt32(bits))))
    case 2:
      guard let length = varint(), length <= UInt64(rest.count) else { return nil }
      let part = rest.prefix(Int(length))
      rest = rest.dropFirst(Int(length))
      // A text that happens to be a message is taken for one, and written back as it was.
      if depth > 0, part.count > 1, let inside = parse(part, depth: depth - 1) {
        fields.append(WireField(number: tag >> 3, value: .message(inside)))
      } else {
        fields.append(WireField(number: tag >> 3, value: .bytes(Array(part))))
      }
    default: return nil
    }
  }
  return fields
}

func serialized(_ fields: [WireField]) -> [UInt8] {
  var bytes: [UInt8] = []
  func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
  for field in fields {
    switch field.value {
    case .varint(let value):
      varint(field.number << 3)
      varint(value)
    case .fixed64(let bits):
      varint(field.number << 3 | 1)
      for place in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(8 * place))) }
    case .fixed32(let bits):
      varint(field.number << 3 | 5)
      for place in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(8 * place))) }
    case .bytes(let part):
      varint(field.number << 3 | 2)
      varint(UInt64(part.count))
      bytes += part
    case .message(let inside):
      let part = serialized(inside)
      varint(field.number << 3 | 2)
      varint(UInt64(part.count))
      bytes += part
    }
  }
  return bytes
}
