// What each step of an inference takes, and what the processor could do at most.
package import CNNCore
import CNNOperators
import CPlatform
import Microkernels

/// One step of a plan: a node's work, or that of several which one operator does together.
package struct StepProfile: Sendable {
  /// Of the first node.
  package let name: Name
  /// All that are in it, such as Conv, BatchNormalization, Relu.
  package let operators: [Name]
  /// Of a plain sum, whatever the algorithm.
  package let multiplyAdds: Int
  /// Of the arrays that it reads and writes, of all images.
  package let bytes: Int
  /// The median of all runs.
  package let seconds: Double
}

extension Network {
  /// How many steps an inference on these inputs has, or a part of one that is run in parts.
  package func stepCount(_ inputs: [AnyInput]) throws(CNNError) -> Int { followed(try plan(inputs, .infer)).plan.stepCount }

  /// The steps of an inference, in their order, with their times: of `runs` after one that prepares what later ones find ready.
  package func profile(_ inputs: [AnyInput], runs: Int) throws(CNNError) -> [StepProfile] {
    guard runs >= 1 && runs <= 1_000_000 else { throw .argument("runs: wanted 1 to 1000000, got \(runs)") }
    let (plan, parts) = followed(try plan(inputs, .infer)), run = try Execution(plan)
    let addresses = (0..<parts).map { k in inputs.map { $0.data + k * ($0.bytes / parts) } }
    try run.forward(at: addresses[0], graph)
    var times = [[Int64]](repeating: [], count: plan.steps.count)
    for r in 0..<runs {
      for i in times.indices { times[i].append(0) }
      for part in addresses {
        try run.begin(part, graph)
        for (i, step) in plan.steps.enumerated() {
          let start = platform_nanoseconds()
          try run.forward(step, 0)
          times[i][r] += platform_nanoseconds() &- start
        }
      }
    }
    var list: [StepProfile] = []
    for (step, times) in zip(plan.steps, times) {
      list.append(try step.profile(parts: parts, seconds: Double(times.sorted()[runs / 2]) * 1e-9))
    }
    return list
  }

  /// Multiply-adds a second of as many cores as there are threads, by a loop in registers: the best of some.
  package static func peak() throws(CNNError) -> Double {
    let rounds = 20_000
    var best = Int64.max, sum: T = 0
    for _ in 0..<10 {
      let start = platform_nanoseconds()
      sum += T.kernels.multiplyAddRounds(rounds, T(0.5))
      best = min(best, platform_nanoseconds() &- start)
    }
    // That the sum is looked at keeps the loop.
    guard sum.isFinite else { return 0 }
    return Double(try Threads.count() * rounds * multiplyAddsOfRound(lanes: T.lanes)) / (Double(max(1, best)) * 1e-9)
  }
}

extension Plan.Step {
  fileprivate func profile(parts: Int, seconds: Double) throws(CNNError) -> StepProfile {
    var bytes = 0, inputs: [Shape] = [], outputs: [Shape] = []
    for operand in operands.inputs + operands.outputs {
      guard let operand else { continue }
      let here = saturatingProduct(
        try operand.layout.count(operand.shape, of: T.self), parts * (operand.type ?? T.elementType).stride)
      bytes = bytes > .max - here ? .max : bytes + here
    }
    let absent = try Shape("absent")
    for operand in operands.inputs { inputs.append(operand?.shape ?? absent) }
    for operand in operands.outputs { if let operand { outputs.append(operand.shape) } }
    return StepProfile(
      name: name, operators: [operatorName] + absorbed,
      multiplyAdds: outputs.count == operands.outputs.count ? saturatingProduct(parts, work.multiplyAdds(inputs, outputs)) : 0,
      bytes: bytes,
      seconds: seconds)
  }
}
