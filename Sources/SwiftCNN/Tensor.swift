// The face for Swift users: arrays as values, layers as functions of them.
public import CNNCore

/// An error with the argument's name, what was wanted and what came in its `message`.
public typealias CNNError = CNNCore.CNNError

/// An array of float32 elements in C order; images are `[N][C][H][W]`.
public struct Tensor: Sendable, Equatable {
  /// The extents.
  public let shape: [Int]
  /// The elements, the last axis fastest.
  public var elements: [Float]

  /// A tensor of zeros, or of what `element` gives for each index in C order.
  /// - Throws: `CNNError` where an extent is negative or their product overflows.
  public init(_ shape: [Int], _ element: (Int) -> Float = { _ in 0 }) throws(CNNError) {
    let count = try Shape("shape", rank: shape.count) { shape[$0] }.count
    self.shape = shape
    elements = []
    elements.reserveCapacity(count)
    for i in 0..<count { elements.append(element(i)) }
  }

  /// The same elements in another shape.
  /// - Throws: `CNNError` where the number of elements differs.
  public func reshaped(_ shape: [Int]) throws(CNNError) -> Tensor {
    let count = try Shape("shape", rank: shape.count) { shape[$0] }.count
    guard count == elements.count else {
      throw .shape("shape: wanted \(elements.count) elements, got \(count)")
    }
    return Tensor(checked: shape, elements)
  }

  private init(checked shape: [Int], _ elements: [Float]) {
    self.shape = shape
    self.elements = elements
  }

  init(_ shape: Shape) throws(CNNError) { try self.init((0..<shape.rank).map { shape[$0] }) }

  /// Lends the elements as an operator's input.
  func input<R>(_ name: StaticString, _ body: (Input<Float>) throws(CNNError) -> R) throws(CNNError) -> R {
    guard elements.count == shape.reduce(1, *) else {
      throw .shape("\(name): has \(elements.count) elements, its shape \(shape) wants \(shape.reduce(1, *))")
    }
    let extents = try Shape(name, rank: shape.count) { shape[$0] }
    return try elements.withUnsafeBufferPointer { buffer throws(CNNError) -> R in
      try body(Input(name, extents, buffer.baseAddress ?? Tensor.nothing))
    }
  }

  /// Lends the elements as an operator's output.
  mutating func output(_ name: StaticString, _ body: (Output<Float>) throws(CNNError) -> Void) throws(CNNError) {
    let extents = try Shape(name, rank: shape.count) { shape[$0] }
    try elements.withUnsafeMutableBufferPointer { buffer throws(CNNError) in
      guard let base = buffer.baseAddress else { return }
      try body(Output(name, extents, base))
    }
  }

  /// Where an array without elements lies: never read.
  private static var nothing: UnsafePointer<Float> {
    UnsafePointer(bitPattern: MemoryLayout<Float>.alignment) ?? UnsafePointer(UnsafeMutablePointer<Float>.allocate(capacity: 1))
  }
}
