/* Bad input to relu, sigmoid, tanh and dropout, on x[3][5][7]. */
#include "bad_input.h"

static double ratio;

static void activation_fixture(void) {
  canary();
  ratio = 0.5;
  array(x, element, 3, 3, 5, 7, 0), fill(x);
  array(y, element, 3, 3, 5, 7, 0);
  array(mask, SWIFTCNN_UINT8, 3, 3, 5, 7, 0);
}
static void activation_gradient_fixture(void) {
  activation_fixture();
  fill(y);
  clear(mask);
  array(grad_y, element, 3, 3, 5, 7, 0), fill(grad_y);
  array(grad_x, element, 3, 3, 5, 7, 0);
}

CALL(relu_forward, x->tensor, y->tensor, optional(mask))
CALL(relu_backward, mask->tensor, grad_y->tensor, grad_x->tensor)
CALL(sigmoid_forward, x->tensor, y->tensor)
CALL(sigmoid_backward, y->tensor, grad_y->tensor, grad_x->tensor)
CALL(tanh_forward, x->tensor, y->tensor)
CALL(tanh_backward, y->tensor, grad_y->tensor, grad_x->tensor)
CALL(dropout_forward, ratio, 1, x->tensor, y->tensor, mask->tensor)
CALL(dropout_backward, ratio, mask->tensor, grad_y->tensor, grad_x->tensor)

/* Functions of one input. */
#define BAD_FORWARD(call)                                  \
  do {                                                     \
    BAD_TENSOR_OF_ANY_RANK(call, x);                       \
    BAD(call, TYPE, "x", x->tensor.type = SWIFTCNN_INT64); \
    BAD_FOLLOWER(call, y, other);                          \
    BAD(call, ARGUMENT, "y", overlap(y, x));               \
  } while (0)
#define BAD_BACKWARD(call)                                  \
  do {                                                      \
    BAD_FOLLOWER(call, grad_x, other);                      \
    BAD(call, ARGUMENT, "grad_x", overlap(grad_x, grad_y)); \
  } while (0)

void activation_rows(void) {
  fixture = activation_fixture;
  BAD_FORWARD(relu_forward);
  BAD_FOLLOWER(relu_forward, mask, SWIFTCNN_INT32);
  BAD_OVERLAP(relu_forward, mask, x);
  BAD(relu_forward, ARGUMENT, "mask", same(mask, y));
  BAD_FORWARD(sigmoid_forward);
  BAD_FORWARD(tanh_forward);
  BAD_FORWARD(dropout_forward);
  BAD_FOLLOWER(dropout_forward, mask, element);
  BAD_OVERLAP(dropout_forward, mask, x);
  BAD(dropout_forward, ARGUMENT, "ratio", ratio = 1);
  BAD(dropout_forward, ARGUMENT, "ratio", ratio = -1);
  BAD(dropout_forward, ARGUMENT, "ratio", ratio = -1e-300);
  BAD(dropout_forward, ARGUMENT, "ratio", ratio = NAN);
  BAD(dropout_forward, ARGUMENT, "ratio", ratio = INFINITY);
  BAD(dropout_forward, ARGUMENT, "ratio", ratio = -INFINITY);
  fixture = activation_gradient_fixture;
  BAD_BACKWARD(relu_backward);
  BAD_FOLLOWER(relu_backward, mask, element);
  BAD_OVERLAP(relu_backward, grad_x, mask);
  BAD_BACKWARD(sigmoid_backward);
  BAD_FOLLOWER(sigmoid_backward, grad_y, other);
  BAD(sigmoid_backward, TYPE, "y", y->tensor.type = SWIFTCNN_UINT8);
  BAD(sigmoid_backward, ARGUMENT, "grad_x", overlap(grad_x, y));
  BAD_BACKWARD(tanh_backward);
  BAD_FOLLOWER(tanh_backward, grad_y, other);
  BAD(tanh_backward, TYPE, "y", y->tensor.type = SWIFTCNN_INT32);
  BAD_BACKWARD(dropout_backward);
  BAD_FOLLOWER(dropout_backward, mask, SWIFTCNN_INT32);
  BAD(dropout_backward, ARGUMENT, "ratio", ratio = 1);
  BAD(dropout_backward, ARGUMENT, "ratio", ratio = NAN);
}
