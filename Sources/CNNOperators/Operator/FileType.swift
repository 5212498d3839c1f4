// The element types that ONNX files name, and what a network has for them.
package import CNNCore

/// The element types of ONNX files, by TensorProto's numbers.
package enum FileType: Int, Sendable {
  case float32 = 1, uint8, int8, uint16, int16, int32, int64
  case bool = 9, float16, float64, uint32, uint64
  case bfloat16 = 16

  package init?(_ number: Int) { self.init(rawValue: number) }
  package init(_ type: ElementType) {
    self =
      switch type {
      case .float32: .float32
      case .float64: .float64
      case .bool: .bool
      case .int8: .int8
      case .uint8: .uint8
      case .int16: .int16
      case .uint16: .uint16
      case .int32: .int32
      case .uint32: .uint32
      case .int64: .int64
      case .uint64: .uint64
      }
  }

  /// What a network has for it: its own type for all floating ones.
  package func elementType<T: Element>(_: T.Type) -> ElementType {
    switch self {
    case .float32, .float16, .bfloat16, .float64: T.elementType
    case .uint8: .uint8
    case .int8: .int8
    case .uint16: .uint16
    case .int16: .int16
    case .int32: .int32
    case .int64: .int64
    case .bool: .bool
    case .uint32: .uint32
    case .uint64: .uint64
    }
  }

  /// To the nearest number that the type has, to even if there are two; infinite beyond the largest.
  func round<T: Element>(_ y: Output<T>) throws(CNNError) {
    switch self {
    case .float16: try roundNumbers(y, bits: 11, least: -14, most: 15)
    case .bfloat16: try roundNumbers(y, bits: 8, least: -126, most: 127)
    case .float32 where T.elementType == .float64: try roundNumbers(y, bits: 24, least: -126, most: 127)
    default: break
    }
  }
}

/// `bits` of significand, for exponents from `least`, below which numbers are multiples of the smallest, to `most`.
@_specialize(where T == Float) @_specialize(where T == Double)
private func roundNumbers<T: Element>(_ y: Output<T>, bits: Int, least: Int, most: Int) throws(CNNError) {
  try forEachPiece(y.shape.count) { start, count in
    for i in start..<start &+ count {
      let x = Double(y.data[i])
      if !x.isFinite || x == 0 { continue }
      let unit = Double(sign: .plus, exponent: max(Int(x.exponent), least) - bits + 1, significand: 1)
      let rounded = (x / unit).rounded(.toNearestOrEven) * unit
      y.data[i] = T(rounded.magnitude >= Double(sign: .plus, exponent: most + 1, significand: 1) ? x * .infinity : rounded)
    }
  }
}
