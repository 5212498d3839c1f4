// An epoch over arrays in memory, and how well a network does on them.
package import CNNCore
package import CNNOperators

package struct EpochOptions {
  package var batchSize = 100
  package var shuffles = true
  /// Leaves out a last batch that is smaller.
  package var dropsLast = false
  /// The batch to begin with: how an epoch goes on that was stopped after so many.
  package var firstBatch = 0
  /// Also counts how many outputs are right, each before its step's update.
  package var scores = false
  /// Called after each batch with the batches done, all batches, and the mean loss so far; false stops.
  package var progress: ((_ done: Int, _ of: Int, _ loss: Double) -> Bool)?
  package init() {}
}

extension Network {
  /// Steps over all images once, in an order drawn from the seed and the number of the epoch. Returns the mean loss over images (of
  /// a loss that is a sum, over batches), the share of scores that are right (NaN where they are not counted, or no scores of
  /// classes), and whether `progress` stopped it; a stopped epoch does not count as one.
  package func trainEpoch(
    _ inputs: [Input<T>], _ target: Target<T>, _ options: EpochOptions
  ) throws(CNNError) -> (loss: Double, accuracy: Double, isStopped: Bool) {
    let count = try images(inputs, target, options.batchSize), loss = try chosenLoss()
    // All targets are checked before the first step.
    let augmenter = try Augmenter<T>(
      augmentations, x: inputs[0].shape, key: RandomStream.augmentations.key(seed, progress.epochs))
    let shapes = [augmenter.shape] + inputs.dropFirst().map { $0.shape }
    let outputs = try Plan(graph, inputs: shapes, mode: .infer).outputShapes[0]
    try loss.check(outputs, target)
    try augmenter.check(target, outputs: outputs)
    let size = min(options.batchSize, count)
    let batches = options.dropsLast ? count / size : (count + size - 1) / size
    guard options.firstBatch >= 0 && options.firstBatch < max(batches, 1) else {
      throw .argument("first_batch: wanted 0 to \(max(batches, 1) - 1), got \(options.firstBatch)")
    }
    let order = try Scratch<Int>(count)
    for i in 0..<count { order.data[i] = i }
    if options.shuffles { shuffle(order.data, count, RandomStream.order.key(seed, progress.epochs)) }
    var total = 0.0, seen = 0, right = 0, scored = 0, isStopped = false
    for batch in options.firstBatch..<batches {
      let first = batch * size, images = min(size, count - first)
      let rows = Rows(order: options.shuffles ? order.data : nil, first: first, count: images)
      func step(_ inputs: [Input<T>], _ target: Target<T>) throws(CNNError) -> Double {
        let value = try trainStep(inputs, target)
        if options.scores, loss.isOfClasses, let y = try training?.output(0) {
          let score = try target.score(y)
          (right, scored) = (right + score.right, scored + score.rows)
        }
        return value
      }
      let value = try rows.take(inputs, target) { inputs, target throws(CNNError) in
        if augmentations.isEmpty { return try step(inputs, target) }
        return try augmenter.apply(inputs, target, classes: outputs.rank > 1 ? outputs[1] : 1, number: rows.number, step)
      }
      total += loss.isMean ? value * Double(images) : value
      seen += loss.isMean ? images : 1
      if let progress = options.progress, !progress(batch + 1, batches, total / Double(seen)) {
        isStopped = true
        break
      }
    }
    if !isStopped { progress.epochs += 1 }
    return (total / Double(max(seen, 1)), scored == 0 ? .nan : Double(right) / Double(scored), isStopped)
  }

  /// The mean loss over images (or their sum, of a loss that is a sum), and of classes the share that is right: where the largest
  /// score along axis 1 is the target's (NaN where outputs are no scores of classes).
  package func evaluate(
    _ inputs: [Input<T>], _ target: Target<T>, batchSize: Int
  ) throws(CNNError) -> (loss: Double, accuracy: Double) {
    let count = try images(inputs, target, batchSize), loss = try chosenLoss()
    let whole = try Plan(graph, inputs: inputs.map { $0.shape }, mode: .infer, contents: inputs.map { AnyInput($0) })
    try loss.check(whole.outputShapes[0], target)
    var total = 0.0, right = 0, scored = 0
    for first in stride(from: 0, to: count, by: batchSize) {
      let rows = Rows(order: nil, first: first, count: min(batchSize, count - first))
      try rows.take(inputs, target) { inputs, target throws(CNNError) in
        let run = try Execution(plan(inputs, .infer))
        try run.forward(inputs.map { $0.data }, graph)
        let y = try run.output(0)
        let slope = try Scratch<T>(y.shape.count)
        let value = try loss.evaluate(y, target, gradient: Output("gradient", y.shape, slope.data))
        total += loss.isMean ? value * Double(rows.count) : value
        guard loss.isOfClasses else { return }
        let score = try target.score(y)
        right += score.right
        scored += score.rows
      }
    }
    return (loss.isMean ? total / Double(count) : total, scored == 0 ? .nan : Double(right) / Double(scored))
  }

