// What follows a convolution while its sums are in registers: y = limited(sums + residual); and while they are in the first cache: the
// largest of each window of these.
package import CNNCore

package struct Epilogue<T: Element> {
  /// An array of y's shape. It may be y itself.
  package var residual: BlockedArray<T>?
  /// What is below or above becomes these: (0, infinity) is relu. 0 lies between them.
  package var limits: (low: T, high: T)?
  /// y then has the pooled shape. Without a residual, and of a planar x of few channels only.
  package var maxPooling: Pooling?

  package init(residual: BlockedArray<T>? = nil, limits: (low: T, high: T)? = nil, maxPooling: Pooling? = nil) {
    (self.residual, self.limits, self.maxPooling) = (residual, limits, maxPooling)
  }
}
