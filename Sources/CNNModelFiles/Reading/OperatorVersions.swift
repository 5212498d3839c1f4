// What older operator sets say otherwise than the newest. Most attributes that became inputs are taken either way by the operators
// themselves; here is what means something else, or means nothing.
import CNNCore
import CNNOperators

/// A node on its way from a file to a graph.
struct NodeDraft {
  var operatorName: Name
  var inputs: [Source]
  var attributes: [Attribute]
  let outputs: Int
  let version: Int

  /// A node that an input goes through first.
  struct Step {
    let operatorName: Name, attributes: [Attribute], input: Int
  }
  var before: [Step] = []
  /// Set where the node sees its input as a matrix whose rows begin at this axis; what it gives has all axes again.
  var matrixAxis: Int?

  init(_ operatorName: Name, _ inputs: [Source], _ attributes: [Attribute], outputs: Int, version: Int) {
    (self.operatorName, self.inputs, self.attributes, self.outputs, self.version) = (
      operatorName, inputs, attributes, outputs, version
    )
  }

  private func int(_ name: StaticString) -> Int? {
    for attribute in attributes where attribute.name.is(name) { if case .int(let number) = attribute.value { return number } }
    return nil
  }
  private mutating func drop(_ names: StaticString...) {
    attributes.removeAll { attribute in names.contains { attribute.name.is($0) } }
  }

  /// `rank` gives the number of axes of a source, where that is known.
  mutating func modernize(_ rank: (Source) -> Int?) throws(CNNError) {
    drop("consumed_inputs", "is_test")
    if version < 7 { try alignBroadcast(rank) }
    if operatorName.is("BatchNormalization") {
      guard int("spatial") ?? 1 == 1 else { throw CNNError(.unsupported, "spatial: wanted 1, got 0") }
      drop("spatial")
    }
    if operatorName.is("Resize") && version < 11 {
      // Set 10 knew one way, and had no regions.
      attributes.append(Attribute("coordinate_transformation_mode", .string("asymmetric")))
      attributes.append(Attribute("nearest_mode", .string("floor")))
      if inputs.count == 2 { inputs.insert(.absent, at: 1) }
    }
    if version < 13 && (operatorName.is("Softmax") || operatorName.is("LogSoftmax") || operatorName.is("Hardmax")) {
      let axis = int("axis") ?? 1
      // It went over all axes from this one on: the same as over one where that is the last.
      drop("axis")
      attributes.append(Attribute("axis", .int(-1)))
      if axis != -1 && inputs.first.flatMap(rank) != axis + 1 { matrixAxis = axis }
    }
  }

  /// Sets before 7 say along which axes the second operand lies, and only then it may have fewer.
  private mutating func alignBroadcast(_ rank: (Source) -> Int?) throws(CNNError) {
    let axis = operatorName.is("PRelu") ? 1 : int("axis")
    let arithmetic: [StaticString] = ["Add", "Sub", "Mul", "Div", "Pow", "PRelu"]
    guard arithmetic.contains(where: { operatorName.is($0) }) else { return drop("broadcast") }
    drop("broadcast", "axis")
    guard let axis, inputs.count == 2, let b = rank(inputs[1]), b > 0 else { return }
    guard let a = rank(inputs[0]) else { throw CNNError(.unsupported, "axis: wanted an array whose number of axes is known") }
    let missing = a - (axis < 0 ? axis + a : axis) - b
    guard missing > 0 else { return }
    before.append(Step(operatorName: "Unsqueeze", attributes: [Attribute("axes", .ints(Array(b..<b + missing)))], input: 1))
  }
}
