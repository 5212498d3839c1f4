// Max pooling of planes, against plain loops over each window.
import CNNCore
import Microkernels
import TestSupport
import Testing

/// Windows of every size and stride, over the edges too.
private struct Windows: CustomStringConvertible {
  var H = 0, W = 0, OH = 0, OW = 0
  let KH: Int, KW: Int, rowStride: Int, columnStride: Int, top: Int, left: Int

  var description: String {
    "\(KH) x \(KW) windows, \(rowStride) and \(columnStride) apart, from -\(top), -\(left), \(OH) x \(OW) of \(H) x \(W)"
  }
  func plane<T>(_ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>) -> MaxPlane<T> {
    MaxPlane(
      x: x, y: y, H: H, W: W, OH: OH, OW: OW, KH: KH, KW: KW, rowStride: rowStride, columnStride: columnStride, top: top,
      left: left)
  }
  /// nil where that is outside.
  func cell(_ window: Int, _ tap: Int) -> Int? {
    let h = window / OW * rowStride - top + tap / KW, w = window % OW * columnStride - left + tap % KW
    return (0..<H).contains(h) && (0..<W).contains(w) ? h * W + w : nil
  }

  static func forEach(lanes: Int, _ body: (Windows) -> Void) {
    let kinds = [
      Windows(KH: 1, KW: 1, rowStride: 1, columnStride: 1, top: 0, left: 0),
      Windows(KH: 2, KW: 2, rowStride: 2, columnStride: 2, top: 0, left: 0),
      Windows(KH: 3, KW: 3, rowStride: 2, columnStride: 2, top: 1, left: 1),
      Windows(KH: 3, KW: 3, rowStride: 1, columnStride: 1, top: 1, left: 0),
      Windows(KH: 3, KW: 3, rowStride: 2, columnStride: 2, top: 2, left: 0),
      Windows(KH: 2, KW: 2, rowStride: 1, columnStride: 1, top: 0, left: 1),
      Windows(KH: 2, KW: 2, rowStride: 2, columnStride: 2, top: 1, left: 1),
      Windows(KH: 2, KW: 5, rowStride: 3, columnStride: 2, top: 1, left: 4),
      Windows(KH: 3, KW: 2, rowStride: 2, columnStride: 2, top: 2, left: 1),
      Windows(KH: 5, KW: 2, rowStride: 1, columnStride: 1, top: 2, left: 1),
      Windows(KH: 2, KW: 3, rowStride: 3, columnStride: 2, top: 1, left: 2),
      Windows(KH: 4, KW: 1, rowStride: 1, columnStride: 2, top: 3, left: 0),
    ]
    let images: [(Int, Int)] = [(1, 1), (5, 4), (7, 2 * lanes + 3), (12, 33)]
    for kind in kinds {
      for (H, W) in images {
        for more in 0...1 {
          var windows = kind
          (windows.H, windows.W) = (H, W)
          windows.OH = H / kind.rowStride + more
          windows.OW = (W + more) / kind.columnStride
          if windows.OH * windows.OW > 0 { body(windows) }
        }
      }
    }
  }
}

@Suite struct MaxPlaneTests {
  @Test(arguments: instructionSets) func maxPlanes(_ set: InstructionSet) {
    maxPlanes(set.float32())
    maxPlanes(set.float64())
  }
  private func maxPlanes<T: Element>(_ table: KernelTable<T>) {
    Windows.forEach(lanes: table.lanes) { windows in
      let x = Block<T>(
        (0..<windows.H * windows.W).map { i -> T in
          if i % 23 == 7 { return .nan }
          if i % 19 == 5 { return -.infinity }
          return T(i * 7919 % 201 - 100)
        })
      let y = Block<T>(untouched: windows.OH * windows.OW), plane = windows.plane(x.data, y.data)
      let row = Block<T>(untouched: plane.rowCells(lanes: table.lanes))
      var wanted: [Expected<T>] = []
      for i in 0..<windows.OH * windows.OW {
        var best = -T.infinity
        for t in 0..<windows.KH * windows.KW where !best.isNaN {
          guard let cell = windows.cell(i, t) else { continue }
          if x.data[cell] > best || x.data[cell].isNaN { best = x.data[cell] }
        }
        wanted.append(Expected(best))
      }
      table.maxPlane(plane, row.data)
      y.expect(wanted, "\(windows)")
    }
  }

  @Test(arguments: instructionSets) func gradientsGoToTheWinners(_ set: InstructionSet) {
    gradients(set.float32())
    gradients(set.float64())
  }
  private func gradients<T: Element>(_ table: KernelTable<T>) {
    Windows.forEach(lanes: table.lanes) { windows in
      let K = windows.KW, stride = windows.columnStride
      if K != windows.KH || stride != windows.rowStride || K == 1 { return }
      let count = windows.OH * windows.OW, taps = windows.KH * windows.KW, cells = windows.H * windows.W
      let y = Block<T>((0..<count).map { T(Double($0 * 7919 % 201 - 100) / 7) })
      // Any cell of the image in each window, or none.
      let winners = Block<Int32>(
        (0..<count).map { i -> Int32 in
          let inside = (0..<taps).filter { windows.cell(i, $0) != nil }
          return inside.isEmpty || i % 11 == 3 ? -1 : Int32(inside[i * 31 % inside.count])
        })
      var wanted = [Expected<T>](repeating: Expected(0), count: cells)
      for i in 0..<count {
        if winners.data[i] >= 0, let cell = windows.cell(i, Int(winners.data[i])) { wanted[cell] += y.data[i] }
      }
      let x = Block<T>(untouched: cells)
      let room = Block<T>(
        untouched: MaxPlaneGradient<T>.roomCells(K: K, reach: windows.left + windows.W, stride: stride, lanes: table.lanes))
      table.maxPlaneGradient(MaxPlaneGradient(windows.plane(x.data, y.data), winners: winners.data), room.data)
      x.expect(wanted, "\(windows)")
    }
  }
}
