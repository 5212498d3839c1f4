// Col2Im: images of image_shape, of any number of axes, each of whose pixels is the sum of its cells in col[N][C * block][blocks]: the way back from
// cutting images into blocks.
import CNNCore

final class Col2ImOperator<T: Element>: Operator<T> {
  private let image: [Int], block: [Int]
  private let strides: [Int], dilations: [Int], pads: [Int]

  init(_ attributes: Attributes) throws(CNNError) {
    let image = try attributes.integers(input: 1, "image_shape") ?? [],
      block = try attributes.integers(input: 2, "block_shape") ?? []
    guard !image.isEmpty && image.count == block.count else {
      throw attributes.wrong("block_shape", "\(image.count) extents, as image_shape, got \(block.count)")
    }
    let n = image.count
    (self.image, self.block) = (image, block)
    strides = try attributes.ints("strides") ?? [Int](repeating: 1, count: n)
    dilations = try attributes.ints("dilations") ?? [Int](repeating: 1, count: n)
    pads = try attributes.ints("pads") ?? [Int](repeating: 0, count: 2 * n)
    guard strides.count == n && dilations.count == n && pads.count == 2 * n else {
      throw attributes.wrong("strides, dilations, pads", "\(n), \(n) and \(2 * n) integers for as many axes")
    }
    for number in image + block + strides + dilations where number < 1 || number > 1 << 30 {
      throw attributes.wrong("shapes, strides, dilations", "1 to 2^30, got \(number)")
    }
    for number in pads where number < 0 || number > 1 << 30 { throw attributes.wrong("pads", "0 to 2^30, got \(number)") }
    super.init(try Signature(attributes, inputs: ["input", "image_shape", "block_shape"]))
  }

  /// Blocks along each axis.
  private func blocks() throws(CNNError) -> [Int] {
    let n = image.count
    var list: [Int] = []
    for i in 0..<n {
      let room = image[i] + pads[i] + pads[n + i] - dilations[i] * (block[i] - 1) - 1
      guard room >= 0 else { throw .shape("block_shape: \(block[i]) cells do not fit into axis \(i) of the image") }
      list.append(room / strides[i] + 1)
    }
    return list
  }
  override func outputShapes(of inputs: [Shape]) throws(CNNError) -> [Shape] {
    let x = inputs[0], cells = try Shape("block_shape", extents: block).count
    let count = try Shape("blocks", extents: blocks()).count
    guard x.rank == 3, x[1] % cells == 0, x[2] == count else {
      throw .shape("input: wanted [N][C * \(cells)][\(count)], got shape \(x.description)")
    }
    return [try Shape("output", extents: [x[0], x[1] / cells] + image)]
  }

  /// Calls body(number of the cell among those of a channel, of the pixel) for all that lie in the image.
  private func forEachCell(_ body: (Int, Int) -> Void) throws(CNNError) {
    let n = image.count, blocks = try blocks(), count = blocks.reduce(1, *)
    for cell in 0..<block.reduce(1, *) {
      for number in 0..<count {
        var (restCell, restBlock, pixel, step, isInside) = (cell, number, 0, 1, true)
        for axis in (0..<n).reversed() {
          let place = restBlock % blocks[axis] * strides[axis] + restCell % block[axis] * dilations[axis] - pads[axis]
          isInside = isInside && place >= 0 && place < image[axis]
          pixel += place * step
          step *= image[axis]
          restCell /= block[axis]
          restBlock /= blocks[axis]
        }
        if isInside { body(cell * count + number, pixel) }
      }
    }
  }

  override func forward(_ arrays: Arrays<T>) throws(CNNError) {
    let x = try arrays.input(0), y = try arrays.output(), planes = x.shape[0] * y.shape[1]
    if planes == 0 { return }
    let (cells, pixels) = (x.shape.count / planes, y.shape.count / planes)
    zero(y.data, y.shape.count)
    try forEachCell { cell, pixel in
      for plane in 0..<planes { y.data[plane * pixels + pixel] += x.data[plane * cells + cell] }
    }
  }

  override var hasBackward: Bool { true }
  override func backward(_ arrays: Arrays<T>) throws(CNNError) {
    guard let gradX = try arrays.gradInput(0) else { return }
    let gradY = try arrays.gradOutput(), planes = gradX.shape[0] * gradY.shape[1]
    if planes == 0 { return }
    let (cells, pixels) = (gradX.shape.count / planes, gradY.shape.count / planes)
    zero(gradX.data, gradX.shape.count)
    try forEachCell { cell, pixel in
      for plane in 0..<planes { gradX.data[plane * cells + cell] = gradY.data[plane * pixels + pixel] }
    }
  }
}
