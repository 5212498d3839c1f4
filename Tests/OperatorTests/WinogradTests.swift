// Winograd's algorithm against the exact one in float64, forward and backward, planar and blocked. Which shapes get it is the formula's
// to say: it must be among these.
import CNNCore
import CNNOperators
import TestSupport
import Testing

@Suite struct WinogradTests {
  struct Case: Sendable {
    let N: Int, C: Int, K: Int, image: (Int, Int)
    var pads = (1, 1, 1, 1), stride = 1

    func convolution(exact: Bool = false) throws -> Convolution {
      try Convolution(strides: [stride, stride], pads: [pads.0, pads.1, pads.2, pads.3], exact: exact)
    }
  }
  /// All sizes of tiles, alone and with one another; one block of tiles and several, of rows and of images; channels that do not fill a
  /// block, odd numbers of blocks; filters transformed in place and beforehand; every padding.
  private static let cases = [
    Case(N: 1, C: 64, K: 48, image: (7, 7)), Case(N: 9, C: 33, K: 70, image: (7, 7)),
    Case(N: 2, C: 37, K: 49, image: (13, 6), pads: (0, 1, 2, 0)), Case(N: 1, C: 40, K: 24, image: (28, 29), pads: (2, 2, 2, 2)),
    Case(N: 3, C: 16, K: 16, image: (14, 14)), Case(N: 2, C: 31, K: 65, image: (5, 9), pads: (1, 0, 1, 2)),
    Case(N: 1, C: 129, K: 96, image: (8, 11), pads: (0, 0, 0, 0)), Case(N: 2, C: 96, K: 32, image: (2, 3)),
    Case(N: 70, C: 24, K: 24, image: (4, 4)), Case(N: 1, C: 8, K: 8, image: (33, 34)),
    Case(N: 2, C: 32, K: 5, image: (28, 28)), Case(N: 2, C: 6, K: 32, image: (28, 28)),
    // The same where windows are 2 apart; grad_x goes that way for even sizes and a pad of one.
    Case(N: 1, C: 64, K: 48, image: (14, 14), stride: 2), Case(N: 9, C: 33, K: 70, image: (14, 14), stride: 2),
    Case(N: 2, C: 37, K: 49, image: (26, 12), pads: (1, 1, 2, 0), stride: 2),
    Case(N: 3, C: 16, K: 16, image: (28, 28), stride: 2),
    Case(N: 1, C: 40, K: 24, image: (57, 58), pads: (2, 2, 2, 2), stride: 2),
    Case(N: 1, C: 129, K: 96, image: (16, 22), stride: 2),
    Case(N: 2, C: 96, K: 32, image: (4, 6), stride: 2), Case(N: 70, C: 24, K: 24, image: (9, 9), pads: (0, 0, 0, 0), stride: 2),
    Case(N: 1, C: 32, K: 32, image: (66, 68), pads: (1, 1, 0, 0), stride: 2),
    // Pads beyond the window's span: grad_x is direct.
    Case(N: 1, C: 32, K: 32, image: (16, 16), pads: (1, 1, 3, 4)),
  ]

  @Test(arguments: cases.indices) func againstExact(_ index: Int) throws {
    // 3e-6 of the largest element and no more with so few channels: a tenth of what the points 0, 1, -1, 2, -2 would need at times.
    try compare(Self.cases[index], of: Float.self, within: 6e-6)
    try compare(Self.cases[index], of: Double.self, within: 1e-14)
  }

  private func compare<T: Element>(_ o: Case, of _: T.Type, within tolerance: Double) throws {
    let x = try Tensor<T>(o.N, o.C, o.image.0, o.image.1) { numbers($0, 1) }
    let weight = try Tensor<T>(o.K, o.C, 3, 3) { numbers($0, 2) }, bias = try Tensor<T>(o.K) { numbers($0, 3) }
    let shape = try o.convolution().outputShape(x.shape, weight.shape)
    let gradY = try Tensor<T>(shape[0], shape[1], shape[2], shape[3]) { numbers($0, 4) }
    let y = try Tensor<T>(shape[0], shape[1], shape[2], shape[3])
    let gradX = try Tensor<T>(o.N, o.C, o.image.0, o.image.1), gradWeight = try Tensor<T>(o.K, o.C, 3, 3)
    try o.convolution().forward(x.input, weight.input, bias.input, y.output, relu: true)
    try o.convolution().backward(
      x.input, weight.input, gradY.input, gradX: gradX.output, gradWeight: gradWeight.output, gradBias: nil)

    func wide(_ t: Tensor<T>) throws -> Tensor<Double> {
      let wide = try Tensor<Double>(t.shape.count)
      for i in 0..<t.shape.count { wide.data[i] = Double(t.data[i]) }
      return wide
    }
    func wide(_ t: Tensor<T>, _ name: StaticString) throws -> (Tensor<Double>, Input<Double>) {
      let wide = try wide(t)
      return (wide, Input(name, t.shape, wide.data))
    }
    let (x64, xInput) = try wide(x, "x"), (w64, wInput) = try wide(weight, "weight"), (b64, bInput) = try wide(bias, "bias")
    let (g64, gInput) = try wide(gradY, "grad_y")
    let exact = try o.convolution(exact: true), yExact = try Tensor<Double>(shape.count)
    try exact.forward(xInput, wInput, bInput, Output("y", shape, yExact.data), relu: false)
    let gxExact = try Tensor<Double>(x.shape.count), gwExact = try Tensor<Double>(weight.shape.count)
    try exact.backward(
      xInput, wInput, gInput, gradX: Output("grad_x", x.shape, gxExact.data),
      gradWeight: Output("grad_weight", weight.shape, gwExact.data), gradBias: nil)

    func expect(_ got: Tensor<T>, _ wanted: (Int) -> Double, _ what: String) {
      let count = got.shape.count, largest = (0..<count).reduce(0) { max($0, abs(wanted($1))) }
      got.block.expect(
        (0..<count).map { Expected(T(wanted($0)), within: T(tolerance * largest)) }, "\(what) of \(o)")
    }
    expect(y, { max(0, yExact.data[$0]) }, "y")
    expect(gradX, { gxExact.data[$0] }, "grad_x")
    expect(gradWeight, { gwExact.data[$0] }, "grad_weight")
    try compareBlocked(o, x, weight, bias, gradY, (yExact, gxExact, gwExact), within: tolerance)
    withExtendedLifetime((x64, w64, b64, g64)) {}
  }

