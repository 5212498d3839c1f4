// Networks in ONNX files, from Swift.
import Foundation
import SwiftCNN
import Testing

@Suite struct ModelFileTests {
  private func scratch() -> String { NSTemporaryDirectory() + "swiftcnn-\(UInt64.random(in: 0...UInt64.max)).onnx" }

  private func images(_ count: Int) throws -> Tensor<Float> {
    try Tensor([count, 1, 8, 8]) { Float(($0 * 37) % 101) / 50 - 1 }
  }

  @Test func savedNetworksAreTheSame() throws {
    let network = Network(seed: 3) {
      Conv2D(4, kernel: 3)
      BatchNormalization()
      ReLU()
      MaxPool2D(2)
      Flatten()
      Dense(3)
    }
    let x = try images(6), labels = [0, 1, 2, 0, 1, 2], path = scratch()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try network.compile(optimizer: .sgd(learningRate: 0.1))
    try network.fit(x, .classes(labels), epochs: 2, batchSize: 3)
    try network.save(to: path)
    let loaded = try Network<Float>(contentsOf: path)
    #expect(try loaded.predict(x).elements == network.predict(x).elements)
    #expect(try loaded.parameters.map(\.name) == network.parameters.map(\.name))

    // It is trained on, and can be copied for threads.
    try loaded.compile(optimizer: .sgd(learningRate: 0.1))
    try loaded.fit(x, .classes(labels), epochs: 1, batchSize: 3)
    #expect(try loaded.predictor().predict(x).elements == loaded.predict(x).elements)
    #expect(try loaded.predict(x).elements != network.predict(x).elements)
    let wide = try Network<Double>(contentsOf: path)
    let y = try wide.predict(try Tensor<Double>([6, 1, 8, 8], elements: x.elements.map { Double($0) }))
    // float32 and float64, through two layers of sums of about ten numbers of about 1.
    for (a, b) in zip(y.elements, try network.predict(x).elements) { #expect(abs(a - Double(b)) < 1e-5) }
  }

  @Test func errorsNameTheFile() throws {
    #expect { try Network<Float>(contentsOf: "nowhere.onnx") } throws: { "\($0)".contains("nowhere.onnx: cannot be read") }
    let path = scratch()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: path))
    #expect { try Network<Float>(contentsOf: path) } throws: { ($0 as? CNNError)?.kind == .format }
    let network = Network { Dense(2) }
    #expect(throws: CNNError.self) { try network.save(to: path) }
    try network.build(for: [1, 3])
    #expect { try network.save(to: "no/such/folder/x.onnx") } throws: { ($0 as? CNNError)?.kind == .file }
  }
}
