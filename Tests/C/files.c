/* Networks in ONNX files through C: saved and loaded, the same bits; what a network says of its inputs and outputs; errors, which write
 * nothing. */
#include "check.h"

enum { CLASSES = 3, CELLS = 2 * 6 * 6 };
static const char *const PATH = "build/tests/files.onnx";

static swiftcnn_network *make(swiftcnn_type type) {
  swiftcnn_network *network = NULL;
  const int64_t x_shape[4] = {1, 2, 6, 6}, w_shape[4] = {4, 2, 3, 3}, fc_shape[2] = {CLASSES, 64};
  swiftcnn_value x, w, fc, y;
  CHECK_OK(swiftcnn_network_create(type, 7, &network));
  CHECK_OK(swiftcnn_network_input(network, "images", type, x_shape, 4, &x));
  CHECK_OK(swiftcnn_network_parameter(network, "w", w_shape, 4, "HeNormal", NULL, 0, &w));
  CHECK_OK(swiftcnn_network_parameter(network, "fc", fc_shape, 2, "XavierUniform", NULL, 0, &fc));
  swiftcnn_value convolution[2] = {x, w};
  CHECK_OK(swiftcnn_network_add(network, "Conv", NULL, NULL, 0, convolution, 2, &y, 1));
  CHECK_OK(swiftcnn_network_add(network, "Relu", NULL, NULL, 0, &y, 1, &y, 1));
  CHECK_OK(swiftcnn_network_add(network, "Flatten", NULL, NULL, 0, &y, 1, &y, 1));
  swiftcnn_attribute transposed = SWIFTCNN_INT("transB", 1);
  swiftcnn_value affine[2] = {y, fc};
  CHECK_OK(swiftcnn_network_add(network, "Gemm", "scores", &transposed, 1, affine, 2, &y, 1));
  CHECK_OK(swiftcnn_network_set_outputs(network, &y, 1));
  return network;
}

static void predict(swiftcnn_network *network, swiftcnn_type type, double y[2 * CLASSES]) {
  const int64_t x_shape[4] = {2, 2, 6, 6}, y_shape[2] = {2, CLASSES};
  double room[2 * CELLS];
  uint32_t state = 3;
  for (int i = 0; i < 2 * CELLS; i++) {
    if (type == SWIFTCNN_FLOAT32) ((float *)room)[i] = (float)uniform(&state);
    else room[i] = uniform(&state);
  }
  memset(y, 0, 2 * CLASSES * sizeof *y);
  swiftcnn_tensor input = tensor_of(room, type, 4, x_shape), output = tensor_of(y, type, 2, y_shape);
  CHECK_OK(swiftcnn_network_predict(network, &input, 1, &output, 1));
}

