// im2col and convolution.
public import CHeader
import CNNCore
import CNNOperators

@_cdecl("swiftcnn_im2col_shape") @implementation
public func swiftcnn_im2col_shape(
  _ window: UnsafePointer<swiftcnn_window>!, _ x_shape: UnsafePointer<Int64>!, _ col_shape: UnsafeMutablePointer<Int64>!
) -> swiftcnn_status {
  status { () throws(CNNError) in
    try write(Im2col(Window(decoding: window)).shape(shape("x_shape", x_shape)), "col_shape", col_shape)
  }
}

@_cdecl("swiftcnn_im2col") @implementation
public func swiftcnn_im2col(
  _ window: UnsafePointer<swiftcnn_window>!, _ x: swiftcnn_tensor, _ col: swiftcnn_tensor
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ x: Input<T>) throws(CNNError) {
    try Im2col(Window(decoding: window)).forward(x, col.output("col"))
  }
  return status(x, "x", call, call)
}

@_cdecl("swiftcnn_col2im") @implementation
public func swiftcnn_col2im(
  _ window: UnsafePointer<swiftcnn_window>!, _ col: swiftcnn_tensor, _ x: swiftcnn_tensor
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ col: Input<T>) throws(CNNError) {
    try Im2col(Window(decoding: window)).adjoint(col, x.output("x"))
  }
  return status(col, "col", call, call)
}

@_cdecl("swiftcnn_convolution_shape") @implementation
public func swiftcnn_convolution_shape(
  _ convolution: UnsafePointer<swiftcnn_convolution>!, _ x_shape: UnsafePointer<Int64>!,
  _ weight_shape: UnsafePointer<Int64>!, _ y_shape: UnsafeMutablePointer<Int64>!
) -> swiftcnn_status {
  status { () throws(CNNError) in
    let y = try Convolution(decoding: convolution)
      .outputShape(shape("x_shape", x_shape), shape("weight_shape", weight_shape))
    try write(y, "y_shape", y_shape)
  }
}

@_cdecl("swiftcnn_convolution_forward") @implementation
public func swiftcnn_convolution_forward(
  _ convolution: UnsafePointer<swiftcnn_convolution>!, _ x: swiftcnn_tensor, _ weight: swiftcnn_tensor,
  _ bias: UnsafePointer<swiftcnn_tensor>!, _ y: swiftcnn_tensor
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ x: Input<T>) throws(CNNError) {
    try Convolution(decoding: convolution).forward(
      x, weight.input("weight"), bias?.input("bias"), y.output("y"))
  }
  return status(x, "x", call, call)
}

@_cdecl("swiftcnn_convolution_backward") @implementation
public func swiftcnn_convolution_backward(
  _ convolution: UnsafePointer<swiftcnn_convolution>!, _ x: swiftcnn_tensor, _ weight: swiftcnn_tensor,
  _ grad_y: swiftcnn_tensor, _ grad_x: UnsafePointer<swiftcnn_tensor>!,
  _ grad_weight: UnsafePointer<swiftcnn_tensor>!, _ grad_bias: UnsafePointer<swiftcnn_tensor>!
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ x: Input<T>) throws(CNNError) {
    try Convolution(decoding: convolution).backward(
      x, weight.input("weight"), grad_y.input("grad_y"), gradX: grad_x?.output("grad_x"),
      gradWeight: grad_weight?.output("grad_weight"), gradBias: grad_bias?.output("grad_bias"))
  }
  return status(x, "x", call, call)
}
