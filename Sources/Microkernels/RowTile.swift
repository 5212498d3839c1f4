// One row times a matrix in panels: what a product comes down to where there is one image. Every number of the matrix is used once, so
// memory is the limit; a tile of one row is slower than that, as its two sums wait for each other.

/// c[n] = initial[n] + sum over i < inner of a[i * aStep] * b[n], where column n is in panel n / (two vectors), at
/// b[panel * pitch + i * width + n % width]: a last panel of no more columns than a vector has is one vector wide, the others two. Each sum has
/// the order of a tile's.
public struct RowOperands<T> {
  public var a: UnsafePointer<T>, b: UnsafePointer<T>, c: UnsafeMutablePointer<T>
  /// nil: 0.
  public var initial: UnsafePointer<T>?
  public var inner: Int, aStep: Int, pitch: Int
  /// How many columns are stored and taken from `initial`; b is read in whole vectors.
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

/// Eight vectors at a time, as long as there are: as many sums as multiply-adds can be under way.
@inlinable @inline(never)
public func rowTile<V: Vector>(_: V.Type, _ operands: RowOperands<V.Scalar>) {
  var o = operands
  while o.columns > 0 {
    switch (o.columns &+ V.count &- 1) / V.count {
    case 1: rowVectors(InlineArray<1, V>.self, o)
    case 2: rowVectors(InlineArray<2, V>.self, o)
    case 3: rowVectors(InlineArray<3, V>.self, o)
    case 4: rowVectors(InlineArray<4, V>.self, o)
    case 5: rowVectors(InlineArray<5, V>.self, o)
    case 6: rowVectors(InlineArray<6, V>.self, o)
    case 7: rowVectors(InlineArray<7, V>.self, o)
    default: rowVectors(InlineArray<8, V>.self, o)
    }
    let done = 8 &* V.count
    o.b += 4 &* o.pitch
    o.c += done
    o.initial = o.initial.map { $0 + done }
    o.columns &-= done
  }
}

@inlinable @inline(__always)
func rowVectors<V: Vector, let Vectors: Int>(_: InlineArray<Vectors, V>.Type, _ o: RowOperands<V.Scalar>) {
  let panels = Vectors / 2, width = 2 &* V.count, pitch = o.pitch
  var sums = InlineArray<Vectors, V>(repeating: V.repeating(0))
  /// Of vector v: how many of its columns there are.
  func count(_ v: Int) -> Int { min(V.count, o.columns &- v &* V.count) }
  if let initial = o.initial {
    for v in 0..<Vectors { sums[v] = load(initial + v &* V.count, count(v)) }
  }
  if o.inner > 0 {
    var a = o.a, b = o.b, narrow = o.b + panels &* pitch
    let end = b + o.inner &* width
    repeat {
      let x = V.repeating(a[0])
      for v in 0..<2 &* panels {
        sums[v] = V.multiplyAdd(x, V.load(b + (v / 2 &* pitch &+ v % 2 &* V.count)), sums[v])
      }
      if Vectors % 2 == 1 {
        sums[Vectors &- 1] = V.multiplyAdd(x, V.load(narrow), sums[Vectors &- 1])
        narrow += V.count
      }
      a += o.aStep
      b += width
    } while b != end
  }
  for v in 0..<Vectors { store(sums[v], o.c + v &* V.count, count(v)) }
}
