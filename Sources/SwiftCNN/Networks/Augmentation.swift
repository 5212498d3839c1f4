// What is done to images in training.
import CNNCore
import CNNNetwork

/// What `fit` does to images `[N][C][H][W]` before the network sees them, drawn anew for each image and epoch from the network's seed.
/// One is done after the other; `trainStep`, evaluation and prediction take images as they are.
///
/// ```swift
/// try network.compile(augmentations: [.randomCrop(padding: 2), .randomHorizontalFlip(), .cutout(side: 8)])
/// ```
public struct Augmentation: Sendable {
  let description: Description

  /// The engine's augmentation of this name, by its own attributes.
  public init(_ name: String, _ attributes: KeyValuePairs<String, AttributeValue> = [:]) {
    description = Description(name, attributes)
  }
  private init(_ name: String, _ items: Description.Item...) { description = Description(name, items) }

  /// A window somewhere in the image with `padding` pixels of `fill` at each side; as large as the image.
  public static func randomCrop(padding: Int = 0, fill: Double = 0) -> Augmentation {
    .init("RandomCrop", .init("padding", .int(padding)), .init("fill", .float(fill)))
  }
  /// The same of `height` x `width` pixels.
  public static func randomCrop(height: Int, width: Int, padding: Int = 0, fill: Double = 0) -> Augmentation {
    .init(
      "RandomCrop", .init("size", .ints([height, width]), from: "height, width"), .init("padding", .int(padding)),
      .init("fill", .float(fill)))
  }
  /// The image moved by up to so many pixels up or down, and left or right; what becomes free is `fill`.
  public static func randomShift(vertical: Int = 0, horizontal: Int = 0, fill: Double = 0) -> Augmentation {
    .init(
      "RandomShift", .init("vertical", .int(vertical)), .init("horizontal", .int(horizontal)), .init("fill", .float(fill)))
  }
  /// The image mirrored.
  public static func randomHorizontalFlip(probability: Double = 0.5) -> Augmentation {
    .init("RandomHorizontalFlip", .init("p", .float(probability), from: "probability"))
  }
  /// `(x - mean) / deviation`, one of each for a channel: for what must come after a crop's `fill`, as only training does it.
  public static func normalize(mean: [Double], deviation: [Double]) -> Augmentation {
    .init("Normalize", .init("mean", .floats(mean)), .init("std", .floats(deviation), from: "deviation"))
  }
  /// A square of `fill` whose centre lies in the image (DeVries and Taylor 2017).
  public static func cutout(side: Int, probability: Double = 1, fill: Double = 0) -> Augmentation {
    .init(
      "Cutout", .init("length", .int(side), from: "side"), .init("p", .float(probability), from: "probability"),
      .init("fill", .float(fill)))
  }
  /// Each image and its target mixed with another's of the batch, by a share from Beta(alpha, alpha) (Zhang et al. 2018). At most one.
  public static func mixUp(alpha: Double = 1) -> Augmentation { .init("MixUp", .init("alpha", .float(alpha))) }
}
