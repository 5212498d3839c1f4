/* Bad input through C: every row of the table breaks one argument of a valid call. Each must give the right status, name the argument,
 * write nothing, and leave the library working. The whole table runs in float32 and in float64. */
#include <ctype.h>
#include <signal.h>

#include "check.h"

#define HUGE_EXTENT ((int64_t)1 << 62)
#define ARGUMENT SWIFTCNN_INVALID_ARGUMENT
#define SHAPE SWIFTCNN_INVALID_SHAPE
#define TYPE SWIFTCNN_INVALID_TYPE
#define UNSUPPORTED SWIFTCNN_UNSUPPORTED

/* ---- The arguments of the call under test, by their names in the header ------------------------------------------------ */

typedef struct {
  swiftcnn_tensor tensor;
  int64_t shape[12];
  int absent; /* an optional tensor that is passed as NULL */
  double storage[1024];
} argument;

enum { SLOTS = 20 };
static argument slots[SLOTS], before[SLOTS];
static argument *const x = &slots[0], *const weight = &slots[1], *const bias = &slots[2], *const y = &slots[3];
static argument *const grad_y = &slots[4], *const grad_x = &slots[5], *const grad_weight = &slots[6];
static argument *const grad_bias = &slots[7], *const col = &slots[8], *const winners = &slots[9], *const mask = &slots[10];
static argument *const target = &slots[11], *const probabilities = &slots[12], *const scale = &slots[13];
static argument *const mean = &slots[14], *const inverse_deviation = &slots[15], *const variance = &slots[16];
static argument *const running_mean = &slots[17], *const running_variance = &slots[18], *const grad_scale = &slots[19];

static swiftcnn_window window, *window_pointer;
static swiftcnn_convolution convolution, *convolution_pointer;
static swiftcnn_pooling pooling, *pooling_pointer;
static swiftcnn_batch_normalization normalization, *normalization_pointer;
static double ratio, loss, *loss_pointer;
static int64_t x_shape[4], weight_shape[4], y_shape[4], *x_shape_pointer, *weight_shape_pointer, *y_shape_pointer;
static int32_t thread_count, *count_pointer;
static const char *name, **name_pointer;
static swiftcnn_type element, other;

static swiftcnn_tensor *optional(argument *a) { return a->absent ? NULL : &a->tensor; }

static void array(argument *a, swiftcnn_type type, int32_t rank, int64_t n0, int64_t n1, int64_t n2, int64_t n3) {
  a->shape[0] = n0;
  a->shape[1] = n1;
  a->shape[2] = n2;
  a->shape[3] = n3;
  a->tensor = tensor_of(a->storage, type, rank, a->shape);
  a->absent = 0;
}
static void extents(int64_t *shape, int64_t n0, int64_t n1, int64_t n2, int64_t n3) {
  shape[0] = n0;
  shape[1] = n1;
  shape[2] = n2;
  shape[3] = n3;
}
/* A type code that the enum does not name; C++ has no cast that may make one. */
static void set_code(argument *a, int32_t code) { memcpy(&a->tensor.type, &code, sizeof code); }
/* Another rank, with extents of 1 where there were none. */
static void set_rank(argument *a, int32_t rank) {
  a->tensor.rank = rank;
  for (int i = 4; i < 12; i++) a->shape[i] = 1;
}
/* One element into another array. */
static void overlap(argument *a, argument *b) { a->tensor.data = b->storage + 1; }
static void same(argument *a, argument *b) { a->tensor.data = b->storage; }
static void misalign(argument *a) { a->tensor.data = (char *)a->storage + 1; }
/* No elements, and yet extents whose product overflows. */
static void empty_but_huge(argument *a) {
  extents(a->shape, 0, a->shape[1], HUGE_EXTENT, HUGE_EXTENT);
  a->tensor.data = NULL;
}

/* ---- Valid arguments --------------------------------------------------------------------------------------------------- */

