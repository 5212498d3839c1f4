// Kernels over contiguous elements, against the one line that defines each.
import CNNCore
import Microkernels
import TestSupport
import Testing

@Suite struct ElementwiseTests {
  @Test(arguments: instructionSets) func relu(_ set: InstructionSet) {
    relu(set.float32())
    relu(set.float64())
  }

  private func relu<T: Element>(_ table: KernelTable<T>) {
    // Something special in every place of a vector.
    let special: [T] = [0, -0.0, .nan, .infinity, -.infinity, .leastNonzeroMagnitude, -.leastNonzeroMagnitude]
    let values = { (count: Int) in numbers(count).enumerated().map { i, x in i % 3 == 0 ? special[i / 3 % 7] : x } }
    expectMap(table, "relu", values, { table.relu($0, $1, nil, $2) }, twin: { x, _ in Expected(x <= 0 ? 0 : x) })
    for count in table.sizes {
      let x = Block(values(count)), y = Block<T>(untouched: count), mask = Block<UInt8>(untouched: count)
      table.relu(x.data, y.data, mask.data, count)
      y.expect(values(count).map { Expected($0 <= 0 ? 0 : $0) }, "relu of \(count) with its mask")
      mask.expect(values(count).map { $0 <= 0 ? 1 : 0 }, "mask of \(count)")
    }
  }

  @Test(arguments: instructionSets) func gradientsThroughOutputs(_ set: InstructionSet) {
    gradientsThroughOutputs(set.float32())
    gradientsThroughOutputs(set.float64())
  }

  /// Also where grad_x is grad_y. The slopes are products of two roundings, one of which may be fused: 4 units.
  private func gradientsThroughOutputs<T: Element>(_ table: KernelTable<T>) {
    let special: [T] = [0, .nan, 1, 0, .leastNonzeroMagnitude, -0.0, 0]
    let y: [T] = numbers(table.sizes.max() ?? 0, 2).enumerated().map { i, y in i % 3 == 0 ? special[i / 3 % 7] : y }
    func expect(
      _ name: String, _ kernel: @escaping KernelTable<T>.ThroughOutput, _ twin: @escaping (_ y: T, _ g: T) -> Expected<T>
    ) {
      expectMap(
        table, name, { numbers($0) },
        { gradY, gradX, count in
          let y = Block(Array(y[..<count]))
          kernel(y.data, gradY, gradX, count)
        }, twin: { g, i in twin(y[i], g) })
    }
    let within = { (size: T) in 4 * T.ulpOfOne * size }
    expect("relu", table.reluBackward) { y, g in Expected(y <= 0 ? 0 : g) }
    expect("sigmoid", table.sigmoidBackward) { y, g in Expected(g * (y * (1 - y)), within: within(abs(g * y) * (1 + abs(y)))) }
    expect("tanh", table.tanhBackward) { y, g in Expected(g * (1 - y * y), within: within(abs(g) * (1 + y * y))) }
  }

  @Test(arguments: instructionSets) func maskedScale(_ set: InstructionSet) {
    maskedScale(set.float32())
    maskedScale(set.float64())
  }

  private func maskedScale<T: Element>(_ table: KernelTable<T>) {
    let bytes: [UInt8] = [0, 1, 1, 255, 0, 2, 0]
    // What is dropped may be anything: it becomes 0.
    let values = { (count: Int) in numbers(count, of: T.self).enumerated().map { i, x in bytes[i % 7] == 255 ? .nan : x } }
    for keep: UInt8 in [0, 1] {
      expectMap(
        table, "where the mask is \(keep)", values,
        { x, y, count in
          let mask = Block((0..<count).map { bytes[$0 % 7] })
          table.maskedScale(x, mask.data, keep, 1.25, y, count)
        }, twin: { x, i in Expected(bytes[i % 7] == keep ? x * 1.25 : 0) })
    }
  }

  @Test(arguments: instructionSets) func sums(_ set: InstructionSet) {
    sums(set.float32())
    sums(set.float64())
  }

  private func sums<T: Element>(_ table: KernelTable<T>) {
    for count in table.sizes {
      let x = Block<T>(numbers(count, 1)), z = Block<T>(numbers(count, 2)), mean: T = 0.3, offset: T = -0.7
      var sum = Expected<T>(0), products = sum
      for i in 0..<count {
        sum += x.data[i]
        products += (x.data[i] - mean) * (z.data[i] - offset)
      }
      let gotSum = table.sum(x.data, count), gotProducts = table.sumOfProducts(x.data, mean, z.data, offset, count)
      #expect(sum.matches(gotSum), "\(T.self) sum of \(count): \(gotSum), wanted \(sum)")
      #expect(products.matches(gotProducts), "\(T.self) sum of \(count) products: \(gotProducts), wanted \(products)")
    }
  }

