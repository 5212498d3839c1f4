/* Bad input to softmax and its loss, on x[5][7]. */
#include "bad_input.h"

static void softmax_fixture(void) {
  canary();
  array(x, element, 2, 5, 7, 0, 0), fill(x);
  array(y, element, 2, 5, 7, 0, 0);
  array(probabilities, element, 2, 5, 7, 0, 0);
  array(target, SWIFTCNN_INT64, 1, 5, 0, 0, 0), clear(target);
}
static void softmax_gradient_fixture(void) {
  softmax_fixture();
  fill(y);
  fill(probabilities);
  array(grad_y, element, 2, 5, 7, 0, 0), fill(grad_y);
  array(grad_x, element, 2, 5, 7, 0, 0);
}

CALL(softmax_forward, x->tensor, y->tensor)
CALL(softmax_backward, y->tensor, grad_y->tensor, grad_x->tensor)
CALL(softmax_cross_entropy_forward, x->tensor, target->tensor, probabilities->tensor, loss_pointer)
CALL(softmax_cross_entropy_backward, probabilities->tensor, target->tensor, 1.0, grad_x->tensor)

/* Other targets than the fixture's zeros: a distribution, and classes, of which some do not exist. */
static void one_hot(void) { array(target, element, 2, 5, 7, 0, 0), fill(target); }
static void classes(int64_t first, int64_t last) {
  ((int64_t *)target->storage)[0] = first;
  ((int64_t *)target->storage)[4] = last;
}
static void classes32(int32_t first, int32_t last) {
  target->tensor.type = SWIFTCNN_INT32;
  ((int32_t *)target->storage)[0] = first;
  ((int32_t *)target->storage)[4] = last;
}

#define BAD_TARGET(call)                                               \
  do {                                                                 \
    BAD_TENSOR(call, target);                                          \
    BAD(call, TYPE, "target", target->tensor.type = other);            \
    BAD(call, TYPE, "target", target->tensor.type = SWIFTCNN_UINT8);   \
    BAD(call, SHAPE, "target", target->shape[0] = 6);                  \
    BAD(call, ARGUMENT, "target", classes(7, 0));                      \
    BAD(call, ARGUMENT, "target", classes(0, -1));                     \
    BAD(call, ARGUMENT, "target", classes(0, INT64_MAX));              \
    BAD(call, ARGUMENT, "target", classes(INT64_MIN, 0));              \
    BAD(call, ARGUMENT, "target", classes32(7, 0));                    \
    BAD(call, ARGUMENT, "target", classes32(0, INT32_MIN));            \
    BAD(call, SHAPE, "target", one_hot(), target->shape[1] = 6);       \
    BAD(call, SHAPE, "target", one_hot(), target->tensor.rank = 1);    \
    BAD(call, TYPE, "target", one_hot(), target->tensor.type = other); \
  } while (0)

void softmax_rows(void) {
  fixture = softmax_fixture;
  BAD_TENSOR(softmax_forward, x);
  BAD_FOLLOWER(softmax_forward, y, other);
  BAD(softmax_forward, ARGUMENT, "y", overlap(y, x));
  BAD_TENSOR(softmax_cross_entropy_forward, x);
  BAD(softmax_cross_entropy_forward, TYPE, "x", x->tensor.type = SWIFTCNN_INT64);
  BAD_FOLLOWER(softmax_cross_entropy_forward, probabilities, other);
  BAD(softmax_cross_entropy_forward, ARGUMENT, "loss", loss_pointer = NULL);
  BAD(softmax_cross_entropy_forward, SHAPE, "x", x->shape[0] = probabilities->shape[0] = target->shape[0] = 0);
  BAD(softmax_cross_entropy_forward, SHAPE, "x", x->shape[1] = probabilities->shape[1] = 0);
  BAD_TARGET(softmax_cross_entropy_forward);
  BAD(softmax_cross_entropy_forward, ARGUMENT, "probabilities", one_hot(), same(probabilities, target));
  BAD(softmax_cross_entropy_forward, ARGUMENT, "probabilities", overlap(probabilities, x));
  BAD(softmax_cross_entropy_forward, ARGUMENT, "probabilities", same(probabilities, target));
  fixture = softmax_gradient_fixture;
  BAD_TENSOR(softmax_backward, y);
  BAD_FOLLOWER(softmax_backward, grad_y, other);
  BAD_FOLLOWER(softmax_backward, grad_x, other);
  BAD(softmax_backward, ARGUMENT, "grad_x", overlap(grad_x, y));
  BAD(softmax_backward, ARGUMENT, "grad_x", overlap(grad_x, grad_y));
  BAD_TENSOR(softmax_cross_entropy_backward, probabilities);
  BAD_FOLLOWER(softmax_cross_entropy_backward, grad_x, other);
  BAD_TARGET(softmax_cross_entropy_backward);
  BAD(softmax_cross_entropy_backward, ARGUMENT, "grad_x", overlap(grad_x, probabilities));
  BAD(softmax_cross_entropy_backward, ARGUMENT, "grad_x", one_hot(), overlap(grad_x, target));
  BAD(softmax_cross_entropy_backward, ARGUMENT, "grad_x", overlap(grad_x, target));
}
