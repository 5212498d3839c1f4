// A training step: forward, loss, backward, clip, update.
package import CNNCore
package import CNNOperators

/// How far training is: with the parameters, the buffers and the optimizer's states, all that it takes to go on.
package struct Progress: Equatable, Sendable {
  package var steps = 0, updates = 0, epochs = 0
  package init() {}
}

extension Network {
  package func setLoss(_ attributes: Attributes) throws(CNNError) { loss = try Loss.make(attributes) }
  /// It begins anew: without states, updates or schedules.
  package func setOptimizer(_ attributes: Attributes) throws(CNNError) {
    optimizer = try Optimizer.make(attributes)
    (states, schedules) = ([], [])
    (accumulated, pending) = (nil, 0)
    progress.updates = 0
  }
  package func addSchedule(_ attributes: Attributes) throws(CNNError) { schedules.append(try Schedule(attributes)) }

  private func chosen() throws(CNNError) -> (Loss<T>, Optimizer<T>) {
    guard let loss else { throw .argument("network: has no loss; set one first") }
    guard let optimizer else { throw .argument("network: has no optimizer; set one first") }
    return (loss, optimizer)
  }

  /// The learning rate of the next update.
  package func rate() throws(CNNError) -> Double {
    guard let optimizer else { throw .argument("network: has no optimizer; set one first") }
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
    let block = try Block<T>(count)
    zero(block.data, count)
    gradients = block
    return block.data
  }
  /// Flat arrays that the optimizer carries from step to step.
  package func optimizerStates() throws(CNNError) -> [Block<T>] {
    guard let optimizer else { throw .argument("network: has no optimizer; set one first") }
    let count = graph.parameters.count
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
    let (loss, optimizer) = try chosen()
    let plan = try plan(inputs.map { $0.shape }, .train)
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
    progress.steps += 1
    try update(optimizer, gradients)
    return value
  }

  private func update(_ optimizer: Optimizer<T>, _ gradients: UnsafeMutablePointer<T>) throws(CNNError) {
    let states = try optimizerStates(), count = graph.parameters.count
    var slopes = gradients
    if optimizer.accumulate > 1 {
      if accumulated?.count != count {
        let block = try Block<T>(count)
        zero(block.data, count)
        accumulated = block
      }
      guard let sum = accumulated else { return }
      try addScaled(gradients, by: 1 / T(optimizer.accumulate), to: sum.data, count)
      pending += 1
      guard pending == optimizer.accumulate else { return }
      pending = 0
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
        OptimizerRun(
          parameters: parameters + run.start, gradients: UnsafePointer(slopes) + run.start,
          states: [state(0), state(1), state(2)], count: run.count),
        rate: rate * run.treatment.rate, weightDecay: optimizer.weightDecay * run.treatment.weightDecay, step: progress.updates)
    }
    if optimizer.accumulate > 1, let sum = accumulated { zero(sum.data, count) }
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
