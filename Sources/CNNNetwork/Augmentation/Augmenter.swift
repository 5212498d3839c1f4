// The augmentations of one epoch, done to batch after batch.
package import CNNCore
package import CNNOperators

package struct Augmenter<T: Element> {
  private struct Step {
    let kind: Augmentation.Kind
    /// What this augmentation draws from in this epoch.
    let key: UInt64
    let before: Pixels, after: Pixels
  }
  private var steps: [Step] = []
  private var mixUp: MixUp?
  /// What the network sees of all images.
  package let shape: Shape

  package init(_ list: [Augmentation], x: Shape, key: UInt64) throws(CNNError) {
    var shape = x
    for (i, augmentation) in list.enumerated() {
      let words = philox(counter: UInt64(i), key: key), key = UInt64(words[0]) << 32 | UInt64(words[1])
      let after = try augmentation.shape(of: shape)
      if case .mixUp(let alpha) = augmentation.kind {
        mixUp = MixUp(alpha: alpha, key: key)
      } else {
        steps.append(Step(kind: augmentation.kind, key: key, before: Pixels(shape), after: Pixels(after)))
      }
      shape = after
    }
    self.shape = shape
  }

  /// Whether these targets can be mixed, if they have to be, for outputs of this shape.
  func check(_ target: Target<T>, outputs: Shape) throws(CNNError) { if mixUp != nil { try MixUp.check(target, outputs) } }

  /// Calls body with the first input augmented, and the target that is then wanted. `number` is that of the batch's image i among
  /// all, `classes` how many scores the network gives.
  package func apply<R>(
    _ inputs: [Input<T>], _ target: Target<T>, classes: Int, number: (Int) -> Int,
    _ body: ([Input<T>], Target<T>) throws(CNNError) -> R
  ) throws(CNNError) -> R {
    let x = inputs[0], N = x.shape[0], batch = try shape.withImages(N)
    let cells = batch.count / N, before = x.shape.count / N
    let most = steps.reduce(cells) { max($0, $1.before.count) }
    let images = try Scratch<T>(batch.count), width = try parallelWidth(N, .elements(N, most, steps.count &+ 1))
    let room = try Scratch<T>(2 &* most &* width)
    let (to, spare) = (images.data, room.data)
    withoutActuallyEscaping(number) { number in
      parallel(N, width: width) { i, worker in
        augment(x.data + i &* before, UInt64(number(i)), to + i &* cells, cells, spare + 2 &* most &* worker, most)
      }
    }
    let augmented = Input(x.name, batch, UnsafePointer(to))
    guard let mixUp else { return try body([augmented] + inputs.dropFirst(), target) }
    return try mixUp.apply(augmented, target, classes: classes, number: number) { mixed, target throws(CNNError) in
      try body([mixed] + inputs.dropFirst(), target)
    }
  }

  /// One image, from step to step by way of the two halves of `room`.
  @_specialize(where T == Float) @_specialize(where T == Double)
  private func augment(
    _ x: UnsafePointer<T>, _ number: UInt64, _ y: UnsafeMutablePointer<T>, _ cells: Int, _ room: UnsafeMutablePointer<T>,
    _ half: Int
  ) {
    if steps.isEmpty { return copy(x, to: y, cells) }
    var from = x
    for (i, step) in steps.enumerated() {
      let to = i == steps.count &- 1 ? y : room + (i & 1) &* half
      let words = philox(counter: number, key: step.key)
      switch step.kind {
      case .crop(_, let pads, let fill):
        let top = step.before.H &+ 2 &* pads[0] &- step.after.H, left = step.before.W &+ 2 &* pads[1] &- step.after.W
        step.before.window(
          from, to, step.after, y: below(top &+ 1, words[0]) &- pads[0], x: below(left &+ 1, words[1]) &- pads[1], fill: T(fill)
        )
      case .flip(let share):
        if isDrawn(share, words[0]) { step.before.flip(from, to) } else { copy(from, to: to, step.before.count) }
      case .normalize(let mean, let deviation):
        for c in 0..<step.before.C {
          let (mean, deviation, area) = (T(mean[c]), T(deviation[c]), step.before.H &* step.before.W)
          for j in c &* area..<(c &+ 1) &* area { to[j] = (from[j] - mean) / deviation }
        }
      case .cutout(let side, let share, let fill):
        copy(from, to: to, step.before.count)
        if isDrawn(share, words[0]) {
          step.before.square(
            to, y: below(step.before.H, words[1]) &- side / 2, x: below(step.before.W, words[2]) &- side / 2, side: side,
            fill: T(fill))
        }
      case .mixUp: break
      }
      from = UnsafePointer(to)
    }
  }
}

/// A number from 0 to less than count, from a word; even to one in 2^32 / count.
private func below(_ count: Int, _ word: UInt32) -> Int { Int(truncatingIfNeeded: (UInt64(count) &* UInt64(word)) >> 32) }
/// With this probability.
private func isDrawn(_ share: Double, _ word: UInt32) -> Bool { Double(word) < share * 4_294_967_296 }

/// One image, [C][H][W].
private struct Pixels {
  let C: Int, H: Int, W: Int
  var count: Int { C &* H &* W }
  init(_ shape: Shape) { (C, H, W) = (shape[1], shape[2], shape[3]) }

  /// y[C][h][w] = x[C][row + h][column + w], and `fill` outside the image.
  @inline(__always)
  func window<T>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ size: Pixels, y row: Int, x column: Int, fill: T
  ) where T: BitwiseCopyable {
    // The columns of the window that lie in the image.
    let first = min(max(0, 0 &- column), size.W), end = max(first, min(size.W, W &- column))
    for c in 0..<C {
      for h in 0..<size.H {
        let to = y + (c &* size.H &+ h) &* size.W, at = row &+ h
        let isInside = at >= 0 && at < H
        let (first, end) = isInside ? (first, end) : (size.W, size.W)
        for w in 0..<first { to[w] = fill }
        if end > first { copy(x + ((c &* H &+ at) &* W &+ column &+ first), to: to + first, end &- first) }
        for w in end..<size.W { to[w] = fill }
      }
    }
  }
  @inline(__always)
  func flip<T>(_ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>) {
    for row in 0..<C &* H {
      let (from, to) = (x + row &* W, y + row &* W)
      for w in 0..<W { to[w] = from[W &- 1 &- w] }
    }
  }
  /// What of a square lies in the image.
  @inline(__always)
  func square<T>(_ y: UnsafeMutablePointer<T>, y row: Int, x column: Int, side: Int, fill: T) {
    for c in 0..<C {
      for h in max(0, row)..<min(H, row &+ side) {
        for w in max(0, column)..<min(W, column &+ side) { y[(c &* H &+ h) &* W &+ w] = fill }
      }
    }
  }
}
