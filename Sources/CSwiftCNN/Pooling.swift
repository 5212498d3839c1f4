// Max and average pooling.
public import CHeader
import CNNCore
import CNNOperators

@_cdecl("swiftcnn_pooling_shape") @implementation
public func swiftcnn_pooling_shape(
  _ pooling: UnsafePointer<swiftcnn_pooling>!, _ x_shape: UnsafePointer<Int64>!, _ y_shape: UnsafeMutablePointer<Int64>!
) -> swiftcnn_status {
  status { () throws(CNNError) in
    try write(Pooling(decoding: pooling).outputShape(shape("x_shape", x_shape)), "y_shape", y_shape)
  }
}

@_cdecl("swiftcnn_max_pooling_forward") @implementation
public func swiftcnn_max_pooling_forward(
  _ pooling: UnsafePointer<swiftcnn_pooling>!, _ x: swiftcnn_tensor, _ y: swiftcnn_tensor,
  _ winners: UnsafePointer<swiftcnn_tensor>!
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ x: Input<T>) throws(CNNError) {
    try Pooling(decoding: pooling).maxForward(
      x, y.output("y"), winners: winners?.output("winners"))
  }
  return status(x, "x", call, call)
}

@_cdecl("swiftcnn_max_pooling_backward") @implementation
public func swiftcnn_max_pooling_backward(
  _ pooling: UnsafePointer<swiftcnn_pooling>!, _ winners: swiftcnn_tensor, _ grad_y: swiftcnn_tensor,
  _ grad_x: swiftcnn_tensor
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ grad_y: Input<T>) throws(CNNError) {
    try Pooling(decoding: pooling).maxBackward(
      winners.input("winners"), grad_y, grad_x.output("grad_x"))
  }
  return status(grad_y, "grad_y", call, call)
}

@_cdecl("swiftcnn_average_pooling_forward") @implementation
public func swiftcnn_average_pooling_forward(
  _ pooling: UnsafePointer<swiftcnn_pooling>!, _ x: swiftcnn_tensor, _ y: swiftcnn_tensor
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ x: Input<T>) throws(CNNError) {
    try Pooling(decoding: pooling).averageForward(x, y.output("y"))
  }
  return status(x, "x", call, call)
}

@_cdecl("swiftcnn_average_pooling_backward") @implementation
public func swiftcnn_average_pooling_backward(
  _ pooling: UnsafePointer<swiftcnn_pooling>!, _ grad_y: swiftcnn_tensor, _ grad_x: swiftcnn_tensor
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ grad_y: Input<T>) throws(CNNError) {
    try Pooling(decoding: pooling).averageBackward(grad_y, grad_x.output("grad_x"))
  }
  return status(grad_y, "grad_y", call, call)
}
