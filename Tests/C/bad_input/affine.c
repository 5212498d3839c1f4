/* Bad input to the affine layer: x[5][7] . weight[7][3]. */
#include "bad_input.h"

static void affine_fixture(void) {
  canary();
  array(x, element, 2, 5, 7, 0, 0), fill(x);
  array(weight, element, 2, 7, 3, 0, 0), fill(weight);
  array(bias, element, 1, 3, 0, 0, 0), fill(bias);
  array(y, element, 2, 5, 3, 0, 0);
  array(grad_y, element, 2, 5, 3, 0, 0), fill(grad_y);
  array(grad_x, element, 2, 5, 7, 0, 0);
  array(grad_weight, element, 2, 7, 3, 0, 0);
  array(grad_bias, element, 1, 3, 0, 0, 0);
}

CALL(affine_forward, x->tensor, weight->tensor, optional(bias), y->tensor)
CALL(affine_backward, x->tensor, weight->tensor, grad_y->tensor, optional(grad_x), optional(grad_weight), optional(grad_bias))

void affine_rows(void) {
  fixture = affine_fixture;
  BAD_TENSOR(affine_forward, x);
  BAD(affine_forward, TYPE, "x", x->tensor.type = SWIFTCNN_INT32);
  BAD_TENSOR(affine_forward, weight);
  BAD(affine_forward, TYPE, "weight", weight->tensor.type = other);
  BAD(affine_forward, SHAPE, "weight", weight->shape[0] = 6);
  BAD_FOLLOWER(affine_forward, bias, other);
  BAD_FOLLOWER(affine_forward, y, other);
  BAD_OVERLAP(affine_forward, y, x);
  BAD_OVERLAP(affine_forward, y, weight);
  BAD_OVERLAP(affine_forward, y, bias);
  BAD_TENSOR(affine_backward, x);
  BAD_TENSOR(affine_backward, weight);
  BAD_FOLLOWER(affine_backward, grad_y, other);
  BAD_FOLLOWER(affine_backward, grad_x, other);
  BAD_FOLLOWER(affine_backward, grad_weight, other);
  BAD_FOLLOWER(affine_backward, grad_bias, other);
  BAD_OVERLAP(affine_backward, grad_x, x);
  BAD_OVERLAP(affine_backward, grad_weight, grad_y);
  BAD_OVERLAP(affine_backward, grad_bias, weight);
}
