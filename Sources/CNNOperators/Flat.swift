// What training does to flat arrays of gradients, on all threads.
package import CNNCore
import Microkernels

@_specialize(where T == Float) @_specialize(where T == Double)
package func addScaled<T: Element>(
  _ x: UnsafePointer<T>, by factor: T, to y: UnsafeMutablePointer<T>, _ count: Int
) throws(CNNError) {
  try forEachPiece(count) { T.kernels.combine(y + $0, 1, x + $0, factor, 0, y + $0, $1) }
}

@_specialize(where T == Float) @_specialize(where T == Double)
package func multiply<T: Element>(_ x: UnsafeMutablePointer<T>, _ count: Int, by factor: T) throws(CNNError) {
  try forEachPiece(count) { T.kernels.scaleShift(x + $0, factor, 0, x + $0, $1) }
}

/// Elements beyond -limit and limit become these.
@_specialize(where T == Float) @_specialize(where T == Double)
package func cut<T: Element>(_ x: UnsafeMutablePointer<T>, _ count: Int, to limit: T) throws(CNNError) {
  try forEachPiece(count) { start, count in
    for i in start..<start &+ count { x[i] = x[i] > limit ? limit : x[i] < -limit ? -limit : x[i] }
  }
}

/// Sums of pieces, then of these in double.
@_specialize(where T == Float) @_specialize(where T == Double)
package func sumOfSquares<T: Element>(_ x: UnsafePointer<T>, _ count: Int) throws(CNNError) -> Double {
  let sums = try Scratch<Double>(count >> 16 &+ 1)
  let data = sums.data
  try forEachPiece(count) { data[$0 >> 16] = Double(T.kernels.sumOfProducts(x + $0, 0, x + $0, 0, $1)) }
  var total = 0.0
  for i in 0..<(count &+ 65535) >> 16 { total += data[i] }
  return total
}

/// y goes this share of its way to x; where it is there already, it stays to the last bit.
@_specialize(where T == Float) @_specialize(where T == Double)
package func approach<T: Element>(
  _ x: UnsafePointer<T>, from y: UnsafeMutablePointer<T>, by share: T, _ count: Int
) throws(CNNError) {
  if share == 1 { return copy(x, to: y, count) }
  try forEachPiece(count) { start, count in
    for i in start..<start &+ count { y[i] += share * (x[i] - y[i]) }
  }
}

@_specialize(where T == Float) @_specialize(where T == Double)
package func exchange<T: Element>(_ x: UnsafeMutablePointer<T>, _ y: UnsafeMutablePointer<T>, _ count: Int) {
  for i in 0..<count { (x[i], y[i]) = (y[i], x[i]) }
}
