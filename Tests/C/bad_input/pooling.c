/* Bad input to max and average pooling: windows of 2 x 3 on x[2][4][6][5]. */
#include "bad_input.h"

static swiftcnn_pooling pooling, *pooling_pointer;

static void pooling_fixture(void) {
  swiftcnn_pooling fresh = SWIFTCNN_POOLING_DEFAULTS(2, 3);
  canary();
  pooling = fresh;
  pooling_pointer = &pooling;
  pooling.strides[0] = 2;
  pooling.pads[1] = pooling.pads[3] = 1;
  extents(x_shape, 2, 4, 6, 5);
  array(x, element, 4, 2, 4, 6, 5), fill(x);
  array(y, element, 4, 2, 4, 3, 5);
  array(winners, SWIFTCNN_INT32, 4, 2, 4, 3, 5);
}
static void pooling_gradient_fixture(void) {
  pooling_fixture();
  array(grad_y, element, 4, 2, 4, 3, 5), fill(grad_y);
  array(grad_x, element, 4, 2, 4, 6, 5);
  for (int i = 0; i < 120; i++) ((int32_t *)winners->storage)[i] = 1; /* the middle of the upper row: always inside */
}
/* Fits, by its padding, but has more cells than anyone means. */
static void huge_window(void) {
  for (int i = 0; i < 2; i++) pooling.kernel[i] = (int64_t)1 << 30, pooling.strides[i] = 1;
  for (int i = 0; i < 4; i++) pooling.pads[i] = (int64_t)1 << 29;
  extents(y->shape, 2, 4, 7, 6);
  winners->absent = 1;
}

CALL(pooling_shape, pooling_pointer, x_shape_pointer, y_shape_pointer)
CALL(max_pooling_forward, pooling_pointer, x->tensor, y->tensor, optional(winners))
CALL(max_pooling_backward, pooling_pointer, winners->tensor, grad_y->tensor, grad_x->tensor)
CALL(average_pooling_forward, pooling_pointer, x->tensor, y->tensor)
CALL(average_pooling_backward, pooling_pointer, grad_y->tensor, grad_x->tensor)

void pooling_rows(void) {
  fixture = pooling_fixture;
  BAD_WINDOW(pooling_shape, pooling);
  BAD_KERNEL(pooling_shape, pooling);
  BAD_X_SHAPE(pooling_shape);
  BAD(pooling_shape, ARGUMENT, "y_shape", y_shape_pointer = NULL);
  BAD_WINDOW(max_pooling_forward, pooling);
  BAD_KERNEL(max_pooling_forward, pooling);
  BAD_TENSOR(max_pooling_forward, x);
  BAD(max_pooling_forward, TYPE, "x", x->tensor.type = SWIFTCNN_INT32);
  BAD_FOLLOWER(max_pooling_forward, y, other);
  BAD_FOLLOWER(max_pooling_forward, winners, SWIFTCNN_INT64);
  BAD_OVERLAP(max_pooling_forward, y, x);
  BAD_OVERLAP(max_pooling_forward, winners, x);
  BAD(max_pooling_forward, ARGUMENT, "winners", same(winners, y));
  BAD(max_pooling_forward, UNSUPPORTED, "kernel", huge_window());
  BAD_WINDOW(average_pooling_forward, pooling);
  BAD_KERNEL(average_pooling_forward, pooling);
  BAD_TENSOR(average_pooling_forward, x);
  BAD_FOLLOWER(average_pooling_forward, y, other);
  BAD_OVERLAP(average_pooling_forward, y, x);
  fixture = pooling_gradient_fixture;
  BAD_WINDOW(max_pooling_backward, pooling);
  BAD_KERNEL(max_pooling_backward, pooling);
  BAD_FOLLOWER(max_pooling_backward, winners, SWIFTCNN_UINT8);
  BAD_TENSOR(max_pooling_backward, grad_y);
  BAD(max_pooling_backward, SHAPE, "grad_y", grad_y->shape[3]--);
  BAD_TENSOR(max_pooling_backward, grad_x);
  BAD(max_pooling_backward, TYPE, "grad_x", grad_x->tensor.type = other);
  BAD(max_pooling_backward, SHAPE, "grad_y", grad_x->shape[1]--);
  BAD(max_pooling_backward, ARGUMENT, "winners", ((int32_t *)winners->storage)[0] = 6);
  BAD(max_pooling_backward, ARGUMENT, "winners", ((int32_t *)winners->storage)[119] = -2);
  BAD(max_pooling_backward, ARGUMENT, "winners", ((int32_t *)winners->storage)[60] = INT32_MAX);
  BAD(max_pooling_backward, ARGUMENT, "winners", ((int32_t *)winners->storage)[60] = INT32_MIN);
  BAD(max_pooling_backward, ARGUMENT, "winners", ((int32_t *)winners->storage)[0] = 0); /* in the padding */
  BAD(max_pooling_backward, ARGUMENT, "winners", ((int32_t *)winners->storage)[4] = 5); /* in the right padding */
  BAD_OVERLAP(max_pooling_backward, grad_x, grad_y);
  BAD_OVERLAP(max_pooling_backward, grad_x, winners);
  BAD_WINDOW(average_pooling_backward, pooling);
  BAD_TENSOR(average_pooling_backward, grad_y);
  BAD(average_pooling_backward, SHAPE, "grad_y", grad_y->shape[2]++);
  BAD_TENSOR(average_pooling_backward, grad_x);
  BAD(average_pooling_backward, TYPE, "grad_x", grad_x->tensor.type = other);
  BAD_OVERLAP(average_pooling_backward, grad_x, grad_y);
}
