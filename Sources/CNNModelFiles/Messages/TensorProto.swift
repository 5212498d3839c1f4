// ONNX's TensorProto: an array in one of its several storage forms. Elements are decoded when they are asked for, straight to where they
// are needed.
import CNNCore
import CNNOperators

/// ONNX's element types, by their numbers. (FileType has those that networks can have; these are all that a file may name.)
enum StoredType: Int {
  case float = 1, uint8, int8, uint16, int16, int32, int64, string, bool, float16, double, uint32, uint64, complex64, complex128
  case bfloat16 = 16

  /// Bytes of an element in raw data; nil for what networks cannot have.
  var width: Int? {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16, .float16, .bfloat16: 2
    case .float, .int32, .uint32: 4
    case .double, .int64, .uint64: 8
    case .string, .complex64, .complex128: nil
    }
  }
  var isFloating: Bool { self == .float || self == .double || self == .float16 || self == .bfloat16 }

  /// What a network of T has for it; nil where it has nothing.
  func elementType<T: Element>(_: T.Type) -> ElementType? { FileType(rawValue).map { $0.elementType(T.self) } }

  var name: StaticString {
    switch self {
    case .float: "float"
    case .uint8: "uint8"
    case .int8: "int8"
    case .uint16: "uint16"
    case .int16: "int16"
    case .int32: "int32"
    case .int64: "int64"
    case .string: "string"
    case .bool: "bool"
    case .float16: "float16"
    case .double: "double"
    case .uint32: "uint32"
    case .uint64: "uint64"
    case .complex64: "complex64"
    case .complex128: "complex128"
    case .bfloat16: "bfloat16"
    }
  }
}

struct TensorProto {
  private(set) var name = Name("")
  private(set) var type = StoredType.float
  private(set) var shape: Shape
  /// What it is in the network, where the file says so: ModelWriter does, in the tensor's metadata.
  private(set) var role: Role?
  enum Role: Int {
    case constant, parameter, buffer
    static let key = Name("swiftcnn.role")
    var name: Name { Name(["constant", "parameter", "buffer"][rawValue]) }
  }
  private let storage: Storage
  private enum Storage {
    /// Little-endian elements side by side.
    case raw(Bytes)
    /// Numbers in the field of this number of the message.
    case field(Int, message: Bytes)
    /// Not of a TensorProto: numbers that a node's attributes hold, and one number for all elements.
    case numbers([Double]), integers([Int]), repeated(Double)
  }
  /// Keeps the bytes where they are.
  private let file: FileBytes?

  /// A list of floating-point numbers, or of one without axes.
  init(numbers: [Double], scalar: Bool) throws(CNNError) {
    (type, storage, file) = (.float, .numbers(numbers), nil)
    shape = try Shape("value", rank: scalar ? 0 : 1) { _ in numbers.count }
  }
  init(integers: [Int], scalar: Bool) throws(CNNError) {
    (type, storage, file) = (.int64, .integers(integers), nil)
    shape = try Shape("value", rank: scalar ? 0 : 1) { _ in integers.count }
  }
  /// An array of this shape, all of whose elements are the one of `value`.
  init(_ shape: Shape, filledWith value: TensorProto) throws(CNNError) {
    guard value.shape.count == 1 else { throw .broken("value: wanted one element, got \(value.shape.count)") }
    var number = 0.0
    try value.write(to: &number)
    (self.shape, type, storage, file) = (shape, value.type, .repeated(number), nil)
  }

  private init(_ name: Name, _ type: StoredType, _ shape: Shape, raw: Bytes) {
    (self.name, self.type, self.shape, storage, file) = (name, type, shape, .raw(raw), nil)
  }

  /// `external`: finds the bytes that a tensor has in another file.
  init(_ message: Bytes, in file: FileBytes, external: ExternalData) throws(CNNError) {
    var dims: [Int] = [], number = 0, raw: Bytes?, location = 0, entries: [Bytes] = []
    var reader = FieldReader(message)
    while let field = try reader.next() {
      switch field.number {
      case 1: try field.ints(to: &dims)
      case 2: number = try field.int()
      case 3: throw CNNError(.unsupported, "tensor: is one of several segments; wanted a whole one")
      case 8: name = try field.name()
      case 9: raw = try field.bytes()
      case 13: entries.append(try field.bytes())
      case 14: location = try field.int()
      case 16: role = try TensorProto.role(field.bytes()) ?? role
      default: break
      }
    }
    let name = name
    func failure(_ text: String, _ kind: CNNError.Kind) -> CNNError { CNNError(kind, "tensor \(name): \(text)") }
    func broken(_ text: String) -> CNNError { failure(text, .format) }
    guard let type = StoredType(rawValue: number) else {
      throw failure("wanted an element type from 1 to 16, got \(number)", number > 16 && number < 32 ? .unsupported : .format)
    }
    guard let width = type.width else { throw failure("its elements are of type \(type.name)", .unsupported) }
    self.type = type
    do throws(CNNError) {
      shape = try Shape("dims", rank: dims.count) { dims[$0] }
    } catch { throw broken(error.message) }
    if location != 0 || raw != nil {
      let data: Bytes
      if location == 0 {
        (data, self.file) = (raw ?? .none, file)
      } else {
        guard location == 1 else { throw broken("wanted a data location of 0 or 1, got \(location)") }
        do throws(CNNError) { (data, self.file) = try external.find(entries, bytes: shape.count * width) } catch {
          throw failure(error.message, error.kind)
        }
      }
      guard data.count == shape.count * width else {
        throw broken("wanted \(shape.count * width) bytes for \(shape.description) of \(type.name), got \(data.count)")
      }
      storage = .raw(data)
      return
    }
    self.file = file
    let place =
      switch type {
      case .float: 4
      case .int64: 7
      case .double: 10
      case .uint32, .uint64: 11
      default: 5
      }
    storage = .field(place, message: message)
    let count = try TensorProto.count(place, message)
    guard count == shape.count else { throw broken("wanted \(shape.count) elements for \(shape.description), got \(count)") }
  }

