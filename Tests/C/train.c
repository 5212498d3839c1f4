/* A whole training through the C functions, in float32 and float64: 12x12 images of a noisy bar in one of four directions, through
 * convolution, ReLU, max pooling, an affine layer and softmax with cross-entropy, by stochastic gradient descent. */
#include "check.h"

enum { N = 16, SIDE = 12, FILTERS = 6, POOLED = SIDE / 2, FEATURES = FILTERS * POOLED * POOLED, CLASSES = 4, STEPS = 60 };

/* An array of either type, read and written as double. */
typedef struct {
  swiftcnn_tensor tensor;
  int64_t shape[4];
  int64_t count;
} array;

static array make(swiftcnn_type type, int32_t rank, int64_t a, int64_t b, int64_t c, int64_t d) {
  array made;
  made.shape[0] = a;
  made.shape[1] = b;
  made.shape[2] = c;
  made.shape[3] = d;
  made.count = 1;
  for (int i = 0; i < rank; i++) made.count *= made.shape[i];
  made.tensor = tensor_of(calloc((size_t)made.count, sizeof(double)), type, rank, NULL);
  return made;
}
static swiftcnn_tensor lend(array *a) {
  a->tensor.shape = a->shape;
  return a->tensor;
}
/* The same elements under another shape. */
static swiftcnn_tensor lend_rows(array *a, int64_t shape[2]) {
  shape[0] = a->shape[0];
  shape[1] = a->count / a->shape[0];
  return tensor_of(a->tensor.data, a->tensor.type, 2, shape);
}
static double get(const array *a, int64_t i) {
  return a->tensor.type == SWIFTCNN_FLOAT32 ? (double)((float *)a->tensor.data)[i] : ((double *)a->tensor.data)[i];
}
static void set(array *a, int64_t i, double value) {
  if (a->tensor.type == SWIFTCNN_FLOAT32) ((float *)a->tensor.data)[i] = (float)value;
  else ((double *)a->tensor.data)[i] = value;
}
static void randomize(array *a, double scale, uint32_t *state) {
  for (int64_t i = 0; i < a->count; i++) set(a, i, scale * uniform(state));
}

typedef struct {
  array x, target;                                              /* x[N][1][12][12], target[N] */
  array weight, bias, weight2, bias2;                           /* the parameters */
  array image, active, mask, pooled, winners, score, probability; /* what forward leaves */
  array grad_score, grad_pooled, grad_active, grad_image;       /* what backward leaves */
  array grad_weight, grad_bias, grad_weight2, grad_bias2;
} network;

enum { ARRAYS = (int)(sizeof(network) / sizeof(array)), PARAMETERS = 4 };
static array *parameter(network *net, int i) { return &net->weight + i; }
static array *gradient(network *net, int i) { return &net->grad_weight + i; }

static network create(swiftcnn_type type, uint32_t *state) {
  network net;
  net.x = make(type, 4, N, 1, SIDE, SIDE);
  net.target = make(SWIFTCNN_INT64, 1, N, 0, 0, 0);
  net.weight = make(type, 4, FILTERS, 1, 3, 3);
  net.bias = make(type, 1, FILTERS, 0, 0, 0);
  net.weight2 = make(type, 2, FEATURES, CLASSES, 0, 0);
  net.bias2 = make(type, 1, CLASSES, 0, 0, 0);
  net.image = make(type, 4, N, FILTERS, SIDE, SIDE);
  net.active = make(type, 4, N, FILTERS, SIDE, SIDE);
  net.mask = make(SWIFTCNN_UINT8, 4, N, FILTERS, SIDE, SIDE);
  net.pooled = make(type, 4, N, FILTERS, POOLED, POOLED);
  net.winners = make(SWIFTCNN_INT32, 4, N, FILTERS, POOLED, POOLED);
  net.score = make(type, 2, N, CLASSES, 0, 0);
  net.probability = make(type, 2, N, CLASSES, 0, 0);
  net.grad_score = make(type, 2, N, CLASSES, 0, 0);
  net.grad_pooled = make(type, 4, N, FILTERS, POOLED, POOLED);
  net.grad_active = make(type, 4, N, FILTERS, SIDE, SIDE);
  net.grad_image = make(type, 4, N, FILTERS, SIDE, SIDE);
  net.grad_weight = make(type, 4, FILTERS, 1, 3, 3);
  net.grad_bias = make(type, 1, FILTERS, 0, 0, 0);
  net.grad_weight2 = make(type, 2, FEATURES, CLASSES, 0, 0);
  net.grad_bias2 = make(type, 1, CLASSES, 0, 0, 0);
  randomize(&net.weight, 0.5, state);
  randomize(&net.weight2, 0.1, state);
  return net;
}
static void destroy(network *net) {
  for (int i = 0; i < ARRAYS; i++) free((&net->x + i)->tensor.data);
}

static void draw_batch(network *net, uint32_t *state) {
  randomize(&net->x, 0.3, state);
  for (int n = 0; n < N; n++) {
    int direction = n % CLASSES, middle = 4 + (int)(2.0 * (uniform(state) + 1.0));
    ((int64_t *)net->target.tensor.data)[n] = direction;
    for (int i = 2; i < SIDE - 2; i++) {
      int row = direction == 0 ? middle : i;
      int column = direction == 1 ? middle : direction == 3 ? SIDE - 1 - i : i;
      set(&net->x, (n * SIDE + row) * SIDE + column, 1.0);
    }
  }
}

