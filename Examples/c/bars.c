/* A convolutional neural network that learns in which of four directions a bar lies, in C99 with nothing but swiftcnn:
 *   cc Examples/c/bars.c -IInclude -Lpython/swiftcnn/lib -lswiftcnn -lm -Wl,-rpath,$PWD/python/swiftcnn/lib -o bars && ./bars */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "swiftcnn.h"

enum { SIDE = 12, CLASSES = 4, IMAGES = 2000, TESTS = 500 };
static float images[IMAGES + TESTS][SIDE][SIDE], scores[TESTS][CLASSES];
static int64_t classes[IMAGES + TESTS];

static void check(swiftcnn_status status) {
  if (status != SWIFTCNN_OK) fprintf(stderr, "swiftcnn: %s\n", swiftcnn_last_error()), exit(EXIT_FAILURE);
}

/* Uniform in [0, 1), the same on every machine. */
static float uniform(void) {
  static uint32_t state = 1;
  state = state * 1664525u + 1013904223u;
  return (float)(state >> 8) / 16777216.0f;
}

/* Noise, and a bar: horizontal, vertical, falling or rising. */
static void draw(int n) {
  int direction = n % CLASSES, middle = 3 + (int)(6 * uniform());
  for (int i = 0; i < SIDE * SIDE; i++) images[n][i / SIDE][i % SIDE] = uniform();
  for (int i = 2; i < SIDE - 2; i++) {
    int row = direction == 0 ? middle : i;
    int column = direction == 1 ? middle : direction == 3 ? SIDE - 1 - i : i;
    images[n][row][column] += 0.7f;
  }
  classes[n] = direction;
}

static swiftcnn_tensor tensor(void *data, swiftcnn_type type, int32_t rank, const int64_t *shape) {
  const swiftcnn_tensor t = {data, shape, rank, type};
  return t;
}

static int32_t report(void *context, int64_t done, int64_t batches, double loss) {
  if (done == batches) printf("epoch %d: loss %.3f\n", ++*(int *)context, loss);
  return 0; /* go on */
}

/* A node of one output. */
static swiftcnn_value add(swiftcnn_network *net, const char *name, const swiftcnn_attribute *attributes, size_t count,
                          swiftcnn_value x, swiftcnn_value weight, swiftcnn_value bias) {
  const swiftcnn_value inputs[3] = {x, weight, bias};
  swiftcnn_value y;
  check(swiftcnn_network_add(net, name, NULL, attributes, count, inputs, weight == SWIFTCNN_ABSENT ? 1 : 3, &y, 1));
  return y;
}

int main(void) {
  const int64_t image_shape[] = {1, 1, SIDE, SIDE}, filter_shape[] = {8, 1, 3, 3}, pads[] = {1, 1, 1, 1}, two[] = {2, 2};
  const int64_t dense_shape[] = {CLASSES, 8 * SIDE / 2 * SIDE / 2};
  const swiftcnn_attribute convolution[] = {SWIFTCNN_INTS("pads", 4, pads)}, dense[] = {SWIFTCNN_INT("transB", 1)};
  const swiftcnn_attribute pooling[] = {SWIFTCNN_INTS("kernel_shape", 2, two), SWIFTCNN_INTS("strides", 2, two)};
  const swiftcnn_attribute rate[] = {SWIFTCNN_FLOAT("lr", 0.01)};
  swiftcnn_network *net;
  swiftcnn_value x, w1, b1, w2, b2;
  double loss;
  int epochs = 0, right = 0;
  /* The network. A bias has the first extent of its weight. */
  check(swiftcnn_network_create(SWIFTCNN_FLOAT32, 1, &net));
  check(swiftcnn_network_input(net, "x", SWIFTCNN_FLOAT32, image_shape, 4, &x));
  check(swiftcnn_network_parameter(net, "conv.weight", filter_shape, 4, "HeNormal", NULL, 0, &w1));
  check(swiftcnn_network_parameter(net, "conv.bias", filter_shape, 1, "Constant", NULL, 0, &b1));
  check(swiftcnn_network_parameter(net, "dense.weight", dense_shape, 2, "HeNormal", NULL, 0, &w2));
  check(swiftcnn_network_parameter(net, "dense.bias", dense_shape, 1, "Constant", NULL, 0, &b2));
  x = add(net, "Conv", convolution, 1, x, w1, b1);
  x = add(net, "Relu", NULL, 0, x, SWIFTCNN_ABSENT, SWIFTCNN_ABSENT);
  x = add(net, "MaxPool", pooling, 2, x, SWIFTCNN_ABSENT, SWIFTCNN_ABSENT);
  x = add(net, "Flatten", NULL, 0, x, SWIFTCNN_ABSENT, SWIFTCNN_ABSENT);
  x = add(net, "Gemm", dense, 1, x, w2, b2);
  check(swiftcnn_network_set_outputs(net, &x, 1));
  check(swiftcnn_network_set_loss(net, "SoftmaxCrossEntropyLoss", NULL, 0));
  check(swiftcnn_network_set_optimizer(net, "Adam", rate, 1));

  for (int n = 0; n < IMAGES + TESTS; n++) draw(n);
  const int64_t shape[] = {IMAGES, 1, SIDE, SIDE}, test_shape[] = {TESTS, 1, SIDE, SIDE}, score_shape[] = {TESTS, CLASSES};
  const swiftcnn_tensor training = tensor(images, SWIFTCNN_FLOAT32, 4, shape), target = tensor(classes, SWIFTCNN_INT64, 1, shape);
  swiftcnn_epoch epoch = SWIFTCNN_EPOCH_DEFAULTS(50);
  epoch.progress = report, epoch.context = &epochs;
  for (int i = 0; i < 6; i++) check(swiftcnn_network_train_epoch(net, &training, 1, target, &epoch, &loss));

  const swiftcnn_tensor tests = tensor(images[IMAGES], SWIFTCNN_FLOAT32, 4, test_shape);
  const swiftcnn_tensor given = tensor(scores, SWIFTCNN_FLOAT32, 2, score_shape);
  check(swiftcnn_network_predict(net, &tests, 1, &given, 1));
  for (int n = 0; n < TESTS; n++) {
    int best = 0;
    for (int k = 1; k < CLASSES; k++) best = scores[n][k] > scores[n][best] ? k : best;
    right += best == classes[IMAGES + n];
  }
  printf("%d of %d new images are right\n", right, TESTS);
  swiftcnn_network_free(net);
  return right > TESTS * 9 / 10 ? EXIT_SUCCESS : EXIT_FAILURE;
}
