// y = x * weight + bias of planar arrays: by Winograd's algorithm, or by direct register tiles.
import CNNCore
import Microkernels

extension Convolution.Sizes {
  func forward(
    _ x: UnsafePointer<T>, _ weight: UnsafePointer<T>, _ bias: UnsafePointer<T>?, _ y: UnsafeMutablePointer<T>,
    relu: Bool
  ) throws(CNNError) {
    if let winograd = try winograd() {
      try winograd.forward(
        .planar(x), weight: weight, bias: bias, Epilogue(limits: relu ? (0, .infinity) : nil), .planar(UnsafePointer(y)))
    } else {
      try forwardDirect(x, weight, bias, y, limits: relu ? (0, .infinity) : nil)
    }
  }

  /// By register tiles, with filters that are packed for this call.
  private func forwardDirect(
    _ x: UnsafePointer<T>, _ weight: UnsafePointer<T>, _ bias: UnsafePointer<T>?, _ y: UnsafeMutablePointer<T>,
    limits: (low: T, high: T)?
  ) throws(CNNError) {
    let areFiltersFew = !channelsInLanes || C == 0
    let packing = BlockedFilters<T>(self, planar: areFiltersFew || G == 1 && C <= Convolution.planarChannels)
    let filters = try Scratch<T>(isDepthwise ? depthwiseCount : packing.count), packed = UnsafePointer(filters.data)
    if isDepthwise {
      packDepthwise(weight, factor: nil, bias: bias, filters.data)
      return try depthwiseForward(planar: x, packed, planar: UnsafePointer(y), limits: limits)
    }
    try packing.pack(weight, factor: nil, bias: bias, filters.data)
    if areFiltersFew { return try directForward(pixelsInLanes: x, packing, packed, y, limits: limits) }
    if packing.planar {
      return try directForward(fewChannels: x, packing, packed, .planar(UnsafePointer(y)), Epilogue(limits: limits))
    }
    try directForward(planar: x, packing, packed, planar: UnsafePointer(y), limits: limits)
  }

  /// A filter of one cell that reads every pixel where it lies.
  var isPointwise: Bool {
    let w = planes.window
    return taps == 1 && w.strides[0] == 1 && w.strides[1] == 1 && pixels == imageCells
  }
}
