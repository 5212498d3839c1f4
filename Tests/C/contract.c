/* The promises of swiftcnn.h that a caller relies on: versions, errors by thread, threads, shapes, arrays in place, empty batches,
 * structs that grow, the same bits for any number of threads, the caller's denormal mode, several callers at once, and fork. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static swiftcnn_tensor floats(float *data, int32_t rank, const int64_t *shape) {
  return tensor_of(data, SWIFTCNN_FLOAT32, rank, shape);
}

/* Runs body in a child process. */
static int in_child(int (*body)(void)) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) _exit(body());
  int status = -1;
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- Environment: read once, so each in a child, before this process has made a call ------------------------------------ */

static int refuses(const char *variable, const char *value) {
  const char *name = "untouched";
  setenv(variable, value, 1);
  return swiftcnn_isa(&name) == SWIFTCNN_ENVIRONMENT && strstr(swiftcnn_last_error(), variable) && !strcmp(name, "untouched")
             ? 0
             : 1;
}
static int unknown_isa(void) { return refuses("SWIFTCNN_ISA", "mmx"); }
static int unknown_threads(void) { return refuses("SWIFTCNN_NUM_THREADS", "many"); }
static int no_threads(void) { return refuses("SWIFTCNN_NUM_THREADS", "0"); }
static int too_many_threads(void) { return refuses("SWIFTCNN_NUM_THREADS", "99999999999999999999"); }
static int baseline(void) {
  const char *name = "";
  setenv("SWIFTCNN_ISA", "baseline", 1);
  return swiftcnn_isa(&name) == SWIFTCNN_OK && !strcmp(name, "baseline") ? 0 : 1;
}
static int three_threads(void) {
  int32_t count = 0;
  setenv("SWIFTCNN_NUM_THREADS", "3", 1);
  return swiftcnn_threads(&count) == SWIFTCNN_OK && count == 3 ? 0 : 1;
}
static void check_environment(void) {
  CHECK(in_child(unknown_isa));
  CHECK(in_child(unknown_threads));
  CHECK(in_child(no_threads));
  CHECK(in_child(too_many_threads));
  CHECK(in_child(baseline));
  CHECK(in_child(three_threads));
}

/* ---- Versions and the machine -------------------------------------------------------------------------------------------- */

static void check_versions(void) {
  CHECK(!strcmp(swiftcnn_last_error(), ""));
  CHECK(!strcmp(swiftcnn_version(), SWIFTCNN_VERSION));
  CHECK(swiftcnn_version() == swiftcnn_version());
  CHECK(swiftcnn_abi_version() == SWIFTCNN_ABI_VERSION);
}

static void check_machine(void) {
  const char *name = NULL, *forced = getenv("SWIFTCNN_ISA");
  CHECK_OK(swiftcnn_isa(&name));
  if (CHECK(name != NULL)) {
    CHECK(!strcmp(name, "avx512") || !strcmp(name, "avx2") || !strcmp(name, "baseline"));
    if (forced && *forced) CHECK(!strcmp(name, forced));
    printf("instruction set: %s\n", name);
  }
  int32_t standard = 0, count = 0;
  CHECK_OK(swiftcnn_threads(&standard));
  CHECK(standard >= 1 && standard <= 1024);
  CHECK_OK(swiftcnn_set_threads(3));
  CHECK_OK(swiftcnn_threads(&count));
  CHECK(count == 3);
  CHECK_OK(swiftcnn_set_threads(1024));
  CHECK_OK(swiftcnn_threads(&count));
  CHECK(count == 1024);
  CHECK(swiftcnn_set_threads(1025) == SWIFTCNN_INVALID_ARGUMENT);
  CHECK_OK(swiftcnn_threads(&count));
  CHECK(count == 1024);
  CHECK_OK(swiftcnn_set_threads(0));
  CHECK_OK(swiftcnn_threads(&count));
  CHECK(count == standard);
}

