// A batch in parts: where no image's result follows from another image, an inference runs on so few of them at a time that what passes from
// node to node stays in the caches, in memory for these alone. Every image has the bits that it has in the whole batch.
import CNNCore
import CNNOperators

extension Graph {
  /// The values whose image n follows from image n of the inputs, and from nothing of other images; nil: an output is none of them.
  func valuesByImages(_ kinds: ValueKinds) throws(CNNError) -> [Bool]? {
    let shapes = kinds.shapes, none = try Shape("absent")
    guard let first = inputs.first, shapes[first.index].rank > 0 else { return nil }
    let images = shapes[first.index][0]
    var byImages = [Bool](repeating: false, count: values.count)
    func isBatch(_ value: ValueID) -> Bool { shapes[value.index].rank > 0 && shapes[value.index][0] == images }
    for input in inputs {
      if !isBatch(input) { return nil }
      byImages[input.index] = true
    }
    for node in nodes {
      guard node.inputs.contains(where: { $0.map { byImages[$0.index] } ?? false }) else { continue }
      guard node.made.isDeterministic && follows(node, shapes, none, byImages) && node.outputs.allSatisfy(isBatch)
      else { return nil }
      for output in node.outputs { byImages[output.index] = true }
    }
    return outputs.allSatisfy { byImages[$0.index] } ? byImages : nil
  }

  /// This graph for parts of so many images of a batch.
  func forImages(_ images: Int, _ byImages: [Bool]) throws(CNNError) -> Graph {
    Graph(
      like: self, values: values,
      nodes: try nodes.map { node throws(CNNError) in
        byImages[node.outputs[0].index]
          ? node.with(inputs: node.inputs, outputs: node.outputs, made: try node.made.forImages(images)) : node
      })
  }

  /// Whether image n of this node's outputs follows from image n of those inputs that are `byImages`.
  private func follows(_ node: Node, _ shapes: [Shape], _ none: Shape, _ byImages: [Bool]) -> Bool {
    let given = node.inputs.map { $0.map { shapes[$0.index] } ?? none }
    let isOne = node.inputs.map { $0.map { byImages[$0.index] } ?? false }
    // What follows from the shapes of a batch is another number for a part; but of views shapes are all there is to it.
    let readsShapes = node.inputs.contains { id in
      if let id, case .planConstant = values[id.index].source { true } else { false }
    }
    if readsShapes && !node.made.isView(.infer) { return false }
    switch node.made.imageRule(given) {
    case .together: return false
    case .first: return isOne[0] && !isOne.dropFirst().contains(true)
    case .all: return !isOne.contains(false)
    case .broadcast:
      let rank = shapes[node.outputs[0].index].rank
      return zip(given, isOne).allSatisfy { shape, isOne in
        isOne ? shape.rank == rank : shape.rank < rank || shape[0] == 1
      }
    }
  }
}

extension Plan {
  /// What a run may take of the third cache, beside parameters, which should be no more than that either: large ones would come from
  /// memory with every part.
  private static var cachedBytes: Int { 3 << 22 }

  /// How many images a part of a batch of so many should have: as many as fit and divide it. nil: all at once is best.
  static func imagesAtOnce(of batch: Int, _ bytes: Int, _ graph: Graph<T>) -> Int? {
    let parameters = (graph.parameters.count + graph.buffers.count) * MemoryLayout<T>.stride
    guard batch > 1 && bytes > cachedBytes && parameters <= 2 * cachedBytes else { return nil }
    let most = max(1, cachedBytes / max(1, bytes / batch))
    return most >= batch ? nil : (1...most).reversed().first { batch % $0 == 0 }
  }
  /// The same inputs with so many images.
  static func shapes(_ inputs: [Shape], images: Int) throws(CNNError) -> [Shape] {
    try inputs.map { x throws(CNNError) in try Shape("part", rank: x.rank) { $0 == 0 ? images : x[$0] } }
  }

  /// Whether, part by part, outputs come to those of the whole.
  func isPart(of outputs: [Shape], parts: Int) -> Bool {
    zip(outputShapes, outputs).allSatisfy { part, whole in
      part.rank == whole.rank && part[0] * parts == whole[0] && (1..<whole.rank).allSatisfy { part[$0] == whole[$0] }
    }
  }
}
