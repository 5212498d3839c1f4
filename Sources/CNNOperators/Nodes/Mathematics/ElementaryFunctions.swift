// Elementary functions of each element: powers, logarithms, circular and hyperbolic functions and their inverses. Activations without
// attributes, as far as the template sees.
import CNNCore

/// A function without attributes.
protocol ElementaryFunction: Activation {
  init()
}
extension ElementaryFunction {
  init(_ attributes: Attributes) throws(CNNError) { self.init() }
}

struct Sqrt<T: Element>: ElementaryFunction {
  @inline(__always) func value(_ x: T) -> T { x.squareRoot() }
  @inline(__always) func slope(_ x: T) -> T { 0.5 / x.squareRoot() }
}
struct Reciprocal<T: Element>: ElementaryFunction {
  @inline(__always) func value(_ x: T) -> T { 1 / x }
  @inline(__always) func slope(_ x: T) -> T { -1 / (x * x) }
}
struct Exp<T: Element>: ElementaryFunction {
  @inline(__always) func value(_ x: T) -> T { exp(x) }
  @inline(__always) func slope(_ x: T) -> T { exp(x) }
}
struct Log<T: Element>: ElementaryFunction {
  @inline(__always) func value(_ x: T) -> T { log(x) }
  @inline(__always) func slope(_ x: T) -> T { 1 / x }
}
struct Erf<T: Element>: ElementaryFunction {
  @inline(__always) func value(_ x: T) -> T { erf(x) }
  @inline(__always) func slope(_ x: T) -> T { 1.1283791670955126 * exp(-x * x) }  // 2 / sqrt(pi)
}

struct Sin<T: Element>: ElementaryFunction {
  @inline(__always) func value(_ x: T) -> T { sin(x) }
  @inline(__always) func slope(_ x: T) -> T { cos(x) }
}
struct Cos<T: Element>: ElementaryFunction {
  @inline(__always) func value(_ x: T) -> T { cos(x) }
  @inline(__always) func slope(_ x: T) -> T { -sin(x) }
}
struct Tan<T: Element>: ElementaryFunction {
  @inline(__always) func value(_ x: T) -> T { tan(x) }
  @inline(__always) func slope(_ x: T) -> T {
    let y = tan(x)
    return 1 + y * y
  }
}
struct Asin<T: Element>: ElementaryFunction {
  @inline(__always) func value(_ x: T) -> T { asin(x) }
  @inline(__always) func slope(_ x: T) -> T { 1 / (1 - x * x).squareRoot() }
}
struct Acos<T: Element>: ElementaryFunction {
  @inline(__always) func value(_ x: T) -> T { acos(x) }
  @inline(__always) func slope(_ x: T) -> T { -1 / (1 - x * x).squareRoot() }
}
struct Atan<T: Element>: ElementaryFunction {
  @inline(__always) func value(_ x: T) -> T { atan(x) }
  @inline(__always) func slope(_ x: T) -> T { 1 / (1 + x * x) }
}

struct Sinh<T: Element>: ElementaryFunction {
  @inline(__always) func value(_ x: T) -> T { sinh(x) }
  @inline(__always) func slope(_ x: T) -> T { cosh(x) }
}
struct Cosh<T: Element>: ElementaryFunction {
  @inline(__always) func value(_ x: T) -> T { cosh(x) }
  @inline(__always) func slope(_ x: T) -> T { sinh(x) }
}
struct Asinh<T: Element>: ElementaryFunction {
  @inline(__always) func value(_ x: T) -> T { asinh(x) }
  @inline(__always) func slope(_ x: T) -> T { 1 / (x * x + 1).squareRoot() }
}
struct Acosh<T: Element>: ElementaryFunction {
  @inline(__always) func value(_ x: T) -> T { acosh(x) }
  @inline(__always) func slope(_ x: T) -> T { 1 / (x * x - 1).squareRoot() }
}
struct Atanh<T: Element>: ElementaryFunction {
  @inline(__always) func value(_ x: T) -> T { atanh(x) }
  @inline(__always) func slope(_ x: T) -> T { 1 / (1 - x * x) }
}
