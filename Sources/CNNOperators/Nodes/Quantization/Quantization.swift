// What the quantised operators share: a real number is scale * (q - zero point). Products are computed in float64, which holds them and
// their sums exactly.
import CNNCore
import Microkernels

/// Scales or zero points: one number, one for each element of an axis, or one for each block along it.
struct QuantizationParameters {
  private let kind: Kind
  private enum Kind {
    case one, axis(K: Int, inner: Int)
    /// x's extents along and behind the axis, blocks of so many elements, and blocks along the axis.
    case blocks(K: Int, inner: Int, size: Int, count: Int)
  }

  init(_ parameters: Shape, of x: Shape, axis: Int, blockSize: Int = 0, _ name: StaticString) throws(CNNError) {
    if parameters.count == 1 && blockSize == 0 {
      kind = .one
      return
    }
    let axis = try resolve(axis: axis, rank: x.rank, "axis"), rows = AxisRows(x, axis: axis)
    if blockSize > 0 {
      let count = (rows.K + blockSize - 1) / blockSize
      guard parameters == (try Shape(name, rank: x.rank) { $0 == axis ? count : x[$0] }) else {
        throw .shape(
          "\(name): shape \(parameters.description) does not fit blocks of \(blockSize) along axis \(axis) of \(x.description)")
      }
      kind = .blocks(K: rows.K, inner: rows.inner, size: blockSize, count: count)
    } else {
      guard parameters.count == rows.K, parameters.rank == 1 || parameters.rank == x.rank else {
        throw .shape("\(name): wanted one number or \(rows.K), as axis \(axis) has, got shape \(parameters.description)")
      }
      kind = .axis(K: rows.K, inner: rows.inner)
    }
  }
  /// Which of them element i of x has.
  @inline(__always) func place(_ i: Int) -> Int {
    switch kind {
    case .one: 0
    case .axis(let K, let inner): i / inner % K
    case .blocks(let K, let inner, let size, let count):
      (i / (inner &* K) &* count &+ i / inner % K / size) &* inner &+ i % inner
    }
  }
}

extension ElementType {
  /// The integers that it has, as far as float64 tells them apart.
  var limits: (low: Double, high: Double) {
    switch self {
    case .int8: (-128, 127)
    case .uint8: (0, 255)
    case .int16: (-32768, 32767)
    case .uint16: (0, 65535)
    case .int32: (-2147483648, 2147483647)
    case .uint32: (0, 4294967295)
    default: (-0x1p62, 0x1p62)
    }
  }
}

/// An array as float64, less zero points.
func shifted(_ x: AnyInput, zeroPoints: AnyInput?, axis: Int, _ name: StaticString) throws(CNNError) -> TypedArray {
  let result = try TypedArray(x.shape, .float64), y = result.data.assumingMemoryBound(to: Double.self)
  try convert(x, to: AnyOutput(x.name, x.shape, .float64, y), Double.self)
  guard let zeroPoints else { return result }
  let zeros = try OperandNumbers<Double>(zeroPoints, zeroPoints.shape), z = zeros.data
  let places = try QuantizationParameters(zeroPoints.shape, of: x.shape, axis: axis, name)
  for i in 0..<x.shape.count { y[i] -= z[places.place(i)] }
  return result
}

/// q = round(number) + zero point, halves to even, kept within the type.
func quantize(_ count: Int, _ y: AnyOutput, _ number: (Int) -> Double, zeroPoint: (Int) -> Double) throws(CNNError) {
  let scratch = try Scratch<Int64>(count), limits = y.type.limits, wide = scratch.data
  for i in 0..<count {
    let q = number(i).rounded(.toNearestOrEven) + zeroPoint(i)
    wide[i] = Int64(saturating: min(max(q, limits.low), limits.high))
  }
  Wide.store(UnsafePointer(wide), y, 0, count)
}

extension Operator {
  /// Throws where an input that is there is of no type of quantised numbers.
  func wantQuantized(_ i: Int, _ inputs: [ElementType?]) throws(CNNError) {
    guard i < inputs.count, let type = inputs[i], !type.isInteger else { return }
    throw wrongType(i, "integers", type)
  }
  func wantNumbers(_ i: Int, _ inputs: [ElementType?]) throws(CNNError) {
    guard i < inputs.count, let type = inputs[i], type != T.elementType else { return }
    throw wrongType(i, "\(T.elementType.description)", type)
  }
}
