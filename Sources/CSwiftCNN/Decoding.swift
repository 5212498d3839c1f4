// From C to Swift: every value that a caller can get wrong is checked here, once, and becomes an error with the argument's name.
import CHeader
import CNNCore
import CNNOperators
import CPlatform

/// Runs the body; an error becomes a status and this thread's message.
func status(_ body: () throws(CNNError) -> Void) -> swiftcnn_status {
  do throws(CNNError) {
    try enter(body)
    return SWIFTCNN_OK
  } catch {
    return report(error)
  }
}

func report(_ error: CNNError) -> swiftcnn_status {
  var message = error.message
  message.withUTF8 { text in
    text.withMemoryRebound(to: CChar.self) { platform_set_message($0.baseAddress, $0.count) }
  }
  return switch error.kind {
  case .argument: SWIFTCNN_INVALID_ARGUMENT
  case .shape: SWIFTCNN_INVALID_SHAPE
  case .type: SWIFTCNN_INVALID_TYPE
  case .format: SWIFTCNN_INVALID_MODEL
  case .unsupported: SWIFTCNN_UNSUPPORTED
  case .memory: SWIFTCNN_OUT_OF_MEMORY
  case .environment: SWIFTCNN_ENVIRONMENT
  case .file: SWIFTCNN_FILE_ERROR
  }
}

/// The types of element that C names, and how messages call them.
protocol CElement: BitwiseCopyable {
  static var type: swiftcnn_type { get }
}
extension Float: CElement { static var type: swiftcnn_type { SWIFTCNN_FLOAT32 } }
extension Double: CElement { static var type: swiftcnn_type { SWIFTCNN_FLOAT64 } }
extension Int32: CElement { static var type: swiftcnn_type { SWIFTCNN_INT32 } }
extension Int64: CElement { static var type: swiftcnn_type { SWIFTCNN_INT64 } }
extension UInt8: CElement { static var type: swiftcnn_type { SWIFTCNN_UINT8 } }

func name(_ type: swiftcnn_type) -> String {
  ElementType(type).map { "\($0.description)" } ?? "the unknown type \(type.rawValue)"
}

extension ElementType {
  init?(_ type: swiftcnn_type) {
    switch type {
    case SWIFTCNN_FLOAT32: self = .float32
    case SWIFTCNN_FLOAT64: self = .float64
    case SWIFTCNN_INT8: self = .int8
    case SWIFTCNN_UINT8: self = .uint8
    case SWIFTCNN_INT16: self = .int16
    case SWIFTCNN_UINT16: self = .uint16
    case SWIFTCNN_INT32: self = .int32
    case SWIFTCNN_UINT32: self = .uint32
    case SWIFTCNN_INT64: self = .int64
    case SWIFTCNN_UINT64: self = .uint64
    case SWIFTCNN_BOOL: self = .bool
    default: return nil
    }
  }
}
func decode(_ type: swiftcnn_type, _ argument: StaticString) throws(CNNError) -> ElementType {
  guard let known = ElementType(type) else { throw .type("\(argument): \(type.rawValue) is no type of elements") }
  return known
}
func encode(_ type: ElementType) -> swiftcnn_type {
  switch type {
  case .float32: SWIFTCNN_FLOAT32
  case .float64: SWIFTCNN_FLOAT64
  case .int8: SWIFTCNN_INT8
  case .uint8: SWIFTCNN_UINT8
  case .int16: SWIFTCNN_INT16
  case .uint16: SWIFTCNN_UINT16
  case .int32: SWIFTCNN_INT32
  case .uint32: SWIFTCNN_UINT32
  case .int64: SWIFTCNN_INT64
  case .uint64: SWIFTCNN_UINT64
  case .bool: SWIFTCNN_BOOL
  }
}

extension swiftcnn_tensor {
  private func address<T: CElement>(_ argument: StaticString, _: T.Type) throws(CNNError) -> (Shape, UnsafeMutablePointer<T>) {
    guard type == T.type else { throw .type("\(argument): wanted \(name(T.type)), got \(name(type))") }
    let (shape, data) = try address(argument, alignment: MemoryLayout<T>.alignment)
    return (shape, data.assumingMemoryBound(to: T.self))
  }
  private func address(_ argument: StaticString, alignment: Int) throws(CNNError) -> (Shape, UnsafeMutableRawPointer) {
    let shape = try self.shape(argument)
    guard let data else {
      guard shape.count == 0 else { throw .argument("\(argument): data is NULL, wanted \(shape.count) elements") }
      // Never read or written: there are no elements.
      return (shape, UnsafeMutableRawPointer(bitPattern: 64) ?? .allocate(byteCount: 8, alignment: 8))
    }
    guard UInt(bitPattern: data) % UInt(alignment) == 0 else {
      throw .argument("\(argument): data is not aligned to its elements of \(alignment) bytes")
    }
    return (shape, data)
  }
  private func shape(_ argument: StaticString) throws(CNNError) -> Shape {
    guard rank >= 0 && rank <= Shape.maximumRank else {
      throw .shape("\(argument): wanted a rank from 0 to \(Shape.maximumRank), got \(rank)")
    }
    guard let extents = self.shape else {
      guard rank == 0 else { throw .argument("\(argument): shape is NULL, wanted \(rank) extents") }
      return try Shape(argument, rank: 0) { _ in 1 }
    }
    return try Shape(argument, rank: Int(rank)) { Int(extents[$0]) }
  }
  func input<T: CElement>(_ argument: StaticString, _ type: T.Type = T.self) throws(CNNError) -> Input<T> {
    let (shape, data) = try address(argument, type)
    return Input(argument, shape, UnsafePointer(data))
  }
  func output<T: CElement>(_ argument: StaticString, _ type: T.Type = T.self) throws(CNNError) -> Output<T> {
    let (shape, data) = try address(argument, type)
    return Output(argument, shape, data)
  }
}

