// Activations of straight pieces: LeakyRelu, ThresholdedRelu, Clip, HardSigmoid. NaN stays NaN.
import CNNCore

/// x where x >= 0, else alpha * x.
struct LeakyRelu<T: Element>: Activation {
  private let alpha: T
  init(_ attributes: Attributes) throws(CNNError) { alpha = T(try attributes.float("alpha", default: 0.01)) }

  @inline(__always) func value(_ x: T) -> T { x < 0 ? alpha * x : x }
  @inline(__always) func slope(_ x: T) -> T { x < 0 ? alpha : 1 }
}

/// x where x > alpha, else 0.
struct ThresholdedRelu<T: Element>: Activation {
  private let alpha: T
  init(_ attributes: Attributes) throws(CNNError) { alpha = T(try attributes.float("alpha", default: 1)) }

  @inline(__always) func value(_ x: T) -> T { x <= alpha ? 0 : x }
  @inline(__always) func slope(_ x: T) -> T { x <= alpha ? 0 : 1 }
}

/// x, but not below min and not above max; max where min is above it. The limits are inputs, or up to opset 6 attributes.
struct Clip<T: Element>: Activation {
  static var inputs: [StaticString] { ["x", "min", "max"] }
  private let low: T, high: T

  init(_ attributes: Attributes) throws(CNNError) {
    func limit(_ input: Int, _ name: StaticString, _ none: Double) throws(CNNError) -> T {
      guard let numbers = try attributes.numbers(input: input, name) else {
        return T(try attributes.float(name, default: none))
      }
      guard numbers.count == 1 else { throw attributes.wrong(name, "one number, got \(numbers.count)") }
      return T(numbers[0])
    }
    low = try limit(1, "min", -.infinity)
    high = try limit(2, "max", .infinity)
  }
  var limits: (low: T, high: T)? { (low, high) }

  static var takesIntegers: Bool { true }
  func integer(_ x: Int64, isUnsigned: Bool) -> Int64 {
    if isUnsigned {
      let (low, high) = (UInt64(saturating: Double(low)), UInt64(saturating: Double(high)))
      return Int64(bitPattern: min(max(UInt64(bitPattern: x), low), high))
    }
    return min(max(x, Int64(saturating: Double(low))), Int64(saturating: Double(high)))
  }

  @inline(__always) func value(_ x: T) -> T {
    let y = x < low ? low : x
    return y > high ? high : y
  }
  @inline(__always) func slope(_ x: T) -> T { x < low || x > high ? 0 : 1 }
}

/// alpha * x + beta, but not below 0 and not above 1.
struct HardSigmoid<T: Element>: Activation {
  private let alpha: T, beta: T
  init(_ attributes: Attributes) throws(CNNError) {
    alpha = T(try attributes.float("alpha", default: 0.2))
    beta = T(try attributes.float("beta", default: 0.5))
  }

  @inline(__always) func value(_ x: T) -> T {
    let y = alpha * x + beta
    return y < 0 ? 0 : y > 1 ? 1 : y
  }
  @inline(__always) func slope(_ x: T) -> T {
    let y = alpha * x + beta
    return y <= 0 || y >= 1 ? 0 : alpha
  }
}
