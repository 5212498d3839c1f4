// Operators on channel-blocked arrays against plain loops over planar ones.
import CNNCore
import CNNOperators
import TestSupport
import Testing

/// A blocked array that ends where an inaccessible page begins, and a planar one to compare it with.
struct Blocked<T: Element> {
  let array: BlockedArray<T>, block: Block<T>

  /// Untouched, halo and all; or of a planar array.
  init(_ shape: Shape, halo: Int, _ values: UnsafePointer<T>? = nil) throws {
    block = Block([T](repeating: .untouched, count: try ArrayLayout.blocked(halo: halo).count(shape, of: T.self)))
    array = try BlockedArray(shape, halo: halo, block.data)
    if let values { try array.fill(values) }
  }

  /// Every element in memory, where a planar array has these and everything else is 0.
  func expect(_ planar: [Expected<T>], _ what: String, location: SourceLocation = #_sourceLocation) {
    let (B, a) = (T.lanes, array)
    var wanted = [Expected<T>](repeating: Expected(0), count: a.count)
    for (i, value) in planar.enumerated() {
      let (n, c, h, w) = (i / (a.C * a.H * a.W), i / (a.H * a.W) % a.C, i / a.W % a.H, i % a.W)
      wanted[n * a.imageStep + c / B * a.blockStep + (h + a.halo) * a.rowStep + (w + a.halo) * B + c % B] = value
    }
    block.expect(wanted, what, location: location)
  }
}

@Suite struct BlockedTests {
  struct Case: Sendable {
    var N = 2
    let C: Int, K: Int
    var groups = 1
    var kernel = (3, 3)
    var strides = (1, 1)
    var dilations = (1, 1)
    var pads = (1, 1, 1, 1)
    let image: (Int, Int)
    /// Of x, of y, of the residual.
    var halo = (1, 0, 0)

