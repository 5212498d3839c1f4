// Sigmoid, tanh and softmax, against the C library's functions in double precision.
import CNNCore
import Glibc
import Microkernels
import TestSupport
import Testing

/// Where exp becomes 0: it is not computed further down.
private func smallest<T: Element>(_: T.Type) -> T { T(exp(T.self == Float.self ? -87.0 : -708.0)) }

/// Numbers of every size, with something special in every place of a vector.
private func inputs<T: Element>(_ count: Int) -> [T] {
  let special: [T] = [
    0, -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude, -1e-30, 1e-7, 0.17, 0.3466, -0.3466, 1,
    -17, 44, -86.9, 87.1, -87.1, 88, -104, 707.9, -707.9, -708.1, 709, -746, 1e4, -1e30, .greatestFiniteMagnitude,
    -.greatestFiniteMagnitude, .infinity, -.infinity, .nan,
  ]
  return numbers(count).enumerated().map { i, x in
    switch i % 4 {
    case 0: special[i / 4 % special.count]
    case 1: x
    case 2: x * 45
    default: x * 400
    }
  }
}

@Suite struct ExponentialTests {
  @Test(arguments: instructionSets) func sigmoid(_ set: InstructionSet) {
    sigmoid(set.float32())
    sigmoid(set.float64())
  }

  /// exp is good to about one unit in the last place; the addition and the division that follow bring half a unit each, and
  /// the C library's function has its own: four units are enough.
  private func sigmoid<T: Element>(_ table: KernelTable<T>) {
    expectMap(table, "sigmoid", sizes: table.sizes + [1009], inputs, { table.sigmoid($0, $1, $2) }) { x, _ in
      let y = T(1 / (1 + exp(-Double(x))))
      return Expected(y, within: 4 * T.ulpOfOne * y + (y < 2 * smallest(T.self) ? smallest(T.self) : 0))
    }
  }

  @Test(arguments: instructionSets) func tanh(_ set: InstructionSet) {
    tanh(set.float32())
    tanh(set.float64())
  }

  /// As for sigmoid; near 0 too, where tanh is as small as x.
  private func tanh<T: Element>(_ table: KernelTable<T>) {
    expectMap(table, "tanh", sizes: table.sizes + [1009], inputs, { table.tanh($0, $1, $2) }) { x, _ in
      let y = T(Glibc.tanh(Double(x)))
      return Expected(y, within: 4 * T.ulpOfOne * abs(y))
    }
  }

  @Test(arguments: instructionSets) func softmaxRow(_ set: InstructionSet) {
    softmaxRow(set.float32())
    softmaxRow(set.float64())
  }

  private func softmaxRow<T: Element>(_ table: KernelTable<T>) {
    for count in table.sizes where count > 0 {
      softmaxRow(table, numbers(count), "numbers")
      softmaxRow(table, numbers(count).map { $0 * 45 }, "larger numbers")
      softmaxRow(table, numbers(count).map { $0 * .greatestFiniteMagnitude / 4 }, "the largest numbers")
      softmaxRow(table, [T](repeating: -.infinity, count: count), "nothing but -infinity, which has no softmax")
      for place in Set([0, count / 2, count - 1]) {
        for special in [T.nan, .infinity, -.infinity, 1e4, -1e4] {
          var x: [T] = numbers(count)
          x[place] = special
          softmaxRow(table, x, "numbers and at \(place) \(special)")
          // Two of a kind: the largest, or NaN, may come before the other.
          x[count / 3] = .nan
          softmaxRow(table, x, "numbers, NaN, and at \(place) \(special)")
        }
      }
    }
  }

  /// x - largest is taken in T, for it is what exp is of; then exp is good to about one unit, the sum of n of them to n half
  /// units more, and the plain one to as many.
  private func softmaxRow<T: Element>(_ table: KernelTable<T>, _ values: [T], _ what: String) {
    let count = values.count, largest = values.contains(where: \.isNaN) ? T.nan : values.max() ?? 0
    let powers = values.map { exp(Double($0 - largest)) }, total = powers.reduce(0, +)
    let relative = T(count + 4) * T.ulpOfOne
    // What is not computed is too little of a sum of 1 or more to be seen there.
    let wanted = powers.map { Expected(T($0 / total), within: relative * T($0 / total) + smallest(T.self)) }
    let x = Block(values), y = Block<T>(untouched: count)
    let apart = table.softmaxRow(x.data, y.data, count), inPlace = table.softmaxRow(x.data, x.data, count)
    y.expect(wanted, "softmax of \(count) \(what)")
    x.expect(wanted, "softmax of \(count) \(what), in place")
    for got in [apart, inPlace] {
      #expect(Expected(largest).matches(got.largest), "\(T.self) largest of \(count) \(what): \(got)")
      #expect(Expected(T(total), within: relative * T(total)).matches(got.sum), "\(T.self) sum of \(count) \(what): \(got)")
    }
  }
}
