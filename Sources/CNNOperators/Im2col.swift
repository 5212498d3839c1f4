// im2col and its adjoint, for those who want the column matrix itself. Convolution does not use them.
package import CNNCore

/// col[N*OH*OW][C*KH*KW]: row (n, oh, ow) holds the cells of one window in the order c, i, j; padding is 0.
package struct Im2col {
  let window: Window
  package init(_ window: Window) { self.window = window }

  package func shape(_ x: Shape) throws(CNNError) -> Shape {
    let rows = try Shape("col", x[0], window.outputExtent(0, of: x[2]), window.outputExtent(1, of: x[3]))
    let columns = try Shape("col", x[1], window.kernel[0], window.kernel[1])
    return try Shape("col", rows.count, columns.count)
  }

  @_specialize(where T == Float) @_specialize(where T == Double)
  package func forward<T: Element>(_ x: Input<T>, _ col: Output<T>) throws(CNNError) {
    try x.wants(rank: 4, "[N][C][H][W]")
    try col.wants(try shape(x.shape))
    try col.mustNotOverlap(x)
    let (H, W) = (x.shape[2], x.shape[3])
    try forEachTap(x.shape) { [w = window] from, cell, c, h0, w0 in
      for i in 0..<w.kernel[0] {
        let h = h0 &+ i &* w.dilations[0]
        for j in 0..<w.kernel[1] {
          let v = w0 &+ j &* w.dilations[1]
          let inside = h >= 0 && h < H && v >= 0 && v < W
          col.data[cell &+ i &* w.kernel[1] &+ j] = inside ? x.data[from &+ h &* W &+ v] : 0
        }
      }
    }
  }

  /// x[N][C][H][W] = the sum of the cells that im2col reads from each pixel, in the order oh, ow of their windows.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package func adjoint<T: Element>(_ col: Input<T>, _ x: Output<T>) throws(CNNError) {
    try x.input.wants(rank: 4, "[N][C][H][W]")
    try col.wants(try shape(x.shape))
    try x.mustNotOverlap(col)
    let (H, W) = (x.shape[2], x.shape[3])
    zero(x.data, x.shape.count)
    try forEachTap(x.shape) { [w = window] from, cell, c, h0, w0 in
      for i in 0..<w.kernel[0] {
        let h = h0 &+ i &* w.dilations[0]
        if h < 0 || h >= H { continue }
        for j in 0..<w.kernel[1] {
          let v = w0 &+ j &* w.dilations[1]
          if v >= 0 && v < W { x.data[from &+ h &* W &+ v] += col.data[cell &+ i &* w.kernel[1] &+ j] }
        }
      }
    }
  }

  /// body(x's plane, first cell of the window in col, channel, the window's first row and column), images in parallel.
  private func forEachTap(_ x: Shape, _ body: (Int, Int, Int, Int, Int) -> Void) throws(CNNError) {
    let (N, C) = (x[0], x[1])
    let (OH, OW) = (try window.outputExtent(0, of: x[2]), try window.outputExtent(1, of: x[3]))
    parallel(N, width: try parallelWidth(N, .elements(x.count, window.taps))) { n, _ in
      for oh in 0..<OH {
        for ow in 0..<OW {
          let row = (n &* OH &+ oh) &* OW &+ ow
          for c in 0..<C {
            body(
              (n &* C &+ c) &* x[2] &* x[3], (row &* C &+ c) &* window.taps, c, oh &* window.strides[0] &- window.pads[0],
              ow &* window.strides[1] &- window.pads[1])
          }
        }
      }
    }
  }
}
