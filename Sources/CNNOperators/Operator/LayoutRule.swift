// What an operator tells the planner about layouts, and about arrays that it can prepare once for many runs.
import CNNCore

/// How an operator works on channel-blocked arrays. Every operator can also work on planar ones; the planner chooses.
package struct LayoutRule: Sendable {
  package enum Wish: Sendable {
    case planar
    /// With a halo of at least so many cells.
    case blocked(halo: Int)
    /// As it comes; where it is blocked, with at least this halo.
    case either(halo: Int)
  }
  package enum Result: Sendable {
    case planar
    /// With any halo that the planner chooses.
    case blocked
    /// In the very layout of all inputs that are blocked, which the planner makes the same, halo and all.
    case asInputs
  }
  /// Of the first inputs; those behind are planar.
  package let inputs: [Wish]
  /// Of all outputs.
  package let output: Result
  /// The halo that a blocked output has at least: its gradient has the same.
  package let outputHalo: Int
  /// How many elements could be copied between the layouts in the time that this saves against the planar form: conversions, which the
  /// planner inserts where neighbours differ, cost that much.
  package let gain: Int

  package init(_ inputs: [Wish], _ output: Result, outputHalo: Int = 0, gain: Int) {
    (self.inputs, self.output, self.outputHalo, self.gain) = (inputs, output, outputHalo, gain)
  }
}

extension LayoutRule {
  /// y = f(x), element by element, of images: in whatever layout x is.
  static func elementwise(_ x: Shape) -> LayoutRule? {
    x.rank == 4 ? LayoutRule([.blocked(halo: 0)], .asInputs, gain: 0) : nil
  }
}

/// The layouts of one step, as the planner chose them.
package struct Layouts {
  package let inputs: [ArrayLayout], output: ArrayLayout
  package init(inputs: [ArrayLayout], output: ArrayLayout) { (self.inputs, self.output) = (inputs, output) }
}

/// Arrays that follow from inputs which stay as they are from run to run, such as packed filters.
package struct Prepared {
  /// The inputs that `prepare` reads. Where one of them is computed in the run, nothing is prepared.
  package let reads: [Int]
  /// Those of them that forward does not read then: they need not be in memory.
  package let replaces: [Int]
  package let arrays: [Kept]
  /// Tells ways of preparing the same inputs apart, where an operator has several: the algorithm that the arrays are for, say. Plans for
  /// other shapes share arrays of the same form and sizes.
  package let form: Int

  package init(reads: [Int], replaces: [Int] = [], _ arrays: [Kept], form: Int = 0) {
    (self.reads, self.replaces, self.arrays, self.form) = (reads, replaces, arrays, form)
  }
}
