// Trains the network of "Deep Learning from Scratch" (SimpleConvNet) on images and labels in IDX files, such as MNIST's:
//   swift run -c release TrainIDX train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte 20
import Foundation
import SwiftCNN

/// Images `[N][1][H][W]` from 0 to 1, and their classes.
func read(images path: String, labels labelPath: String) throws -> (x: Tensor<Float>, classes: [Int]) {
  let images = try IDX(path: path, axes: 3), labels = try IDX(path: labelPath, axes: 1)
  guard images.shape[0] == labels.shape[0] else {
    throw Failure("\(labelPath): wanted a label for each of \(images.shape[0]) images, got \(labels.shape[0])")
  }
  let pixels = images.elements.map { Float($0) / 255 }
  let x = try Tensor([images.shape[0], 1, images.shape[1], images.shape[2]], elements: pixels)
  return (x, labels.elements.map(Int.init))
}

func run(_ arguments: [String]) throws {
  guard arguments.count == 4 || arguments.count == 5, let epochs = Int(arguments.count == 5 ? arguments[4] : "20") else {
    throw Failure("usage: TrainIDX TRAIN-IMAGES TRAIN-LABELS TEST-IMAGES TEST-LABELS [EPOCHS]   (IDX files, not gzipped)")
  }
  let (x, classes) = try read(images: arguments[0], labels: arguments[1])
  let test = try read(images: arguments[2], labels: arguments[3])
  let network = Network(seed: 1) {
    Conv2D(30, kernel: 5)
    ReLU()
    MaxPool2D(2)
    Flatten()
    Dense(100)
    ReLU()
    Dense((classes.max() ?? 0) + 1)
  }
  try network.compile(loss: .softmaxCrossEntropy(), optimizer: .adam(learningRate: 0.001))
  try network.fit(
    x, .classes(classes), epochs: epochs, batchSize: 100, validation: (test.x, .classes(test.classes))
  ) { event in
    if case .epoch(let result) = event, let validation = result.validation {
      print(String(format: "epoch %d: loss %.4f, accuracy %.4f", result.epoch, result.loss, validation.accuracy))
      fflush(nil)
    }
    return .proceed
  }
}

do { try run(Array(CommandLine.arguments.dropFirst())) } catch {
  let message = (error as? Failure)?.message ?? (error as? CNNError)?.message ?? "\(error)"
  FileHandle.standardError.write(Data("TrainIDX: \(message)\n".utf8))
  exit(1)
}
