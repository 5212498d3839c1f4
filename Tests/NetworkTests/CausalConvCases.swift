// CausalConvWithState, as lines of the battery.
import CNNOperators
import Foundation

let causalConv: [OperatorCase] = [
  .init("CausalConvWithState", [], .shape([2, 3, 5]), .shape([3, 1, 4])) { x in convolved(x, C: 3, L: 5, K: 4) },
  .init(
    "CausalConvWithState", [.string("activation", "silu")], .shape([2, 3, 5]), .shape([3, 1, 3]), .shape([3]),
    .shape([2, 3, 2]),
    perImage: false
  ) { x in convolved(x, C: 3, L: 5, K: 3).map { $0 / (1 + exp(-$0)) } },
  .init(
    "CausalConvWithState", [.string("activation", "swish")], .shape([2, 2, 2]), .shape([2, 1, 4]), .absent, .shape([2, 2, 3]),
    perImage: false, outputs: 2, output: 1
  ) { x in state(x[0], x[2], rows: 4, L: 2, past: 3) },
  .init(
    "CausalConvWithState", [], .shape([2, 2, 3]), .shape([2, 1, 1]), .shape([2])
  ) { x in convolved(x, C: 2, L: 3, K: 1) },
]
private func line(_ x: ArraySlice<Double>, _ past: ArraySlice<Double>?, _ count: Int) -> [Double] {
  Array(past ?? [Double](repeating: 0, count: count)[...]) + x
}
private func convolved(_ inputs: [[Double]], C: Int, L: Int, K: Int) -> [Double] {
  let past = inputs.count > 3 ? inputs[3] : nil, bias = inputs.count > 2 ? inputs[2] : []
  return (0..<inputs[0].count / L).flatMap { row in
    let line = line(
      inputs[0][row * L..<(row + 1) * L], past.map { $0[row * (K - 1)..<(row + 1) * (K - 1)] }, K - 1)
    return (0..<L).map { l in
      (0..<K).reduce(bias.isEmpty ? 0 : bias[row % C]) { $0 + inputs[1][row % C * K + $1] * line[l + $1] }
    }
  }
}
private func state(_ x: [Double], _ before: [Double], rows: Int, L: Int, past: Int) -> [Double] {
  (0..<rows).flatMap { row in
    line(x[row * L..<(row + 1) * L], before[row * past..<(row + 1) * past], past).suffix(past)
  }
}
