// Batch normalization.
public import CHeader
import CNNCore
import CNNOperators

@_cdecl("swiftcnn_batch_normalization_train") @implementation
public func swiftcnn_batch_normalization_train(
  _ normalization: UnsafePointer<swiftcnn_batch_normalization>!, _ x: swiftcnn_tensor, _ scale: swiftcnn_tensor,
  _ bias: swiftcnn_tensor, _ running_mean: UnsafePointer<swiftcnn_tensor>!,
  _ running_variance: UnsafePointer<swiftcnn_tensor>!, _ y: swiftcnn_tensor, _ mean: swiftcnn_tensor,
  _ inverse_deviation: swiftcnn_tensor
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ x: Input<T>) throws(CNNError) {
    var running: BatchNormalization.Running<T>?
    if let running_mean, let running_variance {
      running = try .init(
        mean: running_mean.output("running_mean"), variance: running_variance.output("running_variance"))
    } else if (running_mean == nil) != (running_variance == nil) {
      throw .argument(
        "\(running_mean == nil ? "running_mean" : "running_variance"): is NULL and the other is not; wanted both or neither")
    }
    try BatchNormalization(decoding: normalization).train(
      x, scale: scale.input("scale"), bias: bias.input("bias"), running: running, y.output("y"),
      mean: mean.output("mean"), inverseDeviation: inverse_deviation.output("inverse_deviation"))
  }
  return status(x, "x", call, call)
}

@_cdecl("swiftcnn_batch_normalization_infer") @implementation
public func swiftcnn_batch_normalization_infer(
  _ normalization: UnsafePointer<swiftcnn_batch_normalization>!, _ x: swiftcnn_tensor, _ scale: swiftcnn_tensor,
  _ bias: swiftcnn_tensor, _ mean: swiftcnn_tensor, _ variance: swiftcnn_tensor, _ y: swiftcnn_tensor
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ x: Input<T>) throws(CNNError) {
    try BatchNormalization(decoding: normalization).infer(
      x, scale: scale.input("scale"), bias: bias.input("bias"), mean: mean.input("mean"),
      variance: variance.input("variance"), y.output("y"))
  }
  return status(x, "x", call, call)
}

@_cdecl("swiftcnn_batch_normalization_backward") @implementation
public func swiftcnn_batch_normalization_backward(
  _ x: swiftcnn_tensor, _ scale: swiftcnn_tensor, _ mean: swiftcnn_tensor, _ inverse_deviation: swiftcnn_tensor,
  _ grad_y: swiftcnn_tensor, _ grad_x: UnsafePointer<swiftcnn_tensor>!,
  _ grad_scale: UnsafePointer<swiftcnn_tensor>!, _ grad_bias: UnsafePointer<swiftcnn_tensor>!
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ x: Input<T>) throws(CNNError) {
    try BatchNormalization.backward(
      x, scale: scale.input("scale"), mean: mean.input("mean"),
      inverseDeviation: inverse_deviation.input("inverse_deviation"), grad_y.input("grad_y"),
      gradX: grad_x?.output("grad_x"), gradScale: grad_scale?.output("grad_scale"), gradBias: grad_bias?.output("grad_bias"))
  }
  return status(x, "x", call, call)
}