    func convolution() throws -> Convolution {
      try Convolution(
        strides: [strides.0, strides.1], pads: [pads.0, pads.1, pads.2, pads.3], dilations: [dilations.0, dilations.1],
        groups: groups, exact: true)
    }
  }
  private static let cases = [
    Case(N: 1, C: 1, K: 1, kernel: (1, 1), pads: (0, 0, 0, 0), image: (1, 1), halo: (0, 0, 0)),
    Case(C: 32, K: 64, kernel: (1, 1), pads: (0, 0, 0, 0), image: (5, 31), halo: (0, 0, 0)),
    Case(N: 3, C: 19, K: 50, kernel: (1, 1), pads: (0, 0, 0, 0), image: (7, 7), halo: (1, 2, 0)),
    Case(N: 2, C: 42, K: 110, groups: 2, kernel: (1, 1), pads: (0, 0, 0, 0), image: (17, 19), halo: (0, 1, 0)),
    Case(N: 1, C: 300, K: 41, kernel: (1, 1), pads: (0, 0, 0, 0), image: (12, 29), halo: (0, 0, 1)),
    // Planes in several bands of panels.
    Case(N: 1, C: 150, K: 41, kernel: (1, 1), pads: (0, 0, 0, 0), image: (33, 31), halo: (0, 0, 0)),
    Case(N: 2, C: 64, K: 96, groups: 2, kernel: (1, 1), strides: (2, 3), pads: (0, 0, 0, 0), image: (9, 14), halo: (1, 0, 0)),
    Case(N: 1, C: 19, K: 20, kernel: (1, 1), strides: (2, 2), pads: (0, 0, 0, 0), image: (8, 7), halo: (0, 1, 0)),
    Case(N: 2, C: 19, K: 20, kernel: (1, 1), strides: (2, 1), pads: (0, 0, 0, 0), image: (8, 7), halo: (1, 0, 0)),
    Case(N: 2, C: 700, K: 90, kernel: (1, 1), pads: (0, 0, 0, 0), image: (7, 9), halo: (0, 0, 0)),
    // Short rows, which are one row elsewhere: of images that share a task, of a halo gathered and slices of the channels, of parts of rows.
    Case(N: 3, C: 72, K: 70, kernel: (1, 1), pads: (0, 0, 0, 0), image: (7, 7), halo: (0, 1, 0)),
    Case(N: 2, C: 600, K: 90, kernel: (1, 1), pads: (0, 0, 0, 0), image: (7, 9), halo: (1, 2, 0)),
    Case(N: 1, C: 128, K: 144, groups: 2, kernel: (1, 1), pads: (0, 0, 0, 0), image: (11, 5), halo: (0, 1, 0)),
    Case(N: 1, C: 64, K: 24, kernel: (1, 1), pads: (0, 0, 0, 0), image: (33, 7), halo: (0, 1, 0)),
    Case(C: 16, K: 48, image: (9, 14), halo: (1, 1, 1)),
    Case(C: 3, K: 37, kernel: (7, 7), strides: (2, 2), pads: (3, 3, 3, 3), image: (23, 30), halo: (3, 1, 0)),
    Case(C: 1, K: 30, kernel: (5, 5), pads: (0, 0, 0, 0), image: (28, 28), halo: (0, 0, 0)),
    // Of few channels, as x lies though windows are two apart; and with cells between them that none reads.
    Case(C: 3, K: 20, strides: (2, 2), pads: (0, 0, 0, 0), image: (18, 21), halo: (1, 1, 0)),
    Case(C: 3, K: 20, kernel: (3, 2), strides: (2, 3), pads: (0, 1, 0, 0), image: (13, 20), halo: (1, 1, 0)),
    // With pixels in the lanes: rows of many tiles and a part of one, rows that end with a vector, filters too few for the lanes.
    Case(N: 1, C: 3, K: 41, pads: (0, 1, 2, 1), image: (6, 131), halo: (2, 1, 0)),
    Case(C: 2, K: 22, dilations: (1, 2), pads: (0, 0, 0, 0), image: (7, 68), halo: (0, 0, 0)),
    Case(C: 17, K: 1, kernel: (5, 3), strides: (2, 2), image: (23, 37), halo: (1, 1, 0)),
    Case(C: 6, K: 2, groups: 2, image: (9, 150), halo: (1, 1, 0)),
    Case(C: 4, K: 6, kernel: (2, 3), strides: (1, 3), dilations: (2, 1), pads: (0, 2, 1, 0), image: (11, 13), halo: (2, 0, 3)),
    Case(C: 64, K: 32, groups: 2, strides: (2, 1), image: (8, 16), halo: (2, 1, 1)),
    Case(N: 1, C: 300, K: 33, strides: (2, 2), image: (7, 9), halo: (1, 0, 1)),
    Case(N: 1, C: 700, K: 40, kernel: (3, 3), image: (3, 4), halo: (1, 0, 1)),
  ]