/* ---- Errors belong to a thread -------------------------------------------------------------------------------------------- */

static void *fail_elsewhere(void *unused) {
  int good = !strcmp(swiftcnn_last_error(), "") && swiftcnn_isa(NULL) == SWIFTCNN_INVALID_ARGUMENT &&
             strstr(swiftcnn_last_error(), "name");
  return good ? unused : NULL;
}
static void check_errors(void) {
  pthread_t thread;
  void *result = NULL;
  char message[1024] = "";
  CHECK(swiftcnn_set_threads(-5) == SWIFTCNN_INVALID_ARGUMENT);
  strncpy(message, swiftcnn_last_error(), sizeof message - 1);
  CHECK(strstr(message, "count") != NULL && strstr(message, "-5") != NULL);
  CHECK(pthread_create(&thread, NULL, fail_elsewhere, message) == 0);
  CHECK(pthread_join(thread, &result) == 0);
  CHECK(result == message);
  CHECK(!strcmp(swiftcnn_last_error(), message));
  CHECK_OK(swiftcnn_release_memory());
  CHECK(!strcmp(swiftcnn_last_error(), message)); /* of the last *failed* call */
}

/* ---- Shapes -------------------------------------------------------------------------------------------------------------- */

static int equal(const int64_t *shape, int64_t a, int64_t b, int64_t c, int64_t d) {
  return shape[0] == a && shape[1] == b && shape[2] == c && shape[3] == d;
}

static void check_shapes(void) {
  const int64_t x[4] = {2, 4, 7, 9}, weight[4] = {6, 2, 3, 5};
  int64_t y[4], col[2];
  swiftcnn_convolution convolution = SWIFTCNN_CONVOLUTION_DEFAULTS;
  convolution.groups = 2;
  CHECK_OK(swiftcnn_convolution_shape(&convolution, x, weight, y));
  CHECK(equal(y, 2, 6, 5, 5));
  convolution.strides[0] = 2, convolution.strides[1] = 3, convolution.dilations[1] = 2;
  convolution.pads[0] = 1, convolution.pads[1] = 2, convolution.pads[2] = 3, convolution.pads[3] = 4;
  CHECK_OK(swiftcnn_convolution_shape(&convolution, x, weight, y)); /* (7+4-3)/2+1, (9+6-9)/3+1 */
  CHECK(equal(y, 2, 6, 5, 3));

  swiftcnn_window window = SWIFTCNN_WINDOW_DEFAULTS(3, 5);
  CHECK_OK(swiftcnn_im2col_shape(&window, x, col));
  CHECK(col[0] == 2 * 5 * 5 && col[1] == 4 * 3 * 5);

  swiftcnn_pooling pooling = SWIFTCNN_POOLING_DEFAULTS(2, 2);
  pooling.strides[0] = pooling.strides[1] = 2;
  CHECK_OK(swiftcnn_pooling_shape(&pooling, x, y));
  CHECK(equal(y, 2, 4, 3, 4));
  pooling.ceil_mode = 1;
  CHECK_OK(swiftcnn_pooling_shape(&pooling, x, y));
  CHECK(equal(y, 2, 4, 4, 5));
  /* A last window that would start in the trailing pad does not count: 5 and 1 + 1, by 2, stride 2: ceil(5/2)+1 = 4, but 6 >= 6. */
  const int64_t five[4] = {1, 1, 5, 5};
  for (int i = 0; i < 4; i++) pooling.pads[i] = 1;
  CHECK_OK(swiftcnn_pooling_shape(&pooling, five, y));
  CHECK(equal(y, 1, 1, 3, 3));
}

/* ---- Structs that grow ---------------------------------------------------------------------------------------------------- */

