// The C library's functions for elements: computed in double, so that Float is rounded once. Here, so that they are specialised.
import CNNCore
import CPlatform

func exp<T: Element>(_ x: T) -> T { T(platform_exp(Double(x))) }
/// exp(x) - 1, exact near 0.
func expm1<T: Element>(_ x: T) -> T { T(platform_expm1(Double(x))) }
/// log(1 + x), exact near 0.
func log1p<T: Element>(_ x: T) -> T { T(platform_log1p(Double(x))) }
/// 1 - erf(x), exact where erf is near 1.
func erfc<T: Element>(_ x: T) -> T { T(platform_erfc(Double(x))) }
func pow<T: Element>(_ x: T, _ y: T) -> T { T(platform_pow(Double(x), Double(y))) }
/// 1 / (1 + exp(-x)): where exp overflows, it is 0.
func logistic<T: Element>(_ x: T) -> T { 1 / (1 + exp(-x)) }
