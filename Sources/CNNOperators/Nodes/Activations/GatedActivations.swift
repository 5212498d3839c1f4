// Activations that are x times a gate, which opens from 0 to 1 as x rises: HardSwish, Swish, Mish, Gelu.
import CNNCore

/// x * HardSigmoid(x) with alpha = 1/6 and beta = 1/2 (Howard et al. 2019).
struct HardSwish<T: Element>: Activation {
  init(_ attributes: Attributes) throws(CNNError) {}

  @inline(__always) func value(_ x: T) -> T {
    let gate = x / 6 + 0.5
    return x * (gate < 0 ? 0 : gate > 1 ? 1 : gate)
  }
  @inline(__always) func slope(_ x: T) -> T { x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5 }
}

/// x * sigmoid(alpha * x) (Ramachandran et al. 2017); SiLU with alpha = 1.
struct Swish<T: Element>: Activation {
  private let alpha: T
  init(_ attributes: Attributes) throws(CNNError) { alpha = T(try attributes.float("alpha", default: 1)) }
  init(alpha: T) { self.alpha = alpha }

  @inline(__always) func value(_ x: T) -> T { x * logistic(alpha * x) }
  @inline(__always) func slope(_ x: T) -> T {
    let gate = logistic(alpha * x)
    return gate + alpha * x * gate * (1 - gate)
  }
}

/// x * tanh(softplus(x)) (Misra 2019).
struct Mish<T: Element>: Activation {
  init(_ attributes: Attributes) throws(CNNError) {}

  /// With e = exp(x), tanh(log(1 + e)) = e * (e + 2) / (e * (e + 2) + 2). It is 1 in double from 20 on, where e stops before its
  /// square overflows.
  @inline(__always) private func gate(_ x: T) -> (gate: T, sigmoid: T) {
    let e = exp(min(x, 20)), n = e * (e + 2)
    return (n / (n + 2), e / (e + 1))
  }
  @inline(__always) func value(_ x: T) -> T { x * gate(x).gate }
  @inline(__always) func slope(_ x: T) -> T {
    let (gate, sigmoid) = gate(x)
    return gate + x * (1 - gate * gate) * sigmoid
  }
}

/// x * Φ(x), Φ the distribution function of the normal distribution (Hendrycks and Gimpel 2016); or with `approximate` "tanh",
/// x * (1 + tanh(u)) / 2, u = sqrt(2/π) * (x + 0.044715 * x³).
struct Gelu<T: Element>: Activation {
  private let isApproximate: Bool
  init(_ attributes: Attributes) throws(CNNError) {
    let approximate = try attributes.string("approximate", default: "none")
    isApproximate = approximate.is("tanh")
    guard isApproximate || approximate.is("none") else {
      throw attributes.wrong("approximate", "none or tanh, got \(approximate)")
    }
  }

  /// Φ(x), by erfc: 1 + erf would cancel below 0.
  @inline(__always) private func distribution(_ x: T) -> T { erfc(x * -0.70710678118654752440) / 2 }
  /// 2u and its slope, as (1 + tanh(u)) / 2 = logistic(2u). From ±30 on the gate is 0 or 1; cubes of large numbers overflow.
  @inline(__always) private func twice(_ x: T) -> (u: T, slope: T) {
    let x = max(min(x, 30), -30), factor: T = 1.59576912160573071176
    return (factor * (x + 0.044715 * x * x * x), factor * (1 + 0.134145 * x * x))
  }

  @inline(__always) func value(_ x: T) -> T { x * (isApproximate ? logistic(twice(x).u) : distribution(x)) }
  @inline(__always) func slope(_ x: T) -> T {
    if isApproximate {
      let (u, slope) = twice(x), gate = logistic(u)
      return gate + x * gate * (1 - gate) * slope
    }
    return distribution(x) + x * 0.39894228040143267794 * exp(x * x * -0.5)
  }
}
