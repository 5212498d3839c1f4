// How near the direct-convolution tiles, and whole forward calls, come to the processor's peak of multiply-adds: all three in
// the same rounds, on one thread. SWIFTCNN_ISA chooses the instruction set, as everywhere.
import CNNCore
import CNNOperators
import CPeak
import Foundation
import Microkernels

/// A convolution of one image, stride 1, padded so that y is as large as x.
struct Workload {
  let name: String, channels: Int, filters: Int, kernel: Int, size: Int
  var operations: Double { 2 * Double(filters * channels * kernel * kernel * size * size) }
}

let workloads = [
  Workload(name: "3x3 64 to 64, 56x56", channels: 64, filters: 64, kernel: 3, size: 56),
  Workload(name: "3x3 128 to 128, 28x28", channels: 128, filters: 128, kernel: 3, size: 28),
  Workload(name: "3x3 256 to 256, 14x14", channels: 256, filters: 256, kernel: 3, size: 14),
  Workload(name: "1x1 64 to 256, 56x56", channels: 64, filters: 256, kernel: 1, size: 56),
  Workload(name: "1x1 256 to 64, 56x56", channels: 256, filters: 64, kernel: 1, size: 56),
]

func array<T: Element>(_ count: Int) -> UnsafeMutablePointer<T> {
  let p = UnsafeMutableRawPointer.allocate(byteCount: (count + 64) * MemoryLayout<T>.stride, alignment: 64)
    .bindMemory(to: T.self, capacity: count + 64)
  for i in 0..<count + 64 { p[i] = T(i % 7 - 3) / 4 }
  return p
}

/// GFLOP/s of the best of a few calls, as each round measures it.
func rate(_ operations: Double, _ body: () -> Void) -> Double {
  var best = 0.0, spent = 0.0
  while spent < 0.02 {
    let start = peak_seconds()
    body()
    let seconds = peak_seconds() - start
    best = max(best, 1e-9 * operations / seconds)
    spent += seconds
  }
  return best
}

/// The tiles of a forward call alone, in its order: weights packed, x padded, y left as the tiles make it, [pixel][channel].
func tiles<T: Element>(_ w: Workload, _: T.Type) -> () -> Void {
  let table = T.kernels, panel = 2 * table.lanes, panels = w.filters / panel, taps = w.kernel * w.kernel
  let width = w.size + w.kernel - 1, cells = width * width + 16
  let x: UnsafeMutablePointer<T> = array(w.channels * cells + table.tallRows)
  let weight: UnsafeMutablePointer<T> = array(panels * taps * w.channels * panel)
  let y: UnsafeMutablePointer<T> = array(w.size * w.size * panel)
  let aOffsets = UnsafeMutablePointer<Int>.allocate(capacity: taps),
    bOffsets = UnsafeMutablePointer<Int>.allocate(capacity: taps)
  for t in 0..<taps {
    aOffsets[t] = t / w.kernel * width + t % w.kernel
    bOffsets[t] = t * w.channels * panel
  }
  let (parts, _) = balanced(w.size, most: table.tallRows)
  let (blocks, _) = balanced(w.channels, most: max(16, 24_576 / (w.kernel * width * MemoryLayout<T>.stride)))
  return {
    for p in 0..<panels {
      for block in 0..<blocks {
        let (channel, depth) = part(block, of: blocks, w.channels)
        for row in 0..<w.size {
          for i in 0..<parts {
            let (column, rows) = part(i, of: parts, w.size), to = y + (row * w.size + column) * panel
            var operands = TileOperands(
              a: x + (channel * cells + row * width + column), b: weight + (p * taps * w.channels + channel) * panel, c: to,
              initial: channel > 0 ? UnsafePointer(to) : nil, initialStep: panel, aOffsets: aOffsets, bOffsets: bOffsets,
              taps: taps, inner: depth, aStep: cells, bStep: panel, cStep: panel, columns: panel)
            table.tallTiles[rows - 1](&operands)
          }
        }
      }
    }
  }
}

func forward<T: Element>(_ w: Workload, _: T.Type) throws -> () -> Void {
  let pad = w.kernel / 2
  let convolution = try Convolution(pads: [pad, pad, pad, pad])
  let x: Input<T> = Input("x", try Shape("x", 1, w.channels, w.size, w.size), array(w.channels * w.size * w.size))
  let weight: Input<T> = Input(
    "weight", try Shape("weight", w.filters, w.channels, w.kernel, w.kernel),
    array(w.filters * w.channels * w.kernel * w.kernel))
  let y: Output<T> = Output("y", try Shape("y", 1, w.filters, w.size, w.size), array(w.filters * w.size * w.size))
  return { try? convolution.forward(x, weight, nil, y) }
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

func measure<T: Element>(_: T.Type, _ type: String) throws {
  let lanes = T.kernels.lanes, bytes = Int32(lanes * MemoryLayout<T>.stride), single = MemoryLayout<T>.size == 4
  print("\n\(type), vectors of \(bytes) bytes: median GFLOP/s of 15 rounds, and share of the peak in the same rounds")
  print("workload".padding(toLength: 26, withPad: " ", startingAt: 0) + "    peak    tiles           forward call")
  for w in workloads {
    let tileBody = tiles(w, T.self), forwardBody = try forward(w, T.self)
    var peaks: [Double] = [], ours: [Double] = [], calls: [Double] = []
    for _ in 0..<15 {
      peaks.append(peak_gflops(bytes, single, 0.01))
      ours.append(rate(w.operations, tileBody))
      calls.append(rate(w.operations, forwardBody))
    }
    func share(_ values: [Double]) -> Double { 100 * median(zip(values, peaks).map { $0 / $1 }) }
    print(
      w.name.padding(toLength: 26, withPad: " ", startingAt: 0)
        + String(
          format: "%8.1f %8.1f %5.1f %% %8.1f %5.1f %%", median(peaks), median(ours), share(ours), median(calls), share(calls)))
  }
}

try Threads.set(1)
print("instruction set: \(try InstructionSet.choice.get().name)")
try measure(Float.self, "float32")
try measure(Double.self, "float64")
