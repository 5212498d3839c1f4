// Optimizers: how parameters follow their gradients. PyTorch's names, attributes, defaults and arithmetic; all parameters lie in one
// flat array, so a step is one pass.
package import CNNCore
package import CNNOperators
package import Microkernels

package class Optimizer<T: Element> {
  /// The learning rate before schedules.
  package internal(set) var rate: Double
  package let weightDecay: Double
  /// Gradients longer than this (2-norm over all parameters) are shortened to it; elements beyond the other are cut to it.
  package let clipNorm: Double?, clipValue: Double?
  /// An update is made every so many steps, with the mean of their gradients.
  package let accumulate: Int
  /// How much of the parameters' running average stays at an update; nil: none is kept.
  package let averageDecay: Double?

  /// Decodes what all optimizers have.
  init(_ attributes: Attributes, rate standard: Double?, weightDecay decay: Double = 0) throws(CNNError) {
    guard let standard = standard ?? (attributes.has("lr") ? 0 : nil) else {
      throw attributes.wrong("lr", "a learning rate, got none")
    }
    rate = try attributes.atLeastZero("lr", default: standard)
    weightDecay = try attributes.atLeastZero("weight_decay", default: decay)
    clipNorm = attributes.has("clip_norm") ? try attributes.atLeastZero("clip_norm", default: 0) : nil
    clipValue = attributes.has("clip_value") ? try attributes.atLeastZero("clip_value", default: 0) : nil
    accumulate = try attributes.int("accumulate", default: 1)
    guard accumulate >= 1 else { throw attributes.wrong("accumulate", "1 or more, got \(accumulate)") }
    averageDecay = attributes.has("ema_decay") ? try attributes.fraction("ema_decay", default: 0) : nil
  }

  /// Flat arrays like the parameters that it carries from step to step, and what they begin with.
  package var states: Int { 0 }
  package var initialState: Double { 0 }

  /// Step number `step`, from 1, of the run of parameters that the pointers show.
  package func update(_ run: OptimizerArrays<T>, rate: Double, weightDecay: Double, step: Int) throws(CNNError) {
    throw CNNError(.unsupported, "this optimizer has no step")
  }

  package static func make(_ attributes: Attributes) throws(CNNError) -> Optimizer<T> {
    let name = attributes.owner, made: Optimizer<T>
    if name.is("SGD") {
      made = try SGD(attributes)
    } else if name.is("Adagrad") {
      made = try Adagrad(attributes)
    } else if name.is("RMSprop") {
      made = try RMSprop(attributes)
    } else if name.is("Adam") {
      made = try Adam(attributes, .coupled)
    } else if name.is("AdamW") {
      made = try Adam(attributes, .decoupled)
    } else if name.is("BookAdam") {
      made = try Adam(attributes, .book)
    } else {
      throw CNNError(.unsupported, "optimizer: \(name) is not one that this version has")
    }
    try attributes.finish()
    return made
  }
}

extension Attributes {
  func atLeastZero(_ name: StaticString, default standard: Double) throws(CNNError) -> Double {
    let number = try float(name, default: standard)
    guard number >= 0 && number < .infinity else { throw wrong(name, "0 or more, got \(number)") }
    return number
  }
  /// 0 up to, not including, 1.
  func fraction(_ name: StaticString, default standard: Double) throws(CNNError) -> Double {
    let number = try float(name, default: standard)
    guard number >= 0 && number < 1 else { throw wrong(name, "0 or more and less than 1, got \(number)") }
    return number
  }
}

/// Calls body with pieces of 64 Ki, on all threads.
func forEachPiece<T: Element>(of run: OptimizerArrays<T>, _ body: (OptimizerArrays<T>) -> Void) throws(CNNError) {
  let piece = 1 << 16, pieces = (run.count &+ piece &- 1) / piece
  parallel(pieces, width: try parallelWidth(pieces, .elements(run.count, 4))) { i, _ in
    let start = i &* piece
    body(
      OptimizerArrays(
        parameters: run.parameters + start, gradients: run.gradients + start,
        states: [run.states[0] + start, run.states[1] + start, run.states[2] + start], count: min(piece, run.count &- start)))
  }
}

/// x to the power of a whole number, by squaring: the same bits wherever training resumes.
func power(_ x: Double, _ exponent: Int) -> Double {
  var (result, square, rest) = (1.0, x, exponent)
  while rest > 0 {
    if rest & 1 == 1 { result *= square }
    square *= square
    rest >>= 1
  }
  return result
}
