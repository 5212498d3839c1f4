// An array of any type that keeps its memory: the constants of a network, and what is folded into such.
import CPlatform

/// Written by whoever makes it, and read only from then on.
package final class TypedArray: @unchecked Sendable {
  package let shape: Shape
  package let type: ElementType
  package let data: UnsafeMutableRawPointer
  /// What keeps the memory; nil: it is this array's own.
  private let owner: AnyObject?

  /// Not initialised; with room for whole vectors behind the last element.
  package init(_ shape: Shape, _ type: ElementType) throws(CNNError) {
    let bytes = shape.count * type.stride + 64
    guard let memory = platform_allocate(bytes) else {
      throw CNNError(.memory, "no memory for \(bytes) bytes of an array of shape \(shape.description)")
    }
    (self.shape, self.type, data, owner) = (shape, type, memory, nil)
  }
  /// Elements that lie somewhere else, such as in a mapped file, for as long as `owner` lives; aligned to their size.
  package init(_ shape: Shape, _ type: ElementType, at address: UnsafeRawPointer, of owner: AnyObject) {
    (self.shape, self.type, self.owner) = (shape, type, owner)
    data = UnsafeMutableRawPointer(mutating: address)
  }
  deinit { if owner == nil { platform_free(data) } }

  /// A copy.
  package convenience init(_ x: AnyInput) throws(CNNError) {
    try self.init(x.shape, x.type)
    platform_copy(data, x.data, x.bytes)
  }
  /// The elements of another one in another shape.
  package convenience init(_ shape: Shape, sharing other: TypedArray) {
    self.init(shape, other.type, at: UnsafeRawPointer(other.data), of: other)
  }
  /// int64[count].
  package convenience init(_ numbers: [Int]) throws(CNNError) {
    try self.init(Shape("shape", numbers.count), .int64)
    for i in numbers.indices { data.storeBytes(of: Int64(numbers[i]), toByteOffset: 8 * i, as: Int64.self) }
  }
  /// One int64 without axes.
  package convenience init(_ number: Int) throws(CNNError) {
    try self.init(Shape("shape"), .int64)
    data.storeBytes(of: Int64(number), as: Int64.self)
  }

  package func input(_ name: StaticString) -> AnyInput { AnyInput(name, shape, type, UnsafeRawPointer(data)) }

  /// Whether these are the same elements of the same shape and type, bit by bit.
  package func equals(_ x: AnyInput) -> Bool {
    guard shape == x.shape && type == x.type else { return false }
    if UnsafeRawPointer(data) == x.data { return true }
    for i in 0..<x.bytes where data.load(fromByteOffset: i, as: UInt8.self) != x.data.load(fromByteOffset: i, as: UInt8.self) {
      return false
    }
    return true
  }

  /// Element i, where it is a whole number; of uint64 those beyond Int are the largest Int.
  package func integer(_ i: Int) -> Int {
    func load<U: BinaryInteger & BitwiseCopyable>(_: U.Type) -> Int {
      Int(clamping: data.load(fromByteOffset: i &* MemoryLayout<U>.stride, as: U.self))
    }
    return switch type {
    case .bool: load(UInt8.self) == 0 ? 0 : 1
    case .int8: load(Int8.self)
    case .uint8: load(UInt8.self)
    case .int16: load(Int16.self)
    case .uint16: load(UInt16.self)
    case .int32: load(Int32.self)
    case .uint32: load(UInt32.self)
    case .int64: load(Int64.self)
    case .uint64: load(UInt64.self)
    case .float32, .float64: Int(exactly: number(i).rounded()) ?? 0
    }
  }
  package func number(_ i: Int) -> Double {
    switch type {
    case .float32: Double(data.load(fromByteOffset: 4 &* i, as: Float.self))
    case .float64: data.load(fromByteOffset: 8 &* i, as: Double.self)
    default: Double(integer(i))
    }
  }
}
