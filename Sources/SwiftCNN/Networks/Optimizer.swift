// How parameters follow their gradients: PyTorch's arithmetic and defaults.

/// How parameters follow their gradients; `Network.compile(loss:optimizer:schedules:)` takes it and checks its numbers.
///
/// ```swift
/// try network.compile(optimizer: .sgd(learningRate: 0.1, momentum: 0.9, weightDecay: 5e-4).clipping(norm: 1))
/// ```
public struct Optimizer: Sendable {
  let description: Description

  /// The engine's optimizer of this name, by its own attributes.
  public init(_ name: String, _ attributes: KeyValuePairs<String, AttributeValue> = [:]) {
    description = Description(name, attributes)
  }
  private init(_ description: Description) { self.description = description }
  private init(_ name: String, _ rate: Double, _ decay: Double, _ items: Description.Item...) {
    description = Description(
      name,
      [.init("lr", .float(rate), from: "learningRate"), .init("weight_decay", .float(decay), from: "weightDecay")] + items)
  }
  private static func epsilon(_ epsilon: Double) -> Description.Item { .init("eps", .float(epsilon), from: "epsilon") }

  /// Stochastic gradient descent, with momentum where that is not 0.
  public static func sgd(
    learningRate: Double = 1e-3, momentum: Double = 0, dampening: Double = 0, nesterov: Bool = false, weightDecay: Double = 0
  ) -> Optimizer {
    .init(
      "SGD", learningRate, weightDecay, .init("momentum", .float(momentum)), .init("dampening", .float(dampening)),
      .init("nesterov", nesterov.attribute))
  }
  /// AdaGrad (Duchi et al. 2011).
  public static func adagrad(
    learningRate: Double = 0.01, learningRateDecay: Double = 0, initialAccumulator: Double = 0, epsilon: Double = 1e-10,
    weightDecay: Double = 0
  ) -> Optimizer {
    .init(
      "Adagrad", learningRate, weightDecay, .init("lr_decay", .float(learningRateDecay), from: "learningRateDecay"),
      .init("initial_accumulator_value", .float(initialAccumulator), from: "initialAccumulator"), self.epsilon(epsilon))
  }
  /// RMSprop (Hinton 2012).
  public static func rmsProp(
    learningRate: Double = 0.01, alpha: Double = 0.99, momentum: Double = 0, centered: Bool = false, epsilon: Double = 1e-8,
    weightDecay: Double = 0
  ) -> Optimizer {
    .init(
      "RMSprop", learningRate, weightDecay, .init("alpha", .float(alpha)), .init("momentum", .float(momentum)),
      .init("centered", centered.attribute), self.epsilon(epsilon))
  }
  /// Adam (Kingma and Ba 2015); weight decay is added to the gradient.
  public static func adam(
    learningRate: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8, weightDecay: Double = 0
  ) -> Optimizer {
    .init("Adam", learningRate, weightDecay, .init("betas", .floats([betas.0, betas.1])), self.epsilon(epsilon))
  }
  /// Adam with weight decay apart from the gradient (Loshchilov and Hutter 2019).
  public static func adamW(
    learningRate: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8, weightDecay: Double = 0.01
  ) -> Optimizer {
    .init("AdamW", learningRate, weightDecay, .init("betas", .floats([betas.0, betas.1])), self.epsilon(epsilon))
  }
  /// Adam as in "Deep Learning from Scratch", which adds `epsilon` to the uncorrected root.
  public static func bookAdam(
    learningRate: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-7, weightDecay: Double = 0
  ) -> Optimizer {
    .init("BookAdam", learningRate, weightDecay, .init("betas", .floats([betas.0, betas.1])), self.epsilon(epsilon))
  }

  /// The same, with gradients that are longer than `norm` (2-norm over all parameters) shortened to it.
  public func clipping(norm: Double) -> Optimizer { .init(description.adding(.init("clip_norm", .float(norm), from: "norm"))) }
  /// The same, with elements of gradients that are beyond `value` cut to it.
  public func clipping(value: Double) -> Optimizer {
    .init(description.adding(.init("clip_value", .float(value), from: "value")))
  }
  /// The same, with an update every so many steps, by the mean of their gradients.
  public func accumulating(steps: Int) -> Optimizer {
    .init(description.adding(.init("accumulate", .int(steps), from: "steps")))
  }
  /// The same, with an exponential moving average of the parameters beside them, of which this share stays at each update, such as 0.999;
  /// `Network.useAverages(_:)` puts it in their place.
  public func averaging(decay: Double) -> Optimizer {
    .init(description.adding(.init("ema_decay", .float(decay), from: "decay")))
  }
}
