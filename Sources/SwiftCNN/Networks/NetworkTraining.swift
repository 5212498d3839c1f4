// Training a network, and how well it does.
public import CNNCore
import CNNNetwork
import CNNOperators

/// How well a network does on data.
public struct Evaluation: Sendable, Equatable {
  /// The mean loss over images; of a loss that is a sum, the sum.
  public let loss: Double
  /// The share of the images whose largest score is the target's, 0 to 1; NaN where outputs are no scores of classes.
  public let accuracy: Double
}

/// What an epoch of `Network.fit` came to.
public struct EpochResult: Sendable, Equatable {
  /// From 1, within this `fit`.
  public let epoch: Int
  /// The mean loss over the images, each before the update that it was part of.
  public let loss: Double
  /// Of the validation data, if there were any.
  public let validation: Evaluation?
}

/// What `Network.fit` tells its progress closure.
public enum FitEvent: Sendable, Equatable {
  /// After each batch: the epoch and the batches done, from 1, and the epoch's mean loss so far.
  case batch(epoch: Int, batch: Int, batches: Int, loss: Double)
  /// After each epoch.
  case epoch(EpochResult)
}

/// What the progress closure of `Network.fit` wants.
public enum FitAction: Sendable {
  case proceed
  /// No more batches; what was learned stays.
  case stop
}

/// How far training is. With the parameters, the constants and the optimizer's states, all that it takes to go on.
public struct TrainingProgress: Sendable, Equatable {
  /// Batches that were trained on, updates of the parameters, and whole epochs, since the network was built.
  public var steps = 0, updates = 0, epochs = 0
  public init(steps: Int = 0, updates: Int = 0, epochs: Int = 0) {
    (self.steps, self.updates, self.epochs) = (steps, updates, epochs)
  }
}

extension Network {
  /// The engine's network, or an error where it is not compiled.
  private func trained(for x: Tensor<Scalar>) throws(CNNError) -> CNNNetwork.Network<Scalar> {
    guard compiled != nil else { throw .argument("network: has no loss and optimizer; wanted compile() first") }
    return try core(for: x.extents)
  }

  /// One step on a batch `x[N][...]`: forward, loss, backward, update.
  /// - Returns: the loss before the update.
  /// - Throws: `CNNError` where the network is not compiled, `x` or `target` does not fit, or there is no memory; no parameter is
  ///   then changed.
  @discardableResult
  public func trainStep(_ x: Tensor<Scalar>, _ target: Target<Scalar>) throws(CNNError) -> Double {
    try call(lending: x) { () throws(CNNError) in
      let core = try trained(for: x)
      return try target.lend { target throws(CNNError) in try core.trainStep([x.input("x")], target) }
    }
  }

  /// Trains on all images of `x[N][...]` for some epochs, in an order that is drawn anew for each.
  ///
  /// ```swift
  /// try network.fit(x, .classes(labels), epochs: 20, validation: (testX, .classes(testLabels))) { event in
  ///   guard case .epoch(let epoch) = event else { return .proceed }
  ///   print(epoch.epoch, epoch.loss, epoch.validation?.accuracy ?? .nan)
  ///   return epoch.loss < 0.001 ? .stop : .proceed
  /// }
  /// ```
  /// - Parameters:
  ///   - epochs: 1 by default.
  ///   - batchSize: images a step; 100 by default. The last batch of an epoch may be smaller, and `dropsLast` leaves it out.
  ///   - shuffles: false keeps the images in their order.
  ///   - validation: data to evaluate after each epoch.
  ///   - progress: called on this thread after each batch and each epoch; it may use the network, and stop the training.
  /// - Returns: what each whole epoch came to.
  /// - Throws: as `trainStep(_:_:)` does, for the validation data too, or where `epochs` or `batchSize` is below 1. All is checked
  ///   before the first step.
  @discardableResult
  public func fit(
    _ x: Tensor<Scalar>, _ target: Target<Scalar>, epochs: Int = 1, batchSize: Int = 100, shuffles: Bool = true,
    dropsLast: Bool = false, validation: (x: Tensor<Scalar>, target: Target<Scalar>)? = nil,
    progress: ((FitEvent) -> FitAction)? = nil
  ) throws(CNNError) -> [EpochResult] {
    try wantAtLeastOne("epochs", epochs)
    try wantAtLeastOne("batchSize", batchSize)
    return try call(lending: x) { () throws(CNNError) in
      let core = try trained(for: x)
      if let validation { try check(validation, core) }
      return try target.lend { target throws(CNNError) in
        var results: [EpochResult] = []
        for epoch in 1...epochs {
          var options = EpochOptions()
          (options.batchSize, options.shuffles, options.dropsLast) = (batchSize, shuffles, dropsLast)
          if let progress {
            options.progress = { progress(.batch(epoch: epoch, batch: $0, batches: $1, loss: $2)) == .proceed }
          }
          let (loss, _, isStopped) = try core.trainEpoch([x.input("x")], target, options)
          if isStopped { break }
          let well: Evaluation? =
            if let validation { try evaluate(validation.x, validation.target, batchSize: batchSize) } else { nil }
          let result = EpochResult(epoch: epoch, loss: loss, validation: well)
          results.append(result)
          let metric = well?.loss ?? loss
          if !metric.isNaN { try core.report(metric) }
          if progress?(.epoch(result)) == .stop { break }
        }
        return results
      }
    }
  }