  @Test(arguments: instructionSets) func addTo(_ set: InstructionSet) {
    addTo(set.float32())
    addTo(set.float64())
  }

  private func addTo<T: Element>(_ table: KernelTable<T>) {
    for count in table.sizes {
      let to = Block<T>(numbers(count, 1)), source = Block<T>(numbers(count, 2))
      let wanted = (0..<count).map { to.data[$0] + source.data[$0] }
      table.addTo(to.data, source.data, count)
      to.expect(wanted, "\(count)")
    }
  }

  @Test(arguments: instructionSets) func arithmetic(_ set: InstructionSet) {
    arithmetic(set.float32())
    arithmetic(set.float64())
  }

  /// Of two arrays, and of an array and a number, whichever is which; in place of either array.
  private func arithmetic<T: Element>(_ table: KernelTable<T>) {
    let kinds: [(Arithmetic, (T, T) -> T)] = [
      (.sum, { $0 + $1 }), (.difference, { $0 - $1 }), (.product, { $0 * $1 }), (.quotient, { $0 / $1 }),
    ]
    let others: [T] = numbers(table.sizes.max() ?? 0, 2), one = Block<T>([0.7])
    for (kind, f) in kinds {
      let name = "\(kind)"
      expectMap(
        table, name, { numbers($0) },
        { x, y, count in
          let other = Block(Array(others[..<count]))
          table.arithmetic(kind, x, false, other.data, false, y, count)
        }, twin: { x, i in Expected(f(x, others[i])) })
      expectMap(
        table, "\(name), second", { numbers($0) },
        { x, y, count in
          let other = Block(Array(others[..<count]))
          table.arithmetic(kind, other.data, false, x, false, y, count)
        }, twin: { x, i in Expected(f(others[i], x)) })
      expectMap(
        table, "\(name) with a number", { numbers($0) }, { table.arithmetic(kind, $0, false, one.data, true, $1, $2) },
        twin: { x, _ in Expected(f(x, 0.7)) })
      expectMap(
        table, "\(name) of a number", { numbers($0) }, { table.arithmetic(kind, one.data, true, $0, false, $1, $2) },
        twin: { x, _ in Expected(f(0.7, x)) })
    }
  }

  @Test(arguments: instructionSets) func addRows(_ set: InstructionSet) {
    addRows(set.float32())
    addRows(set.float64())
  }

  private func addRows<T: Element>(_ table: KernelTable<T>) {
    for (columns, rows) in table.sizes.flatMap({ columns in [0, 1, 3, 4, 5, 11].map { (columns, $0) } }) {
      let step = columns + 3
      let source = Block<T>(numbers(rows == 0 || columns == 0 ? 0 : (rows - 1) * step + columns, 1))
      let to = Block<T>(numbers(columns, 2))
      var wanted = (0..<columns).map { Expected(to.data[$0]) }
      for r in 0..<rows { for n in 0..<columns { wanted[n] += source.data[r * step + n] } }
      table.addRows(source.data, step, rows, to.data, columns)
      to.expect(wanted, "\(rows) x \(columns)")
    }
  }

  @Test(arguments: instructionSets) func scaleShift(_ set: InstructionSet) {
    scaleShift(set.float32())
    scaleShift(set.float64())
  }

  private func scaleShift<T: Element>(_ table: KernelTable<T>) {
    let scale: T = 1.7, shift: T = -0.9
    expectMap(table, "scaleShift", { numbers($0) }, { table.scaleShift($0, scale, shift, $1, $2) }) { x, _ in
      var y = Expected(shift)
      y += x * scale
      return y
    }
  }

  @Test(arguments: instructionSets) func combine(_ set: InstructionSet) {
    combine(set.float32())
    combine(set.float64())
  }

  /// y = a * x + b * z + c, also where y is x, and where y is z.
  private func combine<T: Element>(_ table: KernelTable<T>) {
    let (a, b, c): (T, T, T) = (1.3, -0.6, 0.2)
    let sum = { (x: T, z: T) in
      var y = Expected(c)
      y += x * a
      y += z * b
      return y
    }
    let others: [T] = numbers(table.sizes.max() ?? 0, 2)
    expectMap(
      table, "combine of x", { numbers($0) },
      { x, y, count in
        let z = Block(Array(others[..<count]))
        table.combine(x, a, z.data, b, c, y, count)
      }, twin: { x, i in sum(x, others[i]) })
    expectMap(
      table, "combine of z", { numbers($0) },
      { z, y, count in
        let x = Block(Array(others[..<count]))
        table.combine(x.data, a, z, b, c, y, count)
      }, twin: { z, i in sum(others[i], z) })
  }
}
