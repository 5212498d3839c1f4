/* Trains convolution - relu - max pooling - affine - softmax through the C functions: which quarter of an image is bright?
 * The loss must fall to a tenth, and the gradients must agree with numerical ones. */
#include <math.h>
#include <stdlib.h>
#include "check.h"

enum { N = 32, K = 6, SIZE = 8, POOLED = 3, FEATURES = K * POOLED * POOLED, CLASSES = 4 };

static double x[N * SIZE * SIZE], weight[K * 9], bias[K], y[N * K * 36], activated[N * K * 36], pooled[N * FEATURES];
static double affine[FEATURES * CLASSES], affine_bias[CLASSES], scores[N * CLASSES], probabilities[N * CLASSES];
static double d_scores[N * CLASSES], d_pooled[N * FEATURES], d_activated[N * K * 36], d_y[N * K * 36];
static double d_weight[K * 9], d_bias[K], d_affine[FEATURES * CLASSES], d_affine_bias[CLASSES];
static uint8_t mask[N * K * 36];
static int32_t winners[N * FEATURES], target[N];

static const int64_t x_shape[] = {N, 1, SIZE, SIZE}, weight_shape[] = {K, 1, 3, 3}, k_shape[] = {K}, y_shape[] = {N, K, 6, 6};
static const int64_t pooled_shape[] = {N, K, POOLED, POOLED}, flat_shape[] = {N, FEATURES}, affine_shape[] = {FEATURES, CLASSES};
static const int64_t class_shape[] = {CLASSES}, scores_shape[] = {N, CLASSES}, target_shape[] = {N};

static swiftcnn_tensor tensor(void *data, const int64_t *shape, int32_t rank, swiftcnn_type type) {
  swiftcnn_tensor t;
  t.data = data;
  t.shape = shape;
  t.rank = rank;
  t.type = type;
  return t;
}
#define F64(data, shape) tensor(data, shape, (int32_t)(sizeof(shape) / sizeof(shape[0])), SWIFTCNN_FLOAT64)

static double random_number(void) { return rand() / (double)RAND_MAX - 0.5; }

static double step(int backward) {
  swiftcnn_convolution convolution = SWIFTCNN_CONVOLUTION_DEFAULTS;
  swiftcnn_pooling pooling = SWIFTCNN_POOLING_DEFAULTS(2, 2);
  swiftcnn_tensor b = F64(bias, k_shape), ab = F64(affine_bias, class_shape), db = F64(d_bias, k_shape);
  swiftcnn_tensor dw = F64(d_weight, weight_shape), dab = F64(d_affine_bias, class_shape), da = F64(d_affine, affine_shape);
  swiftcnn_tensor dp = F64(d_pooled, flat_shape), m = tensor(mask, y_shape, 4, SWIFTCNN_UINT8);
  swiftcnn_tensor w = tensor(winners, pooled_shape, 4, SWIFTCNN_INT32), t = tensor(target, target_shape, 1, SWIFTCNN_INT32);
  double loss = 0;
  pooling.strides[0] = pooling.strides[1] = 2;
  if (swiftcnn_convolution_forward(&convolution, F64(x, x_shape), F64(weight, weight_shape), &b, F64(y, y_shape)) ||
      swiftcnn_relu_forward(F64(y, y_shape), F64(activated, y_shape), &m) ||
      swiftcnn_max_pooling_forward(&pooling, F64(activated, y_shape), F64(pooled, pooled_shape), &w) ||
      swiftcnn_affine_forward(F64(pooled, flat_shape), F64(affine, affine_shape), &ab, F64(scores, scores_shape)) ||
      swiftcnn_softmax_cross_entropy_forward(F64(scores, scores_shape), t, F64(probabilities, scores_shape), &loss))
    return -1;
  if (!backward) return loss;
  if (swiftcnn_softmax_cross_entropy_backward(F64(probabilities, scores_shape), t, 1, F64(d_scores, scores_shape)) ||
      swiftcnn_affine_backward(F64(pooled, flat_shape), F64(affine, affine_shape), F64(d_scores, scores_shape), &dp, &da, &dab) ||
      swiftcnn_max_pooling_backward(&pooling, w, F64(d_pooled, pooled_shape), F64(d_activated, y_shape)) ||
      swiftcnn_relu_backward(m, F64(d_activated, y_shape), F64(d_y, y_shape)) ||
      swiftcnn_convolution_backward(&convolution, F64(x, x_shape), F64(weight, weight_shape), F64(d_y, y_shape), NULL, &dw, &db))
    return -1;
  return loss;
}

static void check_gradient(double *parameters, const double *gradient, int count) {
  const double h = 1e-5;
  int i;
  for (i = 0; i < count; i += 1 + count / 7) {
    double before = parameters[i], up, down, wanted;
    parameters[i] = before + h;
    up = step(0);
    parameters[i] = before - h;
    down = step(0);
    parameters[i] = before;
    wanted = (up - down) / (2 * h);
    CHECK(fabs(wanted - gradient[i]) < 1e-6);
  }
}

static void descend(double *parameters, const double *gradient, int count) {
  int i;
  for (i = 0; i < count; i++) parameters[i] -= 0.5 * gradient[i];
}

int main(void) {
  double first, last = 0;
  int i, n;
  srand(1);
  for (n = 0; n < N; n++) {
    target[n] = n % CLASSES;
    for (i = 0; i < SIZE * SIZE; i++) {
      int quarter = i / SIZE / (SIZE / 2) * 2 + i % SIZE / (SIZE / 2);
      x[n * SIZE * SIZE + i] = 0.4 * random_number() + (quarter == target[n]);
    }
  }
  for (i = 0; i < K * 9; i++) weight[i] = random_number();
  for (i = 0; i < FEATURES * CLASSES; i++) affine[i] = 0.3 * random_number();
  first = step(1);
  CHECK(first > 0);
  check_gradient(weight, d_weight, K * 9);
  check_gradient(bias, d_bias, K);
  check_gradient(affine, d_affine, FEATURES * CLASSES);
  check_gradient(affine_bias, d_affine_bias, CLASSES);
  for (i = 0; i < 100; i++) {
    last = step(1);
    descend(weight, d_weight, K * 9);
    descend(bias, d_bias, K);
    descend(affine, d_affine, FEATURES * CLASSES);
    descend(affine_bias, d_affine_bias, CLASSES);
  }
  CHECK(last >= 0 && last < first / 10);
  return finish();
}
