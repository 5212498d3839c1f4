// Signs and roundings of each element. Of integers too, where that means something.
import CNNCore

struct Abs<T: Element>: ElementaryFunction {
  @inline(__always) func value(_ x: T) -> T { abs(x) }
  @inline(__always) func slope(_ x: T) -> T { x > 0 ? 1 : x < 0 ? -1 : 0 }

  static var takesIntegers: Bool { true }
  func integer(_ x: Int64, isUnsigned: Bool) -> Int64 { !isUnsigned && x < 0 ? 0 &- x : x }
}
struct Neg<T: Element>: ElementaryFunction {
  @inline(__always) func value(_ x: T) -> T { -x }
  @inline(__always) func slope(_ x: T) -> T { -1 }

  static var takesIntegers: Bool { true }
  func integer(_ x: Int64, isUnsigned: Bool) -> Int64 { 0 &- x }
}
/// -1, 0 or 1; NaN stays NaN.
struct Sign<T: Element>: ElementaryFunction {
  @inline(__always) func value(_ x: T) -> T { x > 0 ? 1 : x < 0 ? -1 : x }
  @inline(__always) func slope(_ x: T) -> T { 0 }

  static var takesIntegers: Bool { true }
  func integer(_ x: Int64, isUnsigned: Bool) -> Int64 { x == 0 ? 0 : isUnsigned || x > 0 ? 1 : -1 }
}

// Steps: their slope is 0.

struct Floor<T: Element>: ElementaryFunction {
  @inline(__always) func value(_ x: T) -> T { x.rounded(.down) }
  @inline(__always) func slope(_ x: T) -> T { 0 }
}
struct Ceil<T: Element>: ElementaryFunction {
  @inline(__always) func value(_ x: T) -> T { x.rounded(.up) }
  @inline(__always) func slope(_ x: T) -> T { 0 }
}
/// Halves to even.
struct Round<T: Element>: ElementaryFunction {
  @inline(__always) func value(_ x: T) -> T { x.rounded(.toNearestOrEven) }
  @inline(__always) func slope(_ x: T) -> T { 0 }
}

/// x, bias nearer to 0 where it is further than lambd from it; else 0.
struct Shrink<T: Element>: Activation {
  private let bias: T, limit: T
  init(_ attributes: Attributes) throws(CNNError) {
    bias = T(try attributes.float("bias", default: 0))
    limit = T(try attributes.float("lambd", default: 0.5))
  }

  @inline(__always) func value(_ x: T) -> T { x < -limit ? x + bias : x > limit ? x - bias : x.isNaN ? x : 0 }
  @inline(__always) func slope(_ x: T) -> T { x < -limit || x > limit ? 1 : 0 }
}
