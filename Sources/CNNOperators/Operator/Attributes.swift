// What a node is made of besides its arrays: attributes, by ONNX's names, and inputs that are known constants.
package import CNNCore

package enum AttributeValue: Sendable {
  case int(Int), float(Double), string(Name), ints([Int]), floats([Double]), tensor(TypedArray)

  var description: StaticString {
    switch self {
    case .int: "an integer"
    case .float: "a number"
    case .string: "a string"
    case .ints: "a list of integers"
    case .floats: "a list of numbers"
    case .tensor: "a tensor"
    }
  }
}

package struct Attribute: Sendable {
  package let name: Name
  package let value: AttributeValue
  package init(_ name: Name, _ value: AttributeValue) { (self.name, self.value) = (name, value) }
}

/// An input as the maker of an operator sees it.
package enum GivenInput {
  case absent
  /// An array that is known only when the network runs.
  case array
  case constant(TypedArray)
  /// A buffer, of the network's own type: `at` gives each number, in C order.
  case buffer(count: Int, at: (Int) -> Double)
}

/// Typed, checked access to the attributes of one node (or of a loss, an optimizer, …). What was never asked for is unknown, and
/// an error: `finish` throws it.
package final class Attributes {
  package let owner: Name
  package let inputs: [GivenInput]
  package let outputs: Int
  private let list: [Attribute]
  private var known: [Bool]
  /// The inputs whose elements were asked for, as an operator must know them when it is made, and those among them that are arrays.
  package private(set) var readInputs: [Int] = [], unknownInputs: [Int] = []

  package init(of owner: Name, _ list: [Attribute], inputs: [GivenInput] = [], outputs: Int = 1) throws(CNNError) {
    (self.owner, self.list, self.inputs, self.outputs) = (owner, list, inputs, outputs)
    known = [Bool](repeating: false, count: list.count)
    for i in 0..<list.count {
      for j in 0..<i where list[i].name == list[j].name {
        throw .argument("\(owner): attribute \(list[i].name) is given twice")
      }
    }
  }

  /// The same attributes, of an operator of so many arrays that does part of the work. What it takes is known here too.
  func derived(inputs: Int) throws(CNNError) -> Attributes {
    for i in list.indices { known[i] = true }
    return try Attributes(of: owner, list, inputs: [GivenInput](repeating: .array, count: inputs))
  }

  package func finish() throws(CNNError) {
    for i in 0..<list.count where !known[i] { throw .argument("\(owner): has no attribute \(list[i].name)") }
  }

  private func find(_ name: StaticString) -> AttributeValue? {
    for i in 0..<list.count where list[i].name.is(name) {
      known[i] = true
      return list[i].value
    }
    return nil
  }
  private func mismatch(_ name: StaticString, _ wanted: StaticString, _ value: AttributeValue) -> CNNError {
    .argument("\(owner): \(name): wanted \(wanted), got \(value.description)")
  }
  /// An error about this owner.
  package func wrong(_ name: StaticString, _ wanted: String) -> CNNError { .argument("\(owner): \(name): wanted \(wanted)") }

  package func has(_ name: StaticString) -> Bool { find(name) != nil }

  package func int(_ name: StaticString, default standard: Int) throws(CNNError) -> Int {
    guard let value = find(name) else { return standard }
    guard case .int(let number) = value else { throw mismatch(name, "an integer", value) }
    return number
  }
  package func flag(_ name: StaticString, default standard: Bool) throws(CNNError) -> Bool {
    let number = try int(name, default: standard ? 1 : 0)
    guard number == 0 || number == 1 else { throw wrong(name, "0 or 1, got \(number)") }
    return number == 1
  }
  /// Integers are taken for numbers too.
  package func float(_ name: StaticString, default standard: Double) throws(CNNError) -> Double {
    guard let value = find(name) else { return standard }
    switch value {
    case .float(let number): return number
    case .int(let number): return Double(number)
    default: throw mismatch(name, "a number", value)
    }
  }
  package func string(_ name: StaticString, default standard: Name) throws(CNNError) -> Name {
    guard let value = find(name) else { return standard }
    guard case .string(let text) = value else { throw mismatch(name, "a string", value) }
    return text
  }
  package func ints(_ name: StaticString) throws(CNNError) -> [Int]? {
    guard let value = find(name) else { return nil }
    guard case .ints(let numbers) = value else { throw mismatch(name, "a list of integers", value) }
    return numbers
  }
  package func floats(_ name: StaticString) throws(CNNError) -> [Double]? {
    guard let value = find(name) else { return nil }
    switch value {
    case .floats(let numbers): return numbers
    case .ints(let numbers): return numbers.map { Double($0) }
    default: throw mismatch(name, "a list of numbers", value)
    }
  }

  package func tensor(_ name: StaticString) throws(CNNError) -> TypedArray? {
    guard let value = find(name) else { return nil }
    guard case .tensor(let array) = value else { throw mismatch(name, "a tensor", value) }
    return array
  }

  // Inputs whose elements must be known when the operator is made; nil where they are absent. `name` is ONNX's name of the input.

  private func read(_ i: Int, _ name: StaticString) throws(CNNError) -> GivenInput {
    guard i < inputs.count else { return .absent }
    if !readInputs.contains(i) { readInputs.append(i) }
    guard case .array = inputs[i] else { return inputs[i] }
    unknownInputs.append(i)
    throw CNNError(
      .unsupported,
      "\(owner): \(name): wanted what follows from constants, shapes and what is handed in, got an array that is not known")
  }
  /// Integers, such as the shape that Reshape takes.
  package func integers(input i: Int, _ name: StaticString) throws(CNNError) -> [Int]? {
    switch try read(i, name) {
    case .constant(let array) where !array.type.isFloatingPoint: return (0..<array.shape.count).map { array.integer($0) }
    // An empty list has no integers, of whatever type it is.
    case .constant(let array) where array.shape.count == 0: return []
    case .constant(let array): throw CNNError(.type, "\(owner): \(name): wanted integers, got \(array.type.description)")
    case .buffer: throw CNNError(.type, "\(owner): \(name): wanted integers, got numbers of the network's type")
    default: return nil
    }
  }
  /// Numbers, such as the limits of Clip.
  package func numbers(input i: Int, _ name: StaticString) throws(CNNError) -> [Double]? {
    switch try read(i, name) {
    case .constant(let array): return (0..<array.shape.count).map { array.number($0) }
    case .buffer(let count, let at): return (0..<count).map { at($0) }
    default: return nil
    }
  }
  /// An array of any type.
  package func array(input i: Int, _ name: StaticString) throws(CNNError) -> TypedArray? {
    switch try read(i, name) {
    case .constant(let array): return array
    case .buffer: throw CNNError(.unsupported, "\(owner): \(name): wanted a constant, got a buffer, which may change")
    default: return nil
    }
  }
}
