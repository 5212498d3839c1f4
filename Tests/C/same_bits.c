/* Trains the network of Tests/python/test_same_bits.py from C and writes its numbers: same_bits IMAGES-AND-CLASSES OUT */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "swiftcnn.h"

enum { IMAGES = 54, SIDE = 8, CLASSES = 3, EPOCHS = 2 };
static float images[IMAGES][SIDE][SIDE];
static int64_t classes[IMAGES];

static void check(swiftcnn_status status) {
  if (status != SWIFTCNN_OK) fprintf(stderr, "swiftcnn: %s\n", swiftcnn_last_error()), exit(EXIT_FAILURE);
}

static swiftcnn_tensor tensor(void *data, swiftcnn_type type, int32_t rank, const int64_t *shape) {
  const swiftcnn_tensor t = {data, shape, rank, type};
  return t;
}

static swiftcnn_value node(swiftcnn_network *net, const char *name, const swiftcnn_attribute *attributes, size_t count,
                           const swiftcnn_value *inputs, size_t input_count) {
  swiftcnn_value y;
  check(swiftcnn_network_add(net, name, NULL, attributes, count, inputs, input_count, &y, 1));
  return y;
}

static swiftcnn_value parameter(swiftcnn_network *net, const char *name, const int64_t *shape, int32_t rank,
                                const char *initializer, double value) {
  const swiftcnn_attribute constant[] = {SWIFTCNN_FLOAT("value", value)};
  swiftcnn_value made;
  check(swiftcnn_network_parameter(net, name, shape, rank, initializer, constant, initializer[0] == 'C', &made));
  return made;
}

static void write_all(swiftcnn_network *net, swiftcnn_arrays kind, FILE *file) {
  size_t count;
  check(swiftcnn_network_array_count(net, kind, &count));
  for (size_t i = 0; i < count; i++) {
    const char *name;
    swiftcnn_tensor array;
    size_t elements = 1;
    check(swiftcnn_network_array(net, kind, i, &name, &array));
    for (int32_t axis = 0; axis < array.rank; axis++) elements *= (size_t)array.shape[axis];
    fwrite(array.data, sizeof(float), elements, file);
  }
}

int main(int count, char **arguments) {
  const int64_t image[] = {1, 1, SIDE, SIDE}, filters[] = {4, 1, 3, 3}, pads[] = {1, 1, 1, 1}, two[] = {2, 2};
  const int64_t weight[] = {CLASSES, 4 * SIDE / 2 * SIDE / 2}, all[] = {IMAGES, 1, SIDE, SIDE};
  const swiftcnn_attribute padded[] = {SWIFTCNN_INTS("pads", 4, pads)}, transposed[] = {SWIFTCNN_INT("transB", 1)};
  const swiftcnn_attribute halved[] = {SWIFTCNN_INTS("kernel_shape", 2, two), SWIFTCNN_INTS("strides", 2, two)};
  const swiftcnn_attribute ratio[] = {SWIFTCNN_FLOAT("ratio", 0.2)}, rate[] = {SWIFTCNN_FLOAT("lr", 0.01)};
  const swiftcnn_attribute cosine[] = {SWIFTCNN_INT("T_max", EPOCHS * ((IMAGES + 15) / 16)), SWIFTCNN_STRING("unit", "step")};
  float zeros[4] = {0, 0, 0, 0}, ones[4] = {1, 1, 1, 1};
  swiftcnn_network *net;
  swiftcnn_value v[5];
  double loss;
  FILE *file = count == 3 ? fopen(arguments[1], "rb") : NULL;
  if (!file || fread(images, sizeof images, 1, file) != 1 || fread(classes, sizeof classes, 1, file) != 1) return EXIT_FAILURE;
  fclose(file);

  check(swiftcnn_network_create(SWIFTCNN_FLOAT32, 0x123456789ABCDEF0u, &net));
  check(swiftcnn_network_input(net, "x", SWIFTCNN_FLOAT32, image, 4, &v[0]));
  v[1] = parameter(net, "0.weight", filters, 4, "HeNormal", 0);
  v[2] = parameter(net, "0.bias", filters, 1, "Constant", 0);
  v[0] = node(net, "Conv", padded, 1, v, 3);
  v[0] = node(net, "Relu", NULL, 0, v, 1);
  v[0] = node(net, "MaxPool", halved, 2, v, 1);
  v[1] = parameter(net, "3.weight", filters, 1, "Constant", 1);
  v[2] = parameter(net, "3.bias", filters, 1, "Constant", 0);
  check(swiftcnn_network_constant(net, "3.running_mean", tensor(zeros, SWIFTCNN_FLOAT32, 1, filters), &v[3]));
  check(swiftcnn_network_constant(net, "3.running_var", tensor(ones, SWIFTCNN_FLOAT32, 1, filters), &v[4]));
  v[0] = node(net, "BatchNormalization", NULL, 0, v, 5);
  v[0] = node(net, "Flatten", NULL, 0, v, 1);
  v[0] = node(net, "Dropout", ratio, 1, v, 1);
  v[1] = parameter(net, "6.weight", weight, 2, "HeNormal", 0);
  v[2] = parameter(net, "6.bias", weight, 1, "Constant", 0);
  v[0] = node(net, "Gemm", transposed, 1, v, 3);
  check(swiftcnn_network_set_outputs(net, v, 1));
  check(swiftcnn_network_set_loss(net, "SoftmaxCrossEntropyLoss", NULL, 0));
  check(swiftcnn_network_set_optimizer(net, "Adam", rate, 1));
  check(swiftcnn_network_add_schedule(net, "CosineAnnealingLR", cosine, 2));

  const swiftcnn_tensor x = tensor(images, SWIFTCNN_FLOAT32, 4, all);
  swiftcnn_epoch epoch = SWIFTCNN_EPOCH_DEFAULTS(16);
  for (int i = 0; i < EPOCHS; i++)
    check(swiftcnn_network_train_epoch(net, &x, 1, tensor(classes, SWIFTCNN_INT64, 1, all), &epoch, &loss));

  file = fopen(arguments[2], "wb");
  if (!file) return EXIT_FAILURE;
  write_all(net, SWIFTCNN_PARAMETERS, file);
  write_all(net, SWIFTCNN_CONSTANTS, file);
  swiftcnn_network_free(net);
  return fclose(file) ? EXIT_FAILURE : EXIT_SUCCESS;
}
