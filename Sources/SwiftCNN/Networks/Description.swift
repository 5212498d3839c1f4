// What the engine knows by name (operators, losses, optimizers, schedules, initializers), as typed Swift values become it.
import CNNCore
import CNNOperators

/// The value of an attribute, as ONNX has them. Single numbers and texts are written as such, lists as `.ints([1, 1])`.
public enum AttributeValue: Sendable, Equatable, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByStringLiteral
{
  case int(Int), float(Double), string(String), ints([Int]), floats([Double])

  public init(integerLiteral value: Int) { self = .int(value) }
  public init(floatLiteral value: Double) { self = .float(value) }
  public init(stringLiteral value: String) { self = .string(value) }

  var core: CNNOperators.AttributeValue {
    switch self {
    case .int(let number): .int(number)
    case .float(let number): .float(number)
    case .string(let text): .string(Name(text))
    case .ints(let numbers): .ints(numbers)
    case .floats(let numbers): .floats(numbers)
    }
  }
}

/// A name and attributes. Where a Swift argument is called otherwise than the engine's attribute, errors say the argument.
struct Description: Sendable {
  struct Item: Sendable {
    let name: String, value: AttributeValue, label: String

    /// The attribute `name`; `label` is the Swift argument that it comes from, if that is called otherwise.
    init(_ name: String, _ value: AttributeValue, from label: String? = nil) {
      (self.name, self.value, self.label) = (name, value, label ?? name)
    }
  }
  let name: String
  let items: [Item]

  init(_ name: String, _ items: [Item]) { (self.name, self.items) = (name, items) }
  init(_ name: String, _ attributes: KeyValuePairs<String, AttributeValue>) {
    self.init(name, attributes.map { Item($0.key, $0.value) })
  }

  func adding(_ item: Item) -> Description { Description(name, items.filter { $0.name != item.name } + [item]) }

  /// Hands `body` what the engine decodes.
  func decoded<R>(_ body: (Attributes) throws(CNNError) -> R) throws(CNNError) -> R {
    do throws(CNNError) {
      return try body(Attributes(of: Name(name), items.map { Attribute(Name($0.name), $0.value.core) }))
    } catch {
      for item in items where item.name != item.label && error.message.hasPrefix("\(name): \(item.name):") {
        let rest = error.message.dropFirst("\(name): \(item.name):".count)
        throw CNNError(error.kind, "\(name): \(item.label):\(rest)")
      }
      throw error
    }
  }
}

extension Bool {
  var attribute: AttributeValue { .int(self ? 1 : 0) }
}
