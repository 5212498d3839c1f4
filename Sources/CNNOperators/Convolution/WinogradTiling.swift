// How Winograd's algorithm cuts y into tiles: sizes along an axis, blocks of tiles that are worked on together, and where a block's
// tiles lie in its arrays.
import CNNCore

/// An axis of y in tiles of 4, 3 or 2 cells, of two sizes at most, and with none that stands out: 7 = 4 + 3, 9 = 3 + 3 + 3. The larger
/// ones come first. A tile comes from a `span` of cells of x and as many products.
struct WinogradAxis {
  /// How far windows are apart in x: 1 or 2.
  let stride: Int
  let large: Int, largeCount: Int
  let small: Int, smallCount: Int

  /// nil where there is no such cut: of less than 2 cells.
  init?(_ extent: Int, stride: Int) {
    if extent < 2 { return nil }
    self.stride = stride
    let fours = extent / 4
    switch (extent % 4, fours) {
    case (0, _): (large, largeCount, small, smallCount) = (4, fours, 2, 0)
    case (1, 1): (large, largeCount, small, smallCount) = (3, 1, 2, 1)
    case (1, 2): (large, largeCount, small, smallCount) = (3, 3, 2, 0)
    case (1, _): (large, largeCount, small, smallCount) = (4, fours &- 2, 3, 3)
    case (let rest, 0): (large, largeCount, small, smallCount) = (rest, 1, 2, 0)
    case (let rest, _): (large, largeCount, small, smallCount) = (4, fours, rest, 1)
    }
  }
  var count: Int { largeCount &+ smallCount }
  var extent: Int { start(count) }
  /// Of a tile of so many cells of y.
  func span(_ tile: Int) -> Int { stride &* tile &+ 3 &- stride }
  /// The products along the axis, and those that small tiles have no part in lie behind `shared`.
  var points: Int { span(large) }
  var shared: Int { smallCount > 0 ? span(small) : points }
  /// Points in which the same tiles have a part: of all, and of large ones only.
  var pointsAlike: InlineArray<2, Range<Int>> { [0..<shared, shared..<points] }
  var products: Int { largeCount &* span(large) &+ smallCount &* span(small) }
  /// Filters have fewer points where windows are 2 apart, as odd cells of x all meet tap 1 (see WinogradStridedLines.swift).
  var filterPoints: Int { large &+ 2 }
  /// That of a product.
  func filterPoint(_ point: Int) -> Int {
    if stride == 1 { return point }
    return switch point {
    case 0...2: point
    case 5: 4
    case 7: 5
    default: 3
    }
  }
  /// Whether no product before it has that point of the filters.
  func isFirst(_ point: Int) -> Bool { stride == 1 || point != 4 && point != 6 && point != 8 }
  /// Neighbours among the products whose filters are neighbours too.
  var productsInOrder: Int { stride == 1 ? points : 1 }
  func start(_ tile: Int) -> Int { tile < largeCount ? tile &* large : largeCount &* large &+ (tile &- largeCount) &* small }
  func size(_ tile: Int) -> Int { tile < largeCount ? large : small }
}

/// Some rows of tiles of some images: all rows, or of one image only.
struct WinogradBlock {
  let firstImage: Int, images: Int
  let firstRow: Int, rows: Int
}

/// The tiles of a block are numbered in four sections, so that those which have a part in a product are neighbours:
///   (large rows, small columns) (large, large) (small, large) (small, small)
struct WinogradTiling {
  let rows: WinogradAxis, columns: WinogradAxis
  let images: Int
  var stride: Int { rows.stride }

  init?(images: Int, height: Int, width: Int, stride: Int) {
    guard let rows = WinogradAxis(height, stride: stride), let columns = WinogradAxis(width, stride: stride) else { return nil }
    (self.images, self.rows, self.columns) = (images, rows, columns)
  }
  var tiles: Int { images &* rows.count &* columns.count }
  var planes: Int { rows.points &* columns.points }
  var filterPlanes: Int { rows.filterPoints &* columns.filterPoints }
  /// Products of all tiles, for a pair of channels.
  var products: Int { images &* rows.products &* columns.products }

  /// Blocks of about so many tiles; of rows, as many blocks as come out even among so many threads.
  func blocks(_ wanted: Int, threads: Int = 1) -> [WinogradBlock] {
    var blocks: [WinogradBlock] = []
    let perImage = rows.count &* columns.count
    if wanted >= perImage {
      let (parts, _) = balanced(images, most: wanted / perImage)
      for i in 0..<parts {
        let (first, count) = part(i, of: parts, images)
        blocks.append(WinogradBlock(firstImage: first, images: count, firstRow: 0, rows: rows.count))
      }
    } else {
      let (least, _) = balanced(rows.count, most: max(1, wanted / columns.count))
      let even = (least &+ threads &- 1) / threads &* threads, parts = images == 1 && even <= rows.count ? even : least
      for image in 0..<images {
        for i in 0..<parts {
          let (first, count) = part(i, of: parts, rows.count)
          blocks.append(WinogradBlock(firstImage: image, images: 1, firstRow: first, rows: count))
        }
      }
    }
    return blocks
  }

  func tiles(of block: WinogradBlock) -> Int { block.images &* block.rows &* columns.count }
  private func largeRows(_ block: WinogradBlock) -> Int {
    max(0, min(block.firstRow &+ block.rows, rows.largeCount) &- block.firstRow)
  }

  /// The numbers of the first large and the first small tile of a row of an image of the block.
  func numbers(_ block: WinogradBlock, image: Int, row: Int) -> (large: Int, small: Int) {
    let large = largeRows(block), small = block.rows &- large
    let (wide, narrow) = (columns.largeCount, columns.smallCount)
    let first = block.images &* large &* narrow, second = block.images &* large &* wide
    if row < rows.largeCount {
      let i = image &* large &+ (row &- block.firstRow)
      return (first &+ i &* wide, i &* narrow)
    }
    let i = image &* small &+ (row &- block.firstRow &- large)
    return (first &+ second &+ i &* wide, first &+ second &+ block.images &* small &* wide &+ i &* narrow)
  }

  /// The tiles of a block that have a part in product (i, j).
  func tiles(_ block: WinogradBlock, _ i: Int, _ j: Int) -> Range<Int> {
    let large = largeRows(block) &* block.images, small = block.rows &* block.images &- large
    let (wide, narrow) = (columns.largeCount, columns.smallCount)
    let start = j < columns.shared ? 0 : large &* narrow
    var end = large &* (wide &+ narrow)
    if i < rows.shared { end &+= small &* (j < columns.shared ? wide &+ narrow : wide) }
    return start..<end
  }
}
