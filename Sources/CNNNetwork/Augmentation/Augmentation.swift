// Augmentations: what training does to images x[N][C][H][W] before it sees them, another thing in every epoch. What is done to an
// image depends on the seed, the epoch and the image's number, and on nothing else.
package import CNNCore
package import CNNOperators

package struct Augmentation: Sendable {
  enum Kind: Sendable {
    /// A window of this size (nil: the image's own) of the image with `pads` rows and columns of `fill` on each side.
    case crop(size: [Int]?, pads: [Int], fill: Double)
    case flip(share: Double)
    /// (x - mean) / deviation, one of each for a channel.
    case normalize(mean: [Double], deviation: [Double])
    /// A square of `fill` whose centre is anywhere in the image.
    case cutout(side: Int, share: Double, fill: Double)
    /// The mixture with another image of the batch (MixUp.swift).
    case mixUp(alpha: Double)
  }
  let name: Name
  let kind: Kind

  package init(_ attributes: Attributes) throws(CNNError) {
    name = attributes.owner
    func count(_ name: StaticString, from least: Int) throws(CNNError) -> Int {
      let number = try attributes.int(name, default: least)
      guard number >= least && number <= 1 << 20 else { throw attributes.wrong(name, "\(least) to 2^20, got \(number)") }
      return number
    }
    func share(default standard: Double) throws(CNNError) -> Double {
      let share = try attributes.float("p", default: standard)
      guard share >= 0 && share <= 1 else { throw attributes.wrong("p", "0 to 1, got \(share)") }
      return share
    }
    func fill() throws(CNNError) -> Double { try attributes.float("fill", default: 0) }
    if name.is("RandomCrop") {
      let size = try attributes.ints("size"), padding = try count("padding", from: 0)
      if let size, size.count != 2 || size[0] < 1 || size[1] < 1 { throw attributes.wrong("size", "[height, width] from 1") }
      kind = .crop(size: size, pads: [padding, padding], fill: try fill())
    } else if name.is("RandomShift") {
      kind = .crop(size: nil, pads: [try count("vertical", from: 0), try count("horizontal", from: 0)], fill: try fill())
    } else if name.is("RandomHorizontalFlip") {
      kind = .flip(share: try share(default: 0.5))
    } else if name.is("Normalize") {
      guard let mean = try attributes.floats("mean"), let deviation = try attributes.floats("std") else {
        throw attributes.wrong("mean", "numbers, one a channel, as std has")
      }
      guard mean.count == deviation.count, deviation.allSatisfy({ $0 > 0 && $0 < .infinity }) else {
        throw attributes.wrong("std", "as many numbers as mean, above 0")
      }
      kind = .normalize(mean: mean, deviation: deviation)
    } else if name.is("Cutout") {
      kind = .cutout(side: try count("length", from: 1), share: try share(default: 1), fill: try fill())
    } else if name.is("MixUp") {
      let alpha = try attributes.float("alpha", default: 1)
      guard alpha > 0 && alpha < .infinity else { throw attributes.wrong("alpha", "a number above 0, got \(alpha)") }
      kind = .mixUp(alpha: alpha)
    } else {
      throw CNNError(.unsupported, "augmentation: \(name) is not one that this version has")
    }
    try attributes.finish()
  }

  var mixes: Bool { if case .mixUp = kind { true } else { false } }

  /// The shape of images of this shape afterwards.
  func shape(of x: Shape) throws(CNNError) -> Shape {
    guard x.rank == 4 else { throw .shape("\(name): wanted images [N][C][H][W], got shape \(x.description)") }
    switch kind {
    case .crop(let size?, let pads, _):
      for axis in 0..<2 where size[axis] > x[2 + axis] + 2 * pads[axis] {
        throw .shape("\(name): size: wanted no more than a padded image of shape \(x.description) has, got \(size[axis])")
      }
      return try Shape("inputs", x[0], x[1], size[0], size[1])
    case .normalize(let mean, _):
      guard mean.count == x[1] else {
        throw .shape("\(name): mean: wanted \(x[1]) numbers, one a channel, got \(mean.count)")
      }
      return x
    default: return x
    }
  }
}

extension Network {
  /// Training epochs do this too to the images of the first input, after what was added before; MixUp comes last.
  package func addAugmentation(_ attributes: Attributes) throws(CNNError) {
    let made = try Augmentation(attributes)
    guard !made.mixes || !augmentations.contains(where: { $0.mixes }) else {
      throw .argument("augmentation: there is a MixUp already")
    }
    augmentations.append(made)
  }
  package func clearAugmentations() { augmentations = [] }
}
