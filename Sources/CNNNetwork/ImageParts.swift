// A batch in parts: where no image's result follows from another image, an inference runs on so few of them at a time that what passes from
// node to node stays in the caches, in memory for these alone. Every image has the bits that it has in the whole batch.
package import CNNCore
import CNNOperators

extension Graph {
  /// For inputs of these shapes, the values whose image n follows from image n of the inputs, and from nothing of other images; nil: an output
  /// is none of them.
  package func valuesByImages(_ shapes: [Shape]) throws(CNNError) -> [Bool]? {
    let inferred = try inferred(shapes, []).graph
    return try inferred.valuesByImages(inferred.kinds(shapes, .infer).shapes, none: Shape("absent"))
  }
  private func valuesByImages(_ shapes: [Shape], none: Shape) -> [Bool]? {
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
  fileprivate func forImages(_ images: Int, _ byImages: [Bool]) -> Graph {
    Graph(
      like: self, values: values,
      nodes: nodes.map { node in
        byImages[node.outputs[0].index]
          ? node.with(inputs: node.inputs, outputs: node.outputs, made: node.made.forImages(images)) : node
      })
  }

  /// Whether image n of this node's outputs follows from image n of those inputs that are `byImages`.
  private func follows(_ node: Node, _ shapes: [Shape], _ none: Shape, _ byImages: [Bool]) -> Bool {
    let given = node.inputs.map { $0.map { shapes[$0.index] } ?? none }
    let areByImages = node.inputs.map { $0.map { byImages[$0.index] } ?? false }
    // What follows from the shapes of a batch is another number for a part; but of views shapes are all there is to it.
    let readsShapes = node.inputs.contains { id in
      if let id, case .planConstant = values[id.index].source { true } else { false }
    }
    if readsShapes && !node.made.isView(.infer) { return false }
    switch node.made.imageRule(given) {
    case .together: return false
    case .first: return areByImages[0] && !areByImages.dropFirst().contains(true)
    case .all: return !areByImages.contains(false)
    case .broadcast:
      let rank = shapes[node.outputs[0].index].rank
      return zip(given, areByImages).allSatisfy { shape, isByImages in
        isByImages ? shape.rank == rank : shape.rank < rank || shape[0] == 1
      }
    }
  }
}

extension Network {
  /// What a run may take of the third cache, beside parameters, which should be no more than twice that: large ones would come from memory
  /// with every part.
  private static var cachedBytes: Int { 3 << 22 }

  /// How many images a part of this plan's batch should have: as many as fit and divide it. nil: all at once is best.
  private func imagesAtOnce(_ plan: Plan<T>) -> Int? {
    guard plan.mode == .infer, plan.contents.isEmpty, let x = plan.inputShapes.first, x.rank > 0 else { return nil }
    let batch = x[0], parameters = (graph.parameters.count + graph.buffers.count) * MemoryLayout<T>.stride
    guard batch > 1 && plan.arenaBytes > Self.cachedBytes && parameters <= 2 * Self.cachedBytes else { return nil }
    let most = max(1, Self.cachedBytes / max(1, plan.arenaBytes / batch))
    return most >= batch ? nil : (1...most).reversed().first { batch % $0 == 0 }
  }

  /// A plan for a part of this one's batch, where that is better than all at once and comes to the same. Single images, where their arrays
  /// are joined without copying.
  func part(of plan: Plan<T>) throws(CNNError) -> Plan<T>? {
    guard let most = imagesAtOnce(plan), let byImages = try graph.valuesByImages(plan.inputShapes) else { return nil }
    let single = try part(of: plan, images: 1, byImages)
    if most == 1 || single?.joins == true { return single }
    return try part(of: plan, images: most, byImages)
  }
  private func part(of plan: Plan<T>, images: Int, _ byImages: [Bool]) throws(CNNError) -> Plan<T>? {
    let inputs = try plan.inputShapes.map { x throws(CNNError) in try Shape("part", rank: x.rank) { $0 == 0 ? images : x[$0] } }
    let own = graph.forImages(images, byImages), part = try Plan(own, inputs: inputs, mode: .infer)
    let isWhole = zip(part.outputShapes, plan.outputShapes).allSatisfy { part, whole in
      part.rank == whole.rank && (0..<whole.rank).allSatisfy { part[$0] == ($0 == 0 ? images : whole[$0]) }
    }
    guard isWhole, try own.valuesByImages(inputs) != nil else { return nil }
    return part
  }

  /// The plan that a prediction follows for this one, and how often. All at once where what it prepares would not last until the next part.
  func followed(_ plan: Plan<T>) -> (plan: Plan<T>, parts: Int) {
    guard let part = plan.part, graph.contentVersion != nil else { return (plan, 1) }
    return (part, plan.inputShapes[0][0] / part.inputShapes[0][0])
  }
}
