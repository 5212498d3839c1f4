// Steps of optimizers against plain loops.
import CNNCore
import Microkernels
import TestSupport
import Testing

@Suite struct OptimizerStepTests {
  @Test(arguments: instructionSets) func adam(_ set: InstructionSet) {
    adam(set.float32())
    adam(set.float64())
  }

  /// A step is some ten operations, each rounded or fused with the next: m, v and p may be so many units of the largest of their
  /// terms apart from the loop's.
  private func adam<T: Element>(_ table: KernelTable<T>) {
    for count in table.sizes {
      let step = AdamStep<T>(
        rate: 0.125, root: 3, keep: 0.75, decay: 0.5, share1: 0.1, beta2: 0.999, share2: 0.001, epsilon: 0.01)
      let p = Block<T>(numbers(count, 1)), gradients = Block<T>(numbers(count, 2)), m = Block<T>(numbers(count, 3))
      let v = Block<T>(numbers(count, 4).map { $0 * $0 })
      var wanted: (p: [Expected<T>], m: [Expected<T>], v: [Expected<T>]) = ([], [], [])
      for i in 0..<count {
        let g = gradients.data[i] + step.decay * p.data[i]
        let m1 = m.data[i] + step.share1 * (g - m.data[i]), v1 = step.beta2 * v.data[i] + step.share2 * g * g
        let change = step.rate * m1 / (v1.squareRoot() * step.root + step.epsilon), unit = 16 * T.ulpOfOne
        wanted.m.append(Expected(m1, within: unit * (abs(m.data[i]) + abs(g))))
        wanted.v.append(Expected(v1, within: unit * v1))
        // What m1 may be off by, the step is too, in proportion.
        let size = abs(m.data[i]) + abs(g), slope = change == 0 ? 0 : abs(change / m1) * size
        wanted.p.append(
          Expected(p.data[i] * step.keep - change, within: unit * (abs(p.data[i]) + abs(change) + slope)))
      }
      table.adam(step, p.data, gradients.data, m.data, v.data, count)
      p.expect(wanted.p, "p of \(count)")
      m.expect(wanted.m, "m of \(count)")
      v.expect(wanted.v, "v of \(count)")
    }
  }
}
