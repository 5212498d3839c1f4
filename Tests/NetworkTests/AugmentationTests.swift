// Augmentations: what each does to an image, how often, and that it depends on nothing but seed, epoch and image.
import CNNCore
import CNNNetwork
import CNNOperators
import Testing

/// x[N][2][5][4] of distinct numbers, so that every pixel tells where it is from.
private func numbered(_ count: Int, _ extents: [Int] = [2, 5, 4]) throws -> Array1<Double> {
  try Array1<Double>([count] + extents) { Double($0 + 1) }
}
/// Images and targets afterwards.
private func augmented(
  _ x: Array1<Double>, _ list: Attributes..., target: Target<Double>? = nil, key: UInt64 = 1, from first: Int = 0
) throws -> (images: [[Double]], shape: Shape, target: [[Double]]) {
  let augmenter = try Augmenter<Double>(list.map { try Augmentation($0) }, x: x.shape, key: key)
  let classes = try Array1<Int64>([x.shape[0]]) { Int64($0 % 3) }
  return try augmenter.apply([x.input], target ?? .indices64(classes.input), classes: 3, number: { $0 + first }) {
    inputs, target throws(CNNError) in
    let N = inputs[0].shape[0], cells = inputs[0].shape.count / N
    let images = (0..<N).map { n in (0..<cells).map { inputs[0].data[n * cells + $0] } }
    guard case .distribution(let t) = target else { return (images, inputs[0].shape, []) }
    let width = t.shape.count / N
    return (images, inputs[0].shape, (0..<N).map { n in (0..<width).map { t.data[n * width + $0] } })
  }
}
extension Array1<Double> {
  /// Pixel (h, w) of channel c of image n, and `fill` outside.
  fileprivate func pixel(_ n: Int, _ c: Int, _ h: Int, _ w: Int, fill: Double = 0) -> Double {
    let (C, H, W) = (shape[1], shape[2], shape[3])
    return h >= 0 && h < H && w >= 0 && w < W ? block.data[((n * C + c) * H + h) * W + w] : fill
  }
  /// Image n as the window of this size whose first pixel is (y, x).
  fileprivate func window(_ n: Int, _ y: Int, _ x: Int, _ H: Int, _ W: Int, fill: Double) -> [Double] {
    (0..<shape[1]).flatMap { c in (0..<H).flatMap { h in (0..<W).map { pixel(n, c, y + h, x + $0, fill: fill) } } }
  }
}

@Suite(.serialized) struct AugmentationTests {
  /// Every window occurs about as often as the others: counts are within five deviations of their mean.
  private func expectWindows(_ x: Array1<Double>, _ images: [[Double]], _ size: (Int, Int), _ pads: (Int, Int), fill: Double) {
    let rows = x.shape[2] + 2 * pads.0 - size.0 + 1, columns = x.shape[3] + 2 * pads.1 - size.1 + 1
    var counts = [Int](repeating: 0, count: rows * columns)
    for (n, image) in images.enumerated() {
      let found = counts.indices.filter {
        x.window(n, $0 / columns - pads.0, $0 % columns - pads.1, size.0, size.1, fill: fill) == image
      }
      #expect(found.count == 1)
      for place in found { counts[place] += 1 }
    }
    let mean = Double(images.count) / Double(counts.count)
    #expect(counts.allSatisfy { abs(Double($0) - mean) < 5 * mean.squareRoot() }, "\(counts)")
  }

  @Test func cropsAndShiftsAreWindowsOfThePaddedImage() throws {
    let x = try numbered(2000)
    let crop = try augmented(x, .of("RandomCrop", .int("padding", 2), .float("fill", -0.5)))
    #expect(crop.shape == x.shape)
    expectWindows(x, crop.images, (5, 4), (2, 2), fill: -0.5)
    let small = try augmented(x, .of("RandomCrop", .ints("size", [3, 2])))
    #expect(small.shape == (try shape([2000, 2, 3, 2])))
    expectWindows(x, small.images, (3, 2), (0, 0), fill: 0)
    // Padding beyond the image leaves windows without any of it, which would not tell where they are from.
    expectWindows(x, try augmented(x, .of("RandomShift", .int("horizontal", 3))).images, (5, 4), (0, 3), fill: 0)
    expectWindows(x, try augmented(x, .of("RandomShift", .int("vertical", 1))).images, (5, 4), (1, 0), fill: 0)
    let far = try augmented(x, .of("RandomShift", .int("vertical", 1 << 20))).images
    #expect(far.contains { $0.allSatisfy { $0 == 0 } })
  }