static void round_trip(swiftcnn_type type) {
  swiftcnn_network *network = make(type), *loaded = NULL, *again = NULL;
  double wanted[2 * CLASSES], got[2 * CLASSES];
  predict(network, type, wanted);
  CHECK_OK(swiftcnn_network_save(network, PATH));
  CHECK_OK(swiftcnn_network_load(PATH, 0, &loaded));
  swiftcnn_type kind = SWIFTCNN_INT32;
  CHECK_OK(swiftcnn_network_type(loaded, &kind));
  CHECK(kind == type);
  predict(loaded, type, got);
  CHECK(memcmp(wanted, got, sizeof got) == 0);

  size_t count = 0, room, inputs = 9, outputs = 9;
  CHECK_OK(swiftcnn_network_save_bytes(loaded, NULL, &count));
  void *bytes = malloc(count);
  room = count - 1;
  CHECK(swiftcnn_network_save_bytes(loaded, bytes, &room) == SWIFTCNN_INVALID_ARGUMENT);
  CHECK(room == count - 1);
  CHECK_OK(swiftcnn_network_save_bytes(loaded, bytes, &count));
  CHECK_OK(swiftcnn_network_load_bytes(bytes, count, (int32_t)type, &again));
  memset(bytes, 0, count);
  free(bytes);
  predict(again, type, got);
  CHECK(memcmp(wanted, got, sizeof got) == 0);

  const char *name = NULL;
  int32_t onnx_type = 0, rank = 0;
  int64_t shape[8] = {0, 0, 0, 0, 0, 0, 0, 0};
  CHECK_OK(swiftcnn_network_port_counts(again, &inputs, &outputs));
  CHECK(inputs == 1 && outputs == 1);
  CHECK_OK(swiftcnn_network_port(again, 0, 0, &name, &onnx_type, shape, &rank));
  CHECK(strcmp(name, "images") == 0 && onnx_type == (type == SWIFTCNN_FLOAT32 ? 1 : 11));
  CHECK(rank == 4 && shape[0] == -1 && shape[1] == 2 && shape[2] == 6 && shape[3] == 6);
  CHECK_OK(swiftcnn_network_port(again, 1, 0, &name, &onnx_type, shape, &rank));
  CHECK(strcmp(name, "scores") == 0 && rank == 2 && shape[0] == -1 && shape[1] == CLASSES);
  CHECK(swiftcnn_network_port(again, 0, 1, &name, &onnx_type, shape, &rank) == SWIFTCNN_INVALID_ARGUMENT);
  swiftcnn_network_free(network);
  swiftcnn_network_free(loaded);
  swiftcnn_network_free(again);
}

static void errors(void) {
  swiftcnn_network *none = NULL, *network = make(SWIFTCNN_FLOAT32);
  size_t count = 5;
  CHECK(swiftcnn_network_load("build/tests/nowhere.onnx", 0, &none) == SWIFTCNN_FILE_ERROR);
  CHECK(strstr(swiftcnn_last_error(), "build/tests/nowhere.onnx: cannot be read") != NULL);
  CHECK(swiftcnn_network_load("build/tests", 0, &none) == SWIFTCNN_FILE_ERROR);
  CHECK(swiftcnn_network_load(NULL, 0, &none) == SWIFTCNN_INVALID_ARGUMENT);
  CHECK(swiftcnn_network_load(PATH, 0, NULL) == SWIFTCNN_INVALID_ARGUMENT);
  CHECK(swiftcnn_network_load(PATH, SWIFTCNN_INT32, &none) == SWIFTCNN_INVALID_TYPE);
  CHECK(swiftcnn_network_load_bytes("no model", 8, 0, &none) == SWIFTCNN_INVALID_MODEL);
  CHECK(swiftcnn_network_load_bytes(NULL, 8, 0, &none) == SWIFTCNN_INVALID_ARGUMENT);
  CHECK(swiftcnn_network_load_bytes("", 0, 0, &none) == SWIFTCNN_INVALID_MODEL);
  CHECK(none == NULL);
  CHECK(swiftcnn_network_save(NULL, PATH) == SWIFTCNN_INVALID_ARGUMENT);
  CHECK(swiftcnn_network_save(network, NULL) == SWIFTCNN_INVALID_ARGUMENT);
  CHECK(swiftcnn_network_save(network, "build/tests/no/such/folder.onnx") == SWIFTCNN_FILE_ERROR);
  CHECK(swiftcnn_network_save_bytes(network, NULL, NULL) == SWIFTCNN_INVALID_ARGUMENT);
  CHECK(swiftcnn_network_type(network, NULL) == SWIFTCNN_INVALID_ARGUMENT);
  CHECK(swiftcnn_network_port_counts(network, NULL, &count) == SWIFTCNN_INVALID_ARGUMENT);
  CHECK(swiftcnn_network_port_counts(network, &count, NULL) == SWIFTCNN_INVALID_ARGUMENT);
  CHECK(count == 5);
  swiftcnn_network_free(network);
}

int main(void) {
  round_trip(SWIFTCNN_FLOAT32);
  round_trip(SWIFTCNN_FLOAT64);
  errors();
  return check_summary();
}
