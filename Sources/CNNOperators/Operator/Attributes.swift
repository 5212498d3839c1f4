// What a node is made of besides its arrays: attributes, by ONNX's names, and inputs that are known constants.
package import CNNCore

package enum AttributeValue: Sendable {
  case int(Int), float(Double), string(Name), ints([Int]), floats([Double])

  var description: StaticString {
    switch self {
    case .int: "an integer"
    case .float: "a number"
    case .string: "a string"
    case .ints: "a list of integers"
    case .floats: "a list of numbers"
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
  /// int64 numbers, such as the shape that Reshape takes.
  case integers([Int])
  /// Numbers of the network's own type: `at` gives each, in C order.
  case constant(count: Int, at: (Int) -> Double)
}

/// Typed, checked access to the attributes of one node (or of a loss, an optimizer, …). What was never asked for is unknown, and
/// an error: `finish` throws it.
package final class Attributes {
  package let owner: Name
  package let inputs: [GivenInput]
  package let outputs: Int
  private let list: [Attribute]
  private var known: [Bool]

  package init(of owner: Name, _ list: [Attribute], inputs: [GivenInput] = [], outputs: Int = 1) throws(CNNError) {
    (self.owner, self.list, self.inputs, self.outputs) = (owner, list, inputs, outputs)
    known = [Bool](repeating: false, count: list.count)
    for i in 0..<list.count {
      for j in 0..<i where list[i].name == list[j].name {
        throw .argument("\(owner): attribute \(list[i].name) is given twice")
      }
    }
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

  /// The int64 constant that input i must be; nil where it is absent. `name` is ONNX's name of the input.
  package func integers(input i: Int, _ name: StaticString) throws(CNNError) -> [Int]? {
    guard i < inputs.count else { return nil }
    switch inputs[i] {
    case .absent: return nil
    case .integers(let numbers): return numbers
    default: throw CNNError(.unsupported, "\(owner): \(name): wanted constant integers, got an array that is computed")
    }
  }
  /// The constant numbers that input i must be, such as the limits of Clip; nil where it is absent.
  package func numbers(input i: Int, _ name: StaticString) throws(CNNError) -> [Double]? {
    guard i < inputs.count else { return nil }
    switch inputs[i] {
    case .absent: return nil
    case .constant(let count, let at): return (0..<count).map { at($0) }
    default: throw CNNError(.unsupported, "\(owner): \(name): wanted constant numbers, got an array that is computed")
    }
  }
}