static double forward(network *net) {
  swiftcnn_convolution convolution = SWIFTCNN_CONVOLUTION_DEFAULTS;
  swiftcnn_pooling pooling = SWIFTCNN_POOLING_DEFAULTS(2, 2);
  for (int i = 0; i < 4; i++) convolution.pads[i] = 1;
  pooling.strides[0] = pooling.strides[1] = 2;
  swiftcnn_tensor bias = lend(&net->bias), bias2 = lend(&net->bias2), mask = lend(&net->mask), winners = lend(&net->winners);
  int64_t rows[2];
  double loss = NAN;
  int good =
      CHECK_OK(swiftcnn_convolution_forward(&convolution, lend(&net->x), lend(&net->weight), &bias, lend(&net->image))) &&
      CHECK_OK(swiftcnn_relu_forward(lend(&net->image), lend(&net->active), &mask)) &&
      CHECK_OK(swiftcnn_max_pooling_forward(&pooling, lend(&net->active), lend(&net->pooled), &winners)) &&
      CHECK_OK(swiftcnn_affine_forward(lend_rows(&net->pooled, rows), lend(&net->weight2), &bias2, lend(&net->score))) &&
      CHECK_OK(swiftcnn_softmax_cross_entropy_forward(lend(&net->score), lend(&net->target), lend(&net->probability), &loss));
  return good ? loss : NAN;
}

static int backward(network *net) {
  swiftcnn_convolution convolution = SWIFTCNN_CONVOLUTION_DEFAULTS;
  swiftcnn_pooling pooling = SWIFTCNN_POOLING_DEFAULTS(2, 2);
  for (int i = 0; i < 4; i++) convolution.pads[i] = 1;
  pooling.strides[0] = pooling.strides[1] = 2;
  swiftcnn_tensor grad_weight = lend(&net->grad_weight), grad_bias = lend(&net->grad_bias);
  swiftcnn_tensor grad_weight2 = lend(&net->grad_weight2), grad_bias2 = lend(&net->grad_bias2);
  int64_t rows[2], grad_rows[2];
  swiftcnn_tensor pooled = lend_rows(&net->pooled, rows), grad_pooled = lend_rows(&net->grad_pooled, grad_rows);
  return CHECK_OK(swiftcnn_softmax_cross_entropy_backward(lend(&net->probability), lend(&net->target), 1.0,
                                                          lend(&net->grad_score))) &&
         CHECK_OK(swiftcnn_affine_backward(pooled, lend(&net->weight2), lend(&net->grad_score), &grad_pooled, &grad_weight2,
                                           &grad_bias2)) &&
         CHECK_OK(swiftcnn_max_pooling_backward(&pooling, lend(&net->winners), lend(&net->grad_pooled),
                                                lend(&net->grad_active))) &&
         CHECK_OK(swiftcnn_relu_backward(lend(&net->mask), lend(&net->grad_active), lend(&net->grad_image))) &&
         CHECK_OK(swiftcnn_convolution_backward(&convolution, lend(&net->x), lend(&net->weight), lend(&net->grad_image), NULL,
                                                &grad_weight, &grad_bias));
}

/* Central differences; the loss is smooth at steps so small unless a maximum or a zero is crossed, which this seed avoids. */
static void check_gradients(void) {
  uint32_t state = 7;
  network net = create(SWIFTCNN_FLOAT64, &state);
  draw_batch(&net, &state);
  forward(&net);
  if (!backward(&net)) return;
  const double h = 1e-5;
  for (int p = 0; p < PARAMETERS; p++) {
    array *values = parameter(&net, p);
    for (int sample = 0; sample < 5; sample++) {
      int64_t i = (values->count - 1) * sample / 4;
      double value = get(values, i);
      set(values, i, value + h);
      double above = forward(&net);
      set(values, i, value - h);
      double below = forward(&net);
      set(values, i, value);
      CHECK_NEAR(get(gradient(&net, p), i), (above - below) / (2 * h), 1e-8);
    }
  }
  destroy(&net);
}

static void check_training(swiftcnn_type type) {
  uint32_t state = 1;
  network net = create(type, &state);
  double first = 0, last = 0;
  for (int step = 0; step < STEPS; step++) {
    draw_batch(&net, &state);
    last = forward(&net);
    if (step == 0) first = last;
    if (!backward(&net)) break;
    for (int p = 0; p < PARAMETERS; p++) {
      array *values = parameter(&net, p);
      for (int64_t i = 0; i < values->count; i++) set(values, i, get(values, i) - 0.2 * get(gradient(&net, p), i));
    }
  }
  printf("float%d: loss %.4f, after %d steps %.4f\n", type == SWIFTCNN_FLOAT32 ? 32 : 64, first, (int)STEPS, last);
  CHECK(first > 1.0 && first < 3.0); /* about log 4 */
  CHECK(last < first / 10);

  draw_batch(&net, &state);
  forward(&net);
  int right = 0;
  for (int n = 0; n < N; n++) {
    int best = 0;
    for (int k = 1; k < CLASSES; k++)
      if (get(&net.probability, n * CLASSES + k) > get(&net.probability, n * CLASSES + best)) best = k;
    right += best == ((int64_t *)net.target.tensor.data)[n];
  }
  CHECK(right >= N - 1);
  destroy(&net);
}

int main(void) {
  check_gradients();
  check_training(SWIFTCNN_FLOAT64);
  check_training(SWIFTCNN_FLOAT32);
  return check_summary();
}
