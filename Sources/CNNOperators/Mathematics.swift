// The C library's functions for elements: computed in double, so that Float is rounded once. Here, so that they are specialised.
import CNNCore
import CPlatform

func exp<T: Element>(_ x: T) -> T { T(platform_exp(Double(x))) }
/// exp(x) - 1, exact near 0.
func expm1<T: Element>(_ x: T) -> T { T(platform_expm1(Double(x))) }
/// log(1 + x), exact near 0.
func log1p<T: Element>(_ x: T) -> T { T(platform_log1p(Double(x))) }
func log<T: Element>(_ x: T) -> T { T(platform_log(Double(x))) }
func sin<T: Element>(_ x: T) -> T { T(platform_sin(Double(x))) }
func cos<T: Element>(_ x: T) -> T { T(platform_cos(Double(x))) }
func tan<T: Element>(_ x: T) -> T { T(platform_tan(Double(x))) }
func asin<T: Element>(_ x: T) -> T { T(platform_asin(Double(x))) }
func acos<T: Element>(_ x: T) -> T { T(platform_acos(Double(x))) }
func atan<T: Element>(_ x: T) -> T { T(platform_atan(Double(x))) }
func sinh<T: Element>(_ x: T) -> T { T(platform_sinh(Double(x))) }
func cosh<T: Element>(_ x: T) -> T { T(platform_cosh(Double(x))) }
func asinh<T: Element>(_ x: T) -> T { T(platform_asinh(Double(x))) }
func acosh<T: Element>(_ x: T) -> T { T(platform_acosh(Double(x))) }
func atanh<T: Element>(_ x: T) -> T { T(platform_atanh(Double(x))) }
func erf<T: Element>(_ x: T) -> T { T(platform_erf(Double(x))) }
/// 1 - erf(x), exact where erf is near 1.
func erfc<T: Element>(_ x: T) -> T { T(platform_erfc(Double(x))) }
func pow<T: Element>(_ x: T, _ y: T) -> T { T(platform_pow(Double(x), Double(y))) }
/// 1 / (1 + exp(-x)): where exp overflows, it is 0.
func logistic<T: Element>(_ x: T) -> T { 1 / (1 + exp(-x)) }
