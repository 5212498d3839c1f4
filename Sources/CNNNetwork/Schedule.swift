// How the learning rate goes, in PyTorch's names: each schedule is a function of the updates, or epochs, that are done; the factors
// of several are multiplied.
package import CNNCore
package import CNNOperators

package final class Schedule {
  private enum Kind {
    case steps(size: Int, gamma: Double)
    case exponential(gamma: Double)
    case cosine(length: Int, least: Double)
    case linear(from: Double, to: Double, length: Int)
    case oneCycle(most: Double, length: Int, rise: Double, divisor: Double, finalDivisor: Double)
    case plateau(factor: Double, patience: Int, threshold: Double, least: Double, rises: Bool)
  }
  private let kind: Kind
  /// Counted in epochs, or in updates.
  package let countsEpochs: Bool

  /// What ReduceLROnPlateau, the only one that remembers, does: the factor so far, the best metric (NaN: none yet), and the reports
  /// since then.
  let memory: Block<Double>?

  package init(_ attributes: Attributes) throws(CNNError) {
    let name = attributes.owner
    func positive(_ name: StaticString, default standard: Int? = nil) throws(CNNError) -> Int {
      let number = try attributes.int(name, default: standard ?? 0)
      guard number >= 1 else { throw attributes.wrong(name, "1 or more, got \(number)") }
      return number
    }
    if name.is("StepLR") {
      kind = .steps(size: try positive("step_size"), gamma: try attributes.atLeastZero("gamma", default: 0.1))
    } else if name.is("ExponentialLR") {
      guard attributes.has("gamma") else { throw attributes.wrong("gamma", "a factor, got none") }
      kind = .exponential(gamma: try attributes.atLeastZero("gamma", default: 1))
    } else if name.is("CosineAnnealingLR") {
      kind = .cosine(length: try positive("T_max"), least: try attributes.atLeastZero("eta_min", default: 0))
    } else if name.is("LinearLR") {
      kind = .linear(
        from: try attributes.atLeastZero("start_factor", default: 1.0 / 3),
        to: try attributes.atLeastZero("end_factor", default: 1),
        length: try positive("total_iters", default: 5))
    } else if name.is("OneCycleLR") {
      guard attributes.has("max_lr") else { throw attributes.wrong("max_lr", "a learning rate, got none") }
      let rise = try attributes.float("pct_start", default: 0.3)
      guard rise >= 0 && rise <= 1 else { throw attributes.wrong("pct_start", "0 to 1, got \(rise)") }
      let divisor = try attributes.float("div_factor", default: 25),
        final = try attributes.float("final_div_factor", default: 1e4)
      guard divisor > 0 && final > 0 else { throw attributes.wrong("div_factor", "above 0, as final_div_factor") }
      kind = .oneCycle(
        most: try attributes.atLeastZero("max_lr", default: 0), length: try positive("total_steps"), rise: rise,
        divisor: divisor,
        finalDivisor: final)
    } else if name.is("ReduceLROnPlateau") {
      let mode = try attributes.string("mode", default: "min")
      guard mode.is("min") || mode.is("max") else { throw attributes.wrong("mode", "min or max, got \(mode)") }
      kind = .plateau(
        factor: try attributes.fraction("factor", default: 0.1), patience: try attributes.int("patience", default: 10),
        threshold: try attributes.atLeastZero("threshold", default: 1e-4),
        least: try attributes.atLeastZero("min_lr", default: 0),
        rises: mode.is("max"))
    } else {
      throw CNNError(.unsupported, "schedule: \(name) is not one that this version has")
    }
    let unit = try attributes.string("unit", default: name.is("OneCycleLR") ? "step" : "epoch")
    guard unit.is("step") || unit.is("epoch") else { throw attributes.wrong("unit", "step or epoch, got \(unit)") }
    countsEpochs = unit.is("epoch")
    try attributes.finish()
    if case .plateau = kind {
      let block = try Block<Double>(3)
      (block.data[0], block.data[1], block.data[2]) = (1, .nan, 0)
      memory = block
    } else {
      memory = nil
    }
  }

  /// What the rate is multiplied by after so many epochs or updates.
  package func factor(after done: Int, rate: Double) -> Double {
    switch kind {
    case .steps(let size, let gamma): return power(gamma, done / size)
    case .exponential(let gamma): return power(gamma, done)
    case .cosine(let length, let least):
      // Falls to `least`, and stays there; PyTorch's would rise again.
      let along = min(1, Double(done) / Double(length))
      return rate == 0 ? 1 : (least + (rate - least) * (1 + cosine(.pi * along)) / 2) / rate
    case .linear(let from, let to, let length): return from + (to - from) * min(1, Double(done) / Double(length))
    case .oneCycle(let most, let length, let rise, let divisor, let finalDivisor):
      let first = most / divisor, last = first / finalDivisor
      let top = max(0, rise * Double(length) - 1), end = max(1, Double(length) - 1), at = min(Double(done), end)
      let (from, to, along) = at <= top && top > 0 ? (first, most, at / top) : (most, last, (at - top) / max(end - top, 1))
      return rate == 0 ? 1 : (to + (from - to) * (1 + cosine(.pi * along)) / 2) / rate
    case .plateau(_, _, _, let least, _): return rate == 0 ? 1 : max(memory?.data[0] ?? 1, min(1, least / rate))
    }
  }

  /// Tells ReduceLROnPlateau how well the network does, once an epoch.
  package func report(_ metric: Double) {
    guard case .plateau(let factor, let patience, let threshold, _, let rises) = kind, let memory = memory?.data else { return }
    let best = memory[1]
    if best.isNaN || (rises ? metric > best * (1 + threshold) : metric < best * (1 - threshold)) {
      (memory[1], memory[2]) = (metric, 0)
    } else {
      memory[2] += 1
      if memory[2] > Double(patience) {
        memory[0] *= factor
        memory[2] = 0
      }
    }
  }
}
