// One battery of checks for every operator: an operator's tests are lines in `cases` (OperatorCases.swift).
import CNNCore
import CNNNetwork
import CNNOperators
import Testing

/// An operator with attributes, on inputs of these shapes.
struct OperatorCase: CustomTestStringConvertible, Sendable {
  let name: StaticString
  let attributes: [Attribute]
  let inputs: [Input]
  let reference: (@Sendable ([[Double]]) -> [Double])?
  /// Whether image n of the output depends on image n of input 0 alone, in training, and outside.
  let isPerImage: Bool, isPerImageInTraining: Bool
  /// How many the node has, and which of them is looked at; or their sum, broadcast to output 0.
  let outputs: Int, output: Int, addsOutputs: Bool

  enum Input: Sendable {
    /// A parameter: its gradient is checked. Numbers no two of which are alike, so that a small step changes no maximum.
    case shape([Int])
    /// A parameter of positive numbers.
    case positive([Int])
    /// A parameter of numbers in about -8…8, for functions that have several regions.
    case wide([Int])
    /// A buffer, such as a running statistic, all 1: no gradient.
    case buffer([Int])
    /// One constant number, such as a limit of Clip.
    case number(Double)
    /// A buffer of these numbers.
    case constant([Int], [Double])
    case integers([Int])
    /// Constant indices, or a mask.
    case typed([Int], [Int], ElementType)
    case absent
  }

  init(
    _ name: StaticString, _ attributes: [Attribute] = [], _ inputs: Input..., perImage: Bool = true,
    perImageInTraining: Bool? = nil, outputs: Int = 1, output: Int = 0, addsOutputs: Bool = false,
    reference: (@Sendable ([[Double]]) -> [Double])? = nil
  ) {
    (self.name, self.attributes, self.inputs, self.reference) = (name, attributes, inputs, reference)
    (isPerImage, isPerImageInTraining) = (perImage, perImageInTraining ?? perImage)
    (self.outputs, self.output, self.addsOutputs) = (outputs, output, addsOutputs)
  }

  /// Whether input 0 is of numbers that vary.
  var beginsWithArray: Bool {
    switch inputs.first {
    case .shape, .positive, .wide: true
    default: false
    }
  }
  /// Elements of input 0.
  var firstCount: Int {
    switch inputs.first {
    case .shape(let extents), .positive(let extents), .wide(let extents): extents.reduce(1, *)
    default: 1
    }
  }

  var testDescription: String {
    var text = "\(name)"
    for attribute in attributes { text += " \(attribute.name) \(attribute.value)" }
    for input in inputs { text += " \(input)" }
    return text
  }
}

extension Attribute {
  static func int(_ name: StaticString, _ value: Int) -> Attribute { Attribute(Name(name), .int(value)) }
  static func float(_ name: StaticString, _ value: Double) -> Attribute { Attribute(Name(name), .float(value)) }
  static func string(_ name: StaticString, _ value: Name) -> Attribute { Attribute(Name(name), .string(value)) }
  static func ints(_ name: StaticString, _ value: [Int]) -> Attribute { Attribute(Name(name), .ints(value)) }
  static func floats(_ name: StaticString, _ value: [Double]) -> Attribute { Attribute(Name(name), .floats(value)) }
}

func shape(_ extents: [Int]) throws -> Shape { try Shape("shape", rank: extents.count) { extents[$0] } }

/// Numbers in about -1…1, no two closer than 0.001 and none that close to 0, in no order.
func spread(_ count: Int, seed: Int) -> [Double] {
  var numbers = (0..<count).map { (Double($0) - Double(count) / 2 + 0.37) / max(Double(count), 8) * 2 }
  for i in stride(from: count - 1, to: 0, by: -1) {
    numbers.swapAt(i, Int(philox(counter: UInt64(i), key: UInt64(seed))[0]) % (i + 1))
  }
  return numbers
}

/// A network of one operator. In training its inputs are parameters; else input 0 is handed in.
final class OperatorRun<T: Element> {
  let graph = Graph<T>()
  var parameters: [(input: Int, values: [Double])] = []
  private let first: [T]
  private let firstShape: Shape
  private let isFirstHandedIn: Bool

