// Layers beside one another.
public import CNNCore

/// `y = branch(x) + shortcut(x)`, of one shape (He et al. 2016); without a shortcut, `y = branch(x) + x`. Parameters are called
/// `branch.0.weight`, `shortcut.0.weight` and so on.
///
/// ```swift
/// Residual {
///   Conv2D(32, kernel: 3, stride: 2, padding: 1, bias: false); BatchNormalization(); ReLU()
///   Conv2D(32, kernel: 3, padding: 1, bias: false); BatchNormalization()
/// } shortcut: {
///   Conv2D(32, kernel: 1, stride: 2, bias: false); BatchNormalization()
/// }
/// ReLU()
/// ```
public struct Residual: Layer {
  private let branch: Sequential, shortcut: Sequential

  public init(@LayerBuilder _ branch: () -> [any Layer]) {
    (self.branch, shortcut) = (Sequential(branch), Sequential([]))
  }
  public init(@LayerBuilder _ branch: () -> [any Layer], @LayerBuilder shortcut: () -> [any Layer]) {
    (self.branch, self.shortcut) = (Sequential(branch), Sequential(shortcut))
  }

  public func callAsFunction(_ x: Value) throws(CNNError) -> Value {
    let y = try branch.named("branch", x), beside = try shortcut.named("shortcut", x)
    guard y.shape == beside.shape else {
      throw .shape("branch: wanted shape \(beside.shape) as beside it, got \(y.shape)")
    }
    return try y + beside
  }
}

/// What several layers make of the same `x`, one behind another along an axis (Szegedy et al. 2015). A branch of several layers is
/// a `Sequential`.
///
/// ```swift
/// Concatenation {
///   Conv2D(8, kernel: 1)
///   Sequential { Conv2D(4, kernel: 1); ReLU(); Conv2D(8, kernel: 3, padding: 1) }
/// }
/// ```
public struct Concatenation: Layer {
  private let axis: Int
  private let branches: [any Layer]

  /// Axis 1, the channels, by default; negative ones count from the last.
  public init(axis: Int = 1, @LayerBuilder _ branches: () -> [any Layer]) {
    (self.axis, self.branches) = (axis, branches())
  }

  public func callAsFunction(_ x: Value) throws(CNNError) -> Value {
    var parts: [Value] = []
    for (i, branch) in branches.enumerated() { parts.append(try branch.named("\(i)", x)) }
    return try x.graph.node("Concat", parts, ["axis": .int(axis)])
  }
}
