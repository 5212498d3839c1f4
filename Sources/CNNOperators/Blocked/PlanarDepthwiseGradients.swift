// The gradients of a depthwise convolution of planar arrays, by the kernels of channel-blocked ones: a block of channels of one image at a
// time is blocked in scratch memory, where it stays in the second cache.
import CNNCore
import Microkernels

extension Convolution.Sizes {
  func depthwiseBackward(
    planar x: UnsafePointer<T>, _ weight: UnsafePointer<T>, _ gradY: UnsafePointer<T>, _ gradients: ConvolutionGradients<T>
  ) throws(CNNError) {
    if isDepthwisePlane, let transposed = try transposed(), transposed.isDepthwisePlane {
      return try depthwisePlanesBackward(transposed, x, weight, gradY, gradients)
    }
    let lanes = T.lanes, blocks = channelBlocks, taps = taps, (G, imageCells, pixels) = (G, imageCells, pixels)
    let shapes = (
      x: try Shape("x", 1, lanes, planes.image.0, planes.image.1), y: try Shape("grad_y", 1, lanes, OH, OW)
    )
    let halos = (x: neededHalo, y: neededGradientHalo)
    let counts = (
      x: try BlockedArray<T>.extents(shapes.x, halos.x).count, y: try BlockedArray<T>.extents(shapes.y, halos.y).count,
      gradX: try BlockedArray<T>.extents(shapes.x, 0).count
    )
    let filters = try Scratch<T>(depthwiseCount), filterData = UnsafePointer(filters.data), phases = gradientPhases
    packDepthwise(weight, factor: nil, bias: nil, filters.data)
    let images = parts(blocks), sums = try Scratch<T>(images &* depthwiseCount), sumData = sums.data
    let blockFilters = taps &* lanes, perWorker = counts.x &+ counts.y &+ counts.gradX &+ blockFilters
    let width = try parallelWidth(images &* blocks, work), scratch = try Scratch<T>(width &* perWorker)
    // Of each worker: blocked x, grad_y and grad_x of a block of an image. What is outside of the images stays 0.
    var workers: [(x: BlockedArray<T>, y: BlockedArray<T>, gradX: BlockedArray<T>)] = []
    for worker in 0..<width {
      let own = scratch.data + worker &* perWorker
      zero(own, perWorker)
      workers.append(
        (
          try BlockedArray(shapes.x, halo: halos.x, own), try BlockedArray(shapes.y, halo: halos.y, own + counts.x),
          try BlockedArray(shapes.x, halo: 0, own + (counts.x &+ counts.y))
        ))
    }
    let offsets = try Scratch<Int>(taps), cells = offsets.data
    for t in 0..<taps { cells[t] = depthwiseOffset(t, workers[0].x) }
    let places = try phaseOffsets(phases, workers[0].y), placeData = places.data, perPart = depthwiseCount
    let all = workers, wantsSums = gradients.weight != nil || gradients.bias != nil
    parallel(images &* blocks, width: width) { task, worker in
      let (n, count) = part(task / blocks, of: images, N), block = task % blocks, own = all[worker]
      let channels = min(lanes, G &- block &* lanes), filter = filterData + block &* blockFilters
      let part = sumData + task / blocks &* perPart
      let weights = part + block &* blockFilters, biases = part + (blocks &* blockFilters &+ block &* lanes)
      zero(weights, blockFilters)
      zero(biases, lanes)
      for image in n..<n &+ count {
        let plane = image &* G &+ block &* lanes
        own.y.fill(0, 0, gradY + plane &* pixels, channels: channels)
        if wantsSums {
          own.x.fill(0, 0, x + plane &* imageCells, channels: channels)
          addDepthwise(own.x, own.y, 0, 0, cells, weights, biases)
        }
        guard let gradX = gradients.x else { continue }
        depthwiseInputs(phases, placeData, filter, own.y, own.gradX, 0, 0, own.gradX.data + counts.gradX)
        T.kernels.transpose(
          UnsafePointer(own.gradX.data), lanes, imageCells, channels, gradX + plane &* imageCells, imageCells, false)
      }
    }
    try addParts(sumData, images, perPart)
    unpackDepthwise(UnsafePointer(sumData), gradients.weight, gradients.bias)
  }
}
