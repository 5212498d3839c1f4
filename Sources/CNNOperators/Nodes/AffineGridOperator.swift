// AffineGrid: grid[N][H][W][2] = theta[N][2][3] times each pixel's place (x, y, 1), from -1 to 1; or grid[N][D][H][W][3] of theta[N][3][4].
import CNNCore

final class AffineGridOperator<T: Element>: Operator<T> {
  private let size: [Int], alignsCorners: Bool

  init(_ attributes: Attributes) throws(CNNError) {
    alignsCorners = try attributes.flag("align_corners", default: false)
    guard let size = try attributes.integers(input: 1, "size"), size.count == 4 || size.count == 5 else {
      throw attributes.wrong("size", "[N, C, H, W] or [N, C, D, H, W]")
    }
    for extent in size where extent < 0 || extent > 1 << 30 { throw attributes.wrong("size", "0 to 2^30, got \(extent)") }
    self.size = size
    super.init(try Signature(attributes, inputs: ["theta", "size"]))
  }

  private var axes: Int { size.count - 2 }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let wanted = try Shape("theta", size[0], axes, axes + 1)
    guard inputs[0] == wanted else { throw .shape("theta: wanted shape \(wanted.description), got \(inputs[0].description)") }
    return [try Shape("grid", extents: [size[0]] + size[2...] + [axes])]
  }

  private func place(_ i: Int, _ n: Int) -> T {
    alignsCorners ? (n > 1 ? T(2 * i) / T(n - 1) - 1 : -1) : T(2 * i + 1) / T(n) - 1
  }
  /// Calls body(image, first number of the pixel in the grid, its place as (x, y, …, 1)).
  private func forEachPixel(_ body: (Int, Int, InlineArray<4, T>) -> Void) {
    let extents = Array(size[2...]), pixels = extents.reduce(1, *)
    for image in 0..<size[0] {
      for pixel in 0..<pixels {
        var rest = pixel, at: InlineArray<4, T> = [1, 1, 1, 1]
        for axis in 0..<axes {
          let n = extents[axes - 1 - axis]
          at[axis] = place(rest % n, n)
          rest /= n
        }
        body(image, (image * pixels + pixel) * axes, at)
      }
    }
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let theta = try arrays.input(0), y = try arrays.output(), axes = axes
    forEachPixel { image, first, at in
      for row in 0..<axes {
        var sum: T = 0
        for column in 0...axes { sum += theta.data[(image * axes + row) * (axes + 1) + column] * at[column] }
        y.data[first + row] = sum
      }
    }
  }

  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let grad = try arrays.gradInput(0) else { return }
    let gradY = try arrays.gradOutput(), axes = axes
    zero(grad.data, grad.shape.count)
    forEachPixel { image, first, at in
      for row in 0..<axes {
        for column in 0...axes { grad.data[(image * axes + row) * (axes + 1) + column] += gradY.data[first + row] * at[column] }
      }
    }
  }
}