/// Of any type.
extension swiftcnn_tensor {
  func anyOutput(_ argument: StaticString) throws(CNNError) -> AnyOutput {
    let type = try decode(type, argument), (shape, data) = try address(argument, alignment: type.stride)
    return AnyOutput(argument, shape, type, data)
  }
  func anyInput(_ argument: StaticString) throws(CNNError) -> AnyInput { try anyOutput(argument).input }
}

/// Optional tensors: NULL stays nil.
extension UnsafePointer where Pointee == swiftcnn_tensor {
  func input<T: CElement>(_ argument: StaticString, _ type: T.Type = T.self) throws(CNNError) -> Input<T> {
    try pointee.input(argument, type)
  }
  func output<T: CElement>(_ argument: StaticString, _ type: T.Type = T.self) throws(CNNError) -> Output<T> {
    try pointee.output(argument, type)
  }
}

/// Runs one generic body, given twice, on the input `tensor`, whose element type decides. (The body takes the input and not
/// its element type, because Embedded Swift's closures take no metatypes.)
func status(
  _ tensor: swiftcnn_tensor, _ argument: StaticString, _ single: (Input<Float>) throws(CNNError) -> Void,
  _ double: (Input<Double>) throws(CNNError) -> Void
) -> swiftcnn_status {
  status { () throws(CNNError) in
    switch tensor.type {
    case SWIFTCNN_FLOAT32: try single(try tensor.input(argument))
    case SWIFTCNN_FLOAT64: try double(try tensor.input(argument))
    default: throw .type("\(argument): wanted float32 or float64, got \(name(tensor.type))")
    }
  }
}

/// A struct that begins with its size: what this version knows of must be there.
func decode<S>(_ pointer: UnsafePointer<S>?, _ argument: StaticString, size: (S) -> Int) throws(CNNError) -> S {
  guard let pointer else { throw .argument("\(argument): is NULL") }
  let given = UnsafeRawPointer(pointer).loadUnaligned(as: Int.self)
  guard given >= MemoryLayout<S>.size else {
    throw .argument(
      "\(argument): struct_size is \(given), wanted at least \(MemoryLayout<S>.size); start from the _DEFAULTS macro")
  }
  return pointer.pointee
}

private func pair(_ p: (Int64, Int64)) -> InlineArray<2, Int> { [Int(p.0), Int(p.1)] }
private func four(_ p: (Int64, Int64, Int64, Int64)) -> InlineArray<4, Int> { [Int(p.0), Int(p.1), Int(p.2), Int(p.3)] }

extension Window {
  init(decoding pointer: UnsafePointer<swiftcnn_window>?) throws(CNNError) {
    let c = try decode(pointer, "window") { $0.struct_size }
    try self.init(kernel: pair(c.kernel), strides: pair(c.strides), pads: four(c.pads), dilations: pair(c.dilations))
  }
}
extension Convolution {
  init(decoding pointer: UnsafePointer<swiftcnn_convolution>?) throws(CNNError) {
    let c = try decode(pointer, "convolution") { $0.struct_size }
    try self.init(
      strides: pair(c.strides), pads: four(c.pads), dilations: pair(c.dilations), groups: Int(c.groups), exact: c.exact != 0)
  }
}
extension Pooling {
  init(decoding pointer: UnsafePointer<swiftcnn_pooling>?) throws(CNNError) {
    let c = try decode(pointer, "pooling") { $0.struct_size }
    let window = try Window(
      kernel: pair(c.kernel), strides: pair(c.strides), pads: four(c.pads), dilations: pair(c.dilations),
      ceilMode: c.ceil_mode != 0)
    self.init(window, countIncludePad: c.count_include_pad != 0)
  }
}
extension BatchNormalization {
  init(decoding pointer: UnsafePointer<swiftcnn_batch_normalization>?) throws(CNNError) {
    let c = try decode(pointer, "normalization") { $0.struct_size }
    try self.init(epsilon: c.epsilon, momentum: c.momentum)
  }
}
extension Target {
  init(decoding tensor: swiftcnn_tensor) throws(CNNError) where T: CElement {
    switch tensor.type {
    case SWIFTCNN_INT32: self = .indices32(try tensor.input("target"))
    case SWIFTCNN_INT64: self = .indices64(try tensor.input("target"))
    case T.type: self = .distribution(try tensor.input("target"))
    default:
      throw .type("target: wanted int32 or int64 indices, or a distribution of \(name(T.type)), got \(name(tensor.type))")
    }
  }
}

func shape(_ argument: StaticString, _ extents: UnsafePointer<Int64>?) throws(CNNError) -> Shape {
  guard let extents else { throw .argument("\(argument): is NULL") }
  return try Shape(argument, rank: 4) { Int(extents[$0]) }
}
func write(_ shape: Shape, _ argument: StaticString, _ to: UnsafeMutablePointer<Int64>?) throws(CNNError) {
  guard let to else { throw .argument("\(argument): is NULL") }
  for i in 0..<shape.rank { to[i] = Int64(shape[i]) }
}