  private static func role(_ note: Bytes) throws(CNNError) -> Role? {
    var key = Name(""), value = Name(""), reader = FieldReader(note)
    while let field = try reader.next() {
      switch field.number {
      case 1: key = try field.name()
      case 2: value = try field.name()
      default: break
      }
    }
    return key == Role.key ? (0..<3).compactMap { Role(rawValue: $0) }.first { $0.name == value } : nil
  }

  /// How many numbers a repeated field has.
  private static func count(_ place: Int, _ message: Bytes) throws(CNNError) -> Int {
    var count = 0, reader = FieldReader(message)
    while let field = try reader.next() {
      guard field.number == place else { continue }
      guard case .bytes(let packed) = field.value else {
        count += 1
        continue
      }
      switch place {
      case 4, 10:
        let width = place == 4 ? 4 : 8
        guard packed.count % width == 0 else { throw .broken("tensor: \(packed.count) bytes are no numbers of \(width) bytes") }
        count += packed.count / width
      default:
        // Every number has one byte without the mark that another follows.
        for i in 0..<packed.count where packed.start.load(fromByteOffset: i, as: UInt8.self) < 0x80 { count += 1 }
        guard packed.count == 0 || packed.start.load(fromByteOffset: packed.count - 1, as: UInt8.self) < 0x80 else {
          throw .broken("tensor: ends within a number")
        }
      }
    }
    return count
  }

  // Elements

  /// Bytes from which on it is worth while to leave an array in its file until somebody asks for it.
  private static var leastStored: Int { 1 << 16 }
  /// What writes all elements at any later time, when the file is not mapped any more; nil: `write` has to do it now.
  func lastingWrite<T: Element>(_: T.Type) -> ((Output<T>) throws(CNNError) -> Void)? {
    guard case .raw(let data) = storage, data.count >= TensorProto.leastStored, let stored = file?.stored(data) else {
      return nil
    }
    let isPlain = type.elementType(T.self) == T.elementType && type.width == MemoryLayout<T>.stride
    return { [name, type, shape] array throws(CNNError) in
      if isPlain { return try stored.read(to: UnsafeMutableRawPointer(array.data)) }
      let read = try Scratch<UInt8>(stored.count)
      try stored.read(to: UnsafeMutableRawPointer(read.data))
      try TensorProto(name, type, shape, raw: Bytes(UnsafeRawPointer(read.data), stored.count)).write(to: array.data)
    }
  }

