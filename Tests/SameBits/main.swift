// Trains the network of Tests/python/test_same_bits.py from Swift and writes its numbers: SameBits IMAGES-AND-CLASSES OUT
import Foundation
import SwiftCNN

let (images, side, classes, epochs) = (54, 8, 3, 2)
let given = try Data(contentsOf: URL(fileURLWithPath: CommandLine.arguments[1]))
let pixels = given.withUnsafeBytes { bytes in
  (0..<images * side * side).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
}
let labels = given.withUnsafeBytes { bytes in
  (0..<images).map { Int(bytes.loadUnaligned(fromByteOffset: 4 * images * side * side + 8 * $0, as: Int64.self)) }
}

let network = Network(seed: 0x1234_5678_9ABC_DEF0) {
  Conv2D(4, kernel: 3, padding: 1)
  ReLU()
  MaxPool2D(2)
  BatchNormalization()
  Flatten()
  Dropout(ratio: 0.2)
  Dense(classes)
}
let steps = epochs * ((images + 15) / 16)
try network.compile(
  loss: .softmaxCrossEntropy(), optimizer: .adam(learningRate: 0.01), schedules: [.cosine(over: steps, unit: .update)])
try network.fit(Tensor([images, 1, side, side], elements: pixels), .classes(labels), epochs: epochs, batchSize: 16)

var out = Data()
for array in try network.parameters + network.constants {
  array.withSpan { span in for i in span.indices { withUnsafeBytes(of: span[i]) { out.append(contentsOf: $0) } } }
}
try out.write(to: URL(fileURLWithPath: CommandLine.arguments[2]))
