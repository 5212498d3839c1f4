// Elements whose type is known only when the program runs. What only moves goes by its size; integers and bools are computed in
// 64 bits, piece by piece, so that one loop does for all of them; numbers of the network's type have loops of their own.
import CNNCore

extension AnyOutput {
  /// The number everywhere; of integers, the nearest one towards 0 that there is.
  func fill(_ number: Double) {
    func fill<U: BitwiseCopyable>(_ value: U) { bound(to: U.self).data.update(repeating: value, count: shape.count) }
    switch type {
    case .float32: fill(Float(number))
    case .float64: fill(number)
    case .bool: fill(UInt8(number == 0 ? 0 : 1))
    case .int8: fill(Int8(saturating: number))
    case .uint8: fill(UInt8(saturating: number))
    case .int16: fill(Int16(saturating: number))
    case .uint16: fill(UInt16(saturating: number))
    case .int32: fill(Int32(saturating: number))
    case .uint32: fill(UInt32(saturating: number))
    case .int64: fill(Int64(saturating: number))
    case .uint64: fill(UInt64(saturating: number))
    }
  }
}

extension FixedWidthInteger {
  /// Towards 0; the least or the largest where it is beyond these, and 0 for NaN.
  @inline(__always) init(saturating number: Double) {
    // The largest of 64 bits is no Double: what is not below the power of two above it is beyond.
    if number.isNaN {
      self = 0
    } else if number >= Double(sign: .plus, exponent: Self.bitWidth - (Self.isSigned ? 1 : 0), significand: 1) {
      self = .max
    } else if number <= Double(Self.min) {
      self = .min
    } else {
      self = Self(number)
    }
  }
}

/// Integers of 64 bits from elements of a type, and back: wrapping, as C's conversions do. Those of uint64 are their bits.
enum Wide {
  static func load(_ x: AnyInput, _ start: Int, _ count: Int, _ y: UnsafeMutablePointer<Int64>) {
    func widen<U: FixedWidthInteger & BitwiseCopyable>(_: U.Type) {
      let x = x.bound(to: U.self).data + start
      for i in 0..<count { y[i] = Int64(truncatingIfNeeded: x[i]) }
    }
    switch x.type {
    case .bool:
      let x = x.bound(to: UInt8.self).data + start
      for i in 0..<count { y[i] = x[i] == 0 ? 0 : 1 }
    case .int8: widen(Int8.self)
    case .uint8: widen(UInt8.self)
    case .int16: widen(Int16.self)
    case .uint16: widen(UInt16.self)
    case .int32: widen(Int32.self)
    case .uint32: widen(UInt32.self)
    case .int64, .uint64: widen(Int64.self)
    case .float32, .float64: break  // not asked for
    }
  }
  static func store(_ x: UnsafePointer<Int64>, _ y: AnyOutput, _ start: Int, _ count: Int) {
    func narrow<U: FixedWidthInteger & BitwiseCopyable>(_: U.Type) {
      let y = y.bound(to: U.self).data + start
      for i in 0..<count { y[i] = U(truncatingIfNeeded: x[i]) }
    }
    switch y.type {
    case .bool:
      let y = y.bound(to: UInt8.self).data + start
      for i in 0..<count { y[i] = x[i] == 0 ? 0 : 1 }
    case .int8, .uint8: narrow(UInt8.self)
    case .int16, .uint16: narrow(UInt16.self)
    case .int32, .uint32: narrow(UInt32.self)
    case .int64, .uint64: narrow(Int64.self)
    case .float32, .float64: break
    }
  }
}

/// Inputs in the type that they are computed in, repeated to the shape of the result: in scratch memory, where they are not so already.
struct Operand64: ~Copyable {
  private let wide: Scratch<Int64>, whole: Scratch<Int64>
  let data: UnsafePointer<Int64>

  init(_ x: AnyInput, _ shape: Shape) throws(CNNError) {
    let isWide = x.type.stride == 8
    let wide = try Scratch<Int64>(isWide ? 0 : x.shape.count)
    let whole = try Scratch<Int64>(x.shape == shape ? 0 : shape.count)
    var from = x
    if !isWide {
      Wide.load(x, 0, x.shape.count, wide.data)
      from = AnyInput(x.name, x.shape, .int64, wide.data)
    }
    if x.shape != shape { from = try from.broadcast(to: shape, in: whole.data) }
    data = from.bound(to: Int64.self).data
    self.wide = wide
    self.whole = whole
  }
}
/// The same of numbers; integers become numbers.
struct OperandNumbers<T: Element>: ~Copyable {
  private let converted: Scratch<T>, whole: Scratch<T>
  let data: UnsafePointer<T>

  init(_ x: AnyInput, _ shape: Shape) throws(CNNError) {
    let isNumbers = x.type == T.elementType
    let converted = try Scratch<T>(isNumbers ? 0 : x.shape.count)
    let whole = try Scratch<T>(x.shape == shape ? 0 : shape.count)
    var from = x
    if !isNumbers {
      let numbers = AnyOutput(x.name, x.shape, T.elementType, converted.data)
      try convert(x, to: numbers, T.self)
      from = numbers.input
    }
    if x.shape != shape { from = try from.broadcast(to: shape, in: whole.data) }
    data = from.bound(to: T.self).data
    self.converted = converted
    self.whole = whole
  }
}

extension AnyInput {
  /// The same repeated to a larger shape, in this memory.
  func broadcast(to shape: Shape, in memory: UnsafeMutableRawPointer) throws(CNNError) -> AnyInput {
    let result = AnyOutput(name, shape, type, memory)
    try StridedWalk.move(self, StridedView(self.shape, broadcastTo: shape), to: result, StridedView(shape))
    return result.input
  }
}

/// y = x in another type, as Cast does: numbers are cut off towards 0, and what is not 0 is true.
@_specialize(where T == Float) @_specialize(where T == Double)
func convert<T: Element>(_ x: AnyInput, to y: AnyOutput, _: T.Type) throws(CNNError) {
  if x.type == y.type { return copyBytes(x.data, to: y.data, x.bytes) }
  try forEachPiece(x.shape.count) { start, count in
    withUnsafeTemporaryAllocation(of: Int64.self, capacity: 512) { room in
      guard let wide = room.baseAddress else { return }
      for first in stride(from: start, to: start &+ count, by: 512) {
        let n = min(512, start &+ count &- first)
        if x.type == T.elementType {
          let x = x.bound(to: T.self).data + first
          for i in 0..<n { wide[i] = y.type == .bool ? (x[i] == 0 ? 0 : 1) : integer(x[i], isUnsigned: y.type == .uint64) }
        } else {
          Wide.load(x, first, n, wide)
        }
        if y.type == T.elementType {
          let y = y.bound(to: T.self).data + first
          for i in 0..<n { y[i] = x.type == .uint64 ? T(UInt64(bitPattern: wide[i])) : T(wide[i]) }
        } else {
          Wide.store(wide, y, first, n)
        }
      }
    }
  }
}
@inline(__always) private func integer<T: Element>(_ x: T, isUnsigned: Bool) -> Int64 {
  isUnsigned && x >= 0x1p63 ? Int64(bitPattern: UInt64(saturating: Double(x))) : Int64(saturating: Double(x))
}
