// An exponential moving average of the parameters, which often does better than they do: of the last 1 / (1 - decay) updates or so.
package import CNNCore
import CNNOperators

extension Network {
  /// The averages, flat like the parameters, and a copy of these before the first update; nil where the optimizer keeps none.
  func averageMemory() throws(CNNError) -> Block<T>? {
    let count = graph.parameters.count
    guard optimizer?.averageDecay != nil else { return nil }
    if let averages, averages.count == count { return averages }
    let block = try Block<T>(count)
    copy(UnsafePointer(try graph.parameters.memory()), to: block.data, count)
    // Parameters that were added lie behind the others.
    if let averages { copy(UnsafePointer(averages.data), to: block.data, averages.count) }
    averages = block
    return block
  }

  /// After an update. The first one's result is the first average, as in PyTorch's AveragedModel.
  func average() throws(CNNError) {
    guard let averages = try averageMemory(), let decay = optimizer?.averageDecay else { return }
    let share = progress.updates == 1 ? 1 : T(1 - decay)
    try approach(UnsafePointer(try graph.parameters.memory()), from: averages.data, by: share, averages.count)
  }

  /// Puts the averages in the parameters' place, for all that reads parameters, or puts these back.
  package func useAverages(_ use: Bool) throws(CNNError) {
    guard use != usesAverages else { return }
    guard let averages = try averageMemory() else {
      throw .argument("network: its optimizer keeps no averages; set one with ema_decay")
    }
    exchange(try graph.parameters.memory(), averages.data, averages.count)
    graph.parameters.change()
    usesAverages = use
  }
}