static void check_struct_size(void) {
  struct {
    swiftcnn_convolution known;
    double later[4];
  } grown = {SWIFTCNN_CONVOLUTION_DEFAULTS, {NAN, NAN, NAN, NAN}};
  const int64_t x[4] = {1, 1, 4, 4}, weight[4] = {1, 1, 3, 3};
  int64_t y[4] = {-7, -7, -7, -7};
  grown.known.struct_size = sizeof grown;
  CHECK_OK(swiftcnn_convolution_shape(&grown.known, x, weight, y));
  CHECK(equal(y, 1, 1, 2, 2));
  const size_t small[] = {0, 1, sizeof(size_t), sizeof(swiftcnn_convolution) - 1};
  for (int i = 0; i < 4; i++) {
    y[0] = -7;
    grown.known.struct_size = small[i];
    CHECK(swiftcnn_convolution_shape(&grown.known, x, weight, y) == SWIFTCNN_INVALID_ARGUMENT);
    CHECK(strstr(swiftcnn_last_error(), "struct_size") != NULL);
    CHECK(y[0] == -7);
  }
}

/* ---- Element-wise functions in place -------------------------------------------------------------------------------------- */

enum { COUNT = 1031 }; /* a prime: there is a remainder in every vector width */

static void check_in_place(void) {
  static float x[COUNT], grad[COUNT], separate[COUNT], in_place[COUNT], gradient[COUNT];
  static uint8_t mask[COUNT], mask_in_place[COUNT];
  const int64_t shape[1] = {COUNT}, rows[2] = {1, COUNT};
  uint32_t state = 3;
  for (int i = 0; i < COUNT; i++) x[i] = (float)(3 * uniform(&state)), grad[i] = (float)uniform(&state);
  swiftcnn_tensor from = floats(x, 1, shape), to = floats(separate, 1, shape), both = floats(in_place, 1, shape);
  swiftcnn_tensor from_grad = floats(grad, 1, shape), to_grad = floats(gradient, 1, shape);
  swiftcnn_tensor bits = tensor_of(mask, SWIFTCNN_UINT8, 1, shape), bits_in_place = bits;
  bits_in_place.data = mask_in_place;

  /* forward(x -> separate) and forward(in_place -> in_place) must agree bit for bit. */
#define SAME_FORWARD(separately, together)              \
  do {                                                  \
    memset(separate, 0xA5, sizeof separate);            \
    memcpy(in_place, x, sizeof x);                      \
    CHECK_OK(separately);                               \
    CHECK_OK(together);                                 \
    CHECK(!memcmp(separate, in_place, sizeof separate)); \
  } while (0)
#define SAME_BACKWARD(separately, together)             \
  do {                                                  \
    memset(gradient, 0xA5, sizeof gradient);            \
    memcpy(in_place, grad, sizeof grad);                \
    CHECK_OK(separately);                               \
    CHECK_OK(together);                                 \
    CHECK(!memcmp(gradient, in_place, sizeof gradient)); \
  } while (0)
  SAME_FORWARD(swiftcnn_relu_forward(from, to, &bits), swiftcnn_relu_forward(both, both, &bits_in_place));
  CHECK(!memcmp(mask, mask_in_place, sizeof mask));
  for (int i = 0; i < COUNT; i++)
    if (mask[i] != (x[i] <= 0) || separate[i] != (x[i] > 0 ? x[i] : 0)) {
      CHECK(!"relu is max(x, 0) and its mask is x <= 0");
      break;
    }
  SAME_BACKWARD(swiftcnn_relu_backward(bits, from_grad, to_grad), swiftcnn_relu_backward(bits, both, both));
  SAME_FORWARD(swiftcnn_sigmoid_forward(from, to), swiftcnn_sigmoid_forward(both, both));
  SAME_BACKWARD(swiftcnn_sigmoid_backward(to, from_grad, to_grad), swiftcnn_sigmoid_backward(to, both, both));
  SAME_FORWARD(swiftcnn_tanh_forward(from, to), swiftcnn_tanh_forward(both, both));
  SAME_BACKWARD(swiftcnn_tanh_backward(to, from_grad, to_grad), swiftcnn_tanh_backward(to, both, both));
  SAME_FORWARD(swiftcnn_dropout_forward(0.3, 11, from, to, bits),
               swiftcnn_dropout_forward(0.3, 11, both, both, bits_in_place));
  CHECK(!memcmp(mask, mask_in_place, sizeof mask));
  SAME_BACKWARD(swiftcnn_dropout_backward(0.3, bits, from_grad, to_grad), swiftcnn_dropout_backward(0.3, bits, both, both));
  SAME_FORWARD(swiftcnn_softmax_forward(floats(x, 2, rows), floats(separate, 2, rows)),
               swiftcnn_softmax_forward(floats(in_place, 2, rows), floats(in_place, 2, rows)));
  double total = 0;
  for (int i = 0; i < COUNT; i++) total += separate[i];
  CHECK_NEAR(total, 1, 1e-5);
  SAME_BACKWARD(
      swiftcnn_softmax_backward(floats(separate, 2, rows), floats(grad, 2, rows), floats(gradient, 2, rows)),
      swiftcnn_softmax_backward(floats(separate, 2, rows), floats(in_place, 2, rows), floats(in_place, 2, rows)));
  total = 0;
  for (int i = 0; i < COUNT; i++) total += gradient[i];
  CHECK_NEAR(total, 0, 1e-5); /* the sum of softmax is always 1 */
}

