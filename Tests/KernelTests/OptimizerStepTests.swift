// Steps of optimizers against plain loops.
import CNNCore
import Microkernels
import TestSupport
import Testing

/// A number that a plain loop gives, and the largest that its terms may have been: a kernel, which rounds or fuses up to some ten
/// operations in another order, may be 16 units of that apart.
private struct Sized<T: Element> {
  let value: T, size: T
  init(_ value: T, _ size: T) { (self.value, self.size) = (value, size) }
  var expected: Expected<T> { Expected(value, within: 16 * T.ulpOfOne * size) }
}

/// The plain step of one parameter p with the gradient g, and its states s.
private typealias Twin<T: Element> = (_ p: T, _ g: Sized<T>, _ s: [T]) -> (p: Sized<T>, s: [Sized<T>])

/// Runs a kernel on parameters of every number, with states that begin with numbers of 5 to 9 (squares) or of -2 to 2.
private func expectSteps<T: Element>(
  _ table: KernelTable<T>, decay: T, squares: [Bool], _ kernel: (OptimizerArrays<T>) -> Void, _ twin: Twin<T>,
  location: SourceLocation = #_sourceLocation
) {
  for count in table.sizes {
    let p = Block<T>(numbers(count, 1)), gradients = Block<T>(numbers(count, 2))
    let states = squares.enumerated().map { i, isSquare in
      Block<T>(numbers(count, 3 + i).map { isSquare ? 7 + $0 : $0 })
    }
    let wanted = (0..<count).map { i in
      let g = gradients.data[i], old = p.data[i]
      return twin(old, Sized(g + decay * old, abs(g) + decay * abs(old)), states.map { $0.data[i] })
    }
    func state(_ i: Int) -> UnsafeMutablePointer<T> { i < states.count ? states[i].data : p.data }
    kernel(
      OptimizerArrays(
        parameters: p.data, gradients: UnsafePointer(gradients.data), states: [state(0), state(1), state(2)], count: count))
    p.expect(wanted.map(\.p.expected), "p of \(count)", location: location)
    gradients.expect(numbers(count, 2), "gradients of \(count)", location: location)
    for (i, state) in states.enumerated() {
      state.expect(wanted.map { $0.s[i].expected }, "state \(i) of \(count)", location: location)
    }
  }
}

@Suite struct OptimizerStepTests {
  @Test(arguments: instructionSets) func sgd(_ set: InstructionSet) {
    sgd(set.float32())
    sgd(set.float64())
  }
  private func sgd<T: Element>(_ table: KernelTable<T>) {
    let n = SGDStep<T>(rate: 0.125, decay: 0.5)
    expectSteps(table, decay: n.decay, squares: []) {
      table.sgd(n, $0)
    } _: { p, g, _ in
      (Sized(p - n.rate * g.value, abs(p) + n.rate * g.size), [])
    }
  }

  @Test(arguments: instructionSets) func momentum(_ set: InstructionSet) {
    momentum(set.float32())
    momentum(set.float64())
  }
  private func momentum<T: Element>(_ table: KernelTable<T>) {
    for (a, b): (T, T) in [(0, 1), (1, 0.9)] {
      let n = MomentumStep<T>(rate: 0.125, decay: 0.5, momentum: 0.9, share: 0.75, ofGradient: a, ofSum: b)
      expectSteps(table, decay: n.decay, squares: [false]) {
        table.momentum(n, $0)
      } _: { p, g, s in
        let v = Sized(n.momentum * s[0] + n.share * g.value, n.momentum * abs(s[0]) + n.share * g.size)
        return (Sized(p - n.rate * (a * g.value + b * v.value), abs(p) + n.rate * (a * g.size + b * v.size)), [v])
      }
    }
  }

  @Test(arguments: instructionSets) func adagrad(_ set: InstructionSet) {
    adagrad(set.float32())
    adagrad(set.float64())
  }
  private func adagrad<T: Element>(_ table: KernelTable<T>) {
    let n = AdagradStep<T>(rate: 0.125, decay: 0.5, epsilon: 0.01)
    expectSteps(table, decay: n.decay, squares: [true]) {
      table.adagrad(n, $0)
    } _: { p, g, s in
      let h = Sized(s[0] + g.value * g.value, s[0] + g.size * g.size), root = h.value.squareRoot() + n.epsilon
      return (Sized(p - n.rate * g.value / root, abs(p) + n.rate * g.size / root * h.size / h.value), [h])
    }
  }

  @Test(arguments: instructionSets) func rmsprop(_ set: InstructionSet) {
    rmsprop(set.float32())
    rmsprop(set.float64())
  }
  private func rmsprop<T: Element>(_ table: KernelTable<T>) {
    for (isCentered, hasMomentum) in [(false, false), (true, false), (false, true), (true, true)] {
      let n = RMSpropStep<T>(
        rate: 0.125, decay: 0.5, alpha: 0.9, epsilon: 0.01, momentum: 0.75, isCentered: isCentered, hasMomentum: hasMomentum)
      let squares = [true] + (isCentered ? [false] : []) + (hasMomentum ? [false] : []), share = 1 - n.alpha
      expectSteps(table, decay: n.decay, squares: squares) {
        table.rmsprop(n, $0)
      } _: { p, g, s in
        let v = Sized(n.alpha * s[0] + share * g.value * g.value, n.alpha * s[0] + share * g.size * g.size)
        var states = [v], spread = v
        if isCentered {
          let m = Sized(s[1] + share * (g.value - s[1]), 2 * abs(s[1]) + share * g.size)
          states.append(m)
          spread = Sized(v.value - m.value * m.value, v.size + m.size * m.size)
        }
        let root = spread.value.squareRoot() + n.epsilon
        var step = Sized(g.value / root, g.size / root * spread.size / spread.value)
        if hasMomentum {
          let b = s[s.count - 1]
          step = Sized(n.momentum * b + step.value, n.momentum * abs(b) + step.size)
          states.append(step)
        }
        return (Sized(p - n.rate * step.value, abs(p) + n.rate * step.size), states)
      }
    }
  }

  @Test(arguments: instructionSets) func adam(_ set: InstructionSet) {
    adam(set.float32())
    adam(set.float64())
  }
  private func adam<T: Element>(_ table: KernelTable<T>) {
    let n = AdamStep<T>(
      rate: 0.125, root: 3, keep: 0.75, decay: 0.5, share1: 0.1, beta2: 0.999, share2: 0.001, epsilon: 0.01)
    expectSteps(table, decay: n.decay, squares: [false, true]) {
      table.adam(n, $0)
    } _: { p, g, s in
      let m = Sized(s[0] + n.share1 * (g.value - s[0]), 2 * abs(s[0]) + n.share1 * g.size)
      let v = Sized(n.beta2 * s[1] + n.share2 * g.value * g.value, n.beta2 * s[1] + n.share2 * g.size * g.size)
      let root = v.value.squareRoot() * n.root + n.epsilon
      return (
        Sized(p * n.keep - n.rate * m.value / root, abs(p) + n.rate * m.size / root * v.size / v.value), [m, v]
      )
    }
  }
}
