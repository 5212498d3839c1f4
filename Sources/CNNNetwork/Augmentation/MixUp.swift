// MixUp (Zhang et al. 2018): x[i] becomes share * x[i] + (1 - share) * x[i + 1], around the batch, and so does its target; a class
// becomes a distribution. Each image has a share of its own, drawn from the distribution Beta(alpha, alpha).
import CNNCore
import CNNOperators

struct MixUp {
  let alpha: Double
  let key: UInt64

  static func check<T: Element>(_ target: Target<T>, _ outputs: Shape) throws(CNNError) {
    if case .distribution = target { return }
    guard outputs.rank == 2 else {
      throw .shape("MixUp: wanted scores [N][K] for classes, got outputs of shape \(outputs.description)")
    }
    for n in 0..<target.shape.count where target.index(n) < 0 || target.index(n) >= outputs[1] {
      throw .argument("MixUp: target[\(n)]: wanted a class from 0 to \(outputs[1] - 1), got \(target.index(n))")
    }
  }

  /// Calls body with the mixed images and targets.
  func apply<T: Element, R>(
    _ x: Input<T>, _ target: Target<T>, classes: Int, number: (Int) -> Int,
    _ body: (Input<T>, Target<T>) throws(CNNError) -> R
  ) throws(CNNError) -> R {
    let N = x.shape[0], cells = x.shape.count / N
    let shape: Shape =
      if case .distribution(let t) = target { t.shape } else { try Shape("target", N, classes) }
    let width = shape.count / N
    let images = try Scratch<T>(x.shape.count), rows = try Scratch<T>(shape.count), shares = try Scratch<T>(N)
    for i in 0..<N {
      let words = philox(counter: UInt64(number(i)), key: key)
      shares.data[i] = T(beta(alpha, key: UInt64(words[0]) << 32 | UInt64(words[1])))
      let next = i &+ 1 == N ? 0 : i &+ 1, share = shares.data[i], row = rows.data + i &* width
      if case .distribution(let t) = target {
        mix(t.data + i &* width, t.data + next &* width, share, row, width)
      } else {
        for k in 0..<width { row[k] = 0 }
        row[target.index(i)] += share
        row[target.index(next)] += 1 - share
      }
    }
    let (to, share) = (images.data, shares.data)
    parallel(N, width: try parallelWidth(N, .elements(N, cells))) { i, _ in
      mix(x.data + i &* cells, x.data + (i &+ 1 == N ? 0 : i &+ 1) &* cells, share[i], to + i &* cells, cells)
    }
    return try body(
      Input(x.name, x.shape, UnsafePointer(to)), .distribution(Input("target", shape, UnsafePointer(rows.data))))
  }
}

@_specialize(where T == Float) @_specialize(where T == Double)
private func mix<T: Element>(
  _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, _ share: T, _ y: UnsafeMutablePointer<T>, _ count: Int
) {
  for i in 0..<count { y[i] = share * a[i] + (1 - share) * b[i] }
}

/// A number of Beta(alpha, alpha): g / (g + h), of two numbers of Gamma(alpha). By their logarithms, as small alphas make numbers
/// that are too small.
func beta(_ alpha: Double, key: UInt64) -> Double {
  var counter: UInt64 = 0
  let g = logarithmOfGamma(alpha, key, &counter), h = logarithmOfGamma(alpha, key, &counter)
  return 1 / (1 + exponential(h - g))
}

/// The logarithm of a number of Gamma(alpha) (Marsaglia and Tsang 2000), from blocks of the key's generator: two words for a
/// normal number, one to accept it by, and one that takes Gamma(alpha + 1) down to Gamma(alpha).
private func logarithmOfGamma(_ alpha: Double, _ key: UInt64, _ counter: inout UInt64) -> Double {
  let d = alpha + 1 - 1.0 / 3, c = 1 / (9 * d).squareRoot()
  while true {
    let words = philox(counter: counter, key: key)
    counter &+= 1
    let x = (-2 * logarithm(fraction(words[0]))).squareRoot() * cosine(2 * .pi * fraction(words[1]))
    let root = 1 + c * x, v = root * root * root
    if root > 0, logarithm(fraction(words[2])) < x * x / 2 + d * (1 - v + logarithm(v)) {
      return logarithm(d * v) + logarithm(fraction(words[3])) / alpha
    }
  }
}