/* ---- Nothing in the batch ------------------------------------------------------------------------------------------------- */

/* Either it works or it says why; it never crashes. */
static int fine_or_explained(swiftcnn_status status) {
  return status == SWIFTCNN_OK || (status < SWIFTCNN_UNSUPPORTED && *swiftcnn_last_error());
}

static void check_empty_batch(void) {
  float weight_data[2 * 3 * 3] = {1}, gradient[2 * 3 * 3], bias_gradient[2], one[4] = {1, 1, 1, 1}, kept[4] = {0, 0, 0, 0};
  double loss = 0;
  const int64_t image[4] = {0, 1, 6, 6}, weight_shape[4] = {2, 1, 3, 3}, y_shape[4] = {0, 2, 4, 4}, two[1] = {2}, none[1] = {0};
  const int64_t pooled[4] = {0, 1, 5, 5}, rows[2] = {0, 3}, matrix[2] = {3, 2}, out[2] = {0, 2};
  swiftcnn_convolution convolution = SWIFTCNN_CONVOLUTION_DEFAULTS;
  swiftcnn_pooling pooling = SWIFTCNN_POOLING_DEFAULTS(2, 2);
  swiftcnn_batch_normalization normalization = SWIFTCNN_BATCH_NORMALIZATION_DEFAULTS;
  swiftcnn_tensor x = floats(NULL, 4, image), y = floats(NULL, 4, y_shape), weight = floats(weight_data, 4, weight_shape);
  swiftcnn_tensor grad_weight = floats(gradient, 4, weight_shape), grad_bias = floats(bias_gradient, 1, two);
  int64_t shape[4];
  CHECK_OK(swiftcnn_convolution_shape(&convolution, image, weight_shape, shape));
  CHECK(equal(shape, 0, 2, 4, 4));
  CHECK_OK(swiftcnn_convolution_forward(&convolution, x, weight, NULL, y));
  memset(gradient, 0xA5, sizeof gradient);
  memset(bias_gradient, 0xA5, sizeof bias_gradient);
  CHECK_OK(swiftcnn_convolution_backward(&convolution, x, weight, y, &x, &grad_weight, &grad_bias));
  for (int i = 0; i < 18; i++) CHECK(gradient[i] == 0); /* the sum of nothing */
  for (int i = 0; i < 2; i++) CHECK(bias_gradient[i] == 0);
  CHECK_OK(swiftcnn_max_pooling_forward(&pooling, x, floats(NULL, 4, pooled), NULL));
  CHECK_OK(swiftcnn_average_pooling_forward(&pooling, x, floats(NULL, 4, pooled)));
  CHECK_OK(swiftcnn_max_pooling_backward(&pooling, tensor_of(NULL, SWIFTCNN_INT32, 4, pooled), floats(NULL, 4, pooled), x));
  CHECK_OK(swiftcnn_average_pooling_backward(&pooling, floats(NULL, 4, pooled), x));
  CHECK_OK(swiftcnn_affine_forward(floats(NULL, 2, rows), floats(weight_data, 2, matrix), NULL, floats(NULL, 2, out)));
  grad_weight = floats(gradient, 2, matrix);
  memset(gradient, 0xA5, sizeof gradient);
  CHECK_OK(swiftcnn_affine_backward(floats(NULL, 2, rows), floats(weight_data, 2, matrix), floats(NULL, 2, out), NULL,
                                    &grad_weight, NULL));
  for (int i = 0; i < 6; i++) CHECK(gradient[i] == 0);
  CHECK_OK(swiftcnn_relu_forward(x, x, NULL));
  CHECK_OK(swiftcnn_sigmoid_forward(x, x));
  CHECK_OK(swiftcnn_tanh_forward(x, x));
  CHECK_OK(swiftcnn_softmax_forward(floats(NULL, 2, rows), floats(NULL, 2, rows)));
  CHECK_OK(swiftcnn_dropout_forward(0.5, 1, x, x, tensor_of(NULL, SWIFTCNN_UINT8, 4, image)));
  CHECK(fine_or_explained(swiftcnn_softmax_cross_entropy_forward(
      floats(NULL, 2, rows), tensor_of(NULL, SWIFTCNN_INT64, 1, none), floats(NULL, 2, rows), &loss)));
  const int64_t channel[1] = {1};
  CHECK(fine_or_explained(swiftcnn_batch_normalization_train(
      &normalization, x, floats(one, 1, channel), floats(one + 1, 1, channel), NULL, NULL, x, floats(kept, 1, channel),
      floats(kept + 1, 1, channel))));
  CHECK_OK(swiftcnn_batch_normalization_infer(&normalization, x, floats(one, 1, channel), floats(one, 1, channel),
                                              floats(one, 1, channel), floats(one, 1, channel), x));
  /* A scalar has no axes, and one element. */
  float scalar = -2;
  CHECK_OK(swiftcnn_relu_forward(floats(&scalar, 0, NULL), floats(&scalar, 0, NULL), NULL));
  CHECK(scalar == 0);
}