  /// The same between blocked arrays, with a residual and limits.
  private func compareBlocked<T: Element>(
    _ o: Case, _ x: Tensor<T>, _ weight: Tensor<T>, _ bias: Tensor<T>, _ gradY: Tensor<T>,
    _ exact: (y: Tensor<Double>, gradX: Tensor<Double>, gradWeight: Tensor<Double>), within tolerance: Double
  ) throws {
    guard
      let form = try BlockedConvolution<T>(o.convolution(), x: x.shape, weight: weight.shape, fewChannels: false, blocked: true)
    else {
      Issue.record("no blocked form of \(o)")
      return
    }
    let prepared = Block<T>(untouched: form.preparedCount)
    try form.prepare(weight.data, factor: nil, bias: bias.data, prepared.data)
    let halo = max(form.gradientHalo, 1)
    let input = try Blocked<T>(x.shape, halo: form.halo + 1, x.data), y = try Blocked<T>(gradY.shape, halo: 1)
    let added = try Blocked<T>(gradY.shape, halo: 0, gradY.data), (low, high): (T, T) = (-1, 100)
    try form.forward(
      .blocked(input.array), prepared.data, .blocked(y.array), Epilogue(residual: added.array, limits: (low, high)))
    func expected(_ wanted: Tensor<Double>, _ finish: (Int, Double) -> Double = { $1 }) -> [Expected<T>] {
      let count = wanted.shape.count, largest = (0..<count).reduce(0) { max($0, abs(wanted.data[$1])) }
      return (0..<count).map { Expected(T(finish($0, wanted.data[$0])), within: T(tolerance * largest)) }
    }
    y.expect(expected(exact.y) { min(max($1 + Double(gradY.data[$0]), Double(low)), Double(high)) }, "blocked y of \(o)")

    let gradient = try Blocked<T>(gradY.shape, halo: halo, gradY.data), gradX = try Blocked<T>(x.shape, halo: form.halo)
    let gradWeight = Block<T>(untouched: weight.shape.count)
    try form.backward(
      input.array, weight.data, gradient.array, gradX: gradX.array, gradWeight: gradWeight.data, gradBias: nil)
    gradX.expect(expected(exact.gradX), "blocked grad_x of \(o)")
    gradWeight.expect(expected(exact.gradWeight), "grad_weight of \(o)")
  }

  /// The formula takes it where it is far ahead, and never where an exact result is wanted.
  @Test func isReached() throws {
    let o = Case(N: 1, C: 64, K: 64, image: (28, 28))
    let x = try Tensor<Float>(o.N, o.C, o.image.0, o.image.1) { numbers($0, 1) }
    let weight = try Tensor<Float>(o.K, o.C, 3, 3) { numbers($0, 2) }
    let y = try Tensor<Float>(1, 64, 28, 28), exact = try Tensor<Float>(1, 64, 28, 28)
    try o.convolution().forward(x.input, weight.input, nil, y.output)
    try o.convolution(exact: true).forward(x.input, weight.input, nil, exact.output)
    #expect((0..<y.shape.count).contains { y.data[$0] != exact.data[$0] })
  }

  /// Of many pairs of channels, and of so few that the rows of points are tasks too.
  @Test(arguments: [(48, 40, 1), (16, 16, 1), (32, 24, 2)])
  func sameBitsForAnyNumberOfThreads(_ C: Int, _ K: Int, _ stride: Int) throws {
    let o = Case(N: 25, C: C, K: K, image: (15, 18), stride: stride)
    let x = try Tensor<Float>(o.N, o.C, o.image.0, o.image.1) { numbers($0, 1) }
    let weight = try Tensor<Float>(o.K, o.C, 3, 3) { numbers($0, 2) }
    let shape = try o.convolution().outputShape(x.shape, weight.shape)
    let gradY = try Tensor<Float>(shape[0], shape[1], shape[2], shape[3]) { numbers($0, 4) }
    func run(_ threads: Int) throws -> [[Float]] {
      try Threads.set(threads)
      defer { try? Threads.set(0) }
      let y = try Tensor<Float>(shape[0], shape[1], shape[2], shape[3])
      let gradX = try Tensor<Float>(o.N, o.C, o.image.0, o.image.1), gradWeight = try Tensor<Float>(o.K, o.C, 3, 3)
      try o.convolution().forward(x.input, weight.input, nil, y.output)
      try o.convolution().backward(
        x.input, weight.input, gradY.input, gradX: gradX.output, gradWeight: gradWeight.output, gradBias: nil)
      return [y, gradX, gradWeight].map { t in (0..<t.shape.count).map { t.data[$0] } }
    }
    let one = try run(1)
    for threads in [2, 3, 8] { #expect(try run(threads) == one) }
  }
}
