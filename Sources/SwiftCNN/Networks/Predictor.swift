// A network that does not change any more, for any number of threads.
public import CNNCore
import CNNNetwork
import CNNOperators

/// A trained network as a value that does not change: any number of tasks and threads may predict with it at once.
///
/// ```swift
/// let predictor = try network.predictor()
/// Task { let scores = try predictor.predict(images) }
/// ```
public final class Predictor<Scalar: FloatingScalar>: Sendable {
  // Its plans are guarded by the library's lock; nothing else of it is ever written.
  private nonisolated(unsafe) let core: CNNNetwork.Network<Scalar>

  init(_ original: CNNNetwork.Network<Scalar>) throws(CNNError) {
    core = try call(lending: original) { () throws(CNNError) in try original.copy() }
  }

  /// What the network gives for `x[N][...]`, as `Network.predict(_:batchSize:)` says.
  public func predict(_ x: Tensor<Scalar>, batchSize: Int = 100) throws(CNNError) -> Tensor<Scalar> {
    try call(lending: x) { () throws(CNNError) in try core.predict(x, batchSize: batchSize) }
  }
}

extension CNNNetwork.Network {
  /// The first output for `x`, computed in batches.
  func predict(_ x: Tensor<T>, batchSize: Int) throws(CNNError) -> Tensor<T> {
    try wantAtLeastOne("batchSize", batchSize)
    let images = x.extents[0], size = min(batchSize, images)
    guard x.extents.rank > 0 && size > 0 else { return try predictAtOnce(x) }
    let cells = x.extents.count / images
    func some(_ first: Int, _ count: Int) throws(CNNError) -> Input<T> {
      let shape = try Shape("x", rank: x.extents.rank) { $0 == 0 ? count : x.extents[$0] }
      return Input("x", shape, UnsafePointer(x.storage.base) + first * cells)
    }
    let batch = try outputShapes([some(0, size).shape])[0]
    // Where the first axis of the output is no longer the images, batches cannot be put together.
    guard batch.rank > 0 && batch[0] == size else { return try predictAtOnce(x) }
    let y = try Tensor<T>(Shape("y", rank: batch.rank) { $0 == 0 ? images : batch[$0] })
    try withExtendedLifetime(y) { () throws(CNNError) in
      for first in stride(from: 0, to: images, by: size) {
        let count = min(size, images - first)
        let shape = try Shape("y", rank: batch.rank) { $0 == 0 ? count : batch[$0] }
        try predict([some(first, count)], [Output("y", shape, y.storage.base + first * (batch.count / size))])
      }
    }
    return y
  }
  private func predictAtOnce(_ x: Tensor<T>) throws(CNNError) -> Tensor<T> {
    let y = try Tensor<T>(outputShapes([x.extents])[0])
    try predict([x.input("x")], [y.output("y")])
    return y
  }

  /// Another network of the same nodes, parameters and constants, without what training needs.
  func copy() throws(CNNError) -> CNNNetwork.Network<T> {
    let copy = CNNNetwork.Network<T>(seed: seed)
    func zeros(_ array: Output<T>) { zero(array.data, array.shape.count) }
    // Values in their order, so that each has the number that it has here.
    for (index, value) in graph.values.enumerated() {
      switch value.source {
      case .input: _ = copy.graph.input(value.name, type: value.type ?? T.elementType, shape: value.shape)
      case .parameter(let i): _ = try copy.graph.parameter(value.name, graph.parameters.entries[i].shape, zeros)
      case .buffer(let i): _ = try copy.graph.buffer(value.name, graph.buffers.entries[i].shape, zeros)
      case .constant(let array), .planConstant(let array): _ = try copy.graph.constant(value.name, array)
      case .node(let number):
        let node = graph.nodes[number]
        guard node.outputs[0].index == index else { continue }  // added with the first
        // What an operator takes from constants when it is made, it must see.
        try copy.copyBuffers(of: self)
        _ = try copy.graph.add(
          node.operatorName, node.attributes, inputs: node.inputs, outputs: node.outputs.count, name: node.name)
      }
    }
    try copy.graph.setOutputs(graph.outputs)
    try copy.copyBuffers(of: self)
    CNNCore.copy(
      UnsafePointer(try graph.parameters.memory()), to: try copy.graph.parameters.memory(), graph.parameters.count)
    copy.graph.parameters.change()
    return copy
  }
  /// Those that there are here already.
  private func copyBuffers(of other: CNNNetwork.Network<T>) throws(CNNError) {
    CNNCore.copy(UnsafePointer(try other.graph.buffers.memory()), to: try graph.buffers.memory(), graph.buffers.count)
    graph.buffers.change()
  }
}