  /// Writes all elements as floating-point numbers, whatever they are in the file.
  @_specialize(where T == Float) @_specialize(where T == Double)
  func write<T: Element>(to place: UnsafeMutablePointer<T>) throws(CNNError) {
    let count = shape.count
    switch storage {
    case .numbers(let numbers): for i in 0..<count { place[i] = T(numbers[i]) }
    case .integers(let numbers): for i in 0..<count { place[i] = T(numbers[i]) }
    case .repeated(let number): for i in 0..<count { place[i] = T(number) }
    case .raw(let data):
      let from = data.start
      switch type {
      case .float:
        if T.self == Float.self {
          copy(
            from.assumingMemoryBound(to: UInt8.self), to: UnsafeMutableRawPointer(place).assumingMemoryBound(to: UInt8.self),
            4 * count)
        } else {
          for i in 0..<count { place[i] = T(from.loadUnaligned(fromByteOffset: 4 * i, as: Float.self)) }
        }
      case .double:
        for i in 0..<count { place[i] = T(from.loadUnaligned(fromByteOffset: 8 * i, as: Double.self)) }
      case .float16:
        for i in 0..<count { place[i] = T(widened(float16: from.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self))) }
      case .bfloat16:
        for i in 0..<count { place[i] = T(widened(bfloat16: from.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self))) }
      default:
        var i = 0
        try forEachInteger { number in
          place[i] = T(number)
          i += 1
        }
      }
    case .field(let number, let message):
      var next = place, reader = FieldReader(message)
      while let field = try reader.next() {
        guard field.number == number else { continue }
        switch (field.value, type) {
        case (.fixed32(let bits), .float): next[0] = T(Float(bitPattern: bits))
        case (.fixed64(let bits), .double): next[0] = T(Double(bitPattern: bits))
        case (.bytes(let packed), .float):
          for i in 0..<packed.count / 4 { next[i] = T(packed.start.loadUnaligned(fromByteOffset: 4 * i, as: Float.self)) }
          next += packed.count / 4 - 1
        case (.bytes(let packed), .double):
          for i in 0..<packed.count / 8 { next[i] = T(packed.start.loadUnaligned(fromByteOffset: 8 * i, as: Double.self)) }
          next += packed.count / 8 - 1
        case (_, .float), (_, .double): throw .broken("tensor \(name): an element is no number of type \(type.name)")
        default:
          var numbers: [Int] = []
          try field.ints(to: &numbers)
          for (i, bits) in numbers.enumerated() {
            next[i] =
              switch type {
              case .float16: T(widened(float16: UInt16(truncatingIfNeeded: bits)))
              case .bfloat16: T(widened(bfloat16: UInt16(truncatingIfNeeded: bits)))
              case .uint64: T(UInt64(bitPattern: Int64(bits)))
              default: T(bits)
              }
          }
          next += numbers.count - 1
        }
        next += 1
      }
    }
  }

  /// All elements of a tensor of integers or truth values, in order; uint64 by its bits.
  func forEachInteger(_ body: (Int) -> Void) throws(CNNError) {
    guard !type.isFloating else { throw .broken("tensor \(name): wanted integers, got \(type.name)") }
    switch storage {
    case .numbers: break
    case .integers(let numbers): for number in numbers { body(number) }
    case .repeated(let number): for _ in 0..<shape.count { body(Int(number)) }
    case .field(let number, let message):
      var reader = FieldReader(message)
      while let field = try reader.next() {
        guard field.number == number else { continue }
        var numbers: [Int] = []
        try field.ints(to: &numbers)
        for number in numbers { body(number) }
      }
    case .raw(let data):
      func each<U: FixedWidthInteger & BitwiseCopyable>(_: U.Type) {
        for i in 0..<shape.count {
          body(Int(truncatingIfNeeded: data.start.loadUnaligned(fromByteOffset: i * MemoryLayout<U>.size, as: U.self)))
        }
      }
      switch type {
      case .uint8: each(UInt8.self)
      case .bool: for i in 0..<shape.count { body(data.start.load(fromByteOffset: i, as: UInt8.self) == 0 ? 0 : 1) }
      case .int8: each(Int8.self)
      case .uint16: each(UInt16.self)
      case .int16: each(Int16.self)
      case .int32: each(Int32.self)
      case .uint32: each(UInt32.self)
      case .int64: each(Int64.self)
      case .uint64: each(UInt64.self)
      default: break
      }
    }
  }
  /// As an array of the network's types: floating-point numbers in its own.
  func typed<T: Element>(_: T.Type) throws(CNNError) -> TypedArray {
    guard let type = type.elementType(T.self) else { throw CNNError(.unsupported, "tensor \(name): is of type \(type.name)") }
    let array = try TypedArray(shape, type)
    if type.isFloatingPoint {
      try write(to: array.data.assumingMemoryBound(to: T.self))
      return array
    }
    var next = array.data
    func store<U: FixedWidthInteger & BitwiseCopyable>(_ number: Int, _: U.Type) {
      next.storeBytes(of: U(truncatingIfNeeded: number), as: U.self)
      next += MemoryLayout<U>.size
    }
    try forEachInteger { number in
      switch type.stride {
      case 1: store(type == .bool && number != 0 ? 1 : number, UInt8.self)
      case 2: store(number, UInt16.self)
      case 4: store(number, UInt32.self)
      default: store(number, UInt64.self)
      }
    }
    return array
  }
  func integers() throws(CNNError) -> [Int] {
    var list: [Int] = []
    list.reserveCapacity(shape.count)
    try forEachInteger { list.append($0) }
    return list
  }
}

/// IEEE 754 binary16, every value of which a Float has.
func widened(float16 half: UInt16) -> Float {
  let sign = UInt32(half & 0x8000) << 16, exponent = UInt32(half >> 10) & 0x1f, fraction = UInt32(half & 0x3ff)
  switch exponent {
  case 0:
    // A subnormal number, in units of 2^-24.
    let magnitude = Float(fraction) * 0x1p-24
    return sign == 0 ? magnitude : -magnitude
  case 0x1f: return Float(bitPattern: sign | 0x7f80_0000 | fraction << 13)
  default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
  }
}
/// The upper half of a Float.
func widened(bfloat16 half: UInt16) -> Float { Float(bitPattern: UInt32(half) << 16) }
