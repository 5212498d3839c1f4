// A training step: forward, loss, backward, clip, update.
package import CNNCore
package import CNNOperators
import Microkernels

/// How far training is: with the parameters, the buffers, the optimizer's states and those of TrainingState.swift, all that it takes
/// to go on.
package struct Progress: Equatable, Sendable {
  package var steps = 0, updates = 0, epochs = 0
  package init() {}
}

extension Network {
  package func setLoss(_ attributes: Attributes) throws(CNNError) { loss = try Loss.make(attributes) }
  /// It begins anew: without states, updates or schedules.
  package func setOptimizer(_ attributes: Attributes) throws(CNNError) {
    let made = try Optimizer<T>.make(attributes)
    try useAverages(false)
    optimizer = made
    averages = nil
    (states, schedules) = ([], [])
    (accumulated, pending) = (nil, nil)
    progress.updates = 0
  }
  package func addSchedule(_ attributes: Attributes) throws(CNNError) { schedules.append(try Schedule(attributes)) }
  package func removeSchedules() { schedules = [] }

  func chosenLoss() throws(CNNError) -> Loss<T> {
    guard let loss else { throw .argument("network: has no loss; set one first") }
    return loss
  }
  func chosenOptimizer() throws(CNNError) -> Optimizer<T> {
    guard let optimizer else { throw .argument("network: has no optimizer; set one first") }
    return optimizer
  }

  /// The rate before schedules.
  package func setBaseRate(_ rate: Double) throws(CNNError) {
    let optimizer = try chosenOptimizer()
    guard rate >= 0 && rate < .infinity else { throw .argument("rate: wanted 0 or more, got \(rate)") }
    optimizer.rate = rate
  }
  /// The learning rate of the next update.
  package func rate() throws(CNNError) -> Double {
    let optimizer = try chosenOptimizer()
    var rate = optimizer.rate
    for schedule in schedules {
      rate *= schedule.factor(after: schedule.countsEpochs ? progress.epochs : progress.updates, rate: optimizer.rate)
    }
    return rate
  }
  /// What ReduceLROnPlateau looks at, once an epoch: a validation loss, say.
  package func report(_ metric: Double) throws(CNNError) {
    guard !metric.isNaN else { throw .argument("metric: wanted a number, got NaN") }
    for schedule in schedules { schedule.report(metric) }
  }

  /// The gradients of the last step, flat like the parameters.
  package func gradientMemory() throws(CNNError) -> UnsafeMutablePointer<T> {
    let count = graph.parameters.count
    if let gradients, gradients.count == count { return gradients.data }
    let block = try Block<T>(zeros: count)
    gradients = block
    return block.data
  }
  /// Flat arrays that the optimizer carries from step to step.
  package func optimizerStates() throws(CNNError) -> [Block<T>] {
    let optimizer = try chosenOptimizer(), count = graph.parameters.count
    if states.count == optimizer.states && states.allSatisfy({ $0.count == count }) { return states }
    var fresh: [Block<T>] = []
    for _ in 0..<optimizer.states {
      let block = try Block<T>(count)
      block.data.update(repeating: T(optimizer.initialState), count: count)
      fresh.append(block)
    }
    states = fresh
    return fresh
  }

  /// One step on a batch; returns the loss before the update.
  package func trainStep(_ inputs: [Input<T>], _ target: Target<T>) throws(CNNError) -> Double {
    _ = try chosenLoss()
    try checkUpdate()
    let loss = try computeGradients(inputs, target)
    try update()
    return loss
  }

  /// The loss on a batch, and its gradients: half a step. Changes nothing but them and what nodes update, such as running statistics.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func computeGradients(_ inputs: [Input<T>], _ target: Target<T>) throws(CNNError) -> Double {
    let loss = try chosenLoss(), plan = try plan(inputs, .train)
    try loss.check(plan.outputShapes[0], target)
    let gradients = try gradientMemory()
    let run: Execution<T>
    if let training, training.plan === plan {
      run = training
    } else {
      training = nil  // its memory is for the next
      run = try Execution(plan)
      training = run
    }
    let key = RandomStream.operators.key(seed, progress.steps)
    try run.forward(inputs.map { $0.data }, graph, gradients: gradients, seed: key)
    let value = try loss.evaluate(run.output(0), target, gradient: run.lossGradient())
    try run.backward(seed: key)
    return value
  }

  /// The other half: clips the gradients that are there and updates the parameters.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func update() throws(CNNError) {
    let optimizer = try checkUpdate(), states = try optimizerStates(), count = graph.parameters.count
    let gradients = try gradientMemory()
    var slopes = gradients
    progress.steps += 1
    if let (sum, pending) = try gradientSum() {
      try addScaled(gradients, by: 1 / T(optimizer.accumulate), to: sum.data, count)
      pending.data[0] += 1
      guard pending.data[0] >= Double(optimizer.accumulate) else { return }
      pending.data[0] = 0
      slopes = sum.data
    }
    let runs = trainedRuns()
    if let limit = optimizer.clipValue { for run in runs { try cut(slopes + run.start, run.count, to: T(limit)) } }
    if let limit = optimizer.clipNorm {
      var square = 0.0
      for run in runs { square += try sumOfSquares(slopes + run.start, run.count) }
      // As PyTorch has it: the length itself is a little above 0.
      let factor = limit / (square.squareRoot() + 1e-6)
      if factor < 1 { for run in runs { try multiply(slopes + run.start, run.count, by: T(factor)) } }
    }
    let rate = try rate(), parameters = try graph.parameters.memory()
    progress.updates += 1
    for run in runs {
      func state(_ i: Int) -> UnsafeMutablePointer<T> { (i < states.count ? states[i].data : slopes) + run.start }
      try optimizer.update(
        OptimizerArrays(
          parameters: parameters + run.start, gradients: UnsafePointer(slopes) + run.start,
          states: [state(0), state(1), state(2)], count: run.count),
        rate: rate * run.treatment.rate, weightDecay: optimizer.weightDecay * run.treatment.weightDecay, step: progress.updates)
    }
    graph.parameters.change()
    if let (sum, _) = try gradientSum() { zero(sum.data, count) }
    try average()
  }
  @discardableResult private func checkUpdate() throws(CNNError) -> Optimizer<T> {
    guard !usesAverages else {
      throw .argument("network: has its averages in place of its parameters; put these back before it is trained")
    }
    return try chosenOptimizer()
  }

  /// Neighbouring parameters that are trained alike.
  private func trainedRuns() -> [(start: Int, count: Int, treatment: Graph<T>.Treatment)] {
    var runs: [(start: Int, count: Int, treatment: Graph<T>.Treatment)] = []
    let entries = graph.parameters.entries
    for (i, entry) in entries.enumerated() where !graph.treatments[i].isFrozen {
      let end = i + 1 < entries.count ? entries[i + 1].offset : graph.parameters.count
      if let last = runs.last, last.start + last.count == entry.offset, last.treatment == graph.treatments[i] {
        runs[runs.count - 1].count = end - last.start
      } else {
        runs.append((entry.offset, end - entry.offset, graph.treatments[i]))
      }
    }
    return runs
  }
}
