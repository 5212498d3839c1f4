// Plans for the shapes that came last. A network may be asked by several threads.
import CNNCore
import CNNOperators

struct PlanCache<T: Element> {
  static var limit: Int { 20 }
  private var plans: [(plan: Plan<T>, version: Int)] = []  // the last used at the end

  /// A plan that fits, which becomes the last used.
  mutating func find(_ mode: Mode, version: Int, _ fits: (Plan<T>) -> Bool) -> Plan<T>? {
    for i in plans.indices.reversed()
    where plans[i].version == version && plans[i].plan.mode == mode && fits(plans[i].plan) {
      if i != plans.count - 1 { plans.append(plans.remove(at: i)) }
      return plans[plans.count - 1].plan
    }
    return nil
  }
  mutating func add(_ plan: Plan<T>, version: Int) {
    plans.removeAll { $0.version != version }
    if plans.count == PlanCache.limit { plans.removeFirst() }
    plans.append((plan, version))
  }
  var count: Int { plans.count }
}

extension Plan {
  /// Whether it is for inputs of these shapes, whatever they contain.
  func fits(_ shapes: [Shape]) -> Bool { contents.isEmpty && shapes == inputShapes }
  /// Whether it is for these inputs.
  func fits(_ inputs: [AnyInput]) -> Bool {
    guard inputs.count == inputShapes.count else { return false }
    for i in inputs.indices where inputs[i].shape != inputShapes[i] || inputs[i].type != inputTypes[i] { return false }
    return contents.allSatisfy { $0.array.equals(inputs[$0.input]) }
  }
}
