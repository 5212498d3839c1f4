// Activations that are linear above 0 and approach a limit exponentially below: Elu, Selu, Celu.
import CNNCore

/// x where x > 0, else alpha * (exp(x) - 1).
struct Elu<T: Element>: Activation {
  private let alpha: T
  init(_ attributes: Attributes) throws(CNNError) { alpha = T(try attributes.float("alpha", default: 1)) }

  @inline(__always) func value(_ x: T) -> T { x > 0 ? x : alpha * expm1(x) }
  @inline(__always) func slope(_ x: T) -> T { x > 0 ? 1 : alpha * exp(x) }
}

/// gamma * Elu (Klambauer et al. 2017): the defaults keep mean 0 and variance 1 from layer to layer.
struct Selu<T: Element>: Activation {
  private let alpha: T, gamma: T
  init(_ attributes: Attributes) throws(CNNError) {
    alpha = T(try attributes.float("alpha", default: 1.67326319217681884765625))
    gamma = T(try attributes.float("gamma", default: 1.05070102214813232421875))
  }

  @inline(__always) func value(_ x: T) -> T { gamma * (x > 0 ? x : alpha * expm1(x)) }
  @inline(__always) func slope(_ x: T) -> T { gamma * (x > 0 ? 1 : alpha * exp(x)) }
}

/// x where x > 0, else alpha * (exp(x / alpha) - 1) (Barron 2017): its slope is 1 at 0 for every alpha.
struct Celu<T: Element>: Activation {
  private let alpha: T
  init(_ attributes: Attributes) throws(CNNError) {
    alpha = T(try attributes.float("alpha", default: 1))
    guard alpha != 0 else { throw attributes.wrong("alpha", "a number that is not 0") }
  }

  @inline(__always) func value(_ x: T) -> T { x > 0 ? x : alpha * expm1(x / alpha) }
  @inline(__always) func slope(_ x: T) -> T { x > 0 ? 1 : exp(x / alpha) }
}