  /// Nodes that add 0. Between them the operator's arrays are the plan's, and it may overwrite those that it says it can; beside
  /// them it has the same number, which random operators draw from, and arrays that are the caller's.
  enum Neighbours { case none, between, beside }

  /// `images`: only so many of input 0's images; `copies`: so many times as many.
  init(
    _ test: OperatorCase, handIn: Bool, images: Int? = nil, copies: Int = 1, neighbours: Neighbours = .none
  ) throws {
    isFirstHandedIn = handIn && test.beginsWithArray
    var values: [ValueID?] = [], first: [T] = [], firstShape = try Shape("x")
    for (i, input) in test.inputs.enumerated() {
      switch input {
      case .shape(var extents), .positive(var extents), .wide(var extents):
        if i == 0 { extents[0] *= copies }
        var numbers = spread(extents.reduce(1, *), seed: i)
        if case .positive = input { numbers = numbers.map { abs($0) + 0.5 } }
        if case .wide = input { numbers = numbers.map { $0 * 8 } }
        if i == 0 && handIn {
          if let images {
            numbers = Array(numbers[0..<numbers.count / extents[0] * images])
            extents[0] = images
          }
          (first, firstShape) = (numbers.map { T($0) }, try shape(extents))
          values.append(graph.input("x"))
          continue
        }
        parameters.append((i, numbers))
        values.append(
          try graph.parameter(Name("input \(i)"), shape(extents)) { array throws(CNNError) in
            for (place, number) in numbers.enumerated() { array.data[place] = T(number) }
          })
      case .buffer(let extents):
        values.append(
          try graph.buffer(Name("input \(i)"), shape(extents)) { array throws(CNNError) in
            array.data.update(repeating: 1, count: array.shape.count)
          })
      case .number(let number):
        values.append(
          try graph.buffer(Name("input \(i)"), shape([])) { array throws(CNNError) in array.data[0] = T(number) })
      case .constant(let extents, let numbers):
        values.append(
          try graph.buffer(Name("input \(i)"), shape(extents)) { array throws(CNNError) in
            for (place, number) in numbers.enumerated() { array.data[place] = T(number) }
          })
      case .typed(let extents, let numbers, let type):
        values.append(try graph.constant(Name("input \(i)"), .of(numbers, extents, type)))
      case .integers(let numbers): values.append(try graph.integers(Name("input \(i)"), numbers))
      case .absent: values.append(nil)
      }
    }
    (self.first, self.firstShape) = (first, firstShape)
    let zero = try graph.buffer("zero", shape([])) { array throws(CNNError) in array.data[0] = 0 }
    for (i, input) in test.inputs.enumerated() where neighbours != .none {
      switch input {
      case .shape, .positive, .wide:
        let same = try graph.add("Add", inputs: [values[i], zero])[0]
        if neighbours == .between { values[i] = same }
      default: break
      }
    }
    let outputs = try graph.add(Name(test.name), test.attributes, inputs: values, outputs: test.outputs)
    var result = outputs[test.output]
    for output in outputs[1...] where test.addsOutputs { result = try graph.add("Add", inputs: [result, output])[0] }
    if neighbours == .between { result = try graph.add("Add", inputs: [result, zero])[0] }
    try graph.setOutputs([result])
  }

  func execution(_ mode: Mode, _ layouts: LayoutChoice = .automatic) throws -> Execution<T> {
    try Execution(Plan(graph, inputs: isFirstHandedIn ? [firstShape] : [], mode: mode, layouts: layouts))
  }

  /// Output 0; checks that what is handed in and the parameters are as before.
  func forward(_ execution: Execution<T>, gradients: UnsafeMutablePointer<T>? = nil) throws -> [T] {
    let before = first, parametersBefore = try allParameters()
    try first.withUnsafeBufferPointer {
      try execution.forward(isFirstHandedIn ? [$0.baseAddress!] : [], graph, gradients: gradients, seed: 3)
    }
    #expect(first == before, "the caller's array was changed")
    #expect(try allParameters() == parametersBefore, "a parameter was changed")
    let y = try execution.output(0)
    return Array(UnsafeBufferPointer(start: y.data, count: y.shape.count))
  }
  private func allParameters() throws -> [T] {
    Array(UnsafeBufferPointer(start: try graph.parameters.memory(), count: graph.parameters.count))
  }

