// Range: start, start + delta, … to before limit.
import CNNCore

final class RangeOperator<T: Element>: Operator<T> {
  private let start: Double, delta: Double, count: Int
  /// Of integers, exactly.
  private let integers: (start: Int, delta: Int)?

  init(_ attributes: Attributes) throws(CNNError) {
    var numbers: [Double] = [], whole: [Int] = []
    for (i, name) in (["start", "limit", "delta"] as [StaticString]).enumerated() {
      let given = try attributes.numbers(input: i, name) ?? []
      guard given.count == 1 else { throw attributes.wrong(name, "one number, got \(given.count)") }
      numbers.append(given[0])
      if i < attributes.inputs.count, case .constant(let array) = attributes.inputs[i], array.type.isInteger {
        whole.append(array.integer(0))
      }
    }
    (start, delta) = (numbers[0], numbers[2])
    guard delta != 0 else { throw attributes.wrong("delta", "a number that is not 0") }
    let steps = ((numbers[1] - start) / delta).rounded(.up)
    guard steps < 0x1p40 else { throw attributes.wrong("limit", "fewer than 2^40 elements, got \(steps)") }
    count = max(0, Int(saturating: steps))
    integers = whole.count == 3 ? (whole[0], whole[2]) : nil
    super.init(try Signature(attributes, inputs: ["start", "limit", "delta"]))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] { [try Shape("output", count)] }
  override func outputTypes(of inputs: [ElementType?]) throws(CNNError) -> [ElementType] { [inputs[0] ?? T.elementType] }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let y = try arrays.anyOutput()
    guard y.type != T.elementType else {
      let y = try arrays.output()
      for i in 0..<count { y.data[i] = T(start + Double(i) * delta) }
      return
    }
    let (first, step) = integers ?? (Int(saturating: start), Int(saturating: delta)), scratch = try Scratch<Int64>(count)
    for i in 0..<count { scratch.data[i] = Int64(first &+ i &* step) }
    Wide.store(UnsafePointer(scratch.data), y, 0, count)
  }
}
