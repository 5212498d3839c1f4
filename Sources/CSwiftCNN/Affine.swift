// The affine layer, softmax and its loss.
public import CHeader
import CNNCore
import CNNOperators

@_cdecl("swiftcnn_affine_forward") @implementation
public func swiftcnn_affine_forward(
  _ x: swiftcnn_tensor, _ weight: swiftcnn_tensor, _ bias: UnsafePointer<swiftcnn_tensor>!, _ y: swiftcnn_tensor
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ x: Input<T>) throws(CNNError) {
    try Affine.forward(x, weight.input("weight"), bias?.input("bias"), y.output("y"))
  }
  return status(x, "x", call, call)
}

@_cdecl("swiftcnn_affine_backward") @implementation
public func swiftcnn_affine_backward(
  _ x: swiftcnn_tensor, _ weight: swiftcnn_tensor, _ grad_y: swiftcnn_tensor,
  _ grad_x: UnsafePointer<swiftcnn_tensor>!, _ grad_weight: UnsafePointer<swiftcnn_tensor>!,
  _ grad_bias: UnsafePointer<swiftcnn_tensor>!
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ x: Input<T>) throws(CNNError) {
    try Affine.backward(
      x, weight.input("weight"), grad_y.input("grad_y"), gradX: grad_x?.output("grad_x"),
      gradWeight: grad_weight?.output("grad_weight"), gradBias: grad_bias?.output("grad_bias"))
  }
  return status(x, "x", call, call)
}

@_cdecl("swiftcnn_softmax_forward") @implementation
public func swiftcnn_softmax_forward(
  _ x: swiftcnn_tensor, _ y: swiftcnn_tensor
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ x: Input<T>) throws(CNNError) {
    try Softmax.forward(x, y.output("y"))
  }
  return status(x, "x", call, call)
}

@_cdecl("swiftcnn_softmax_backward") @implementation
public func swiftcnn_softmax_backward(
  _ y: swiftcnn_tensor, _ grad_y: swiftcnn_tensor, _ grad_x: swiftcnn_tensor
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ y: Input<T>) throws(CNNError) {
    try Softmax.backward(y, grad_y.input("grad_y"), grad_x.output("grad_x"))
  }
  return status(y, "y", call, call)
}

@_cdecl("swiftcnn_softmax_cross_entropy_forward") @implementation
public func swiftcnn_softmax_cross_entropy_forward(
  _ x: swiftcnn_tensor, _ target: swiftcnn_tensor, _ probabilities: swiftcnn_tensor,
  _ loss: UnsafeMutablePointer<Double>!
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ x: Input<T>) throws(CNNError) {
    guard let loss else { throw .argument("loss: is NULL") }
    loss.pointee = try Softmax.crossEntropy(
      x, Target(decoding: target), probabilities: probabilities.output("probabilities"))
  }
  return status(x, "x", call, call)
}

@_cdecl("swiftcnn_softmax_cross_entropy_backward") @implementation
public func swiftcnn_softmax_cross_entropy_backward(
  _ probabilities: swiftcnn_tensor, _ target: swiftcnn_tensor, _ grad_loss: Double, _ grad_x: swiftcnn_tensor
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ probabilities: Input<T>) throws(CNNError) {
    try Softmax.crossEntropyBackward(
      probabilities, Target(decoding: target), gradLoss: grad_loss, grad_x.output("grad_x"))
  }
  return status(probabilities, "probabilities", call, call)
}