  /// The weights of the loss, sum of y * r.
  static func weights(_ count: Int) -> [Double] { spread(count, seed: 99) }
  func loss(_ execution: Execution<T>) throws -> Double {
    let y = try forward(execution)
    return zip(y, Self.weights(y.count)).reduce(0) { $0 + Double($1.0) * $1.1 }
  }

  /// The output, and the gradient of the loss by each parameter.
  func forwardBackward(_ layouts: LayoutChoice = .automatic) throws -> (y: [T], gradients: [[T]]) {
    let run = try execution(.train, layouts)
    let flat = try Block<T>(graph.parameters.count)
    flat.data.update(repeating: T.nan, count: flat.count)
    let y = try forward(run, gradients: flat.data)
    let gradient = try run.lossGradient(), weights = Self.weights(gradient.shape.count)
    for i in 0..<gradient.shape.count { gradient.data[i] = T(weights[i]) }
    try run.backward(seed: 3)
    let gradients = graph.parameters.entries.map { entry in
      (0..<entry.shape.count).map { flat.data[entry.offset + $0] }
    }
    return withExtendedLifetime(flat) { (y, gradients) }
  }
}

@Suite(.serialized) struct OperatorBattery {
  /// Central differences with a step of 1e-5 are off by its square times the third derivative, and by the loss's rounding over
  /// it: sums of some hundred numbers of size 1 in double, so about 1e-9; 1e-7 leaves room for what is multiplied.
  @Test(arguments: operatorCases) func gradientsAreThoseOfDifferences(_ test: OperatorCase) throws {
    let run = try OperatorRun<Double>(test, handIn: false)
    let gradients = try run.forwardBackward().gradients
    let plan = try run.execution(.train), step = 1e-5
    for (number, parameter) in run.parameters.enumerated() {
      let array = try run.graph.parameters.array(number)
      for i in 0..<array.shape.count {
        let value = array.data[i]
        array.data[i] = value + step
        let above = try run.loss(plan)
        array.data[i] = value - step
        let below = try run.loss(plan)
        array.data[i] = value
        let wanted = (above - below) / (2 * step), got = gradients[number][i]
        #expect(abs(got - wanted) <= 1e-7 * max(1, abs(wanted)), "input \(parameter.input), element \(i)")
      }
    }
  }

  /// Sums have at most some hundred terms of size 1: half an ulp each.
  @Test(arguments: operatorCases) func forwardIsWhatTheReferenceSays(_ test: OperatorCase) throws {
    guard let reference = test.reference else { return }
    let inputs = try OperatorRun<Double>(test, handIn: false).parameters.map(\.values)
    let wanted = reference(inputs)
    func check<T: Element>(_ y: [T], _ mode: Mode) {
      #expect(y.count == wanted.count)
      let wrong = zip(y, wanted).enumerated().filter { _, pair in
        !(abs(Double(pair.0) - pair.1) <= Double(T.ulpOfOne) * 128 * max(1, abs(pair.1)))
      }
      #expect(wrong.isEmpty, "elements \(wrong.prefix(5)) in \(mode)")
    }
    for mode in [Mode.train, .infer] {
      let single = try OperatorRun<Float>(test, handIn: true), double = try OperatorRun<Double>(test, handIn: false)
      check(try single.forward(single.execution(mode)), mode)
      check(try double.forward(double.execution(mode)), mode)
    }
  }

  @Test(arguments: operatorCases) func bitsAreTheSameTwiceAndForAnyNumberOfThreads(_ test: OperatorCase) throws {
    defer { try? Threads.set(0) }
    // Small work stays on one thread: images enough that there is some for several.
    let copies = test.isPerImage ? max(1, min(400, 200_000 / max(1, test.firstCount))) : 1
    func check<T: Element>(_: T.Type) throws {
      var first: (y: [T], gradients: [[T]], inferred: [T])?
      for threads in [1, 1, 2, 4] {
        try Threads.set(threads)
        let run = try OperatorRun<T>(test, handIn: false, copies: copies)
        let inferred = try run.forward(run.execution(.infer)), result = try run.forwardBackward()
        if let first {
          #expect(result.y == first.y && inferred == first.inferred, "\(threads) threads")
          #expect(result.gradients == first.gradients, "\(threads) threads")
        }
        first = first ?? (result.y, result.gradients, inferred)
      }
    }
    try check(Float.self)
    try check(Double.self)
  }

