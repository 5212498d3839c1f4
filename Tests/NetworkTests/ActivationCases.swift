// Activations, as lines of the battery. The references are ONNX's formulas as they stand, by the C library's functions.
import CNNOperators
import Foundation

let activationCases: [OperatorCase] = [piecewise, exponential, gated, soft, perChannel].flatMap { $0 }

private let piecewise: [OperatorCase] = [
  .init("LeakyRelu", [.float("alpha", 0.3)], .shape([3, 5, 7]), reference: each { $0 < 0 ? 0.3 * $0 : $0 }),
  .init("LeakyRelu", [], .shape([9]), reference: each { $0 < 0 ? 0.01 * $0 : $0 }),
  .init("ThresholdedRelu", [.float("alpha", 0.25)], .shape([3, 5, 7]), reference: each { $0 > 0.25 ? $0 : 0 }),
  .init("ThresholdedRelu", [], .wide([3, 5, 7]), reference: each { $0 > 1 ? $0 : 0 }),
  .init("Clip", [], .shape([3, 5, 7]), .number(-0.4), .number(0.7), reference: each { min(max($0, -0.4), 0.7) }),
  .init("Clip", [], .shape([3, 5, 7]), .absent, .number(0.1), reference: each { min($0, 0.1) }),
  .init("Clip", [.float("min", -0.3)], .shape([3, 5, 7]), reference: each { max($0, -0.3) }),
  .init("Clip", [], .shape([3, 5]), .number(0.5), .number(-0.5), reference: each { _ in -0.5 }),
  .init("HardSigmoid", [], .wide([3, 5, 7]), reference: each { max(0, min(1, 0.2 * $0 + 0.5)) }),
  .init(
    "HardSigmoid", [.float("alpha", 1.5), .float("beta", 0.25)], .shape([3, 5, 7]),
    reference: each { max(0, min(1, 1.5 * $0 + 0.25)) }),
]

private let exponential: [OperatorCase] = [
  .init("Elu", [.float("alpha", 1.3)], .wide([3, 5, 7]), reference: each { $0 < 0 ? 1.3 * (exp($0) - 1) : $0 }),
  // ONNX's defaults are the paper's numbers in float32.
  .init(
    "Selu", [], .wide([3, 5, 7]),
    reference: selu(alpha: Double(Float(1.6732632423543772)), gamma: Double(Float(1.0507009873554805)))),
  .init("Selu", [.float("alpha", 0.8), .float("gamma", 2)], .shape([3, 5, 7]), reference: selu(alpha: 0.8, gamma: 2)),
  .init("Celu", [], .wide([3, 5, 7]), reference: celu(alpha: 1)),
  .init("Celu", [.float("alpha", 2.5)], .wide([3, 5, 7]), reference: celu(alpha: 2.5)),
]
private func selu(alpha: Double, gamma: Double) -> Reference {
  each { $0 <= 0 ? gamma * (alpha * exp($0) - alpha) : gamma * $0 }
}
private func celu(alpha: Double) -> Reference {
  each { max(0, $0) + min(0, alpha * (exp($0 / alpha) - 1)) }
}

private let gated: [OperatorCase] = [
  .init("HardSwish", [], .wide([3, 5, 7]), reference: each { $0 * max(0, min(1, $0 / 6 + 0.5)) }),
  .init("Swish", [], .wide([3, 5, 7]), reference: each { $0 / (1 + exp(-$0)) }),
  .init("Swish", [.float("alpha", 1.7)], .shape([3, 5, 7]), reference: each { $0 / (1 + exp(-1.7 * $0)) }),
  .init("Mish", [], .wide([3, 5, 7]), reference: each { $0 * tanh(log(1 + exp($0))) }),
  .init("Gelu", [], .wide([3, 5, 7]), reference: each { 0.5 * $0 * (1 + erf($0 / 2.0.squareRoot())) }),
  .init("Gelu", [.string("approximate", "tanh")], .wide([3, 5, 7]), reference: each(geluByTanh)),
]
@Sendable private func geluByTanh(_ x: Double) -> Double {
  0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * pow(x, 3))))
}

private let soft: [OperatorCase] = [
  .init("Softplus", [], .wide([3, 5, 7]), reference: each { log(exp($0) + 1) }),
  .init("Softsign", [], .wide([3, 5, 7]), reference: each { $0 / (1 + abs($0)) }),
]

private let perChannel: [OperatorCase] = [
  .init("PRelu", [], .shape([3, 4, 5]), .shape([4, 1]), reference: prelu),
  .init("PRelu", [], .shape([2, 4, 3, 5]), .shape([4, 1, 1])),
  .init("PRelu", [], .shape([2, 3, 4]), .shape([1])),
  .init("PRelu", [], .shape([2, 3, 4]), .shape([2, 3, 4]), perImage: false),
]
@Sendable private func prelu(_ x: [[Double]]) -> [Double] {
  indices(3, 4, 5).map { n, c, i in
    let value = x[0][(n * 4 + c) * 5 + i]
    return value < 0 ? value * x[1][c] : value
  }
}

private typealias Reference = @Sendable ([[Double]]) -> [Double]
/// f of every element of input 0.
private func each(_ f: @escaping @Sendable (Double) -> Double) -> Reference { { x in x[0].map(f) } }
