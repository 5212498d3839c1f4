// Wrong model files through the loader, by the hundred thousand: no crash, no hang, no memory beyond what the file's arrays need; each
// is a clear error or a network that works. Built with the address sanitizer:
//
//     ModelFuzzer COUNT [SEED] [FILE.onnx …]
//
// Case i of a seed is always the same; a failure prints its number, and `ModelFuzzer 1 SEED+i` repeats it.
import CNNCore
import CNNModelFiles
import CNNNetwork
import CNNOperators
import FuzzHooks

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What the reading itself may take beside the file: structures of Swift, and the sanitizer's red zones around them.
let allowance: Int64 = 24 << 20
let seconds = 1.0

func read(_ path: String) -> [UInt8]? {
  guard let file = fopen(path, "rb") else { return nil }
  defer { fclose(file) }
  var bytes: [UInt8] = [], part = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = fread(&part, 1, part.count, file)
    if count == 0 { return bytes }
    bytes += part[..<count]
  }
}

func fail(_ message: String) -> Never {
  print("ModelFuzzer: \(message)")
  exit(1)
}

/// Runs the network once where that is little work; what it throws is an answer too.
func run<T: Element>(_ network: Network<T>) {
  var shapes: [Shape] = []
  for id in network.graph.inputs {
    guard let value = try? network.graph.value(id, "input"), let shape = value.shape, shape.count < 1 << 14 else { return }
    shapes.append(shape)
  }
  guard network.graph.parameters.count < 1 << 16, let memory = try? network.memory(shapes, .infer), memory < 1 << 18,
    let outputs = try? network.outputShapes(shapes), !outputs.contains(where: { $0.count > 1 << 16 })
  else { return }
  let room = shapes.reduce(outputs.reduce(64) { $0 + $1.count }) { $0 + $1.count }
  let numbers = UnsafeMutablePointer<T>.allocate(capacity: room)
  defer { numbers.deallocate() }
  numbers.initialize(repeating: 0.5, count: room)
  var next = numbers, given: [Input<T>] = [], taken: [Output<T>] = []
  for shape in shapes {
    given.append(Input("x", shape, UnsafePointer(next)))
    next += shape.count
  }
  for shape in outputs {
    taken.append(Output("y", shape, next))
    next += shape.count
  }
  try? network.predict(given, taken)
}

var arguments = Array(CommandLine.arguments.dropFirst())
guard let count = arguments.first.flatMap({ Int($0) }) else { fail("wanted a number of cases") }
arguments.removeFirst()
var seed = 0
if let given = arguments.first.flatMap({ Int($0) }) {
  seed = given
  arguments.removeFirst()
}
var seeds: [[UInt8]]
do throws(CNNError) { seeds = try ownSeeds() } catch { fail("own seeds: \(error.message)") }
for path in arguments {
  guard let file = read(path) else { fail("\(path): cannot be read") }
  seeds.append(file)
}
let isWatched = fuzz_watch_memory() != 0
var loaded = 0, refused: [CNNError.Kind: Int] = [:], slowest = 0.0
for i in 0..<count {
  var random = Random(state: UInt64(truncatingIfNeeded: seed + i) &* 0x2545_f491_4f6c_dd1d)
  let file = mutated(seeds, &random)
  fuzz_deadline(60, "ModelFuzzer: case \(seed + i) takes over a minute\n")
  fuzz_reset_peak()
  let before = fuzz_peak(), start = fuzz_seconds()
  do throws(CNNError) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: file.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: file)
    let network = try loadNetwork(bytes: UnsafeRawBufferPointer(copy))
    let took = fuzz_seconds() - start
    slowest = max(slowest, took)
    guard took < seconds else { fail("case \(seed + i): loading took \(took) s") }
    var arrays = 0
    switch network {
    case .single(let network): arrays = 4 * (network.graph.parameters.count + network.graph.buffers.count)
    case .double(let network): arrays = 8 * (network.graph.parameters.count + network.graph.buffers.count)
    }
    let used = fuzz_peak() - before
    guard !isWatched || used < Int64(2 * file.count + 2 * arrays) + allowance else {
      fail("case \(seed + i): a file of \(file.count) bytes, with arrays of \(arrays), took \(used) bytes")
    }
    loaded += 1
    switch network {
    case .single(let network): run(network)
    case .double(let network): run(network)
    }
  } catch {
    let took = fuzz_seconds() - start, used = fuzz_peak() - before
    slowest = max(slowest, took)
    guard took < seconds else { fail("case \(seed + i): refusing took \(took) s") }
    guard !isWatched || used < Int64(2 * file.count) + allowance else {
      fail("case \(seed + i): a file of \(file.count) bytes took \(used) bytes until it was refused")
    }
    guard !error.message.isEmpty else { fail("case \(seed + i): an error without a message") }
    refused[error.kind, default: 0] += 1
  }
}
let kinds = refused.sorted { $0.value > $1.value }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
print(
  "\(count) files from \(seeds.count) seeds: \(loaded) loaded; refused: \(kinds); slowest \(Int(slowest * 1000)) ms"
    + (isWatched ? "" : "; memory not watched"))
