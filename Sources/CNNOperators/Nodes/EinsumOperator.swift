// Einsum: sums of products over the indices that `equation` names, as NumPy's einsum has them. Two arrays at a time: their indices are put in
// the order (batch, own, summed), and what is left is matrix products.
import CNNCore
import Microkernels

final class EinsumOperator<T: Element>: Operator<T> {
  private let equation: Equation

  init(_ attributes: Attributes) throws(CNNError) {
    let text = try attributes.string("equation", default: "")
    do throws(CNNError) { equation = try Equation(text.description, arrays: attributes.inputs.count) } catch {
      throw attributes.wrong("equation", "\(error.message), got \"\(text)\"")
    }
    super.init(try Signature(attributes, inputs: ["Inputs"], variadic: true))
  }

  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let sizes = try equation.sizes(inputs)
    return [try Shape("Output", extents: sizes.output.map { sizes.extent($0) })]
  }
  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    var inputs: [Input<T>] = []
    for i in 0..<arrays.inputCount { inputs.append(try arrays.input(i)) }
    let sizes = try equation.sizes(inputs.map { $0.shape }), y = try arrays.output()
    try contract(inputs, sizes.terms, sizes, to: y, sizes.output)
  }

  /// The gradient of one input is the same sum of products, of grad_y and the others, with the input's indices as the result; what the
  /// input alone was summed over, and what it was repeated over, follow.
  override var hasBackward: Bool { true }
  override var backwardReadsInputs: [Int] { Array(0..<signature.inputs.count) }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    var inputs: [Input<T>] = []
    for i in 0..<arrays.inputCount { inputs.append(try arrays.input(i)) }
    let sizes = try equation.sizes(inputs.map { $0.shape }), gradY = try arrays.gradOutput()
    for i in inputs.indices {
      guard let grad = try arrays.gradInput(i) else { continue }
      var others = inputs, terms = sizes.terms
      let own = terms.remove(at: i)
      others.remove(at: i)
      others.append(gradY)
      terms.append(sizes.output)
      // Indices that nobody else has: the gradient is the same along them.
      var distinct: [Int] = []
      for index in own where !distinct.contains(index) { distinct.append(index) }
      let shared = distinct.filter { index in terms.contains { $0.contains(index) } }
      let part = try Shape("grad", extents: shared.map { sizes.extent($0) }), scratch = try Scratch<T>(part.count)
      let result = Output("grad", part, scratch.data)
      try contract(others, terms, sizes, to: result, shared)
      // Into the input's own order: a repeated index is its diagonal, an extent of 1 that was repeated a sum.
      zero(grad.data, grad.shape.count)
      var from = StridedView(part).axes.map { $0 }, order: [StridedView.Axis] = []
      for index in distinct {
        if let place = shared.firstIndex(of: index) {
          order.append(from[place])
        } else {
          order.append(StridedView.Axis(extent: sizes.extent(index), stride: 0))
        }
      }
      from = order
      try StridedWalk.add(
        UnsafePointer(scratch.data), StridedView(axes: from), to: grad.data, diagonal(own, distinct, grad.shape, sizes))
    }
  }

  /// An array as its distinct indices have it.
  private func diagonal(_ term: [Int], _ distinct: [Int], _ shape: Shape, _ sizes: Equation.Sizes) -> StridedView {
    let all = StridedView(shape).axes
    return StridedView(
      axes: distinct.map { index in
        var stride = 0
        for (axis, other) in term.enumerated() where other == index && shape[axis] != 1 { stride += all[axis].stride }
        return StridedView.Axis(extent: sizes.extent(index), stride: stride)
      })
  }

  /// y, with the indices `wanted`, of arrays with those of `terms`.
  private func contract(
    _ inputs: [Input<T>], _ terms: [[Int]], _ sizes: Equation.Sizes, to y: Output<T>, _ wanted: [Int]
  ) throws(CNNError) {
    var left = try Factor(inputs[0], terms[0], sizes, keeping: Self.needed(terms.dropFirst(), wanted), view: diagonal)
    for i in 1..<max(1, inputs.count) {
      let later = Self.needed(terms.dropFirst(i + 1), wanted)
      let right = try Factor(inputs[i], terms[i], sizes, keeping: left.indices + later, view: diagonal)
      left = try left.times(right, sizes, keeping: later)
    }
    let order = wanted.map { index in left.indices.firstIndex(of: index) ?? 0 }
    try StridedWalk.copy(left.data, StridedView(left.shape).permuted(order), to: y.data, StridedView(y.shape))
  }
  private static func needed(_ terms: ArraySlice<[Int]>, _ wanted: [Int]) -> [Int] { terms.reduce(wanted) { $0 + $1 } }

  /// An array with distinct indices, in memory of its own.
  private struct Factor {
    let indices: [Int], shape: Shape
    private let memory: TypedArray
    var data: UnsafePointer<T> { memory.input("factor").bound(to: T.self).data }

    private init(_ indices: [Int], _ shape: Shape, _ memory: TypedArray) {
      (self.indices, self.shape, self.memory) = (indices, shape, memory)
    }
    /// Of an input: diagonals taken, and what nobody else needs summed.
    init(
      _ x: Input<T>, _ term: [Int], _ sizes: Equation.Sizes, keeping: [Int],
      view: ([Int], [Int], Shape, Equation.Sizes) -> StridedView
    ) throws(CNNError) {
      var distinct: [Int] = []
      for index in term where !distinct.contains(index) { distinct.append(index) }
      indices = distinct.filter { keeping.contains($0) }
      shape = try Shape("factor", extents: indices.map { sizes.extent($0) })
      memory = try TypedArray(shape, T.elementType)
      let to: Output<T> = AnyOutput("factor", shape, T.elementType, memory.data).bound(), axes = StridedView(shape).axes
      let places = distinct.map { index in
        if let place = indices.firstIndex(of: index) {
          axes[place]
        } else {
          StridedView.Axis(extent: sizes.extent(index), stride: 0)
        }
      }
      zero(to.data, shape.count)
      try StridedWalk.add(x.data, view(term, distinct, x.shape, sizes), to: to.data, StridedView(axes: places))
    }

    /// [batch][own][summed] . [batch][summed][own of other].
    func times(_ other: Factor, _ sizes: Equation.Sizes, keeping: [Int]) throws(CNNError) -> Factor {
      let common = indices.filter { other.indices.contains($0) }
      let batch = common.filter { keeping.contains($0) }, summed = common.filter { !keeping.contains($0) }
      let rows = indices.filter { !common.contains($0) }, columns = other.indices.filter { !common.contains($0) }
      func count(_ list: [Int]) -> Int { list.reduce(1) { $0 * sizes.extent($1) } }
      let (M, N, K) = (count(rows), count(columns), count(summed))
      let a = try ordered(batch + rows + summed, sizes), b = try other.ordered(batch + summed + columns, sizes)
      let result = batch + rows + columns, shape = try Shape("factor", extents: result.map { sizes.extent($0) })
      let product = try TypedArray(shape, T.elementType), y = product.data.assumingMemoryBound(to: T.self)
      for i in 0..<count(batch) {
        if K == 0 {
          zero(y + i * M * N, M * N)
          continue
        }
        try matrixProduct(
          M, N, K, MatrixView(data: a.data + i * M * K, rowStep: K, columnStep: 1),
          MatrixView(data: b.data + i * K * N, rowStep: N, columnStep: 1), bias: nil, y + i * M * N)
      }
      return withExtendedLifetime((a, b)) { Factor(result, shape, product) }
    }
    private func ordered(_ wanted: [Int], _ sizes: Equation.Sizes) throws(CNNError) -> Factor {
      if wanted == indices { return self }
      let turned = try Shape("factor", extents: wanted.map { sizes.extent($0) }), copy = try TypedArray(turned, T.elementType)
      let order = wanted.map { index in indices.firstIndex(of: index) ?? 0 }
      try StridedWalk.copy(
        data, StridedView(shape).permuted(order), to: copy.data.assumingMemoryBound(to: T.self), StridedView(turned))
      return Factor(wanted, turned, copy)
    }
  }
}

