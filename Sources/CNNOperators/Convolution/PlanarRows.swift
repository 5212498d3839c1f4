// Where tiles read the rows of windows of a planar image of few channels: in x as it lies, in padded rows or in phase planes, a band of rows at
// a time.
import CNNCore
import Microkernels

struct PlanarRows<T: Element> {
  /// As x is read: where windows are so many rows and columns apart, this one has strides of 1.
  private let window: Window, apart: InlineArray<2, Int>
  private let band: PhasePlanes
  private let channels: Int, channelsOfSum: Int, imageCells: Int
  /// Whether x is read as it lies: unpadded, and a tap is a shifted array.
  private let inImage: Bool
  private let width: Int
  /// Of a channel; from a row of windows to the next, and from a window to its neighbour.
  let channelStep: Int, rowStep: Int, columnStep: Int
  /// Of a sum.
  let terms: Int
  /// Scratch elements that `place` needs.
  let cells: Int

  /// Of so many channels of an image, for bands of at most so many rows of windows. inVectors: tiles read whole vectors of pixels, also where
  /// these reach behind the row's last window, and want windows that are neighbours; single cells can be any step apart.
  init(_ sizes: Convolution.Sizes<T>, channels: Int, rows: Int, inVectors: Bool) throws(CNNError) {
    let given = sizes.planes.window, image = sizes.planes.image
    // Not where most cells are between windows.
    if !inVectors && given.strides[0] <= given.span(1, axis: 0) && given.strides[1] <= given.span(1, axis: 1) {
      apart = given.strides
      window = try Window(kernel: given.kernel, strides: [1, 1], pads: given.pads, dilations: given.dilations)
    } else {
      (apart, window) = ([1, 1], given)
    }
    band = try PhasePlanes(
      window, image: image, output: ((rows &- 1) &* apart[0] &+ 1, (sizes.OW &- 1) &* apart[1] &+ 1))
    (self.channels, channelsOfSum, imageCells) = (channels, sizes.C, sizes.imageCells)
    let isDense = window.strides[0] == 1 && window.strides[1] == 1
    inImage = !sizes.isPadded && isDense && !(inVectors && sizes.OW % T.lanes != 0)
    (channelStep, width) = inImage ? (imageCells, image.1) : (band.cells, band.width)
    (rowStep, columnStep) = (apart[0] &* width, apart[1])
    terms = sizes.C &* window.taps
    cells = inImage ? 0 : channels &* band.cells &+ 2 &* T.lanes
  }

  /// Of a term, from a window's first cell. Terms are in the order of packed filters.
  func offset(ofTerm term: Int) -> Int {
    let (tap, channel) = (term / channelsOfSum, term % channelsOfSum)
    let (i, j) = (tap / window.kernel[1], tap % window.kernel[1])
    return channel &* channelStep
      &+ (inImage ? i &* window.dilations[0] &* width &+ j &* window.dilations[1] : band.offset(i, j))
  }

  /// Where the rows of windows from `firstRow` on begin, of the image that x points to; `own`: room for a band.
  func place(_ x: UnsafePointer<T>, firstRow: Int, _ own: UnsafeMutablePointer<T>) -> UnsafePointer<T> {
    if inImage { return x + firstRow &* rowStep }
    for c in 0..<channels {
      band.fill(own + c &* channelStep, x + c &* imageCells, padding: 0, firstRow: firstRow &* apart[0])
    }
    zero(own + channels &* channelStep, cells &- channels &* channelStep)
    return UnsafePointer(own)
  }
}
