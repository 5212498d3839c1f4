// The arrays of a network, in the engine's own memory.
public import CNNCore
import CNNNetwork

/// A parameter of a network, a gradient, a constant, or an array that its optimizer carries along: a view of the engine's memory,
/// which lives as long as any view of it. What training changes is seen through the view, and what is written through it, by training.
///
/// ```swift
/// let weight = try network.parameter("0.weight")
/// print(weight.shape, weight.withSpan { $0[0] })
/// weight.withMutableSpan { span in for i in span.indices { span[i] *= 0.5 } }
/// ```
public struct NetworkArray<Scalar: FloatingScalar> {
  /// The path of its layer, a dot, and what it is there: `0.weight`.
  public let name: String
  private let extents: Shape
  private let base: UnsafeMutablePointer<Scalar>
  /// Holds the memory.
  private let owner: AnyObject
  /// What it is part of and must hear of changes, if it is something that others follow from.
  private let whole: FlatArrays<Scalar>?

  init(
    _ name: String, _ extents: Shape, _ base: UnsafeMutablePointer<Scalar>, owner: AnyObject,
    of whole: FlatArrays<Scalar>? = nil
  ) {
    (self.name, self.extents, self.base, self.owner, self.whole) = (name, extents, base, owner, whole)
  }

  /// The extents, the slowest axis first.
  public var shape: [Int] { list(extents) }
  /// The number of elements.
  public var count: Int { extents.count }

  /// Runs body on the elements, in C order.
  public func withSpan<R, E: Error>(_ body: (Span<Scalar>) throws(E) -> R) throws(E) -> R {
    defer { withExtendedLifetime(owner) {} }
    return try body(UnsafeBufferPointer(start: base, count: count).span)
  }
  /// Runs body on the elements, in C order, to change them.
  public func withMutableSpan<R, E: Error>(_ body: (inout MutableSpan<Scalar>) throws(E) -> R) throws(E) -> R {
    whole?.lend()
    defer { withExtendedLifetime(owner) { whole?.takeBack() } }
    var span = UnsafeMutableBufferPointer(start: base, count: count).mutableSpan
    return try body(&span)
  }

  /// A copy of the elements as a tensor.
  /// - Throws: `CNNError` where there is no memory.
  public func tensor() throws(CNNError) -> Tensor<Scalar> {
    let tensor = try Tensor<Scalar>(extents)
    withExtendedLifetime(owner) { copy(UnsafePointer(base), to: tensor.storage.base, count) }
    return tensor
  }
  /// Overwrites all elements.
  /// - Throws: `CNNError` where `tensor` has another shape.
  public func assign(_ tensor: Tensor<Scalar>) throws(CNNError) {
    try tensor.input("tensor").wants(extents)
    withExtendedLifetime((owner, tensor)) { copy(UnsafePointer(tensor.storage.base), to: base, count) }
    whole?.change()
  }
}

extension Network {
  private func arrays(
    _ flat: FlatArrays<Scalar>, _ base: UnsafeMutablePointer<Scalar>, owner: AnyObject, areGradients: Bool = false
  ) -> [NetworkArray<Scalar>] {
    flat.entries.map {
      NetworkArray("\($0.name)", $0.shape, base + $0.offset, owner: owner, of: areGradients ? nil : flat)
    }
  }

  /// What training changes, in the order of the layers.
  /// - Throws: `CNNError` where the network is not built, as all of these do.
  public var parameters: [NetworkArray<Scalar>] {
    get throws(CNNError) {
      let core = try core()
      return arrays(core.graph.parameters, try core.graph.parameters.memory(), owner: core)
    }
  }
  /// The gradients that the last step computed, one for each parameter, by the same names.
  public var gradients: [NetworkArray<Scalar>] {
    get throws(CNNError) {
      let core = try core()
      return arrays(core.graph.parameters, try core.gradientMemory(), owner: core, areGradients: true)
    }
  }
  /// What training does not change by gradients: running statistics, and other constants.
  public var constants: [NetworkArray<Scalar>] {
    get throws(CNNError) {
      let core = try core()
      return arrays(core.graph.buffers, try core.graph.buffers.memory(), owner: core)
    }
  }
  /// What the optimizer carries from step to step, such as Adam's two moments, each of all parameters in one.
  public var optimizerStates: [NetworkArray<Scalar>] {
    get throws(CNNError) {
      var states: [NetworkArray<Scalar>] = []
      for block in try core().optimizerStates() {
        states.append(NetworkArray("state \(states.count)", try Shape("state", block.count), block.data, owner: block))
      }
      return states
    }
  }

  /// The parameter of this name.
  /// - Throws: `CNNError` where there is none.
  public func parameter(_ name: String) throws(CNNError) -> NetworkArray<Scalar> {
    let all = try parameters
    guard let found = all.first(where: { $0.name == name }) else {
      throw .argument("name: \(name) is no parameter; there are \(all.map(\.name).joined(separator: ", "))")
    }
    return found
  }

  /// How training treats the parameters whose names begin with `prefix`, such as `0.`: all by default.
  /// - Parameters:
  ///   - isFrozen: they stay as they are, and no gradient is computed.
  ///   - rate: a factor of the learning rate; 1 by default.
  ///   - weightDecay: a factor of the weight decay; 1 by default.
  /// - Throws: `CNNError` where no parameter is called so, a factor is negative or infinite, or the network is not built.
  public func treat(
    prefix: String = "", isFrozen: Bool = false, rate: Double = 1, weightDecay: Double = 1
  ) throws(CNNError) {
    let core = try core(),
      all = core.graph.parameters.entries.indices.filter {
        "\(core.graph.parameters.entries[$0].name)".hasPrefix(prefix)
      }
    guard !all.isEmpty else { throw .argument("prefix: no parameter's name begins with \(prefix)") }
    for (argument, factor) in [("rate", rate), ("weightDecay", weightDecay)] where !(factor >= 0 && factor < .infinity) {
      throw .argument("\(argument): wanted a factor from 0, got \(factor)")
    }
    for i in all {
      try core.graph.treat(parameter: i, .init(isFrozen: isFrozen, rate: rate, weightDecay: weightDecay))
    }
  }
}
