// Comparisons, and the logic of bools and of bits, with broadcasting. They have no gradients.
import CNNCore

/// y = f(a, b) of an integer function.
class DiscreteOperator<T: Element>: BinaryOperator<T> {
  final let function: IntegerFunction
  init(_ attributes: Attributes, _ function: IntegerFunction) throws(CNNError) {
    self.function = function
    try super.init(attributes)
  }
  override var ofIntegers: IntegerFunction? { function }
  override var hasBackward: Bool { false }
}

/// Of bools or integers.
final class IntegerOperator<T: Element>: DiscreteOperator<T> {
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    if let type = inputs[0], type == T.elementType { throw wrongType(0, function.wanted, type) }
    return try super.outputTypes(of: inputs)
  }

  static func and(_ attributes: Attributes) throws(CNNError) -> Operator<T> { try IntegerOperator(attributes, .and) }
  static func or(_ attributes: Attributes) throws(CNNError) -> Operator<T> { try IntegerOperator(attributes, .or) }
  static func xor(_ attributes: Attributes) throws(CNNError) -> Operator<T> { try IntegerOperator(attributes, .xor) }
  static func bitAnd(_ attributes: Attributes) throws(CNNError) -> Operator<T> { try IntegerOperator(attributes, .bitAnd) }
  static func bitOr(_ attributes: Attributes) throws(CNNError) -> Operator<T> { try IntegerOperator(attributes, .bitOr) }
  static func bitXor(_ attributes: Attributes) throws(CNNError) -> Operator<T> { try IntegerOperator(attributes, .bitXor) }
  static func bitShift(_ attributes: Attributes) throws(CNNError) -> Operator<T> {
    let direction = try attributes.string("direction", default: "")
    guard direction.is("LEFT") || direction.is("RIGHT") else {
      throw attributes.wrong("direction", "LEFT or RIGHT, got \(direction)")
    }
    return try IntegerOperator(attributes, direction.is("LEFT") ? .shiftLeft : .shiftRight)
  }
}

/// Bools from a comparison of whatever is of one type.
final class ComparisonOperator<T: Element>: DiscreteOperator<T> {
  override var mayOverwriteInputs: [Int] { [] }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    _ = try super.outputTypes(of: inputs)
    return [.bool]
  }
  override func compute(_ arrays: Arrays<T>) throws(CNNError) {
    try compare(arrays.anyInput(0), arrays.anyInput(1), arrays.anyOutput().bound(), function, T.self)
  }

  static func equal(_ attributes: Attributes) throws(CNNError) -> Operator<T> { try ComparisonOperator(attributes, .equal) }
  static func less(_ attributes: Attributes) throws(CNNError) -> Operator<T> { try ComparisonOperator(attributes, .less) }
  static func lessOrEqual(_ attributes: Attributes) throws(CNNError) -> Operator<T> {
    try ComparisonOperator(attributes, .lessOrEqual)
  }
  static func greater(_ attributes: Attributes) throws(CNNError) -> Operator<T> { try ComparisonOperator(attributes, .greater) }
  static func greaterOrEqual(_ attributes: Attributes) throws(CNNError) -> Operator<T> {
    try ComparisonOperator(attributes, .greaterOrEqual)
  }
}

@_specialize(where T == Float) @_specialize(where T == Double)
private func compare<T: Element>(
  _ a: AnyInput, _ b: AnyInput, _ y: Output<UInt8>, _ f: IntegerFunction, _: T.Type
) throws(CNNError) {
  let left = try OperandNumbers<T>(a, y.shape), right = try OperandNumbers<T>(b, y.shape), (a, b) = (left.data, right.data)
  try forEachPiece(y.shape.count) { start, count in
    let range = start..<start &+ count
    switch f {
    case .less: for i in range { y.data[i] = a[i] < b[i] ? 1 : 0 }
    case .lessOrEqual: for i in range { y.data[i] = a[i] <= b[i] ? 1 : 0 }
    case .greater: for i in range { y.data[i] = a[i] > b[i] ? 1 : 0 }
    case .greaterOrEqual: for i in range { y.data[i] = a[i] >= b[i] ? 1 : 0 }
    default: for i in range { y.data[i] = a[i] == b[i] ? 1 : 0 }
    }
  }
}

/// Not, and BitwiseNot.
final class NotOperator<T: Element>: Operator<T> {
  private let isOfBits: Bool
  init(_ attributes: Attributes) throws(CNNError) {
    isOfBits = attributes.owner.is("BitwiseNot")
    super.init(try Signature(attributes, inputs: ["x"]))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [inputs[0]] }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    let type = inputs[0] ?? .bool
    guard isOfBits ? type.isInteger : type == .bool else { throw wrongType(0, isOfBits ? "integers" : "bool", type) }
    return [type]
  }
  override var mayOverwriteInputs: [Int] { [0] }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.anyInput(0), from: Input<UInt8> = x.bound(), to: Output<UInt8> = try arrays.anyOutput().bound()
    for i in 0..<x.bytes { to.data[i] = isOfBits ? ~from.data[i] : from.data[i] == 0 ? 1 : 0 }
  }
}
