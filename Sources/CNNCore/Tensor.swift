// Borrowed arrays: a pointer, a shape, and the argument's name for messages. The memory is the caller's.
public import Microkernels

// SIMDScalar implies Codable by way of its storage types, and the compiler wants that said; Embedded Swift has no Codable.
#if hasFeature(Embedded)
  public typealias VectorScalar = SIMDScalar
#else
  public typealias VectorScalar = SIMDScalar & Codable
#endif

/// The element types that networks compute in: Float and Double. Public, because Swift users' code can be generic over it;
/// closed, because nobody else can make an ElementKernels.
public protocol Element: BinaryFloatingPoint, VectorScalar, Sendable, SendableMetatype {
  static var _kernels: ElementKernels<Self> { get }
}
/// What the library alone sees of an element type.
public struct ElementKernels<T: BinaryFloatingPoint & SIMDScalar & SendableMetatype>: Sendable {
  /// Not counted: it lives as long as the process, and all threads would write its count, in one line of memory.
  @usableFromInline package let table: Unmanaged<KernelTable<T>>
  @usableFromInline package let lanes: Int

  init(_ table: KernelTable<T>) { (self.table, lanes) = (.passRetained(table), table.lanes) }
}
extension Element {
  /// Inlined, so that what is taken out of the table is all that is counted: a function that returned the table would count it.
  @inlinable @inline(__always) package static var kernels: KernelTable<Self> { _kernels.table.takeUnretainedValue() }
  /// Elements in a vector.
  @inlinable @inline(__always) package static var lanes: Int { _kernels.lanes }
}

/// An input, x[...] in C order.
package struct Input<T> {
  package let name: StaticString
  package let shape: Shape
  package let data: UnsafePointer<T>

  package init(_ name: StaticString, _ shape: Shape, _ data: UnsafePointer<T>) {
    self.name = name
    self.shape = shape
    self.data = data
  }
  package func wants(rank: Int, _ axes: StaticString) throws(CNNError) {
    guard shape.rank == rank else {
      throw .shape("\(name): wanted \(rank) axes, \(axes), got shape \(shape.description)")
    }
  }
  package func wants(_ wanted: Shape) throws(CNNError) {
    guard shape == wanted else { throw .shape("\(name): wanted shape \(wanted.description), got \(shape.description)") }
  }
}

/// An output, overwritten.
package struct Output<T> {
  package let name: StaticString
  package let shape: Shape
  package let data: UnsafeMutablePointer<T>

  package init(_ name: StaticString, _ shape: Shape, _ data: UnsafeMutablePointer<T>) {
    self.name = name
    self.shape = shape
    self.data = data
  }
  package var input: Input<T> { Input(name, shape, UnsafePointer(data)) }
  package func wants(_ wanted: Shape) throws(CNNError) { try input.wants(wanted) }

  private func range() -> Range<UInt> {
    let start = UInt(bitPattern: data)
    return start..<start &+ UInt(shape.count &* MemoryLayout<T>.stride)
  }
  /// Throws where this output shares memory with an input; the very same array is allowed to element-wise functions.
  package func mustNotOverlap<U>(_ other: Input<U>, sameAllowed: Bool = false) throws(CNNError) {
    let start = UInt(bitPattern: other.data)
    let theirs = start..<start &+ UInt(other.shape.count &* MemoryLayout<U>.stride)
    let mine = range()
    if mine.isEmpty || theirs.isEmpty || !mine.overlaps(theirs) { return }
    if sameAllowed && mine.lowerBound == theirs.lowerBound && MemoryLayout<T>.stride == MemoryLayout<U>.stride { return }
    throw .argument("\(name): overlaps \(other.name) in memory; wanted an array of its own")
  }
}
