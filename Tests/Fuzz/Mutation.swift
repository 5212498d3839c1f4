// Files made wrong: bits, bytes and pieces of the raw file, and fields of its messages with all lengths right.

private let extremes: [UInt64] = [
  0, 1, 2, 3, 7, 8, 9, 16, 127, 128, 255, 256, 65535, 1 << 16, 1 << 20, 1 << 28, 1 << 31, 1 << 32, 1 << 40, 1 << 62,
  UInt64(Int64.max),
  1 << 63, .max, .max - 1, UInt64(bitPattern: -2), UInt64(bitPattern: -8),
]

func mutated(_ seeds: [[UInt8]], _ random: inout Random) -> [UInt8] {
  var file = seeds[random.below(seeds.count)]
  for _ in 0...random.below(4) {
    if random.chance(3) {
      mutateBytes(&file, seeds, &random)
    } else if var tree = parse(file[...]) {
      mutateField(&tree, &random, seeds)
      file = serialized(tree)
    } else {
      mutateBytes(&file, seeds, &random)
    }
  }
  return file
}

private func mutateBytes(_ file: inout [UInt8], _ seeds: [[UInt8]], _ random: inout Random) {
  guard !file.isEmpty else { return file = seeds[random.below(seeds.count)] }
  let place = random.below(file.count), length = 1 + random.below(min(32, file.count - place))
  switch random.below(9) {
  case 0: file[place] ^= 1 << UInt8(random.below(8))
  case 1: file[place] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)]
  case 2: file.removeSubrange(place...)
  case 3: file.removeSubrange(place..<place + length)
  case 4: file.insert(contentsOf: (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }, at: place)
  case 5: file.insert(contentsOf: file[place..<place + length], at: random.below(file.count))
  case 6:
    let other = seeds[random.below(seeds.count)], from = random.below(other.count)
    file.replaceSubrange(place..., with: other[from...])
  case 7:
    // A number of any length in the place of whatever is there: lengths that lie, among others.
    var rest = extremes[random.below(extremes.count)], bytes: [UInt8] = []
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    file.replaceSubrange(place..<place + 1, with: bytes + [UInt8(rest)])
  default: for i in place..<place + length { file[i] = UInt8(truncatingIfNeeded: random.next()) }
  }
}

/// Changes a field somewhere in the tree, deeper ones as often as shallow ones.
private func mutateField(_ fields: inout [WireField], _ random: inout Random, _ seeds: [[UInt8]]) {
  guard !fields.isEmpty else { return }
  let place = random.below(fields.count)
  if case .message(var inside) = fields[place].value, !random.chance(4) {
    mutateField(&inside, &random, seeds)
    fields[place].value = .message(inside)
    return
  }
  switch random.below(8) {
  case 0: fields.remove(at: place)
  case 1: fields.insert(fields[place], at: random.below(fields.count + 1))
  case 2: fields.swapAt(place, random.below(fields.count))
  case 3: fields[place].number = UInt64(1 + random.below(26))
  case 4:
    // Another field's value: the name of another array, so that graphs get cycles and arrays two makers.
    fields[place].value = fields[random.below(fields.count)].value
  default:
    switch fields[place].value {
    case .varint(let value):
      fields[place].value = .varint(
        random.chance(2) ? extremes[random.below(extremes.count)] : value ^ 1 << UInt64(random.below(8)))
    case .fixed32: fields[place].value = .fixed32(UInt32(truncatingIfNeeded: random.next()))
    case .fixed64: fields[place].value = .fixed64(random.next())
    case .bytes(var bytes):
      mutateBytes(&bytes, [[0], [1, 2, 3], Array("Identity".utf8)], &random)
      fields[place].value = .bytes(bytes)
    case .message(let inside): fields[place].value = .bytes(Array(serialized(inside).dropLast()))
    }
  }
}