  /// The number of images, which all arrays must have alike.
  private func images(_ inputs: [Input<T>], _ target: Target<T>, _ batchSize: Int) throws(CNNError) -> Int {
    guard batchSize >= 1 else { throw .argument("batch_size: wanted 1 or more, got \(batchSize)") }
    guard let first = inputs.first else { throw .argument("inputs: wanted at least one, got none") }
    for input in inputs {
      guard input.shape.rank > 0 else { throw .shape("\(input.name): wanted [N][...], got a number without axes") }
      guard input.shape[0] == first.shape[0] else {
        throw .shape("\(input.name): wanted \(first.shape[0]) images as in the first, got \(input.shape[0])")
      }
    }
    guard target.shape.rank > 0 && target.shape[0] == first.shape[0] else {
      throw .shape("target: wanted \(first.shape[0]) images as in x, got shape \(target.shape.description)")
    }
    guard first.shape[0] > 0 else { throw .shape("x: wanted at least one image, got none") }
    return first.shape[0]
  }
}

/// Fisher and Yates. The high half of a product makes a word a number below the bound, even to one in 2^32 / bound.
private func shuffle(_ order: UnsafeMutablePointer<Int>, _ count: Int, _ key: UInt64) {
  for i in stride(from: count - 1, to: 0, by: -1) {
    let words = philox(counter: UInt64(i), key: key)
    let word = UInt64(words[0]) << 32 | UInt64(words[1])
    let j = Int(word.multipliedFullWidth(by: UInt64(i + 1)).high)
    let other = order[i]
    order[i] = order[j]
    order[j] = other
  }
}

extension Shape {
  /// As many images of the same shape.
  func withImages(_ count: Int) throws(CNNError) -> Shape { try Shape("inputs", rank: rank) { $0 == 0 ? count : self[$0] } }
}

/// The images of a batch: those at these places of an order, or without one in their own.
private struct Rows {
  let order: UnsafeMutablePointer<Int>?
  let first: Int, count: Int

  /// That of the batch's image i among all.
  func number(_ i: Int) -> Int { order?[first &+ i] ?? first &+ i }

  /// Calls body with these images of all arrays: copies of them, or where they lie side by side, themselves.
  func take<T: Element, R>(
    _ inputs: [Input<T>], _ target: Target<T>, _ body: ([Input<T>], Target<T>) throws(CNNError) -> R
  ) throws(CNNError) -> R {
    var total = 0
    for input in inputs { total += padded(cells(input.shape) * count * MemoryLayout<T>.stride) }
    let targetBytes = cells(target.shape) * count * 8
    let staging = try Scratch<UInt8>(order == nil ? 0 : total + targetBytes)
    var used = 0
    var batch: [Input<T>] = []
    for input in inputs {
      batch.append(try some(of: input, staging.data + used))
      used += padded(cells(input.shape) * count * MemoryLayout<T>.stride)
    }
    let some: Target<T> =
      switch target {
      case .indices32(let t): .indices32(try some(of: t, staging.data + used))
      case .indices64(let t): .indices64(try some(of: t, staging.data + used))
      case .distribution(let t): .distribution(try some(of: t, staging.data + used))
      }
    return try body(batch, some)
  }

  private func padded(_ bytes: Int) -> Int { (bytes + 63) & ~63 }
  private func cells(_ shape: Shape) -> Int { shape[0] == 0 ? 0 : shape.count / shape[0] }

  private func some<U: BitwiseCopyable>(of x: Input<U>, _ room: UnsafeMutablePointer<UInt8>) throws(CNNError) -> Input<U> {
    let cells = cells(x.shape), shape = try x.shape.withImages(count)
    guard let order else { return Input(x.name, shape, x.data + first * cells) }
    let to = UnsafeMutableRawPointer(room).assumingMemoryBound(to: U.self)
    parallel(count, width: try parallelWidth(count, .elements(count, cells))) { i, _ in
      copy(x.data + order[first &+ i] &* cells, to: to + i &* cells, cells)
    }
    return Input(x.name, shape, to)
  }
}
