// Arrays that need not be in memory before somebody asks for them.
import CNNCore
import CNNNetwork
import Testing

@Suite struct FlatArraysTests {
  private final class Count { var writes = 0 }
  private func arrays(_ count: Count, isLasting: Bool = true) throws -> FlatArrays<Float> {
    let arrays = FlatArrays<Float>()
    for (name, start) in [("a", 100), ("b", 200), ("c", 300)] as [(StaticString, Int)] {
      _ = try arrays.add(Name(name), Shape("array", 5), isLasting: isLasting) { array throws(CNNError) in
        count.writes += 1
        for i in 0..<5 { array.data[i] = Float(start + i) }
      }
    }
    return arrays
  }

  @Test func lastingArraysAreWrittenWhenSomebodyAsks() throws {
    let count = Count(), arrays = try arrays(count), place = try arrays.place(), version = arrays.version
    #expect(count.writes == 0 && !arrays.isInMemory(1) && place[16] == 0)
    #expect(try arrays.array(1).data == place + 16 && place[16] == 200 && place[20] == 204)
    #expect(count.writes == 1 && arrays.isInMemory(1) && !arrays.isInMemory(0))
    // What was changed stays.
    place[16] = 7
    #expect(try arrays.memory() == place && place[0] == 100 && place[16] == 7 && place[32] == 300)
    #expect(count.writes == 3 && arrays.version == version, "the numbers are what they were")
  }
  @Test func othersAreWrittenWhenAllAreLaidOut() throws {
    let count = Count(), arrays = try arrays(count, isLasting: false), place = try arrays.place()
    #expect(count.writes == 3 && place[32] == 300)
  }
  @Test func aCopyLeavesThemWhereTheyAre() throws {
    let count = Count(), arrays = try arrays(count), copy = try Block<Float>(5)
    try arrays.copy(2, to: copy.data)
    #expect(copy.data[4] == 304 && !arrays.isInMemory(2))
    try arrays.array(2).data[4] = 9
    try arrays.copy(2, to: copy.data)
    #expect(copy.data[4] == 9)
  }
  @Test func theyMoveWhereOthersAreAdded() throws {
    let arrays = try arrays(Count()), first = try arrays.array(0)
    first.data[0] = 8
    _ = try arrays.add("d", Shape("array", 1)) { array throws(CNNError) in array.data[0] = 400 }
    let place = try arrays.memory()
    #expect(place[0] == 8 && place[16] == 200 && place[48] == 400)
  }
  @Test func whatCannotBeWrittenIsAnErrorEachTime() throws {
    let arrays = FlatArrays<Float>()
    _ = try arrays.add("a", Shape("array", 5), isLasting: true) { _ throws(CNNError) in throw CNNError(.file, "gone") }
    for _ in 0..<2 { #expect(throws: CNNError.self) { try arrays.memory() } }
    #expect(!arrays.isInMemory(0))
  }
}
