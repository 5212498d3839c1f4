// Plans for the shapes that came last. A network may be asked by several threads.
import CNNCore
import CNNOperators

struct PlanCache<T: Element> {
  static var limit: Int { 20 }
  private var plans: [(plan: Plan<T>, version: Int)] = []  // the last used at the end

  /// A plan that fits, which becomes the last used.
  mutating func find(_ shapes: [Shape], _ contents: [AnyInput], _ mode: Mode, version: Int) -> Plan<T>? {
    for i in plans.indices.reversed()
    where plans[i].version == version && plans[i].plan.mode == mode && plans[i].plan.fits(shapes, contents) {
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
  /// Whether it is for these inputs; contents may be unknown, as an empty list.
  func fits(_ shapes: [Shape], _ contents: [AnyInput]) -> Bool {
    guard shapes == inputShapes else { return false }
    guard !contents.isEmpty else { return self.contents.isEmpty }
    for i in contents.indices where contents[i].type != inputTypes[i] { return false }
    return self.contents.allSatisfy { $0.array.equals(contents[$0.input]) }
  }
}
