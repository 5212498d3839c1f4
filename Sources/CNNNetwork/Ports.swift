// What a network says of its inputs and outputs: names, types and extents, as a model file declares them.
package import CNNCore
import CNNOperators

package struct Port {
  package let name: Name
  /// ONNX's number of the element type; 0: not said.
  package let type: Int
  /// nil where an extent may be any; nil as a whole where not even the number of axes is said.
  package let extents: [Int?]?
  package init(name: Name, type: Int, extents: [Int?]?) { (self.name, self.type, self.extents) = (name, type, extents) }
}

package struct Ports {
  package var inputs: [Port] = [], outputs: [Port] = []
  package init() {}
}

extension Network {
  /// What the file has declared; else what the graph knows, where the first axis, of images, may have any extent.
  package func inputPorts() throws(CNNError) -> [Port] {
    if !ports.inputs.isEmpty || graph.inputs.isEmpty { return ports.inputs }
    return try describe(graph.inputs)
  }
  package func outputPorts() throws(CNNError) -> [Port] {
    if !ports.outputs.isEmpty || graph.outputs.isEmpty { return ports.outputs }
    return try describe(graph.outputs)
  }

  private func describe(_ ids: [ValueID]) throws(CNNError) -> [Port] {
    var list: [Port] = []
    for id in ids {
      let value = try graph.value(id, "value")
      let extents = value.shape.map { shape in (0..<shape.rank).map { $0 == 0 ? nil : shape[$0] } as [Int?] }
      list.append(Port(name: value.name, type: value.type.map { FileType($0).rawValue } ?? 0, extents: extents))
    }
    return list
  }
}
