// Arrays of images inside a plan: planar, as everyone hands them in, or blocked by channels, as tiles want them.
package import CNNCore
import Microkernels

package enum ArrayLayout: Equatable, Sendable {
  /// x[N][C][H][W], or any other shape, in C order.
  case planar
  /// BlockedArray, with so many cells of zeros around each plane; of shapes of four axes.
  case blocked(halo: Int)

  /// Elements in memory of an array of this shape; throws where that overflows.
  package func count<T: Element>(_ shape: Shape, of: T.Type) throws(CNNError) -> Int {
    switch self {
    case .planar: return shape.count
    case .blocked(let halo): return try BlockedArray<T>.extents(shape, halo).count
    }
  }
}

/// Images that are read or written: x[N][C][H][W], or blocked.
package enum ImageArray<T: Element> {
  case planar(UnsafePointer<T>)
  case blocked(BlockedArray<T>)
}

/// One block of `channels` channels of an image: pixel (0, 0), and from a row to the next.
struct BlockedPlane<T> {
  let data: UnsafePointer<T>, rowStep: Int
  let H: Int, W: Int, channels: Int
}

/// x[N][ceil(C/B)][H + 2*halo][W + 2*halo][B], where B is the number of lanes of a vector: a vector holds a pixel of B channels. Lanes
/// behind channel C and the halo are zeros: whoever writes the array writes these too, and whoever reads it may count on them.
package struct BlockedArray<T: Element> {
  /// [N][C][H][W], and its extents at hand: loops over rows ask for them.
  package let shape: Shape
  package let N: Int, C: Int, H: Int, W: Int
  package let halo: Int
  /// The first element of all: lane 0 of a corner of the halo.
  package let data: UnsafeMutablePointer<T>
  /// Elements from a row to the next, from a block of channels to the next, from an image to the next.
  package let rowStep: Int, blockStep: Int, imageStep: Int

  package init(_ shape: Shape, halo: Int, _ data: UnsafeMutablePointer<T>) throws(CNNError) {
    let extents = try BlockedArray.extents(shape, halo)
    (N, C, H, W) = (shape[0], shape[1], shape[2], shape[3])
    (self.shape, self.halo, self.data) = (shape, halo, data)
    rowStep = extents[3] &* extents[4]
    blockStep = extents[2] &* rowStep
    imageStep = extents[1] &* blockStep
  }

  /// B.
  package static var lanes: Int { T.lanes }
  /// ceil(C/B).
  package var blocks: Int { (C &+ BlockedArray.lanes &- 1) / BlockedArray.lanes }
  /// Elements in memory.
  package var count: Int { N &* imageStep }

  /// Lane 0 of pixel (0, 0) of a block of channels of an image.
  package func inside(_ n: Int, _ block: Int) -> UnsafeMutablePointer<T> {
    data + (n &* imageStep &+ block &* blockStep &+ halo &* (rowStep &+ BlockedArray.lanes))
  }

  /// All that is in memory, as an array of one axis.
  package func flat(_ name: StaticString) throws(CNNError) -> Output<T> { Output(name, try Shape(name, count), data) }

  /// The extents in memory; throws where the shape is not one of images, or too large.
  static func extents(_ shape: Shape, _ halo: Int) throws(CNNError) -> Shape {
    guard shape.rank == 4 && halo >= 0 && halo < 1 << 20 else {
      throw .shape("blocked array: wanted [N][C][H][W] and a halo from 0, got shape \(shape.description) and halo \(halo)")
    }
    let (B, halo) = (lanes, 2 * halo)
    return try Shape("blocked array", shape[0], (shape[1] + B - 1) / B, shape[2] + halo, shape[3] + halo, B)
  }
}