  @Test(arguments: cases.indices) func convolutions(_ index: Int) throws {
    try convolution(Self.cases[index], of: Float.self)
    try convolution(Self.cases[index], of: Double.self)
  }
  @Test(arguments: depthwiseCases.indices) func depthwise(_ index: Int) throws {
    try convolution(Self.depthwiseCases[index], of: Float.self)
    try convolution(Self.depthwiseCases[index], of: Double.self)
  }
  private func convolution<T: Element>(_ o: Case, of _: T.Type) throws {
    let x = try Tensor<T>(o.N, o.C, o.image.0, o.image.1) { numbers($0, 1) }
    let weight = try Tensor<T>(o.K, o.C / o.groups, o.kernel.0, o.kernel.1) { numbers($0, 2) }
    let bias = Block<T>(numbers(o.K, 3)), factor = Block<T>(numbers(o.K, 4))
    let shape = try o.convolution().outputShape(x.shape, weight.shape)
    let residual = try Tensor<T>(shape[0], shape[1], shape[2], shape[3]) { numbers($0, 5) }
    let added = try Blocked<T>(shape, halo: o.halo.2, residual.data)
    for (full, planar) in [(true, false), (false, false), (true, true), (false, true)] where !planar || o.C <= 4 {
      guard
        let form = try BlockedConvolution<T>(
          o.convolution(), x: x.shape, weight: weight.shape, fewChannels: planar, blocked: true)
      else {
        // Only where blocks of channels are shared.
        #expect(o.groups > 1 && (o.C / o.groups % T.lanes > 0 || o.K / o.groups % T.lanes > 0))
        try planarConvolution(o, x, weight, planar, full ? factor : nil, full ? bias : nil)
        continue
      }
      let prepared = Block<T>(untouched: form.preparedCount), y = try Blocked<T>(shape, halo: o.halo.1)
      try form.prepare(weight.data, factor: full ? factor.data : nil, bias: full ? bias.data : nil, prepared.data)
      let blockedX = try Blocked<T>(x.shape, halo: max(o.halo.0, form.halo), x.data)
      try form.forward(
        planar ? .planar(x.data) : .blocked(blockedX.array), prepared.data, .blocked(y.array),
        full ? Epilogue(residual: added.array, limits: (-30, 40)) : Epilogue())
      let wanted = plain(
        o, shape, x.data, weight.data, full ? factor.data : nil, full ? bias.data : nil, full ? residual.data : nil)
      y.expect(
        full ? wanted.map { $0.limited(-30, 40) } : wanted,
        "\(o), \(planar ? "planar" : "blocked") x, \(full ? "full" : "bare")")
      try planarConvolution(o, x, weight, planar, full ? factor : nil, full ? bias : nil)
    }
  }
  /// From a planar array to a planar one: with filters that are packed for the call, and prepared. Of few output channels there is no form
  /// for that.
  private func planarConvolution<T: Element>(
    _ o: Case, _ x: Tensor<T>, _ weight: Tensor<T>, _ fewChannels: Bool,
    _ factor: Block<T>?, _ bias: Block<T>?
  ) throws {
    let convolution = try o.convolution(), shape = try convolution.outputShape(x.shape, weight.shape)
    let y = try Tensor<T>(shape[0], shape[1], shape[2], shape[3]), biasShape = try Shape("bias", o.K)
    try convolution.forward(
      x.input, weight.input, bias.map { Input("bias", biasShape, $0.data) }, y.output, relu: bias != nil)
    let unscaled = plain(o, shape, x.data, weight.data, nil, bias.map { UnsafePointer($0.data) }, nil)
    y.block.expect(bias == nil ? unscaled : unscaled.map { $0.limited(0, .infinity) }, "\(o), planar, packed for the call")
    guard
      let form = try BlockedConvolution<T>(
        convolution, x: x.shape, weight: weight.shape, fewChannels: fewChannels, blocked: false)
    else {
      #expect(2 * o.K / o.groups < T.lanes)
      return
    }
    let prepared = Block<T>(untouched: form.preparedCount)
    let factor = factor.map { UnsafePointer($0.data) }, bias = bias.map { UnsafePointer($0.data) }
    try form.prepare(weight.data, factor: factor, bias: bias, prepared.data)
    let wanted = plain(o, shape, x.data, weight.data, factor, bias, nil)
    // The limits of an activation, and those of Relu, which some planar forms know alone.
    for limits in bias == nil ? [nil] : [(low: T(-30), high: T(40)), (low: 0, high: .infinity)] {
      let y = Block<T>(untouched: shape.count)
      try form.forward(.planar(x.data), prepared.data, .planar(y.data), Epilogue(limits: limits))
      y.expect(
        limits.map { limits in wanted.map { $0.limited(limits.low, limits.high) } } ?? wanted,
        "\(o), planar, limits \(limits.map { "\($0)" } ?? "none")")
    }
  }

  private func plain<T: Element>(
    _ o: Case, _ y: Shape, _ x: UnsafePointer<T>, _ weight: UnsafePointer<T>, _ factor: UnsafePointer<T>?,
    _ bias: UnsafePointer<T>?, _ residual: UnsafePointer<T>?
  ) -> [Expected<T>] {
    let (H, W) = o.image, (KH, KW) = o.kernel, (OH, OW) = (y[2], y[3]), C = o.C / o.groups, K = o.K / o.groups
    return (0..<y.count).map { i in
      let (n, k, oh, ow) = (i / (o.K * OH * OW), i / (OH * OW) % o.K, i / OW % OH, i % OW)
      var sum = Expected(bias?[k] ?? 0)
      for c in 0..<C {
        for (i, j) in (0..<KH).flatMap({ i in (0..<KW).map { (i, $0) } }) {
          let h = oh * o.strides.0 - o.pads.0 + i * o.dilations.0, w = ow * o.strides.1 - o.pads.1 + j * o.dilations.1
          if h < 0 || h >= H || w < 0 || w >= W { continue }
          sum += (factor?[k] ?? 1) * weight[((k * C + c) * KH + i) * KW + j] * x[((n * o.C + k / K * C + c) * H + h) * W + w]
        }
      }
      if let residual { sum += residual[i] }
      return sum
    }
  }

