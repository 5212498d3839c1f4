// One row times a matrix in panels: what a product comes down to where there is one image. Every number of the matrix is used once, so
// memory is the limit; a tile of one row is slower than that, as its two sums wait for each other.

/// c[n] = initial[n] + sum over i < inner of a[i * aStep] * b[n], where column n is in panel n / width, of two vectors, at
/// b[panel * pitch + i * width + n % width]. Each sum has the order of a tile's.
public struct RowOperands<T> {
  public var a: UnsafePointer<T>, b: UnsafePointer<T>, c: UnsafeMutablePointer<T>
  /// nil: 0.
  public var initial: UnsafePointer<T>?
  public var inner: Int, aStep: Int, pitch: Int
  /// How many columns are stored and taken from `initial`; b is read in whole panels.
  public var columns: Int

  @inlinable
  public init(
    a: UnsafePointer<T>, b: UnsafePointer<T>, c: UnsafeMutablePointer<T>, initial: UnsafePointer<T>?, inner: Int, aStep: Int,
    pitch: Int, columns: Int
  ) {
    (self.a, self.b, self.c, self.initial) = (a, b, c, initial)
    (self.inner, self.aStep, self.pitch, self.columns) = (inner, aStep, pitch, columns)
  }
}

/// Four panels at a time, as long as there are: eight sums are as many as multiply-adds can be under way.
@inlinable @inline(never)
public func rowTile<V: Vector>(_: V.Type, _ operands: RowOperands<V.Scalar>) {
  let width = 2 &* V.count
  var o = operands
  while o.columns > 0 {
    switch (o.columns &+ width &- 1) / width {
    case 1: rowPanels(InlineArray<1, V>.self, o)
    case 2: rowPanels(InlineArray<2, V>.self, o)
    case 3: rowPanels(InlineArray<3, V>.self, o)
    default: rowPanels(InlineArray<4, V>.self, o)
    }
    let done = 4 &* width
    o.b += 4 &* o.pitch
    o.c += done
    o.initial = o.initial.map { $0 + done }
    o.columns &-= done
  }
}

@inlinable @inline(__always)
func rowPanels<V: Vector, let Panels: Int>(_: InlineArray<Panels, V>.Type, _ o: RowOperands<V.Scalar>) {
  let width = 2 &* V.count, pitch = o.pitch
  var left = InlineArray<Panels, V>(repeating: V.repeating(0)), right = InlineArray<Panels, V>(repeating: V.repeating(0))
  /// Of a vector whose first column is this one.
  func count(_ column: Int) -> Int { max(0, min(V.count, o.columns &- column)) }
  if let initial = o.initial {
    for p in 0..<Panels {
      left[p] = load(initial + p &* width, count(p &* width))
      right[p] = load(initial + (p &* width &+ V.count), count(p &* width &+ V.count))
    }
  }
  if o.inner > 0 {
    var a = o.a, b = o.b
    let end = b + o.inner &* width
    repeat {
      let x = V.repeating(a[0])
      for p in 0..<Panels {
        left[p] = V.multiplyAdd(x, V.load(b + p &* pitch), left[p])
        right[p] = V.multiplyAdd(x, V.load(b + (p &* pitch &+ V.count)), right[p])
      }
      a += o.aStep
      b += width
    } while b != end
  }
  for p in 0..<Panels {
    store(left[p], o.c + p &* width, count(p &* width))
    store(right[p], o.c + (p &* width &+ V.count), count(p &* width &+ V.count))
  }
}