  @Test func flipsAreMirrorImages() throws {
    let x = try numbered(1000)
    for p in [0, 0.25, 1] {
      var flips = 0
      for (n, image) in try augmented(x, .of("RandomHorizontalFlip", .float("p", p))).images.enumerated() {
        let mirror = (0..<2).flatMap { c in (0..<5).flatMap { h in (0..<4).map { x.pixel(n, c, h, 3 - $0) } } }
        if image == mirror { flips += 1 } else { #expect(image == x.window(n, 0, 0, 5, 4, fill: 0)) }
      }
      #expect(abs(Double(flips) - 1000 * p) <= 5 * (1000 * p * (1 - p)).squareRoot())
    }
  }

  @Test func channelsAreNormalized() throws {
    let x = try numbered(3)
    let images = try augmented(x, .of("Normalize", .floats("mean", [3, -1]), .floats("std", [2, 0.3]))).images
    for n in 0..<3 {
      for i in 0..<40 { #expect(images[n][i] == (Double(n * 40 + i + 1) - (i < 20 ? 3 : -1)) / (i < 20 ? 2 : 0.3)) }
    }
  }

  @Test func cutoutsAreSquaresAroundAnyPixel() throws {
    let x = try numbered(2000)
    for side in [2, 3] {
      var counts = [Int](repeating: 0, count: 20), whole = 0
      let cutout = try Attributes.of("Cutout", .int("length", side), .float("p", 0.8), .float("fill", 7.5))
      for (n, image) in try augmented(x, cutout).images.enumerated() {
        if image == x.window(n, 0, 0, 5, 4, fill: 0) {
          whole += 1
          continue
        }
        let found = (0..<20).filter { centre in
          let (top, left) = (centre / 4 - side / 2, centre % 4 - side / 2)
          return image.indices.allSatisfy { i in
            let (h, w) = (i % 20 / 4, i % 4)
            let isCut = h >= top && h < top + side && w >= left && w < left + side
            return image[i] == (isCut ? 7.5 : x.pixel(n, i / 20, h, w))
          }
        }
        #expect(found.count == 1)
        for centre in found { counts[centre] += 1 }
      }
      #expect(counts.allSatisfy { abs(Double($0) - 80) < 5 * 80.0.squareRoot() }, "\(counts)")
      #expect(abs(Double(whole) - 400) < 5 * 320.0.squareRoot())
    }
  }

  /// Shares are of Beta(alpha, alpha): mean 1/2, variance 1 / (4 (2 alpha + 1)).
  @Test(arguments: [0.05, 0.4, 1, 5]) func imagesAndTargetsAreMixed(_ alpha: Double) throws {
    let N = 3000, x = try numbered(N, [1, 2, 2])
    let result = try augmented(x, .of("MixUp", .float("alpha", alpha)))
    var sum = 0.0, squares = 0.0
    for n in 0..<N {
      let next = (n + 1) % N, share = result.target[n][n % 3]
      if n % 3 == next % 3 { continue }
      #expect(share >= 0 && share <= 1)
      var wanted = [0.0, 0, 0]
      (wanted[n % 3], wanted[next % 3]) = (share, 1 - share)
      #expect(result.target[n] == wanted)
      for i in 0..<4 {
        let (own, other) = (Double(n * 4 + i + 1), Double(next * 4 + i + 1))
        #expect(result.images[n][i] == share * own + (1 - share) * other)
      }
      sum += share
      squares += (share - 0.5) * (share - 0.5)
    }
    let count = Double(N), variance = 1 / (4 * (2 * alpha + 1))
    #expect(abs(sum / count - 0.5) < 5 * (variance / count).squareRoot())
    #expect(abs(squares / count / variance - 1) < 5 * (2 / count).squareRoot())
    // Distributions are mixed as images are.
    let t = try Array1<Double>([N, 2]) { Double($0) }
    let mixed = try augmented(x, .of("MixUp", .float("alpha", alpha)), target: .distribution(t.input))
    let share = result.target[0][0]
    #expect(mixed.target[0] == [(1 - share) * 2, share + (1 - share) * 3])
    #expect(mixed.images == result.images)
  }

  @Test func anImageIsTreatedAlikeInAnyBatchAndOtherwiseInAnotherEpoch() throws {
    let all = try numbered(9)
    func run(_ first: Int, _ count: Int, key: UInt64) throws -> [[Double]] {
      let part = try Array1<Double>([count, 2, 5, 4]) { all.block.data[first * 40 + $0] }
      let crop = try Attributes.of("RandomCrop", .int("padding", 1)), cutout = try Attributes.of("Cutout", .int("length", 2))
      let normalize = try Attributes.of("Normalize", .floats("mean", [1, 2]), .floats("std", [3, 4]))
      return try augmented(part, crop, .of("RandomHorizontalFlip"), cutout, normalize, key: key, from: first).images
    }
    let whole = try run(0, 9, key: 1)
    let parts = try (run(0, 4, key: 1), run(4, 5, key: 1))
    #expect(parts.0 + parts.1 == whole)
    #expect(try run(0, 9, key: 2) != whole)
    // Neighbours draw for themselves.
    #expect(Set(whole.map { $0.map { $0 < 0 } }).count > 3)
  }

  @Test func epochsWithAugmentationLearnAndHaveTheSameBitsForAnyNumberOfThreads() throws {
    defer { try? Threads.set(0) }
    let data = try images(60, Float.self)
    var first: [Float]?
    for threads in [1, 2, 4] {
      try Threads.set(threads)
      let network = try residualNetwork(Float.self)
      try network.addAugmentation(.of("MixUp", .float("alpha", 0.2)))
      try network.addAugmentation(.of("RandomShift", .int("horizontal", 2)))
      try network.addAugmentation(.of("RandomHorizontalFlip"))
      try network.addAugmentation(.of("Cutout", .int("length", 2)))
      var losses: [Double] = []
      for _ in 0..<12 { losses.append(try network.epoch(data).loss) }
      #expect(losses[11] < losses[0])
      #expect(try network.evaluate([data.x.input], .indices64(data.classes.input), batchSize: 60).accuracy > 0.9)
      let parameters = try network.flatParameters
      #expect(first == nil || parameters == first, "\(threads) threads")
      first = parameters
    }
    // Without them, training is as it was.
    let plain = try residualNetwork(Float.self), cleared = try residualNetwork(Float.self)
    try cleared.addAugmentation(.of("RandomHorizontalFlip"))
    cleared.clearAugmentations()
    for network in [plain, cleared] { try network.epoch(data) }
    #expect(try plain.flatParameters == cleared.flatParameters)
    try cleared.addAugmentation(.of("RandomHorizontalFlip"))
    for network in [plain, cleared] { try network.epoch(data) }
    #expect(try plain.flatParameters != cleared.flatParameters)
  }

  @Test func whatDoesNotFitIsRefusedBeforeTheFirstStep() throws {
    let data = try images(6, Float.self)
    func message(_ list: Attributes..., classes: Int64 = 0, change: (Network<Float>) throws -> Void = { _ in }) -> String {
      do {
        let network = try residualNetwork(Float.self)
        try change(network)
        for attributes in list { try network.addAugmentation(attributes) }
        let before = try network.flatParameters
        defer { #expect((try? network.flatParameters) == before) }
        let t = try Array1<Int64>([6]) { $0 == 5 ? classes : 0 }
        _ = try network.trainEpoch([data.x.input], .indices64(t.input), EpochOptions())
      } catch { return (error as? CNNError)?.message ?? "another error" }
      return "no error"
    }
    #expect(try message(.of("RandomCrop", .ints("size", [9, 4]))).hasPrefix("RandomCrop: size"))
    #expect(try message(.of("RandomCrop", .ints("size", [4, 4]))).contains("Gemm"))
    #expect(try message(.of("Normalize", .floats("mean", [1, 2]), .floats("std", [1, 1]))).hasPrefix("Normalize: mean"))
    #expect(try message(.of("MixUp"), .of("MixUp")).contains("MixUp"))
    let ignoring = { (network: Network<Float>) in
      try network.setLoss(.of("SoftmaxCrossEntropyLoss", .int("ignore_index", 9)))
    }
    #expect(try message(.of("MixUp"), classes: 9, change: ignoring).hasPrefix("MixUp: target[5]"))
    #expect(throws: CNNError.self) {
      try Augmenter<Float>([Augmentation(.of("RandomHorizontalFlip"))], x: shape([3, 4]), key: 0)
    }
  }
}