  /// Throws where validation data do not fit.
  private func check(
    _ validation: (x: Tensor<Scalar>, target: Target<Scalar>), _ core: CNNNetwork.Network<Scalar>
  ) throws(CNNError) {
    do throws(CNNError) {
      guard validation.x.extents[0] > 0 else { throw .shape("x: wanted at least one image, got none") }
      let y = try Plan(core.graph, inputs: [validation.x.extents], mode: .infer).outputShapes[0]
      guard let loss = try compiled?.loss.core(Scalar.self) else { return }
      try validation.target.lend { target throws(CNNError) in try loss.check(y, target) }
    } catch { throw CNNError(error.kind, "validation: \(error.message)") }
  }

  /// How well the network does on `x[N][...]`, in inference.
  /// - Throws: as `trainStep(_:_:)` does.
  public func evaluate(
    _ x: Tensor<Scalar>, _ target: Target<Scalar>, batchSize: Int = 100
  ) throws(CNNError) -> Evaluation {
    try wantAtLeastOne("batchSize", batchSize)
    return try call(lending: x) { () throws(CNNError) in
      let core = try trained(for: x)
      let (loss, accuracy) = try target.lend { target throws(CNNError) in
        try core.evaluate([x.input("x")], target, batchSize: batchSize)
      }
      return Evaluation(loss: loss, accuracy: accuracy)
    }
  }

  /// The learning rate of the next update, schedules included.
  /// - Throws: `CNNError` where the network is not built or not compiled.
  public var learningRate: Double { get throws(CNNError) { try core().rate() } }

  /// Tells `Schedule.reduceOnPlateau` how well the network does, once an epoch. `fit` does so itself.
  /// - Throws: `CNNError` where `metric` is NaN, or the network is not built.
  public func report(_ metric: Double) throws(CNNError) { try core().report(metric) }

  /// How far training is.
  /// - Throws: `CNNError` where the network is not built.
  public var progress: TrainingProgress {
    get throws(CNNError) {
      let done = try core().progress
      return TrainingProgress(steps: done.steps, updates: done.updates, epochs: done.epochs)
    }
  }
  /// Goes on from where another training was.
  /// - Throws: `CNNError` where a number is negative or above 2^48, or the network is not built.
  public func setProgress(_ progress: TrainingProgress) throws(CNNError) {
    for number in [progress.steps, progress.updates, progress.epochs] where number < 0 || number > 1 << 48 {
      throw .argument("progress: wanted numbers from 0 to 2^48, got \(number)")
    }
    var done = Progress()
    (done.steps, done.updates, done.epochs) = (progress.steps, progress.updates, progress.epochs)
    try core().progress = done
  }
}

// Averages of the parameters

extension Network {
  /// Whether the averages that `Optimizer.averaging(decay:)` keeps stand in the parameters' place.
  public var usesAverages: Bool { built?.usesAverages ?? false }

  /// Puts the averages in the parameters' place, for prediction, evaluation and saving, or puts the parameters back, which training wants.
  /// - Throws: `CNNError` where the network is not built, or its optimizer keeps no averages.
  public func useAverages(_ use: Bool) throws(CNNError) {
    try enter { () throws(CNNError) in try core().useAverages(use) }
  }
}
