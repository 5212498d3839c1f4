// Arrays as values: what the layers take and give.
public import CNNCore

/// What layers compute in: `Float` and `Double`, each in its own precision. Other types cannot conform.
public typealias FloatingScalar = CNNCore.Element

/// An array in C order, the last axis fastest; images are `[N][C][H][W]`.
///
/// Layers take and give tensors of `Float` or `Double`; masks are of `UInt8`, winners of max pooling of `Int32`. A tensor is a
/// value: copies share memory until one of them changes. The memory is the engine's own, aligned for its vectors and used
/// again by later tensors, so that a steady training step allocates nothing.
///
/// ```swift
/// var weight = try Tensor([2, 3]) { Float($0) }     // [[0, 1, 2], [3, 4, 5]]
/// let gradient = try Tensor([2, 3], elements: [1, 0, 0, 0, 0, 1] as [Float])
/// try weight.update(with: gradient) { $0 -= 0.5 * $1 }
/// print(weight.elements)                            // [-0.5, 1.0, 2.0, 3.0, 4.0, 4.5]
/// ```
public struct Tensor<Scalar: BitwiseCopyable & Sendable>: Sendable {
  let extents: Shape
  @usableFromInline var storage: Storage<Scalar>

  /// A tensor whose elements `element` gives, for 0, 1, 2, … in C order.
  /// - Throws: `CNNError` where an extent is negative, there are more than 8, their product overflows, or there is no memory.
  @inlinable public init(_ shape: [Int], _ element: (Int) -> Scalar) throws(CNNError) {
    // Inlinable, so that the loop is compiled for the caller's type: otherwise each element would go through generic calls.
    try self.init(uninitialized: shape)
    for i in 0..<storage.count { storage.base[i] = element(i) }
  }

  /// A tensor of these elements, in C order.
  /// - Throws: `CNNError` where `elements` are not as many as `shape` says, or as `init(_:_:)` does.
  public init(_ shape: [Int], elements: [Scalar]) throws(CNNError) {
    try self.init(uninitialized: shape)
    guard elements.count == storage.count else {
      throw .shape("elements: wanted \(storage.count) for shape \(extents.description), got \(elements.count)")
    }
    elements.withUnsafeBufferPointer { source in
      if let base = source.baseAddress { storage.base.update(from: base, count: source.count) }
    }
  }

  @usableFromInline init(uninitialized shape: [Int]) throws(CNNError) {
    try self.init(Shape("shape", rank: shape.count) { shape[$0] })
  }

  /// A tensor for an operator to fill.
  init(_ extents: Shape) throws(CNNError) {
    self.extents = extents
    do throws(CNNError) { storage = try Storage(extents.count) } catch {
      throw CNNError(.memory, "shape: no memory for a tensor of shape \(extents.description)")
    }
  }

  private init(_ extents: Shape, _ storage: Storage<Scalar>) {
    self.extents = extents
    self.storage = storage
  }

  /// The extents, the slowest axis first.
  public var shape: [Int] { (0..<extents.rank).map { extents[$0] } }

  /// The number of elements.
  public var count: Int { storage.count }

  /// The elements in C order: a copy.
  public var elements: [Scalar] {
    withExtendedLifetime(storage) { Array(UnsafeBufferPointer(start: storage.base, count: storage.count)) }
  }

  /// The same elements in another shape; no copy.
  /// - Throws: `CNNError` where the number of elements differs.
  public func reshaped(_ shape: [Int]) throws(CNNError) -> Tensor {
    let wanted = try Shape("shape", rank: shape.count) { shape[$0] }
    guard wanted.count == count else {
      throw .shape("shape: wanted \(count) elements as in \(extents.description), got \(wanted.description)")
    }
    return Tensor(wanted, storage)
  }

  /// Changes each element, given that of another tensor in the same place: how an optimizer steps.
  /// - Throws: `CNNError` where shapes differ, or there is no memory for a copy of what is shared.
  @inlinable public mutating func update(
    with other: Tensor, _ change: (_ element: inout Scalar, _ other: Scalar) -> Void
  ) throws(CNNError) {
    try prepareUpdate(with: other)
    withExtendedLifetime((storage, other.storage)) {
      for i in 0..<storage.count { change(&storage.base[i], other.storage.base[i]) }
    }
  }

  @usableFromInline mutating func prepareUpdate(with other: Tensor) throws(CNNError) {
    guard other.extents == extents else {
      throw .shape("other: wanted shape \(extents.description), got \(other.extents.description)")
    }
    try makeUnique()
  }

  /// Memory that no other tensor shares.
  mutating func makeUnique() throws(CNNError) {
    if isKnownUniquelyReferenced(&storage) { return }
    let own = try Tensor(extents)
    copy(UnsafePointer(storage.base), to: own.storage.base, count)
    self = own
  }
}

extension Tensor where Scalar: AdditiveArithmetic {
  /// A tensor of zeros.
  /// - Throws: as `init(_:_:)` does.
  @inlinable public init(_ shape: [Int]) throws(CNNError) { try self.init(shape) { _ in .zero } }
}

extension Tensor: Equatable where Scalar: Equatable {
  /// Whether shapes and elements are equal; as for numbers, NaN is equal to nothing.
  @inlinable public static func == (a: Tensor, b: Tensor) -> Bool {
    a.shape == b.shape
      && withExtendedLifetime((a.storage, b.storage)) {
        (0..<a.storage.count).allSatisfy { a.storage.base[$0] == b.storage.base[$0] }
      }
  }
}

/// The memory of tensors. Written only while one tensor alone holds it, which is why it may be shared between threads.
@usableFromInline final class Storage<Scalar: BitwiseCopyable & Sendable>: @unchecked Sendable {
  @usableFromInline let base: UnsafeMutablePointer<Scalar>
  @usableFromInline let count: Int
  private let memory: Scratch<Scalar>

  init(_ count: Int) throws(CNNError) {
    memory = try Scratch(count)
    self.count = count
    base = memory.data
  }
}
