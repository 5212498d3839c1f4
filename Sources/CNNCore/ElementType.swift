// The types that the elements of a network's values can have, and arrays whose type is known only when the program runs.

/// A network computes in float32 or float64; values of the other types are indices, masks, and quantised numbers.
package enum ElementType: UInt8, Sendable {
  case float32, float64, bool, int8, uint8, int16, uint16, int32, uint32, int64, uint64

  /// Bytes of an element.
  package var stride: Int {
    switch self {
    case .bool, .int8, .uint8: 1
    case .int16, .uint16: 2
    case .float32, .int32, .uint32: 4
    case .float64, .int64, .uint64: 8
    }
  }
  package var isFloatingPoint: Bool { self == .float32 || self == .float64 }
  package var isInteger: Bool { !isFloatingPoint && self != .bool }

  package var description: StaticString {
    switch self {
    case .float32: "float32"
    case .float64: "float64"
    case .bool: "bool"
    case .int8: "int8"
    case .uint8: "uint8"
    case .int16: "int16"
    case .uint16: "uint16"
    case .int32: "int32"
    case .uint32: "uint32"
    case .int64: "int64"
    case .uint64: "uint64"
    }
  }
}

extension Element {
  package static var elementType: ElementType { MemoryLayout<Self>.stride == 4 ? .float32 : .float64 }
}

/// An input of any type, x[...] in C order.
package struct AnyInput {
  package let name: StaticString
  package let shape: Shape
  package let type: ElementType
  package let data: UnsafeRawPointer

  package init(_ name: StaticString, _ shape: Shape, _ type: ElementType, _ data: UnsafeRawPointer) {
    (self.name, self.shape, self.type, self.data) = (name, shape, type, data)
  }
  package init<T: Element>(_ x: Input<T>) { self.init(x.name, x.shape, T.elementType, UnsafeRawPointer(x.data)) }

  package var bytes: Int { shape.count &* type.stride }
  /// As the type that it has; `U` must be that type's.
  package func bound<U: BitwiseCopyable>(to _: U.Type = U.self) -> Input<U> {
    Input(name, shape, data.assumingMemoryBound(to: U.self))
  }
}

/// An output of any type, overwritten.
package struct AnyOutput {
  package let name: StaticString
  package let shape: Shape
  package let type: ElementType
  package let data: UnsafeMutableRawPointer

  package init(_ name: StaticString, _ shape: Shape, _ type: ElementType, _ data: UnsafeMutableRawPointer) {
    (self.name, self.shape, self.type, self.data) = (name, shape, type, data)
  }
  package init<T: Element>(_ x: Output<T>) { self.init(x.name, x.shape, T.elementType, UnsafeMutableRawPointer(x.data)) }

  package var input: AnyInput { AnyInput(name, shape, type, UnsafeRawPointer(data)) }
  /// Whether the two share memory.
  package func overlaps(_ other: AnyInput) -> Bool {
    UnsafeRawPointer(data) < other.data + other.bytes && other.data < UnsafeRawPointer(data) + input.bytes
  }
  package func bound<U: BitwiseCopyable>(to _: U.Type = U.self) -> Output<U> {
    Output(name, shape, data.assumingMemoryBound(to: U.self))
  }
}