  @Test(arguments: operatorCases) func bitsAreTheSameInPlace(_ test: OperatorCase) throws {
    func check<T: Element>(_: T.Type) throws {
      let alone = try OperatorRun<T>(test, handIn: false, neighbours: .beside)
      let between = try OperatorRun<T>(test, handIn: false, neighbours: .between)
      let wanted = try alone.forwardBackward(), got = try between.forwardBackward()
      #expect(got.y == wanted.y && got.gradients == wanted.gradients, "in training")
      #expect(try between.forward(between.execution(.infer)) == alone.forward(alone.execution(.infer)), "in inference")
    }
    try check(Float.self)
    try check(Double.self)
  }

  /// In its blocked form, if it has one, an operator gives the numbers of its planar form: sums of at most some hundred terms of size 1,
  /// in another order.
  @Test(arguments: operatorCases) func numbersAreTheSameInBlockedLayouts(_ test: OperatorCase) throws {
    func check<T: Element>(_: T.Type) throws {
      func areClose(_ a: [T], _ b: [T], _ what: String) {
        let wrong = zip(a, b).enumerated().filter { !(abs($1.0 - $1.1) <= T.ulpOfOne * 128 * max(1, abs($1.1))) }
        #expect(a.count == b.count && wrong.isEmpty, "\(T.self) \(what): elements \(wrong.prefix(5))")
      }
      let run = try OperatorRun<T>(test, handIn: false, neighbours: .between)
      for mode in [Mode.train, .infer] {
        let blocked = try run.execution(mode, .blocked), planar = try run.execution(mode, .planar)
        if blocked.plan.stepCount == planar.plan.stepCount { continue }
        areClose(try run.forward(blocked), try run.forward(planar), "y in \(mode)")
        if mode == .infer { continue }
        let wanted = try run.forwardBackward(.planar).gradients, got = try run.forwardBackward(.blocked).gradients
        for i in wanted.indices { areClose(got[i], wanted[i], "gradient \(i)") }
      }
    }
    try check(Float.self)
    try check(Double.self)
  }

  /// What runs in parts says so, and is right: images are those of the batch (see the next).
  @Test(arguments: operatorCases) func onlyWhatGoesByImagesSaysSo(_ test: OperatorCase) throws {
    let run = try OperatorRun<Float>(test, handIn: true)
    guard test.beginsWithArray else { return }
    let inputs = try run.execution(.infer).plan.inputShapes
    if inputs[0].rank > 0, inputs[0][0] > 1, try run.graph.valuesByImages(inputs) != nil { #expect(test.isPerImage) }
  }

  @Test(arguments: operatorCases) func anImageHasTheBitsThatItHasInABatch(_ test: OperatorCase) throws {
    func check<T: Element>(_: T.Type, _ mode: Mode) throws {
      let whole = try OperatorRun<T>(test, handIn: true)
      let y = try whole.forward(whole.execution(mode))
      for images in [1, 2] {
        let part = try OperatorRun<T>(test, handIn: true, images: images)
        let some = try part.forward(part.execution(mode))
        #expect(some == Array(y[0..<some.count]), "\(images) images in \(mode)")
      }
    }
    if test.isPerImage {
      try check(Float.self, .infer)
      try check(Double.self, .infer)
    }
    if test.isPerImageInTraining {
      try check(Float.self, .train)
      try check(Double.self, .train)
    }
  }
}

/// An array of this shape for references, each element a function of its indices.
func array(_ shape: [Int], _ element: ([Int]) -> Double) -> [Double] {
  (0..<shape.reduce(1, *)).map { number in
    var index: [Int] = [], rest = number
    for extent in shape.reversed() {
      index.insert(rest % extent, at: 0)
      rest /= extent
    }
    return element(index)
  }
}
/// The place of an element in an array of this shape.
func place(_ shape: [Int], _ index: Int...) -> Int { zip(shape, index).reduce(0) { $0 * $1.0 + $1.1 } }

/// All indices of a shape of three axes, in C order.
func indices(_ a: Int, _ b: Int, _ c: Int) -> [(Int, Int, Int)] {
  (0..<a * b * c).map { ($0 / (b * c), $0 / c % b, $0 % c) }
}