  private static let depthwiseCases = [
    Case(C: 1, K: 1, image: (4, 5)),
    Case(C: 24, K: 24, groups: 24, image: (9, 15), halo: (1, 1, 1)),
    Case(N: 3, C: 37, K: 37, groups: 37, strides: (2, 2), image: (11, 16), halo: (2, 0, 1)),
    Case(
      C: 16, K: 16, groups: 16, kernel: (5, 1), strides: (1, 3), dilations: (2, 1), pads: (4, 0, 3, 1), image: (7, 13),
      halo: (4, 2, 0)),
    // Windows that lie in the padding.
    Case(C: 9, K: 9, groups: 9, pads: (3, 4, 0, 5), image: (6, 19), halo: (5, 0, 1)),
    Case(C: 5, K: 5, groups: 5, pads: (5, 5, 5, 5), image: (3, 2), halo: (5, 0, 0)),
    // Several bands of rows of a plane.
    Case(N: 1, C: 9, K: 9, groups: 9, pads: (2, 0, 1, 2), image: (70, 260), halo: (2, 0, 3)),
  ]
  @Test(arguments: (cases + depthwiseCases).indices) func gradients(_ index: Int) throws {
    try gradients((Self.cases + Self.depthwiseCases)[index], of: Float.self)
    try gradients((Self.cases + Self.depthwiseCases)[index], of: Double.self)
  }
  private func gradients<T: Element>(_ o: Case, of _: T.Type) throws {
    let x = try Tensor<T>(o.N, o.C, o.image.0, o.image.1) { numbers($0, 1) }
    let weight = try Tensor<T>(o.K, o.C / o.groups, o.kernel.0, o.kernel.1) { numbers($0, 2) }
    let shape = try o.convolution().outputShape(x.shape, weight.shape)
    let gradY = try Tensor<T>(shape[0], shape[1], shape[2], shape[3]) { numbers($0, 3) }
    var wantedX = [Expected<T>](repeating: Expected(0), count: x.shape.count)
    var wantedWeight = [Expected<T>](repeating: Expected(0), count: weight.shape.count)
    var wantedBias = [Expected<T>](repeating: Expected(0), count: o.K)
    let (H, W) = o.image, (KH, KW) = o.kernel, (OH, OW) = (shape[2], shape[3]), C = o.C / o.groups, K = o.K / o.groups
    for i in 0..<shape.count {
      let (n, k, oh, ow) = (i / (o.K * OH * OW), i / (OH * OW) % o.K, i / OW % OH, i % OW), g = gradY.data[i]
      wantedBias[k] += g
      for (c, t) in (0..<C).flatMap({ c in (0..<KH * KW).map { (c, $0) } }) {
        let h = oh * o.strides.0 - o.pads.0 + t / KW * o.dilations.0, w = ow * o.strides.1 - o.pads.1 + t % KW * o.dilations.1
        if h < 0 || h >= H || w < 0 || w >= W { continue }
        let place = ((n * o.C + k / K * C + c) * H + h) * W + w, tap = (k * C + c) * KH * KW + t
        wantedX[place] += g * weight.data[tap]
        wantedWeight[tap] += g * x.data[place]
      }
    }
    let planarX = try Tensor<T>(o.N, o.C, H, W), planarWeight = try Tensor<T>(o.K, C, KH, KW), planarBias = try Tensor<T>(o.K)
    try o.convolution().backward(
      x.input, weight.input, gradY.input, gradX: planarX.output, gradWeight: planarWeight.output, gradBias: planarBias.output)
    planarX.block.expect(wantedX, "grad_x of \(o), planar")
    planarWeight.block.expect(wantedWeight, "grad_w of \(o), planar")
    planarBias.block.expect(wantedBias, "grad_b of \(o), planar")

    guard
      let form = try BlockedConvolution<T>(o.convolution(), x: x.shape, weight: weight.shape, fewChannels: false, blocked: true)
    else { return }
    let blockedX = try Blocked<T>(x.shape, halo: max(o.halo.0, form.halo), x.data)
    let blockedY = try Blocked<T>(shape, halo: max(o.halo.1, form.gradientHalo), gradY.data)
    let gradX = try Blocked<T>(x.shape, halo: o.halo.2)
    let gradWeight = Block<T>(untouched: weight.shape.count), gradBias = Block<T>(untouched: o.K)
    try form.backward(
      blockedX.array, weight.data, blockedY.array, gradX: gradX.array, gradWeight: gradWeight.data, gradBias: gradBias.data)
    gradX.expect(wantedX, "grad_x of \(o)")
    gradWeight.expect(wantedWeight, "grad_w of \(o)")
    gradBias.expect(wantedBias, "grad_b of \(o)")
    let alone = Block<T>(untouched: o.K)
    try form.backward(blockedX.array, weight.data, blockedY.array, gradX: nil, gradWeight: nil, gradBias: alone.data)
    alone.expect(wantedBias, "grad_b alone of \(o)")
  }

