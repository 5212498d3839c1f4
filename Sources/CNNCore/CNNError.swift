// What can go wrong, in three families. Nothing in the library traps on what a caller gave it: it throws this.

/// An error with the argument's name, what was wanted and what came in its message.
public struct CNNError: Error, Sendable {
  /// The families of Include/swiftcnn.h: the caller broke the contract; we do not do that; the environment failed.
  /// `format`: a file is not what it should be; `file`: it cannot be read or written at all.
  public enum Kind: Sendable { case argument, shape, type, format, unsupported, memory, environment, file }
  public let kind: Kind
  public let message: String

  /// For layers of one's own. `message` names the argument, what was wanted and what came.
  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }
  package static func argument(_ message: String) -> CNNError { CNNError(.argument, message) }
  package static func shape(_ message: String) -> CNNError { CNNError(.shape, message) }
  package static func type(_ message: String) -> CNNError { CNNError(.type, message) }
}