/* ---- A convolution large enough for several threads ------------------------------------------------------------------------ */

enum { IMAGE = 4 * 8 * 20 * 20, WEIGHT = 24 * 8 * 3 * 3, RESULT = 4 * 24 * 20 * 20 };
static float images[IMAGE], filters[WEIGHT], biases[24], results_gradient[RESULT];
typedef struct {
  float y[RESULT], grad_x[IMAGE], grad_weight[WEIGHT], grad_bias[24];
} outcome;
static outcome reference;

static int compute(outcome *to) {
  static const int64_t x_shape[4] = {4, 8, 20, 20}, weight_shape[4] = {24, 8, 3, 3}, y_shape[4] = {4, 24, 20, 20}, k[1] = {24};
  swiftcnn_convolution convolution = SWIFTCNN_CONVOLUTION_DEFAULTS;
  for (int i = 0; i < 4; i++) convolution.pads[i] = 1;
  memset(to, 0xFF, sizeof *to); /* NaN: whatever is added to instead of overwritten shows */
  swiftcnn_tensor x = floats(images, 4, x_shape), weight = floats(filters, 4, weight_shape), bias = floats(biases, 1, k);
  swiftcnn_tensor grad_x = floats(to->grad_x, 4, x_shape), grad_weight = floats(to->grad_weight, 4, weight_shape);
  swiftcnn_tensor grad_bias = floats(to->grad_bias, 1, k);
  return swiftcnn_convolution_forward(&convolution, x, weight, &bias, floats(to->y, 4, y_shape)) == SWIFTCNN_OK &&
         swiftcnn_convolution_backward(&convolution, x, weight, floats(results_gradient, 4, y_shape), &grad_x, &grad_weight,
                                       &grad_bias) == SWIFTCNN_OK;
}
static int same_as_reference(void) {
  outcome *mine = (outcome *)malloc(sizeof(outcome));
  int same = mine && compute(mine) && !memcmp(mine, &reference, sizeof reference);
  free(mine);
  return same;
}

