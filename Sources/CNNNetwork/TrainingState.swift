// What training remembers from step to step besides its progress and the optimizer's states.
package import CNNCore
import CNNOperators

/// An array in the network's own memory, to be read and, to resume, written.
package struct TrainingState<T: Element> {
  package enum Memory { case network(Block<T>), double(Block<Double>) }
  /// Says what it is; no two have the same.
  package let name: Name
  package let memory: Memory
}

extension Network {
  package func trainingStates() throws(CNNError) -> [TrainingState<T>] {
    var list: [TrainingState<T>] = []
    if let (sum, pending) = try gradientSum() {
      list.append(TrainingState(name: "gradient sum", memory: .network(sum)))
      list.append(TrainingState(name: "gradient count", memory: .double(pending)))
    }
    if let averages = try averageMemory() { list.append(TrainingState(name: "average", memory: .network(averages))) }
    for (i, schedule) in schedules.enumerated() {
      if let memory = schedule.memory { list.append(TrainingState(name: Name("plateau \(i)"), memory: .double(memory))) }
    }
    return list
  }

  /// Where gradients of steps are summed until there are enough of them, and the number of these; nil where every step updates.
  func gradientSum() throws(CNNError) -> (sum: Block<T>, steps: Block<Double>)? {
    let count = graph.parameters.count
    guard let optimizer, optimizer.accumulate > 1 else { return nil }
    if let accumulated, let pending, accumulated.count == count { return (accumulated, pending) }
    let sum = try Block<T>(zeros: count), steps = try Block<Double>(1)
    steps.data[0] = 0
    (accumulated, pending) = (sum, steps)
    return (sum, steps)
  }
}