/// "ij,jk->ik": letters are indices; an ellipsis stands for any number of further axes, which broadcast; without an arrow the result has
/// those of the ellipsis, then the letters that come once, by alphabet.
struct Equation {
  /// Letters by their bytes; -1 for the ellipsis.
  private let inputs: [[Int]], output: [Int]?

  init(_ text: String, arrays: Int) throws(CNNError) {
    var terms: [[Int]] = [[]], result: [Int]?, isResult = false
    let bytes = text.utf8.filter { $0 != 0x20 }
    var i = 0
    while i < bytes.count {
      let byte = bytes[i]
      switch byte {
      case 0x41...0x5A, 0x61...0x7A:
        if isResult { result?.append(Int(byte)) } else { terms[terms.count - 1].append(Int(byte)) }
      case 0x2C where !isResult: terms.append([])
      case 0x2D where i + 1 < bytes.count && bytes[i + 1] == 0x3E && !isResult:
        (result, isResult) = ([], true)
        i += 1
      case 0x2E where i + 2 < bytes.count && bytes[i + 1] == 0x2E && bytes[i + 2] == 0x2E:
        if isResult { result?.append(-1) } else { terms[terms.count - 1].append(-1) }
        i += 2
      default: throw .argument("letters, commas, one arrow and ellipses")
      }
      i += 1
    }
    guard terms.count == arrays else { throw .argument("\(arrays) terms for as many inputs") }
    for list in terms + [result ?? []] where list.filter({ $0 == -1 }).count > 1 { throw .argument("one ellipsis a term") }
    if let result {
      for (i, index) in result.enumerated() {
        guard !result[..<i].contains(index), index == -1 || terms.contains(where: { $0.contains(index) }) else {
          throw .argument("a result of distinct indices of the inputs")
        }
      }
    }
    (inputs, output) = (terms, result)
  }

