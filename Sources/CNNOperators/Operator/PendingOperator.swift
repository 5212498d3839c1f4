// What stands in a graph for an operator that must read inputs which are not known yet: the shape of a Reshape that nodes compute, say.
package import CNNCore

/// The pass that infers shapes makes the operator itself, once it knows these inputs.
package final class PendingOperator<T: Element>: Operator<T> {
  private let reason: CNNError

  /// `reason`: what making it has thrown.
  package init(_ reason: CNNError) {
    self.reason = reason
    super.init(Signature(inputs: []))
  }
  package override var isPending: Bool { true }
  package override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { throw reason }
  package override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] { throw reason }
}
