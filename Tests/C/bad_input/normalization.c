/* Bad input to batch normalization, of x[2][4][6][5]. */
#include "bad_input.h"

static swiftcnn_batch_normalization normalization, *normalization_pointer;

static void normalization_fixture(void) {
  swiftcnn_batch_normalization fresh = SWIFTCNN_BATCH_NORMALIZATION_DEFAULTS;
  canary();
  normalization = fresh;
  normalization_pointer = &normalization;
  array(x, element, 4, 2, 4, 6, 5), fill(x);
  array(scale, element, 1, 4, 0, 0, 0), fill(scale);
  array(bias, element, 1, 4, 0, 0, 0), fill(bias);
  array(running_mean, element, 1, 4, 0, 0, 0), fill(running_mean);
  array(running_variance, element, 1, 4, 0, 0, 0), fill(running_variance);
  array(y, element, 4, 2, 4, 6, 5);
  array(mean, element, 1, 4, 0, 0, 0);
  array(inverse_deviation, element, 1, 4, 0, 0, 0);
}
static void normalization_known_fixture(void) {
  normalization_fixture();
  fill(mean);
  fill(inverse_deviation);
  array(variance, element, 1, 4, 0, 0, 0), fill(variance);
  array(grad_y, element, 4, 2, 4, 6, 5), fill(grad_y);
  array(grad_x, element, 4, 2, 4, 6, 5);
  array(grad_scale, element, 1, 4, 0, 0, 0);
  array(grad_bias, element, 1, 4, 0, 0, 0);
}

CALL(batch_normalization_train, normalization_pointer, x->tensor, scale->tensor, bias->tensor, optional(running_mean),
     optional(running_variance), y->tensor, mean->tensor, inverse_deviation->tensor)
CALL(batch_normalization_infer, normalization_pointer, x->tensor, scale->tensor, bias->tensor, mean->tensor, variance->tensor,
     y->tensor)
CALL(batch_normalization_backward, x->tensor, scale->tensor, mean->tensor, inverse_deviation->tensor, grad_y->tensor,
     optional(grad_x), optional(grad_scale), optional(grad_bias))

#define BAD_NORMALIZATION(call)                                                       \
  do {                                                                                \
    BAD(call, ARGUMENT, "normalization", normalization_pointer = NULL);               \
    BAD(call, ARGUMENT, "normalization", normalization.struct_size = 0);              \
    BAD(call, ARGUMENT, "normalization", normalization.struct_size = sizeof(size_t)); \
    BAD(call, ARGUMENT, "epsilon", normalization.epsilon = -1e-5);                    \
    BAD(call, ARGUMENT, "epsilon", normalization.epsilon = NAN);                      \
    BAD(call, ARGUMENT, "epsilon", normalization.epsilon = INFINITY);                 \
    BAD(call, ARGUMENT, "momentum", normalization.momentum = -0.1);                   \
    BAD(call, ARGUMENT, "momentum", normalization.momentum = 1.5);                    \
    BAD(call, ARGUMENT, "momentum", normalization.momentum = NAN);                    \
  } while (0)

void normalization_rows(void) {
  fixture = normalization_fixture;
  BAD_NORMALIZATION(batch_normalization_train);
  BAD_TENSOR_OF_ANY_RANK(batch_normalization_train, x);
  BAD(batch_normalization_train, SHAPE, "x", x->tensor.rank = 1);
  BAD(batch_normalization_train, SHAPE, "x", x->shape[0] = y->shape[0] = 0);
  BAD(batch_normalization_train, SHAPE, "x", empty_but_huge(x), empty_but_huge(y));
  BAD_FOLLOWER(batch_normalization_train, scale, other);
  BAD_FOLLOWER(batch_normalization_train, bias, other);
  BAD_FOLLOWER(batch_normalization_train, running_mean, other);
  BAD_FOLLOWER(batch_normalization_train, running_variance, other);
  BAD_FOLLOWER(batch_normalization_train, y, other);
  BAD_FOLLOWER(batch_normalization_train, mean, other);
  BAD_FOLLOWER(batch_normalization_train, inverse_deviation, other);
  BAD(batch_normalization_train, ARGUMENT, "running_mean", running_mean->absent = 1);
  BAD(batch_normalization_train, ARGUMENT, "running_variance", running_variance->absent = 1);
  BAD(batch_normalization_train, ARGUMENT, "y", overlap(y, x));
  BAD_OVERLAP(batch_normalization_train, y, scale);
  BAD_OVERLAP(batch_normalization_train, mean, x);
  BAD_OVERLAP(batch_normalization_train, inverse_deviation, bias);
  BAD(batch_normalization_train, ARGUMENT, "inverse_deviation", same(inverse_deviation, mean));
  BAD_OVERLAP(batch_normalization_train, running_mean, scale);
  fixture = normalization_known_fixture;
  BAD_NORMALIZATION(batch_normalization_infer);
  BAD_TENSOR_OF_ANY_RANK(batch_normalization_infer, x);
  BAD(batch_normalization_infer, SHAPE, "x", empty_but_huge(x), empty_but_huge(y));
  BAD_FOLLOWER(batch_normalization_infer, scale, other);
  BAD_FOLLOWER(batch_normalization_infer, bias, other);
  BAD_FOLLOWER(batch_normalization_infer, mean, other);
  BAD_FOLLOWER(batch_normalization_infer, variance, other);
  BAD_FOLLOWER(batch_normalization_infer, y, other);
  BAD(batch_normalization_infer, ARGUMENT, "y", overlap(y, x));
  BAD_OVERLAP(batch_normalization_infer, y, variance);
  BAD_FOLLOWER(batch_normalization_backward, grad_y, other);
  BAD_FOLLOWER(batch_normalization_backward, grad_x, other);
  BAD_FOLLOWER(batch_normalization_backward, grad_scale, other);
  BAD_FOLLOWER(batch_normalization_backward, grad_bias, other);
  BAD_FOLLOWER(batch_normalization_backward, scale, other);
  BAD_FOLLOWER(batch_normalization_backward, mean, other);
  BAD_FOLLOWER(batch_normalization_backward, inverse_deviation, other);
  BAD_OVERLAP(batch_normalization_backward, grad_x, x);
  BAD_OVERLAP(batch_normalization_backward, grad_scale, scale);
  BAD_OVERLAP(batch_normalization_backward, grad_scale, grad_y);
  BAD_OVERLAP(batch_normalization_backward, grad_bias, grad_y);
}
