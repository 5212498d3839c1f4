// Arithmetic, comparisons and logic of integers and bools: in 64 bits, wrapping, with broadcasting. The last bits of a result are right for
// narrower types too.
import CNNCore

enum IntegerFunction {
  case sum, difference, product, quotient, power, least, largest
  /// The remainder with the sign of the divisor, as Python has it, or of the dividend, as C has it.
  case modulo, remainder
  case and, or, xor, bitAnd, bitOr, bitXor, shiftLeft, shiftRight
  case equal, less, lessOrEqual, greater, greaterOrEqual

  private var isLogical: Bool { self == .and || self == .or || self == .xor }
  private var isComparison: Bool {
    switch self {
    case .equal, .less, .lessOrEqual, .greater, .greaterOrEqual: true
    default: false
    }
  }
  func takes(_ type: ElementType) -> Bool { self == .equal || (type == .bool) == isLogical }
  var wanted: String { isLogical ? "bool" : "integers" }
  func result(_ type: ElementType) -> ElementType { isComparison ? .bool : type }

  func apply(_ a: AnyInput, _ b: AnyInput, _ y: AnyOutput) throws(CNNError) {
    let wideA = try Operand64(a, y.shape), wideB = try Operand64(b, y.shape)
    let isWide = y.type.stride == 8, scratch = try Scratch<Int64>(isWide ? 0 : y.shape.count)
    let result = isWide ? y.bound(to: Int64.self).data : scratch.data
    compute(wideA.data, wideB.data, result, y.shape.count, isUnsigned: a.type == .uint64)
    if !isWide { Wide.store(UnsafePointer(result), y, 0, y.shape.count) }
  }

  /// Of uint64 the bits are what a, b and y hold.
  private func compute(
    _ a: UnsafePointer<Int64>, _ b: UnsafePointer<Int64>, _ y: UnsafeMutablePointer<Int64>, _ count: Int, isUnsigned: Bool
  ) {
    @inline(__always) func each(_ f: (Int64, Int64) -> Int64) { for i in 0..<count { y[i] = f(a[i], b[i]) } }
    @inline(__always) func each(_ signed: (Int64, Int64) -> Int64, _ unsigned: (UInt64, UInt64) -> UInt64) {
      if isUnsigned {
        each { Int64(bitPattern: unsigned(UInt64(bitPattern: $0), UInt64(bitPattern: $1))) }
      } else {
        each(signed)
      }
    }
    switch self {
    case .sum: each(&+)
    case .difference: each(&-)
    case .product: each(&*)
    // By 0 it is the dividend: no processor's trap ends the process.
    case .quotient:
      each({ $0.dividedReportingOverflow(by: $1).partialValue }, { $0.dividedReportingOverflow(by: $1).partialValue })
    case .remainder: each({ Self.remainder($0, $1) }, { $1 == 0 ? 0 : $0 % $1 })
    case .modulo:
      each(
        {
          let rest = Self.remainder($0, $1)
          return rest != 0 && (rest < 0) != ($1 < 0) ? rest &+ $1 : rest
        }, { $1 == 0 ? 0 : $0 % $1 })
    case .power: each { Self.power($0, $1) }
    case .least: each({ min($0, $1) }, { min($0, $1) })
    case .largest: each({ max($0, $1) }, { max($0, $1) })
    case .and, .bitAnd: each(&)
    case .or, .bitOr: each(|)
    case .xor, .bitXor: each(^)
    case .shiftLeft: each { $1 < 64 && $1 >= 0 ? $0 << $1 : 0 }
    // Beyond all bits there are signs.
    case .shiftRight: each({ $1 < 64 && $1 >= 0 ? $0 >> $1 : $0 < 0 ? -1 : 0 }, { $1 < 64 ? $0 >> $1 : 0 })
    case .equal: each { $0 == $1 ? 1 : 0 }
    case .less: each({ $0 < $1 ? 1 : 0 }, { $0 < $1 ? 1 : 0 })
    case .lessOrEqual: each({ $0 <= $1 ? 1 : 0 }, { $0 <= $1 ? 1 : 0 })
    case .greater: each({ $0 > $1 ? 1 : 0 }, { $0 > $1 ? 1 : 0 })
    case .greaterOrEqual: each({ $0 >= $1 ? 1 : 0 }, { $0 >= $1 ? 1 : 0 })
    }
  }

  private static func remainder(_ a: Int64, _ b: Int64) -> Int64 {
    b == 0 ? 0 : a.remainderReportingOverflow(dividingBy: b).partialValue
  }
  /// By squares; of a negative exponent 0 but for the base 1 or -1.
  private static func power(_ base: Int64, _ exponent: Int64) -> Int64 {
    if exponent < 0 { return base == 1 ? 1 : base == -1 ? (exponent & 1 == 0 ? 1 : -1) : 0 }
    var (result, square, rest): (Int64, Int64, Int64) = (1, base, exponent)
    while rest > 0 {
      if rest & 1 == 1 { result = result &* square }
      square = square &* square
      rest >>= 1
    }
    return result
  }
}