  /// Indices numbered, with their extents; those of the ellipsis counted from the last.
  struct Sizes {
    var terms: [[Int]] = [], output: [Int] = []
    fileprivate var extents: [(index: Int, extent: Int)] = []
    func extent(_ index: Int) -> Int { extents.first { $0.index == index }?.extent ?? 1 }
  }

  func sizes(_ shapes: [Shape]) throws(CNNError) -> Sizes {
    var sizes = Sizes(), most = 0
    for (term, shape) in zip(inputs, shapes) {
      let named = term.filter { $0 != -1 }.count, others = shape.rank - named
      guard term.contains(-1) ? others >= 0 : others == 0 else {
        throw .shape("Inputs: wanted \(named) axes, as the equation has, got shape \(shape.description)")
      }
      if term.contains(-1) { most = max(most, others) }
      var indices: [Int] = []
      for index in term { if index == -1 { for k in 0..<others { indices.append(k - others) } } else { indices.append(index) } }
      sizes.terms.append(indices)
      for (axis, index) in indices.enumerated() {
        if let known = sizes.extents.firstIndex(where: { $0.index == index }) {
          let extent = sizes.extents[known].extent
          guard extent == shape[axis] || extent == 1 || shape[axis] == 1 else {
            throw .shape("Inputs: one index has the extents \(extent) and \(shape[axis])")
          }
          if extent == 1 { sizes.extents[known].extent = shape[axis] }
        } else {
          sizes.extents.append((index, shape[axis]))
        }
      }
    }
    let ellipsis = (0..<most).map { $0 - most }
    if let output {
      for index in output { if index == -1 { sizes.output += ellipsis } else { sizes.output.append(index) } }
    } else {
      let letters = inputs.flatMap { $0 }.filter { $0 != -1 }
      sizes.output = ellipsis + letters.filter { letter in letters.filter { $0 == letter }.count == 1 }.sorted()
    }
    return sizes
  }
}
