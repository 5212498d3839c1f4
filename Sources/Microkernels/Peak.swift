// What a core can do at most, to hold against what kernels do.

/// `rounds` times 12 vectors of multiply-adds, none of which waits for another; their sum, so that none is left out.
@inlinable @inline(never)
public func multiplyAddRounds<V: Vector>(_: V.Type, _ rounds: Int, _ factor: V.Scalar) -> V.Scalar {
  let factor = V.repeating(factor)
  var sums = InlineArray<12, V>(repeating: factor), left = rounds
  repeat {
    for i in 0..<12 { sums[i] = V.multiplyAdd(sums[i], factor, factor) }
    left &-= 1
  } while left > 0
  var total = sums[0]
  for i in 1..<12 { total = total + sums[i] }
  return V.lane(total, 0)
}
/// Multiply-adds of a round, of `lanes` in a vector.
public func multiplyAddsOfRound(lanes: Int) -> Int { 12 * lanes }