static void canary(void) {
  memset(slots, 0xA5, sizeof slots);
  for (int i = 0; i < SLOTS; i++) slots[i].tensor.rank = 0;
  convolution_pointer = &convolution;
  window_pointer = &window;
  pooling_pointer = &pooling;
  normalization_pointer = &normalization;
  loss = -77;
  loss_pointer = &loss;
  thread_count = -77;
  count_pointer = &thread_count;
  name = "untouched";
  name_pointer = &name;
  x_shape_pointer = x_shape;
  weight_shape_pointer = weight_shape;
  y_shape_pointer = y_shape;
  extents(y_shape, -77, -77, -77, -77);
  other = element == SWIFTCNN_FLOAT32 ? SWIFTCNN_FLOAT64 : SWIFTCNN_FLOAT32;
}
static void fill(argument *a) {
  for (int i = 0; i < 1024; i++) {
    if (a->tensor.type == SWIFTCNN_FLOAT32) ((float *)a->storage)[i] = 0.25f * (float)(i % 7 + 1);
    else a->storage[i] = 0.25 * (i % 7 + 1);
  }
}
static void clear(argument *a) { memset(a->storage, 0, sizeof a->storage); }

static void machine(void) { canary(); }
static void im2col_arguments(void) {
  swiftcnn_window fresh = SWIFTCNN_WINDOW_DEFAULTS(2, 2);
  canary();
  window = fresh;
  extents(x_shape, 2, 4, 6, 5);
  array(x, element, 4, 2, 4, 6, 5);
  array(col, element, 2, 40, 16, 0, 0);
}
static void im2col_fixture(void) { im2col_arguments(), fill(x); }
static void col2im_fixture(void) { im2col_arguments(), fill(col); }
static void convolution_fixture(void) {
  swiftcnn_convolution fresh = SWIFTCNN_CONVOLUTION_DEFAULTS;
  canary();
  convolution = fresh;
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
static void pooling_fixture(void) {
  swiftcnn_pooling fresh = SWIFTCNN_POOLING_DEFAULTS(2, 3);
  canary();
  pooling = fresh;
  pooling.strides[0] = 2;
  pooling.pads[1] = pooling.pads[3] = 1;
  extents(x_shape, 2, 4, 6, 5);
  array(x, element, 4, 2, 4, 6, 5), fill(x);
  array(y, element, 4, 2, 4, 3, 5);
  array(winners, SWIFTCNN_INT32, 4, 2, 4, 3, 5);
}
/* Fits, by its padding, but has more cells than anyone means. */
static void huge_window(void) {
  for (int i = 0; i < 2; i++) pooling.kernel[i] = (int64_t)1 << 30, pooling.strides[i] = 1;
  for (int i = 0; i < 4; i++) pooling.pads[i] = (int64_t)1 << 29;
  extents(y->shape, 2, 4, 7, 6);
  winners->absent = 1;
}
static void pooling_gradient_fixture(void) {
  pooling_fixture();
  array(grad_y, element, 4, 2, 4, 3, 5), fill(grad_y);
  array(grad_x, element, 4, 2, 4, 6, 5);
  for (int i = 0; i < 120; i++) ((int32_t *)winners->storage)[i] = 1; /* the middle of the upper row: always inside */
}
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
static void softmax_fixture(void) {
  canary();
  array(x, element, 2, 5, 7, 0, 0), fill(x);
  array(y, element, 2, 5, 7, 0, 0);
  array(probabilities, element, 2, 5, 7, 0, 0);
  array(target, SWIFTCNN_INT64, 1, 5, 0, 0, 0), clear(target);
}
static void softmax_gradient_fixture(void) {
  softmax_fixture();
  fill(probabilities);
  array(grad_x, element, 2, 5, 7, 0, 0);
}
static void normalization_fixture(void) {
  swiftcnn_batch_normalization fresh = SWIFTCNN_BATCH_NORMALIZATION_DEFAULTS;
  canary();
  normalization = fresh;
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

/* ---- The calls --------------------------------------------------------------------------------------------------------- */

#define CALL(function, ...) \
  static swiftcnn_status function(void) { return swiftcnn_##function(__VA_ARGS__); }

CALL(isa, name_pointer)
CALL(threads, count_pointer)
CALL(im2col_shape, window_pointer, x_shape_pointer, y_shape_pointer)
CALL(im2col, window_pointer, x->tensor, col->tensor)
CALL(col2im, window_pointer, col->tensor, x->tensor)
CALL(convolution_shape, convolution_pointer, x_shape_pointer, weight_shape_pointer, y_shape_pointer)
CALL(convolution_forward, convolution_pointer, x->tensor, weight->tensor, optional(bias), y->tensor)
CALL(convolution_backward, convolution_pointer, x->tensor, weight->tensor, grad_y->tensor, optional(grad_x),
     optional(grad_weight), optional(grad_bias))
CALL(pooling_shape, pooling_pointer, x_shape_pointer, y_shape_pointer)
CALL(max_pooling_forward, pooling_pointer, x->tensor, y->tensor, optional(winners))
CALL(max_pooling_backward, pooling_pointer, winners->tensor, grad_y->tensor, grad_x->tensor)
CALL(average_pooling_forward, pooling_pointer, x->tensor, y->tensor)
CALL(average_pooling_backward, pooling_pointer, grad_y->tensor, grad_x->tensor)
CALL(affine_forward, x->tensor, weight->tensor, optional(bias), y->tensor)
CALL(affine_backward, x->tensor, weight->tensor, grad_y->tensor, optional(grad_x), optional(grad_weight), optional(grad_bias))
CALL(relu_forward, x->tensor, y->tensor, optional(mask))
CALL(relu_backward, mask->tensor, grad_y->tensor, grad_x->tensor)
CALL(sigmoid_forward, x->tensor, y->tensor)
CALL(sigmoid_backward, y->tensor, grad_y->tensor, grad_x->tensor)
CALL(tanh_forward, x->tensor, y->tensor)
CALL(tanh_backward, y->tensor, grad_y->tensor, grad_x->tensor)
CALL(softmax_forward, x->tensor, y->tensor)
CALL(softmax_cross_entropy_forward, x->tensor, target->tensor, probabilities->tensor, loss_pointer)
CALL(softmax_cross_entropy_backward, probabilities->tensor, target->tensor, 1.0, grad_x->tensor)
CALL(batch_normalization_train, normalization_pointer, x->tensor, scale->tensor, bias->tensor, optional(running_mean),
     optional(running_variance), y->tensor, mean->tensor, inverse_deviation->tensor)
CALL(batch_normalization_infer, normalization_pointer, x->tensor, scale->tensor, bias->tensor, mean->tensor, variance->tensor,
     y->tensor)
CALL(batch_normalization_backward, x->tensor, scale->tensor, mean->tensor, inverse_deviation->tensor, grad_y->tensor,
     optional(grad_x), optional(grad_scale), optional(grad_bias))
CALL(dropout_forward, ratio, 1, x->tensor, y->tensor, mask->tensor)
CALL(dropout_backward, ratio, mask->tensor, grad_y->tensor, grad_x->tensor)
static int32_t wanted_threads;
static swiftcnn_status set_threads(void) { return swiftcnn_set_threads(wanted_threads); }

/* ---- One row ----------------------------------------------------------------------------------------------------------- */

static void (*fixture)(void) = machine;
static int kinds = 0;
static const char *current_row = "";

/* A trap in the library is this program's end: at least say which row it was. */
static void died(int number) {
  printf("died with signal %d in the row: %s\n", number, current_row);
  fflush(stdout);
  signal(number, SIG_DFL);
  raise(number);
}

/* Whether `word` stands in `text` by itself. */
static int names(const char *text, const char *word) {
  size_t length = strlen(word);
  for (const char *at = strstr(text, word); at; at = strstr(at + 1, word)) {
    int starts = at == text || !(isalnum((unsigned char)at[-1]) || at[-1] == '_');
    int ends = !(isalnum((unsigned char)at[length]) || at[length] == '_');
    if (starts && ends) return 1;
  }
  return 0;
}

static int outputs_untouched(void) {
  for (int i = 0; i < SLOTS; i++)
    if (memcmp(slots[i].storage, before[i].storage, sizeof slots[i].storage)) return 0;
  for (int i = 0; i < 4; i++)
    if (y_shape[i] != -77) return 0;
  return loss == -77 && thread_count == -77 && !strcmp(name, "untouched");
}

static void check_row(const char *argument_name, swiftcnn_status wanted, swiftcnn_status (*call)(void), int line) {
  memcpy(before, slots, sizeof slots);
  swiftcnn_set_threads(-7); /* another message, so that a stale one cannot pass */
  swiftcnn_status status = call();
  const char *message = swiftcnn_last_error();
  int good = status == wanted && names(message, argument_name) && outputs_untouched();
  if (!good)
    printf("status %d, wanted %d; %s; message \"%s\" should name %s\n", (int)status, (int)wanted,
           outputs_untouched() ? "nothing written" : "AN OUTPUT WAS WRITTEN", message, argument_name);
  check_one(good, __FILE__, line, current_row);
  kinds++;
}

/* A row: the call is valid; with the change it is refused, naming the argument; and then it is valid again. */
#define BAD(call, wanted, argument_name, ...)                                            \
  do {                                                                                   \
    current_row = #call ": " #__VA_ARGS__;                                               \
    fixture();                                                                           \
    check_status(call(), __FILE__, __LINE__, #call " before: " #__VA_ARGS__);            \
    fixture();                                                                           \
    __VA_ARGS__;                                                                         \
    check_row(argument_name, wanted, call, __LINE__);                                    \
    fixture();                                                                           \
    check_status(call(), __FILE__, __LINE__, #call " after: " #__VA_ARGS__);             \
  } while (0)

/* What can be wrong with any tensor. */
#define BAD_TENSOR(call, a)                                            \
  do {                                                                 \
    BAD(call, ARGUMENT, #a, a->tensor.data = NULL);                    \
    BAD(call, ARGUMENT, #a, a->tensor.shape = NULL);                   \
    BAD(call, SHAPE, #a, a->tensor.rank = -1);                         \
    BAD(call, SHAPE, #a, a->tensor.rank = INT32_MIN);                  \
    BAD(call, SHAPE, #a, a->tensor.rank = INT32_MAX);                  \
    BAD(call, SHAPE, #a, set_rank(a, 9));                              \
    BAD(call, SHAPE, #a, set_rank(a, a->tensor.rank + 1));             \
    BAD(call, SHAPE, #a, a->tensor.rank--);                            \
    BAD(call, SHAPE, #a, a->shape[0] = -1);                            \
    BAD(call, SHAPE, #a, a->shape[a->tensor.rank - 1] = INT64_MIN);    \
    BAD(call, SHAPE, #a, a->shape[0] = HUGE_EXTENT);                   \
    BAD(call, SHAPE, #a, a->shape[0] = INT64_MAX);                     \
    BAD(call, TYPE, #a, set_code(a, 0));                               \
    BAD(call, TYPE, #a, set_code(a, 6));                               \
    BAD(call, TYPE, #a, set_code(a, -1));                              \
    BAD(call, TYPE, #a, set_code(a, 1 << 20));                         \
    if (a->tensor.type != SWIFTCNN_UINT8) BAD(call, ARGUMENT, #a, misalign(a)); \
  } while (0)

/* An array whose type or shape is decided by another argument. */
#define BAD_FOLLOWER(call, a, another_type)                            \
  do {                                                                 \
    BAD_TENSOR(call, a);                                               \
    BAD(call, TYPE, #a, a->tensor.type = another_type);                \
    BAD(call, SHAPE, #a, a->shape[0]++);                               \
    BAD(call, SHAPE, #a, a->shape[a->tensor.rank - 1]--);              \
  } while (0)

/* What can be wrong with the numbers of a window. */
#define BAD_WINDOW(call, s)                                             \
  do {                                                                 \
    BAD(call, ARGUMENT, #s, s##_pointer = NULL);                       \
    BAD(call, ARGUMENT, #s, s.struct_size = 0);                        \
    BAD(call, ARGUMENT, #s, s.struct_size = sizeof s - 8);             \
    BAD(call, ARGUMENT, #s, s.struct_size = SIZE_MAX);                 \
    BAD(call, ARGUMENT, "strides", s.strides[0] = 0);                  \
    BAD(call, ARGUMENT, "strides", s.strides[1] = -1);                 \
    BAD(call, ARGUMENT, "strides", s.strides[1] = INT64_MIN);          \
    BAD(call, ARGUMENT, "strides", s.strides[0] = INT64_MAX);          \
    BAD(call, ARGUMENT, "dilations", s.dilations[0] = 0);              \
    BAD(call, ARGUMENT, "dilations", s.dilations[1] = -2);             \
    BAD(call, ARGUMENT, "dilations", s.dilations[1] = INT64_MAX);      \
    BAD(call, ARGUMENT, "pads", s.pads[0] = -1);                       \
    BAD(call, ARGUMENT, "pads", s.pads[3] = INT64_MIN);                \
    BAD(call, ARGUMENT, "pads", s.pads[1] = INT64_MAX);                \
    BAD(call, ARGUMENT, "pads", s.pads[2] = s.pads[0] = INT64_MAX / 2); \
    BAD(call, SHAPE, "kernel", s.dilations[0] = s.dilations[1] = 1000); \
  } while (0)
#define BAD_KERNEL(call, s)                                            \
  do {                                                                 \
    BAD(call, ARGUMENT, "kernel", s.kernel[0] = 0);                    \
    BAD(call, ARGUMENT, "kernel", s.kernel[1] = -3);                   \
    BAD(call, ARGUMENT, "kernel", s.kernel[1] = INT64_MAX);            \
    BAD(call, SHAPE, "kernel", s.kernel[0] = 7);                       \
    BAD(call, SHAPE, "kernel", s.kernel[1] = 1000000);                 \
  } while (0)
#define BAD_X_SHAPE(call)                                              \
  do {                                                                 \
    BAD(call, ARGUMENT, "x_shape", x_shape_pointer = NULL);            \
    BAD(call, SHAPE, "x_shape", x_shape[0] = -1);                      \
    BAD(call, SHAPE, "x_shape", x_shape[3] = INT64_MIN);               \
    BAD(call, SHAPE, "x_shape", x_shape[0] = HUGE_EXTENT);             \
    BAD(call, SHAPE, "x_shape", x_shape[0] = x_shape[2] = (int64_t)1 << 31); \
    BAD(call, SHAPE, "x_shape", x_shape[0] = 0, x_shape[2] = x_shape[3] = INT64_MAX); \
    BAD(call, SHAPE, "kernel", x_shape[2] = 0);                        \
  } while (0)
/* An output that shares memory with an input. */
#define BAD_OVERLAP(call, output, input)                               \
  do {                                                                 \
    BAD(call, ARGUMENT, #output, overlap(output, input));              \
    BAD(call, ARGUMENT, #output, same(output, input));                 \
  } while (0)

/* ---- The table --------------------------------------------------------------------------------------------------------- */


static void machine_rows(void) {
  fixture = machine;
  BAD(isa, ARGUMENT, "name", name_pointer = NULL);
  BAD(threads, ARGUMENT, "count", count_pointer = NULL);
}
static void thread_count_rows(void) {
  const int32_t bad[] = {-1, INT32_MIN, 1025, 100000, INT32_MAX};
  fixture = machine;
  for (int i = 0; i < 5; i++) {
    fixture();
    current_row = "set_threads out of range";
    wanted_threads = bad[i];
    check_row("count", ARGUMENT, set_threads, __LINE__);
  }
  wanted_threads = 0;
  CHECK_OK(set_threads());
}

static void im2col_rows(void) {
  fixture = im2col_fixture;
  BAD_WINDOW(im2col_shape, window);
  BAD_KERNEL(im2col_shape, window);
  BAD_X_SHAPE(im2col_shape);
  BAD(im2col_shape, ARGUMENT, "col_shape", y_shape_pointer = NULL);
  BAD(im2col_shape, SHAPE, "col", window.kernel[0] = window.kernel[1] = 1 << 30, window.pads[0] = window.pads[1] = 1 << 30,
      x_shape[1] = 64);
  BAD(im2col_shape, SHAPE, "col", x_shape[0] = (int64_t)1 << 40, window.pads[0] = window.pads[1] = 1 << 29);
  BAD_WINDOW(im2col, window);
  BAD_KERNEL(im2col, window);
  BAD_TENSOR(im2col, x);
  BAD(im2col, TYPE, "x", x->tensor.type = SWIFTCNN_INT32);
  BAD(im2col, SHAPE, "col", x->shape[1]--);
  BAD_FOLLOWER(im2col, col, other);
  BAD_OVERLAP(im2col, col, x);
  fixture = col2im_fixture;
  BAD_WINDOW(col2im, window);
  BAD_KERNEL(col2im, window);
  BAD_TENSOR(col2im, x);
  BAD(col2im, TYPE, "x", x->tensor.type = other);
  BAD_TENSOR(col2im, col);
  BAD(col2im, SHAPE, "col", col->shape[0]--);
  BAD(col2im, SHAPE, "col", col->shape[1]--);
  BAD_OVERLAP(col2im, x, col);
}

static void convolution_rows(void) {
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

static void pooling_rows(void) {
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

static void affine_rows(void) {
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

/* Functions of one input. */
#define BAD_FORWARD(call)                                              \
  do {                                                                 \
    BAD_TENSOR_OF_ANY_RANK(call, x);                                   \
    BAD(call, TYPE, "x", x->tensor.type = SWIFTCNN_INT64);             \
    BAD_FOLLOWER(call, y, other);                                      \
    BAD(call, ARGUMENT, "y", overlap(y, x));                           \
  } while (0)
#define BAD_BACKWARD(call)                                             \
  do {                                                                 \
    BAD_FOLLOWER(call, grad_x, other);                                 \
    BAD(call, ARGUMENT, "grad_x", overlap(grad_x, grad_y));            \
  } while (0)
/* A change of x's rank or extents is blamed on the array that should have followed. */
#define BAD_TENSOR_OF_ANY_RANK(call, a)                                \
  do {                                                                 \
    BAD(call, ARGUMENT, #a, a->tensor.data = NULL);                    \
    BAD(call, ARGUMENT, #a, a->tensor.shape = NULL);                   \
    BAD(call, SHAPE, #a, a->tensor.rank = -1);                         \
    BAD(call, SHAPE, #a, set_rank(a, 9));                              \
    BAD(call, SHAPE, #a, a->shape[0] = -1);                            \
    BAD(call, SHAPE, #a, a->shape[0] = HUGE_EXTENT);                   \
    BAD(call, TYPE, #a, set_code(a, 0));                               \
    BAD(call, TYPE, #a, set_code(a, 77));                              \
    BAD(call, ARGUMENT, #a, misalign(a));                              \
  } while (0)

static void activation_rows(void) {
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

#define BAD_TARGET(call)                                                        \
  do {                                                                          \
    BAD_TENSOR(call, target);                                                   \
    BAD(call, TYPE, "target", target->tensor.type = other);                     \
    BAD(call, TYPE, "target", target->tensor.type = SWIFTCNN_UINT8);            \
    BAD(call, SHAPE, "target", target->shape[0] = 6);                           \
    BAD(call, ARGUMENT, "target", classes(7, 0));                               \
    BAD(call, ARGUMENT, "target", classes(0, -1));                              \
    BAD(call, ARGUMENT, "target", classes(0, INT64_MAX));                       \
    BAD(call, ARGUMENT, "target", classes(INT64_MIN, 0));                       \
    BAD(call, ARGUMENT, "target", classes32(7, 0));                             \
    BAD(call, ARGUMENT, "target", classes32(0, INT32_MIN));                     \
    BAD(call, SHAPE, "target", one_hot(), target->shape[1] = 6);                \
    BAD(call, SHAPE, "target", one_hot(), target->tensor.rank = 1);             \
    BAD(call, TYPE, "target", one_hot(), target->tensor.type = other);          \
  } while (0)

static void softmax_rows(void) {
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
  BAD_TENSOR(softmax_cross_entropy_backward, probabilities);
  BAD_FOLLOWER(softmax_cross_entropy_backward, grad_x, other);
  BAD_TARGET(softmax_cross_entropy_backward);
  BAD(softmax_cross_entropy_backward, ARGUMENT, "grad_x", overlap(grad_x, probabilities));
  BAD(softmax_cross_entropy_backward, ARGUMENT, "grad_x", one_hot(), overlap(grad_x, target));
  BAD(softmax_cross_entropy_backward, ARGUMENT, "grad_x", overlap(grad_x, target));
}

#define BAD_NORMALIZATION(call)                                                          \
  do {                                                                                   \
    BAD(call, ARGUMENT, "normalization", normalization_pointer = NULL);                  \
    BAD(call, ARGUMENT, "normalization", normalization.struct_size = 0);                 \
    BAD(call, ARGUMENT, "normalization", normalization.struct_size = sizeof(size_t));    \
    BAD(call, ARGUMENT, "epsilon", normalization.epsilon = -1e-5);                       \
    BAD(call, ARGUMENT, "epsilon", normalization.epsilon = NAN);                         \
    BAD(call, ARGUMENT, "epsilon", normalization.epsilon = INFINITY);                    \
    BAD(call, ARGUMENT, "momentum", normalization.momentum = -0.1);                      \
    BAD(call, ARGUMENT, "momentum", normalization.momentum = 1.5);                       \
    BAD(call, ARGUMENT, "momentum", normalization.momentum = NAN);                       \
  } while (0)

static void normalization_rows(void) {
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

int main(void) {
  const swiftcnn_type types[] = {SWIFTCNN_FLOAT32, SWIFTCNN_FLOAT64};
  signal(SIGILL, died);
  signal(SIGSEGV, died);
  signal(SIGFPE, died);
  signal(SIGABRT, died);
#ifdef SIGTRAP
  signal(SIGTRAP, died);
#endif
  for (int i = 0; i < 2; i++) {
    element = types[i];
    kinds = 0;
    machine_rows();
    thread_count_rows();
    im2col_rows();
    convolution_rows();
    pooling_rows();
    affine_rows();
    activation_rows();
    softmax_rows();
    normalization_rows();
  }
  printf("%d kinds of bad input, in float32 and float64\n", kinds);
  CHECK(kinds >= 100);
  return check_summary();
}
