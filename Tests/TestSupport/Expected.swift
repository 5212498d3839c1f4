// Numbers to compute with, and expected ones that know how far from them another order of the same operations may come.

/// Numbers in -2...2, no two neighbours alike, whose products and sums have to be rounded.
public func numbers<T: BinaryFloatingPoint>(_ count: Int, _ seed: Int = 1, of _: T.Type = T.self) -> [T] {
  (0..<count).map { T(($0 * 7919 + seed * 104_729) % 2003 - 1001) / 501 }
}

/// What a plain loop gives, and how far from it a kernel may be.
///
/// A sum of n terms, added in any order, is within n half units in the last place of the sum of their absolute values (Higham
/// 2002, "Accuracy and Stability of Numerical Algorithms", section 4.2), and so is the plain loop's. Terms are made of up to
/// three operations more, each rounded or fused with the next. What is not a sum has to be equal.
public struct Expected<T: BinaryFloatingPoint> {
  public private(set) var value: T, tolerance: T = 0
  private var terms = 1, size: T

  public init(_ value: T) {
    self.value = value
    size = abs(value)
  }
  public init(_ value: T, within tolerance: T) {
    self.init(value)
    self.tolerance = tolerance
  }
  public static func += (sum: inout Expected, term: T) {
    sum.value += term
    sum.size += abs(term)
    sum.terms += 1
    sum.tolerance = T(sum.terms + 3) * T.ulpOfOne * sum.size
  }
  /// Not below low and not above high.
  public func limited(_ low: T, _ high: T) -> Expected {
    Expected(value < low ? low : value > high ? high : value, within: tolerance)
  }
  public func matches(_ got: T) -> Bool { got == value || got.isNaN && value.isNaN || abs(got - value) <= tolerance }
}
