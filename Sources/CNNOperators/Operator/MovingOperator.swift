// What operators share that move elements and do not compute with them: every type of element will do, and the result is of it.
package import CNNCore

package class MovingOperator<T: Element>: Operator<T> {
  /// All inputs that move are of one type, and outputs are of it.
  package override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    let type = inputs.first.flatMap { $0 } ?? T.elementType
    try want(type, inputs)
    return [ElementType](repeating: type, count: signature.outputs)
  }
}

/// One whose output is input 0 under another shape: the elements stay where they are.
package class ViewOperator<T: Element>: MovingOperator<T> {
  package override func isView(_ mode: Mode) -> Bool { true }
  package override func imageRule(_ inputs: [Shape]) -> ImageRule { .first }
  package override func forward(_ arrays: Arrays<T>) throws(CNNError) { try arrays.copyThrough() }
  package override var hasBackward: Bool { true }
  package override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    if let gradX = try arrays.gradInput(0) { try arrays.copyThrough(arrays.gradOutput(), gradX) }
  }
}