static void check_reference(void) {
  uint32_t state = 5;
  for (int i = 0; i < IMAGE; i++) images[i] = (float)uniform(&state);
  for (int i = 0; i < WEIGHT; i++) filters[i] = (float)uniform(&state);
  for (int i = 0; i < 24; i++) biases[i] = (float)uniform(&state);
  for (int i = 0; i < RESULT; i++) results_gradient[i] = (float)uniform(&state);
  CHECK_OK(swiftcnn_set_threads(1));
  CHECK(compute(&reference));
  /* One pixel by hand: image 1, filter 2, row 0, column 19. */
  double sum = biases[2];
  for (int c = 0; c < 8; c++)
    for (int i = 1; i < 3; i++)
      for (int j = 0; j < 2; j++)
        sum += (double)images[((8 + c) * 20 + i - 1) * 20 + 18 + j] * filters[((2 * 8 + c) * 3 + i) * 3 + j];
  CHECK_NEAR(reference.y[((24 + 2) * 20) * 20 + 19], sum, 1e-5);
}

static void check_thread_counts(void) {
  const int32_t counts[] = {1, 2, 4, 8, 64};
  for (int i = 0; i < 5; i++) {
    CHECK_OK(swiftcnn_set_threads(counts[i]));
    CHECK(same_as_reference());
  }
  CHECK_OK(swiftcnn_set_threads(4));
  CHECK_OK(swiftcnn_release_memory());
  CHECK(same_as_reference());
}

static void *call_often(void *result) {
  int *good = (int *)result;
  *good = 1;
  for (int i = 0; i < 20; i++) *good = *good && same_as_reference();
  return NULL;
}
static void check_callers_at_once(void) {
  pthread_t threads[4];
  int good[4] = {0, 0, 0, 0};
  for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, call_often, &good[i]) == 0);
  for (int i = 0; i < 4; i++) CHECK(pthread_join(threads[i], NULL) == 0 && good[i]);
}

static int child_computes(void) { return same_as_reference() && swiftcnn_set_threads(2) == SWIFTCNN_OK && same_as_reference() ? 0 : 1; }
static void check_fork(void) {
  CHECK_OK(swiftcnn_set_threads(4));
  CHECK(same_as_reference()); /* the threads exist */
  for (int i = 0; i < 5; i++) CHECK(in_child(child_computes));
  CHECK(same_as_reference());
}

/* ---- Denormals ------------------------------------------------------------------------------------------------------------ */

static void check_denormals(void) {
  const int64_t shape[1] = {1};
  volatile float tiny = 1e-38f;
  float x = tiny / 16, y = -1;
  CHECK(x > 0); /* this program has them */
  uint8_t keep = 0;
  CHECK_OK(swiftcnn_dropout_backward(0.5, tensor_of(&keep, SWIFTCNN_UINT8, 1, shape), floats(&x, 1, shape), floats(&y, 1, shape)));
  CHECK(swiftcnn_set_threads(-1) != SWIFTCNN_OK);
  volatile float after = tiny / 16;
  CHECK(after > 0); /* and keeps them, after calls that worked and calls that failed */
}

int main(void) {
  check_environment();
  check_versions();
  check_machine();
  check_errors();
  check_shapes();
  check_struct_size();
  check_in_place();
  check_empty_batch();
  check_reference();
  check_thread_counts();
  check_callers_at_once();
  check_fork();
  check_denormals();
  return check_summary();
}
