// A network for Swift users: layers, built when the size of the images is known, and run.
public import CNNCore
import CNNNetwork
import CNNOperators

/// A convolutional neural network that is trained and run in the engine.
///
/// ```swift
/// let network = Network(seed: 1) {
///   Conv2D(30, kernel: 5); ReLU(); MaxPool2D(2)
///   Flatten(); Dense(100); ReLU(); Dense(10)
/// }
/// try network.compile(loss: .softmaxCrossEntropy(), optimizer: .adam(learningRate: 0.001))
/// try network.fit(images, .classes(labels), epochs: 20)        // images[N][1][28][28]
/// let scores = try network.predict(newImages)                  // [N][10]
/// ```
///
/// `Network { … }` computes in `Float`, `Network<Double> { … }` in `Double`. The same seed gives the same bits for any number of
/// threads, and from every language. A network is for one thread at a time, and so not `Sendable`; what `predictor()` gives is.
public final class Network<Scalar: FloatingScalar> {
  /// Of all that is random: initial parameters, the order of images, dropout.
  public let seed: UInt64
  private let layers: Sequential
  private(set) var built: CNNNetwork.Network<Scalar>?
  private(set) var compiled: Compiled?

  /// A network of these layers. They are checked when it is built: by `build(for:)`, or by the first data.
  public init(seed: UInt64 = 0, @LayerBuilder _ layers: () -> [any Layer]) {
    (self.seed, self.layers) = (seed, Sequential(layers))
  }

  /// A network that is there already.
  init(_ core: CNNNetwork.Network<Scalar>) {
    (seed, layers, built) = (core.seed, Sequential([]), core)
  }

  /// Makes the parameters, if that is still to do, for inputs of `shape`, such as `[1, 1, 28, 28]`; the number of images may be any
  /// later, and so may other extents where the layers allow it.
  /// - Returns: the shape of what the network gives for inputs of `shape`.
  /// - Throws: `CNNError` where a layer's numbers are out of range or its input does not fit, named by the layer's number and kind;
  ///   or there is no memory. The network is then as it was.
  @discardableResult public func build(for shape: [Int]) throws(CNNError) -> [Int] {
    let shape = try Shape("shape", rank: shape.count) { shape[$0] }
    return try enter { () throws(CNNError) in list(try core(for: shape).outputShapes([shape])[0]) }
  }

  /// The engine's network, built for inputs of this shape if there is none yet.
  func core(for shape: Shape) throws(CNNError) -> CNNNetwork.Network<Scalar> {
    if let built { return built }
    let core = CNNNetwork.Network<Scalar>(seed: seed), graph = Graph(core)
    // A layer may have kept its values: from now on they are of no use, and parameters stay where they are.
    defer { graph.close() }
    let y = try layers(graph.input(shape))
    guard y.graph === graph else { throw .argument("layers: gave a value of another network") }
    try core.graph.setOutputs([y.id])
    try compiled?.apply(to: core)
    built = core
    return core
  }
  /// The engine's network, or an error where there is none yet.
  func core() throws(CNNError) -> CNNNetwork.Network<Scalar> {
    guard let built else { throw .argument("network: is not built yet; wanted data, or build(for:) first") }
    return built
  }

  /// What training is by: Adam and softmax cross-entropy by default. Training goes on from the parameters that there are; the
  /// optimizer begins anew.
  /// - Parameters:
  ///   - augmentations: what `fit` does to images, one after the other.
  ///   - recomputesActivations: whether training computes activations twice rather than keep them all.
  /// - Throws: `CNNError` where a number is out of range; what was compiled before then still holds.
  public func compile(
    loss: Loss = .softmaxCrossEntropy(), optimizer: Optimizer = .adam(), schedules: [Schedule] = [],
    augmentations: [Augmentation] = [], recomputesActivations: Bool = false
  ) throws(CNNError) {
    let compiled = Compiled(
      loss: loss, optimizer: optimizer, schedules: schedules, augmentations: augmentations,
      recomputesActivations: recomputesActivations)
    try compiled.apply(to: CNNNetwork.Network<Scalar>())
    if let built { try compiled.apply(to: built) }
    self.compiled = compiled
  }

  struct Compiled {
    let loss: Loss, optimizer: Optimizer, schedules: [Schedule], augmentations: [Augmentation]
    let recomputesActivations: Bool

    func apply<T: FloatingScalar>(to core: CNNNetwork.Network<T>) throws(CNNError) {
      try loss.description.decoded { attributes throws(CNNError) in try core.setLoss(attributes) }
      try optimizer.description.decoded { attributes throws(CNNError) in try core.setOptimizer(attributes) }
      core.graph.recomputesActivations = recomputesActivations
      core.removeSchedules()
      for schedule in schedules {
        try schedule.description.decoded { attributes throws(CNNError) in try core.addSchedule(attributes) }
      }
      core.clearAugmentations()
      for augmentation in augmentations {
        try augmentation.description.decoded { attributes throws(CNNError) in try core.addAugmentation(attributes) }
      }
    }
  }

  /// What the network gives for `x[N][...]`: `[N][...]`, such as the scores of a classifier `[N][K]`.
  /// - Parameter batchSize: how many images are computed at once; more take more memory. The result is the same.
  /// - Throws: `CNNError` where `x` does not fit, or as `build(for:)` does.
  public func predict(_ x: Tensor<Scalar>, batchSize: Int = 100) throws(CNNError) -> Tensor<Scalar> {
    try call(lending: x) { () throws(CNNError) in try core(for: x.extents).predict(x, batchSize: batchSize) }
  }

  /// What can predict from any number of threads at once: a copy with the parameters of now, which later training does not change.
  /// - Throws: `CNNError` where the network is not built, or there is no memory.
  public func predictor() throws(CNNError) -> Predictor<Scalar> { try Predictor(core()) }
}

extension Network where Scalar == Float {
  /// A network of these layers that computes in `Float`.
  public convenience init(seed: UInt64 = 0, @LayerBuilder layers: () -> [any Layer]) {
    self.init(seed: seed, layers)
  }
}
