/* Bad input to convolution: x[2][4][6][5] with weight[6][2][3][2] in 2 groups, padded by 1. */
#include "bad_input.h"

static swiftcnn_convolution convolution, *convolution_pointer;

static void convolution_fixture(void) {
  swiftcnn_convolution fresh = SWIFTCNN_CONVOLUTION_DEFAULTS;
  canary();
  convolution = fresh;
  convolution_pointer = &convolution;
  convolution.groups = 2;
  for (int i = 0; i < 4; i++) convolution.pads[i] = 1;
  extents(x_shape, 2, 4, 6, 5);
  extents(weight_shape, 6, 2, 3, 2);
  array(x, element, 4, 2, 4, 6, 5), fill(x);
  array(weight, element, 4, 6, 2, 3, 2), fill(weight);
  array(bias, element, 1, 6, 0, 0, 0), fill(bias);
  array(y, element, 4, 2, 6, 6, 6);
  array(grad_y, element, 4, 2, 6, 6, 6), fill(grad_y);
  array(grad_x, element, 4, 2, 4, 6, 5);
  array(grad_weight, element, 4, 6, 2, 3, 2);
  array(grad_bias, element, 1, 6, 0, 0, 0);
}

CALL(convolution_shape, convolution_pointer, x_shape_pointer, weight_shape_pointer, y_shape_pointer)
CALL(convolution_forward, convolution_pointer, x->tensor, weight->tensor, optional(bias), y->tensor)
CALL(convolution_backward, convolution_pointer, x->tensor, weight->tensor, grad_y->tensor, optional(grad_x),
     optional(grad_weight), optional(grad_bias))

void convolution_rows(void) {
  fixture = convolution_fixture;
  BAD_WINDOW(convolution_shape, convolution);
  BAD_X_SHAPE(convolution_shape);
  BAD(convolution_shape, ARGUMENT, "weight_shape", weight_shape_pointer = NULL);
  BAD(convolution_shape, ARGUMENT, "y_shape", y_shape_pointer = NULL);
  BAD(convolution_shape, SHAPE, "weight_shape", weight_shape[0] = -6);
  BAD(convolution_shape, SHAPE, "weight_shape", weight_shape[2] = HUGE_EXTENT);
  BAD(convolution_shape, SHAPE, "weight", weight_shape[1] = 3);
  BAD(convolution_shape, ARGUMENT, "kernel", weight_shape[3] = 0);
  BAD(convolution_shape, SHAPE, "y", weight_shape[0] = (int64_t)1 << 40, x_shape[0] = (int64_t)1 << 40);
  BAD(convolution_shape, ARGUMENT, "groups", convolution.groups = 0);
  BAD(convolution_forward, ARGUMENT, "groups", convolution.groups = 0);
  BAD(convolution_forward, ARGUMENT, "groups", convolution.groups = -2);
  BAD(convolution_forward, ARGUMENT, "groups", convolution.groups = INT64_MIN);
  BAD(convolution_forward, ARGUMENT, "groups", convolution.groups = 3);
  BAD(convolution_forward, ARGUMENT, "groups", convolution.groups = INT64_MAX);
  BAD(convolution_forward, SHAPE, "weight", convolution.groups = 1);
  BAD_WINDOW(convolution_forward, convolution);
  BAD_TENSOR(convolution_forward, x);
  BAD(convolution_forward, TYPE, "x", x->tensor.type = SWIFTCNN_UINT8);
  BAD(convolution_forward, TYPE, "x", x->tensor.type = SWIFTCNN_INT64);
  BAD_TENSOR(convolution_forward, weight);
  BAD(convolution_forward, TYPE, "weight", weight->tensor.type = other);
  BAD(convolution_forward, SHAPE, "weight", weight->shape[1] = 4);
  BAD(convolution_forward, SHAPE, "weight", x->shape[1] = 6);
  BAD(convolution_forward, SHAPE, "kernel", weight->shape[2] = 9);
  BAD(convolution_forward, ARGUMENT, "kernel", weight->shape[2] = 0);
  BAD(convolution_forward, SHAPE, "kernel", x->shape[2] = 0);
  BAD_FOLLOWER(convolution_forward, bias, other);
  BAD_FOLLOWER(convolution_forward, y, other);
  BAD(convolution_forward, SHAPE, "y", y->shape[1] = 4);
  BAD_OVERLAP(convolution_forward, y, x);
  BAD_OVERLAP(convolution_forward, y, weight);
  BAD_OVERLAP(convolution_forward, y, bias);
  BAD_WINDOW(convolution_backward, convolution);
  BAD_TENSOR(convolution_backward, x);
  BAD_TENSOR(convolution_backward, weight);
  BAD(convolution_backward, SHAPE, "weight", weight->shape[1] = 3);
  BAD(convolution_backward, ARGUMENT, "groups", convolution.groups = 4);
  BAD_FOLLOWER(convolution_backward, grad_y, other);
  BAD_FOLLOWER(convolution_backward, grad_x, other);
  BAD_FOLLOWER(convolution_backward, grad_weight, other);
  BAD_FOLLOWER(convolution_backward, grad_bias, other);
  BAD_OVERLAP(convolution_backward, grad_x, x);
  BAD_OVERLAP(convolution_backward, grad_x, grad_y);
  BAD_OVERLAP(convolution_backward, grad_weight, weight);
  BAD_OVERLAP(convolution_backward, grad_bias, grad_y);
}
