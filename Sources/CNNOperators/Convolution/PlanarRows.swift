// Where tiles read the rows of windows of a planar image of few channels: in x as it lies, or in phase planes, a band of rows at a time.
import CNNCore
import Microkernels

struct PlanarRows<T: Element> {
  private let window: Window, band: PhasePlanes
  private let channels: Int, channelsOfSum: Int, imageCells: Int
  /// Whether x is read as it lies: unpadded, and a tap is a shifted array.
  private let inImage: Bool
  /// Of a channel, and from a row of windows to the next.
  let channelStep: Int, rowStep: Int
  /// Of a sum.
  let terms: Int
  /// Scratch elements that `place` needs.
  let cells: Int

  /// Of so many channels of an image, for bands of at most so many rows of windows. inVectors: tiles read whole vectors of pixels, also where
  /// these reach behind the row's last window.
  init(_ sizes: Convolution.Sizes<T>, channels: Int, rows: Int, inVectors: Bool) throws(CNNError) {
    window = sizes.planes.window
    band = try PhasePlanes(window, image: sizes.planes.image, output: (rows, sizes.OW))
    (self.channels, channelsOfSum, imageCells) = (channels, sizes.C, sizes.imageCells)
    let isDense = window.strides[0] == 1 && window.strides[1] == 1
    inImage = !sizes.isPadded && isDense && !(inVectors && sizes.OW % T.lanes != 0)
    (channelStep, rowStep) = inImage ? (imageCells, sizes.planes.image.1) : (band.cells, band.width)
    terms = sizes.C &* window.taps
    cells = inImage ? 0 : channels &* band.cells &+ 2 &* T.lanes
  }

  /// Of a term, from a window's first cell. Terms are in the order of packed filters.
  func offset(ofTerm term: Int) -> Int {
    let (tap, channel) = (term / channelsOfSum, term % channelsOfSum)
    let (i, j) = (tap / window.kernel[1], tap % window.kernel[1])
    return channel &* channelStep
      &+ (inImage ? i &* window.dilations[0] &* rowStep &+ j &* window.dilations[1] : band.offset(i, j))
  }

  /// Where the rows of windows from `firstRow` on begin, of the image that x points to; `own`: room for a band.
  func place(_ x: UnsafePointer<T>, firstRow: Int, _ own: UnsafeMutablePointer<T>) -> UnsafePointer<T> {
    if inImage { return x + firstRow &* rowStep }
    for c in 0..<channels { band.fill(own + c &* channelStep, x + c &* imageCells, padding: 0, firstRow: firstRow) }
    zero(own + channels &* channelStep, cells &- channels &* channelStep)
    return UnsafePointer(own)
  }
}
