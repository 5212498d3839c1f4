// What follows a convolution while its sums are in registers: y = limited(sums + residual).
package import CNNCore

package struct Epilogue<T: Element> {
  /// An array of y's shape. It may be y itself.
  package var residual: BlockedArray<T>?
  /// What is below or above becomes these: (0, infinity) is relu. 0 lies between them.
  package var limits: (low: T, high: T)?

  package init(residual: BlockedArray<T>? = nil, limits: (low: T, high: T)? = nil) {
    (self.residual, self.limits) = (residual, limits)
  }
}
