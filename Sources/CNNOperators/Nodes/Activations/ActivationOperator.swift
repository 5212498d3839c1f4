// The template of activations: y = f(x), any shape, with the gradient grad_y * f'(x). An activation is a small struct that states
// f and f' of one element; it is one line in Registry.swift.
import CNNCore

protocol Activation<T> {
  associatedtype T: Element
  /// ONNX's names of the inputs: those behind x may be absent.
  static var inputs: [StaticString] { get }
  /// Reads the attributes.
  init(_ attributes: Attributes) throws(CNNError)
  func value(_ x: T) -> T
  /// f'(x). Where f has a kink, one of the slopes beside it.
  func slope(_ x: T) -> T
  /// Where f only keeps x between these.
  var limits: (low: T, high: T)? { get }
  /// Whether f is of integers too, and what it is of them, in 64 bits; of uint64 as bits.
  static var takesIntegers: Bool { get }
  func integer(_ x: Int64, isUnsigned: Bool) -> Int64
}

extension Activation {
  static var inputs: [StaticString] { ["x"] }
  var limits: (low: T, high: T)? { nil }
  static var takesIntegers: Bool { false }
  func integer(_ x: Int64, isUnsigned: Bool) -> Int64 { x }
}

/// f and its gradient over arrays. An operator's initializer makes them because it is specialised for f and the element type, as a class's
/// methods are not.
struct ActivationLoops<T: Element> {
  let forward: (_ x: Input<T>, _ y: Output<T>) throws(CNNError) -> Void
  let backward: (_ x: Input<T>, _ gradY: Input<T>, _ gradX: Output<T>) throws(CNNError) -> Void

  @inline(__always) init<F: Activation>(_ f: F) where F.T == T {
    forward = { (x, y) throws(CNNError) in
      try forEachPiece(x.shape.count) { start, count in
        let x = x.data + start, y = y.data + start
        // In place has a loop of its own: the compiler makes vectors only of loops whose arrays are one or do not overlap.
        if x == UnsafePointer(y) {
          for i in 0..<count { y[i] = f.value(y[i]) }
        } else {
          for i in 0..<count { y[i] = f.value(x[i]) }
        }
      }
    }
    backward = { (x, gradY, gradX) throws(CNNError) in
      try forEachPiece(x.shape.count) { start, count in
        let x = x.data + start, gradY = gradY.data + start, gradX = gradX.data + start
        if gradY == UnsafePointer(gradX) {
          for i in 0..<count { gradX[i] *= f.slope(x[i]) }
        } else {
          for i in 0..<count { gradX[i] = gradY[i] * f.slope(x[i]) }
        }
      }
    }
  }
}

final class ActivationOperator<F: Activation>: Operator<F.T> {
  typealias T = F.T
  private let loops: ActivationLoops<T>
  private let mapIntegers: ((_ x: AnyInput, _ y: AnyOutput) throws(CNNError) -> Void)?
  private let isZeroOfZero: Bool, limitsOfF: (low: T, high: T)?

  init(_ attributes: Attributes) throws(CNNError) {
    let f = try F(attributes)
    loops = ActivationLoops(f)
    if F.takesIntegers {
      mapIntegers = { (x, y) throws(CNNError) in
        let wide = try Operand64(x, x.shape), result = try Scratch<Int64>(x.shape.count), isUnsigned = x.type == .uint64
        for i in 0..<x.shape.count { result.data[i] = f.integer(wide.data[i], isUnsigned: isUnsigned) }
        Wide.store(UnsafePointer(result.data), y, 0, x.shape.count)
      }
    } else {
      mapIntegers = nil
    }
    (isZeroOfZero, limitsOfF) = (f.value(0) == 0, f.limits)
    super.init(try Signature(attributes, inputs: F.inputs, required: 1))
  }

  override func imageRule(_ inputs: [Shape]) -> ImageRule { .first }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [inputs[0]] }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] {
    if mapIntegers != nil, let type = inputs[0], type.isInteger { return [type] }
    return try super.outputTypes(of: inputs)
  }
  override var mayOverwriteInputs: [Int] { [0] }
  override var limits: (low: T, high: T)? { limitsOfF }
  override func layoutRule(inputs: [Shape], _ mode: Mode) throws(CNNError) -> LayoutRule? { .elementwise(inputs[0]) }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    if let mapIntegers, let type = arrays.inputType(0), type != T.elementType {
      return try mapIntegers(arrays.anyInput(0), arrays.anyOutput())
    }
    let (x, y) = try arrays.elements()
    try loops.forward(x, y)
    if !isZeroOfZero { try arrays.clearOutside() }
  }

  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { [0] }
  override var gradientMayOverwrite: [Int] { [0] }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    if let (gradY, gradX) = try arrays.gradientElements() { try loops.backward(arrays.inputElements(), gradY, gradX) }
  }
}
