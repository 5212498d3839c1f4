// Activations and dropout.
public import CHeader
import CNNCore
import CNNOperators

@_cdecl("swiftcnn_relu_forward") @implementation
public func swiftcnn_relu_forward(
  _ x: swiftcnn_tensor, _ y: swiftcnn_tensor, _ mask: UnsafePointer<swiftcnn_tensor>!
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ x: Input<T>) throws(CNNError) {
    try Relu.forward(x, y.output("y"), mask: mask?.output("mask"))
  }
  return status(x, "x", call, call)
}

@_cdecl("swiftcnn_relu_backward") @implementation
public func swiftcnn_relu_backward(
  _ mask: swiftcnn_tensor, _ grad_y: swiftcnn_tensor, _ grad_x: swiftcnn_tensor
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ grad_y: Input<T>) throws(CNNError) {
    try Relu.backward(mask: mask.input("mask"), grad_y, grad_x.output("grad_x"))
  }
  return status(grad_y, "grad_y", call, call)
}

@_cdecl("swiftcnn_sigmoid_forward") @implementation
public func swiftcnn_sigmoid_forward(
  _ x: swiftcnn_tensor, _ y: swiftcnn_tensor
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ x: Input<T>) throws(CNNError) {
    try Sigmoid.forward(x, y.output("y"))
  }
  return status(x, "x", call, call)
}

@_cdecl("swiftcnn_sigmoid_backward") @implementation
public func swiftcnn_sigmoid_backward(
  _ y: swiftcnn_tensor, _ grad_y: swiftcnn_tensor, _ grad_x: swiftcnn_tensor
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ y: Input<T>) throws(CNNError) {
    try Sigmoid.backward(y, grad_y.input("grad_y"), grad_x.output("grad_x"))
  }
  return status(y, "y", call, call)
}

@_cdecl("swiftcnn_tanh_forward") @implementation
public func swiftcnn_tanh_forward(
  _ x: swiftcnn_tensor, _ y: swiftcnn_tensor
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ x: Input<T>) throws(CNNError) {
    try Tanh.forward(x, y.output("y"))
  }
  return status(x, "x", call, call)
}

@_cdecl("swiftcnn_tanh_backward") @implementation
public func swiftcnn_tanh_backward(
  _ y: swiftcnn_tensor, _ grad_y: swiftcnn_tensor, _ grad_x: swiftcnn_tensor
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ y: Input<T>) throws(CNNError) {
    try Tanh.backward(y, grad_y.input("grad_y"), grad_x.output("grad_x"))
  }
  return status(y, "y", call, call)
}

@_cdecl("swiftcnn_dropout_forward") @implementation
public func swiftcnn_dropout_forward(
  _ ratio: Double, _ seed: UInt64, _ x: swiftcnn_tensor, _ y: swiftcnn_tensor, _ mask: swiftcnn_tensor
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ x: Input<T>) throws(CNNError) {
    try Dropout(ratio: ratio).forward(x, seed: seed, y.output("y"), mask: mask.output("mask"))
  }
  return status(x, "x", call, call)
}

@_cdecl("swiftcnn_dropout_backward") @implementation
public func swiftcnn_dropout_backward(
  _ ratio: Double, _ mask: swiftcnn_tensor, _ grad_y: swiftcnn_tensor, _ grad_x: swiftcnn_tensor
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ grad_y: Input<T>) throws(CNNError) {
    try Dropout(ratio: ratio).backward(mask.input("mask"), grad_y, grad_x.output("grad_x"))
  }
  return status(grad_y, "grad_y", call, call)
}
