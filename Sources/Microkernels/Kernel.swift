/// A function of an instruction set, where many of a kind stand in a row. Function values that stand in memory by themselves are wrapped, so
/// that they fit every type, and each call counts the wrapper's references: with several threads a line of memory that all of them write.
/// In a struct they are as they are.
public struct Kernel<Operands>: Sendable {
  private let function: @Sendable (UnsafePointer<Operands>) -> Void

  @usableFromInline
  init(_ function: @escaping @Sendable (UnsafePointer<Operands>) -> Void) { self.function = function }

  public func callAsFunction(_ operands: UnsafePointer<Operands>) { function(operands) }
}