  @Test(arguments: [false, true]) func pooling(_ countIncludePad: Bool) throws {
    for o in Self.depthwiseCases + [Case(C: 20, K: 20, kernel: (2, 2), strides: (2, 2), pads: (0, 0, 1, 1), image: (8, 11))] {
      try pooling(o, countIncludePad, of: Float.self)
      try pooling(o, countIncludePad, of: Double.self)
    }
  }
  private func pooling<T: Element>(_ o: Case, _ countIncludePad: Bool, of _: T.Type) throws {
    let window = try Window(
      kernel: [o.kernel.0, o.kernel.1], strides: [o.strides.0, o.strides.1], pads: [o.pads.0, o.pads.1, o.pads.2, o.pads.3],
      dilations: [o.dilations.0, o.dilations.1])
    let pooling = Pooling(window, countIncludePad: countIncludePad)
    let x = try Tensor<T>(o.N, o.C, o.image.0, o.image.1) { numbers($0, 1) }
    let shape = try pooling.outputShape(x.shape)
    let planar = try Tensor<T>(shape[0], shape[1], shape[2], shape[3])
    let blockedX = try Blocked<T>(x.shape, halo: o.halo.2, x.data), y = try Blocked<T>(shape, halo: o.halo.1)
    // With winners it has other kernels than without.
    let winners = Block<Int32>(untouched: shape.count), banded = try Tensor<T>(shape[0], shape[1], shape[2], shape[3])
    try pooling.maxForward(x.input, planar.output, winners: Output("winners", shape, winners.data))
    try pooling.maxForward(x.input, banded.output, winners: nil)
    banded.block.expect((0..<shape.count).map { planar.data[$0] }, "maxima of \(o), planar")
    try pooling.blockedMaxForward(blockedX.array, y.array)
    y.expect((0..<shape.count).map { Expected(planar.data[$0]) }, "maxima of \(o)")
    try pooling.averageForward(x.input, planar.output)
    try pooling.blockedAverageForward(blockedX.array, y.array)
    // Sums of cells between -2 and 2 that may come in another order.
    y.expect((0..<shape.count).map { Expected(planar.data[$0], within: 8 * T.ulpOfOne) }, "means of \(o)")
  }

  @Test func conversions() throws {
    for (shape, halo) in [((2, 3, 4, 5), 0), ((1, 16, 1, 1), 2), ((2, 35, 7, 17), 1), ((0, 4, 3, 3), 1)] {
      let x = try Tensor<Float>(shape.0, shape.1, shape.2, shape.3) { numbers($0, 1) }
      let blocked = try Blocked<Float>(x.shape, halo: halo, x.data)
      blocked.expect((0..<x.shape.count).map { Expected(x.data[$0]) }, "blocked \(shape)")
      let back = try Tensor<Float>(shape.0, shape.1, shape.2, shape.3), other = try Blocked<Float>(x.shape, halo: 3)
      try blocked.array.drain(back.data)
      back.block.expect((0..<x.shape.count).map { x.data[$0] }, "planar \(shape)")
      try other.array.fill(blocked.array)
      other.expect((0..<x.shape.count).map { Expected(x.data[$0]) }, "with another halo \(shape)")
    }
  }
}
