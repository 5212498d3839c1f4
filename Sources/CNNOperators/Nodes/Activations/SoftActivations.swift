// Softplus and Softsign: smooth forms of max(x, 0) and of the sign.
import CNNCore

/// log(1 + exp(x)), without a large exp.
struct Softplus<T: Element>: Activation {
  init(_ attributes: Attributes) throws(CNNError) {}

  @inline(__always) func value(_ x: T) -> T { (x < 0 ? 0 : x) + log1p(exp(-abs(x))) }
  @inline(__always) func slope(_ x: T) -> T { logistic(x) }
}

/// x / (1 + |x|).
struct Softsign<T: Element>: Activation {
  init(_ attributes: Attributes) throws(CNNError) {}

  @inline(__always) func value(_ x: T) -> T { x / (1 + abs(x)) }
  @inline(__always) func slope(_ x: T) -> T {
    let size = 1 + abs(x)
    return 1 / (size * size)
  }
}
