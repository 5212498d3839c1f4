// The operator that the planner puts between operators whose layouts differ: y = x, in the other layout.
package import CNNCore

package final class LayoutConversion<T: Element>: Operator<T> {
  package init() { super.init(Signature(inputs: ["x"])) }

  package override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [inputs[0]] }
  package override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    if let y = try arrays.blockedOutput() {
      try y.fill(arrays.input(0).data)
    } else if let x = try arrays.blockedInput(0) {
      try x.drain(arrays.output().data)
    }
  }

  package override var hasBackward: Bool { true }
  package override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    if let gradX = try arrays.blockedGradInput(0) {
      try gradX.fill(arrays.gradOutput().data)
    } else if let gradY = try arrays.blockedGradOutput(), let gradX = try arrays.gradInput(0) {
      try gradY.drain(gradX.data)
    }
  }
}
