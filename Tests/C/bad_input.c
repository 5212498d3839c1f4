/* Wrong calls: each must return a status of the right family, name the argument, write nothing, and leave the process alive. */
#include <math.h>
#include "check.h"

enum { ROOM = 4096 };
static double in[ROOM], out[ROOM], other[ROOM];
static uint8_t bytes[ROOM];
static int32_t places[ROOM];

static swiftcnn_tensor tensor(void *data, int32_t rank, int64_t a, int64_t b, int64_t c, int64_t d) {
  static int64_t shapes[4096][4];
  static int next;
  swiftcnn_tensor t;
  int64_t *shape = shapes[next++ % 4096];
  shape[0] = a;
  shape[1] = b;
  shape[2] = c;
  shape[3] = d;
  t.data = data;
  t.shape = shape;
  t.rank = rank;
  t.type = data == (void *)bytes ? SWIFTCNN_UINT8 : data == (void *)places ? SWIFTCNN_INT32 : SWIFTCNN_FLOAT64;
  return t;
}
static swiftcnn_tensor typed(swiftcnn_tensor t, int type) {
  t.type = (swiftcnn_type)type;
  return t;
}
static swiftcnn_tensor shapeless(swiftcnn_tensor t) {
  t.shape = NULL;
  return t;
}

/* The canary: outputs hold 7 before a call, and must after it. */
static void rejected(int line, swiftcnn_status status, swiftcnn_status wanted, const char *argument) {
  int i, untouched = 1;
  for (i = 0; i < ROOM; i++) untouched = untouched && out[i] == 7 && bytes[i] == 7;
  if (status == wanted && strstr(swiftcnn_last_error(), argument) && untouched) {
    passed++;
  } else {
    failed++;
    printf("%s:%d: status %d, wanted %d naming \"%s\"%s: %s\n", __FILE__, line, status, wanted, argument,
           untouched ? "" : ", outputs written", swiftcnn_last_error());
  }
}
#define REJECTED(kind, argument, call) rejected(__LINE__, call, SWIFTCNN_INVALID_##kind, argument)

#define X tensor(in, 4, 1, 2, 5, 5)
#define W tensor(other, 4, 3, 2, 3, 3)
#define Y tensor(out, 4, 1, 3, 3, 3)
#define P tensor(out, 4, 1, 2, 4, 4)

static void convolutions(void) {
  swiftcnn_convolution c = SWIFTCNN_CONVOLUTION_DEFAULTS, bad;
  swiftcnn_tensor b = tensor(other, 1, 4, 0, 0, 0), dx = tensor(out, 4, 1, 2, 5, 4), dw = tensor(out, 4, 3, 2, 3, 2), same = X;
  const int64_t huge = INT64_MAX, negative[] = {1, -2, 5, 5}, x4[] = {1, 2, 5, 5}, w4[] = {3, 2, 3, 3};
  int64_t y4[4];
  int i;
  REJECTED(ARGUMENT, "convolution", swiftcnn_convolution_forward(NULL, X, W, NULL, Y));
  bad = c, bad.struct_size = 0;
  REJECTED(ARGUMENT, "struct_size", swiftcnn_convolution_forward(&bad, X, W, NULL, Y));
  bad = c, bad.struct_size = sizeof c - 1;
  REJECTED(ARGUMENT, "struct_size", swiftcnn_convolution_forward(&bad, X, W, NULL, Y));
  for (i = 0; i < 2; i++) {
    bad = c, bad.strides[i] = 0;
    REJECTED(ARGUMENT, "strides", swiftcnn_convolution_forward(&bad, X, W, NULL, Y));
    bad = c, bad.strides[i] = -1;
    REJECTED(ARGUMENT, "strides", swiftcnn_convolution_forward(&bad, X, W, NULL, Y));
    bad = c, bad.strides[i] = huge;
    REJECTED(ARGUMENT, "strides", swiftcnn_convolution_forward(&bad, X, W, NULL, Y));
    bad = c, bad.dilations[i] = 0;
    REJECTED(ARGUMENT, "dilations", swiftcnn_convolution_forward(&bad, X, W, NULL, Y));
    bad = c, bad.dilations[i] = huge;
    REJECTED(ARGUMENT, "dilations", swiftcnn_convolution_forward(&bad, X, W, NULL, Y));
    bad = c, bad.dilations[i] = 3;
    REJECTED(SHAPE, "does not fit", swiftcnn_convolution_forward(&bad, X, W, NULL, Y));
  }
  for (i = 0; i < 4; i++) {
    bad = c, bad.pads[i] = -1;
    REJECTED(ARGUMENT, "pads", swiftcnn_convolution_forward(&bad, X, W, NULL, Y));
    bad = c, bad.pads[i] = huge;
    REJECTED(ARGUMENT, "pads", swiftcnn_convolution_forward(&bad, X, W, NULL, Y));
  }
  bad = c, bad.groups = 0;
  REJECTED(ARGUMENT, "groups", swiftcnn_convolution_forward(&bad, X, W, NULL, Y));
  bad = c, bad.groups = -2;
  REJECTED(ARGUMENT, "groups", swiftcnn_convolution_forward(&bad, X, W, NULL, Y));
  bad = c, bad.groups = 2;
  REJECTED(ARGUMENT, "groups", swiftcnn_convolution_forward(&bad, X, W, NULL, Y));
  REJECTED(ARGUMENT, "x:", swiftcnn_convolution_forward(&c, tensor(NULL, 4, 1, 2, 5, 5), W, NULL, Y));
  REJECTED(ARGUMENT, "weight", swiftcnn_convolution_forward(&c, X, typed(tensor(NULL, 4, 3, 2, 3, 3), 2), NULL, Y));
  REJECTED(ARGUMENT, "y:", swiftcnn_convolution_forward(&c, X, W, NULL, tensor(NULL, 4, 1, 3, 3, 3)));
  REJECTED(ARGUMENT, "x:", swiftcnn_convolution_forward(&c, shapeless(X), W, NULL, Y));
  REJECTED(ARGUMENT, "x:", swiftcnn_convolution_forward(&c, tensor((char *)in + 1, 4, 1, 2, 5, 5), W, NULL, Y));
  REJECTED(SHAPE, "x", swiftcnn_convolution_forward(&c, tensor(in, 3, 2, 5, 5, 0), W, NULL, Y));
  REJECTED(SHAPE, "x", swiftcnn_convolution_forward(&c, tensor(in, -1, 2, 5, 5, 0), W, NULL, Y));
  REJECTED(SHAPE, "x", swiftcnn_convolution_forward(&c, tensor(in, INT32_MAX, 2, 5, 5, 0), W, NULL, Y));
  REJECTED(SHAPE, "x", swiftcnn_convolution_forward(&c, tensor(in, 4, -1, 2, 5, 5), W, NULL, Y));
  REJECTED(SHAPE, "x", swiftcnn_convolution_forward(&c, tensor(in, 4, huge, 2, 5, 5), W, NULL, Y));
  REJECTED(SHAPE, "x", swiftcnn_convolution_forward(&c, tensor(in, 4, 1 << 30, 1 << 30, 1 << 30, 1), W, NULL, Y));
  REJECTED(SHAPE, "weight", swiftcnn_convolution_forward(&c, X, tensor(other, 3, 3, 2, 3, 3), NULL, Y));
  REJECTED(SHAPE, "weight", swiftcnn_convolution_forward(&c, X, tensor(other, 4, 3, 1, 3, 3), NULL, Y));
  REJECTED(SHAPE, "kernel", swiftcnn_convolution_forward(&c, X, tensor(other, 4, 3, 2, 6, 3), NULL, Y));
  REJECTED(ARGUMENT, "kernel", swiftcnn_convolution_forward(&c, X, tensor(other, 4, 3, 2, 0, 3), NULL, Y));
  REJECTED(SHAPE, "bias", swiftcnn_convolution_forward(&c, X, W, &b, Y));
  REJECTED(SHAPE, "y", swiftcnn_convolution_forward(&c, X, W, NULL, tensor(out, 4, 1, 3, 3, 4)));
  REJECTED(SHAPE, "y", swiftcnn_convolution_forward(&c, X, W, NULL, tensor(out, 2, 1, 27, 0, 0)));
  REJECTED(TYPE, "x", swiftcnn_convolution_forward(&c, typed(X, SWIFTCNN_INT32), W, NULL, Y));
  REJECTED(TYPE, "x", swiftcnn_convolution_forward(&c, typed(X, 99), W, NULL, Y));
  REJECTED(TYPE, "weight", swiftcnn_convolution_forward(&c, X, typed(W, SWIFTCNN_FLOAT32), NULL, Y));
  REJECTED(TYPE, "y", swiftcnn_convolution_forward(&c, X, W, NULL, typed(Y, SWIFTCNN_FLOAT32)));
  REJECTED(ARGUMENT, "y", swiftcnn_convolution_forward(&c, tensor(out, 4, 1, 2, 5, 5), W, NULL, Y));
  REJECTED(ARGUMENT, "y", swiftcnn_convolution_forward(&c, X, tensor(out + 5, 4, 3, 2, 3, 3), NULL, Y));
  REJECTED(SHAPE, "grad_y", swiftcnn_convolution_backward(&c, X, W, tensor(in, 4, 1, 3, 3, 2), &dx, NULL, NULL));
  REJECTED(SHAPE, "grad_x", swiftcnn_convolution_backward(&c, X, W, tensor(in, 4, 1, 3, 3, 3), &dx, NULL, NULL));
  REJECTED(SHAPE, "grad_weight", swiftcnn_convolution_backward(&c, X, W, tensor(in, 4, 1, 3, 3, 3), NULL, &dw, NULL));
  REJECTED(SHAPE, "grad_bias", swiftcnn_convolution_backward(&c, X, W, tensor(in, 4, 1, 3, 3, 3), NULL, NULL, &b));
  REJECTED(ARGUMENT, "grad_x", swiftcnn_convolution_backward(&c, X, W, tensor(other, 4, 1, 3, 3, 3), &same, NULL, NULL));
  REJECTED(ARGUMENT, "x_shape", swiftcnn_convolution_shape(&c, NULL, w4, y4));
  REJECTED(ARGUMENT, "weight_shape", swiftcnn_convolution_shape(&c, x4, NULL, y4));
  REJECTED(ARGUMENT, "y_shape", swiftcnn_convolution_shape(&c, x4, w4, NULL));
  REJECTED(SHAPE, "x_shape", swiftcnn_convolution_shape(&c, negative, w4, y4));
}

static void windows(void) {
  swiftcnn_window w = SWIFTCNN_WINDOW_DEFAULTS(2, 2), bad;
  swiftcnn_pooling p = SWIFTCNN_POOLING_DEFAULTS(2, 2), q;
  swiftcnn_tensor o = tensor(places, 4, 1, 2, 4, 4), small = tensor(places, 4, 1, 2, 4, 3);
  int i;
  REJECTED(ARGUMENT, "window", swiftcnn_im2col(NULL, X, tensor(out, 2, 16, 8, 0, 0)));
  bad = w, bad.kernel[0] = 0;
  REJECTED(ARGUMENT, "kernel", swiftcnn_im2col(&bad, X, tensor(out, 2, 16, 8, 0, 0)));
  bad = w, bad.kernel[1] = 9;
  REJECTED(SHAPE, "kernel", swiftcnn_im2col(&bad, X, tensor(out, 2, 16, 8, 0, 0)));
  bad = w, bad.strides[1] = 0;
  REJECTED(ARGUMENT, "strides", swiftcnn_im2col(&bad, X, tensor(out, 2, 16, 8, 0, 0)));
  REJECTED(SHAPE, "col", swiftcnn_im2col(&w, X, tensor(out, 2, 16, 9, 0, 0)));
  REJECTED(SHAPE, "x", swiftcnn_im2col(&w, tensor(in, 2, 5, 5, 0, 0), tensor(out, 2, 16, 8, 0, 0)));
  REJECTED(TYPE, "col", swiftcnn_im2col(&w, X, typed(tensor(out, 2, 16, 8, 0, 0), 1)));
  REJECTED(SHAPE, "col", swiftcnn_col2im(&w, tensor(in, 2, 16, 9, 0, 0), tensor(out, 4, 1, 2, 5, 5)));
  REJECTED(SHAPE, "x", swiftcnn_col2im(&w, tensor(in, 2, 16, 8, 0, 0), tensor(out, 3, 2, 5, 5, 0)));
  REJECTED(ARGUMENT, "pooling", swiftcnn_max_pooling_forward(NULL, X, P, NULL));
  q = p, q.struct_size = 8;
  REJECTED(ARGUMENT, "struct_size", swiftcnn_max_pooling_forward(&q, X, P, NULL));
  for (i = 0; i < 2; i++) {
    q = p, q.kernel[i] = -1;
    REJECTED(ARGUMENT, "kernel", swiftcnn_max_pooling_forward(&q, X, P, NULL));
    q = p, q.kernel[i] = 6;
    REJECTED(SHAPE, "kernel", swiftcnn_average_pooling_forward(&q, X, P));
    q = p, q.strides[i] = 0;
    REJECTED(ARGUMENT, "strides", swiftcnn_average_pooling_forward(&q, X, P));
    q = p, q.dilations[i] = INT64_MIN;
    REJECTED(ARGUMENT, "dilations", swiftcnn_max_pooling_forward(&q, X, P, NULL));
    q = p, q.pads[i] = INT64_MAX;
    REJECTED(ARGUMENT, "pads", swiftcnn_average_pooling_backward(&q, P, tensor(other, 4, 1, 2, 5, 5)));
  }
  q = p, q.kernel[0] = q.kernel[1] = 1 << 30, q.pads[0] = q.pads[1] = q.pads[2] = q.pads[3] = 1 << 29;
  rejected(__LINE__, swiftcnn_max_pooling_forward(&q, X, tensor(out, 4, 1, 2, 6, 6), NULL), SWIFTCNN_UNSUPPORTED, "kernel");
  REJECTED(SHAPE, "y", swiftcnn_max_pooling_forward(&p, X, tensor(out, 4, 1, 2, 4, 5), NULL));
  REJECTED(SHAPE, "winners", swiftcnn_max_pooling_forward(&p, X, P, &small));
  REJECTED(TYPE, "winners", (o.type = SWIFTCNN_INT64, swiftcnn_max_pooling_forward(&p, X, P, &o)));
  places[3] = 4;
  REJECTED(ARGUMENT, "winners",
           swiftcnn_max_pooling_backward(&p, tensor(places, 4, 1, 2, 4, 4), tensor(in, 4, 1, 2, 4, 4), tensor(out, 4, 1, 2, 5, 5)));
  places[3] = -2;
  REJECTED(ARGUMENT, "winners",
           swiftcnn_max_pooling_backward(&p, tensor(places, 4, 1, 2, 4, 4), tensor(in, 4, 1, 2, 4, 4), tensor(out, 4, 1, 2, 5, 5)));
  q = p, q.pads[0] = 1;
  places[3] = 0;
  REJECTED(ARGUMENT, "winners",
           swiftcnn_max_pooling_backward(&q, tensor(places, 4, 1, 2, 5, 4), tensor(in, 4, 1, 2, 5, 4), tensor(out, 4, 1, 2, 5, 5)));
  REJECTED(SHAPE, "grad_y",
           swiftcnn_max_pooling_backward(&p, tensor(places, 4, 1, 2, 4, 4), tensor(in, 4, 1, 2, 4, 3), tensor(out, 4, 1, 2, 5, 5)));
}

static void dense(void) {
  swiftcnn_batch_normalization n = SWIFTCNN_BATCH_NORMALIZATION_DEFAULTS, m;
  swiftcnn_tensor x = tensor(in, 2, 3, 4, 0, 0), y = tensor(out, 2, 3, 4, 0, 0), b = tensor(other, 1, 5, 0, 0, 0);
  swiftcnn_tensor four = tensor(other, 1, 4, 0, 0, 0), mask = tensor(bytes, 2, 3, 4, 0, 0), labels = tensor(places, 1, 3, 0, 0, 0);
  swiftcnn_tensor m4 = tensor(out + 100, 1, 4, 0, 0, 0), s4 = tensor(out + 200, 1, 4, 0, 0, 0);
  double loss = 0;
  REJECTED(SHAPE, "weight", swiftcnn_affine_forward(x, tensor(other, 2, 5, 6, 0, 0), NULL, tensor(out, 2, 3, 6, 0, 0)));
  REJECTED(SHAPE, "x", swiftcnn_affine_forward(X, tensor(other, 2, 5, 6, 0, 0), NULL, tensor(out, 2, 3, 6, 0, 0)));
  REJECTED(SHAPE, "bias", swiftcnn_affine_forward(x, tensor(other, 2, 4, 6, 0, 0), &b, tensor(out, 2, 3, 6, 0, 0)));
  REJECTED(SHAPE, "y", swiftcnn_affine_forward(x, tensor(other, 2, 4, 6, 0, 0), NULL, tensor(out, 2, 6, 3, 0, 0)));
  REJECTED(SHAPE, "grad_y", swiftcnn_affine_backward(x, tensor(other, 2, 4, 6, 0, 0), x, &y, NULL, NULL));
  REJECTED(SHAPE, "y", swiftcnn_relu_forward(x, tensor(out, 1, 12, 0, 0, 0), NULL));
  REJECTED(TYPE, "mask", swiftcnn_relu_forward(x, y, &x));
  REJECTED(ARGUMENT, "y", swiftcnn_relu_forward(tensor(out, 2, 3, 4, 0, 0), tensor(out + 1, 2, 3, 4, 0, 0), NULL));
  REJECTED(TYPE, "mask", swiftcnn_relu_backward(x, x, y));
  REJECTED(SHAPE, "mask", swiftcnn_relu_backward(tensor(bytes, 2, 4, 3, 0, 0), x, y));
  REJECTED(SHAPE, "y", swiftcnn_sigmoid_forward(x, tensor(out, 2, 4, 3, 0, 0)));
  REJECTED(TYPE, "x", swiftcnn_tanh_forward(mask, y));
  REJECTED(SHAPE, "grad_y", swiftcnn_tanh_backward(x, tensor(in, 1, 3, 0, 0, 0), y));
  REJECTED(SHAPE, "x", swiftcnn_softmax_forward(X, tensor(out, 4, 1, 2, 5, 5)));
  REJECTED(ARGUMENT, "loss", swiftcnn_softmax_cross_entropy_forward(x, labels, y, NULL));
  places[1] = 4;
  REJECTED(ARGUMENT, "target", swiftcnn_softmax_cross_entropy_forward(x, labels, y, &loss));
  places[1] = -1;
  REJECTED(ARGUMENT, "target", swiftcnn_softmax_cross_entropy_backward(x, labels, 1, y));
  places[1] = 0;
  REJECTED(SHAPE, "target", swiftcnn_softmax_cross_entropy_forward(x, tensor(places, 1, 2, 0, 0, 0), y, &loss));
  REJECTED(SHAPE, "target", swiftcnn_softmax_cross_entropy_forward(x, tensor(other, 2, 3, 5, 0, 0), y, &loss));
  REJECTED(TYPE, "target", swiftcnn_softmax_cross_entropy_forward(x, mask, y, &loss));
  REJECTED(SHAPE, "x", swiftcnn_softmax_cross_entropy_forward(tensor(in, 2, 0, 4, 0, 0), labels, tensor(out, 2, 0, 4, 0, 0), &loss));
  CHECK(loss == 0);
  m = n, m.epsilon = -1;
  REJECTED(ARGUMENT, "epsilon", swiftcnn_batch_normalization_train(&m, x, four, four, NULL, NULL, y, m4, s4));
  m = n, m.epsilon = NAN;
  REJECTED(ARGUMENT, "epsilon", swiftcnn_batch_normalization_train(&m, x, four, four, NULL, NULL, y, m4, s4));
  m = n, m.momentum = 1.5;
  REJECTED(ARGUMENT, "momentum", swiftcnn_batch_normalization_train(&m, x, four, four, NULL, NULL, y, m4, s4));
  REJECTED(ARGUMENT, "running_variance", swiftcnn_batch_normalization_train(&n, x, four, four, &four, NULL, y, m4, s4));
  REJECTED(SHAPE, "scale", swiftcnn_batch_normalization_train(&n, x, b, four, NULL, NULL, y, m4, s4));
  REJECTED(SHAPE, "x", swiftcnn_batch_normalization_train(&n, four, four, four, NULL, NULL, m4, m4, s4));
  REJECTED(ARGUMENT, "overlaps", swiftcnn_batch_normalization_train(&n, x, four, four, NULL, NULL, y, m4, m4));
  REJECTED(SHAPE, "variance", swiftcnn_batch_normalization_infer(&n, x, four, four, four, b, y));
  REJECTED(SHAPE, "mean", swiftcnn_batch_normalization_backward(x, four, b, four, x, &y, NULL, NULL));
  REJECTED(ARGUMENT, "ratio", swiftcnn_dropout_forward(1, 0, x, y, mask));
  REJECTED(ARGUMENT, "ratio", swiftcnn_dropout_forward(-0.1, 0, x, y, mask));
  REJECTED(ARGUMENT, "ratio", swiftcnn_dropout_forward(NAN, 0, x, y, mask));
  REJECTED(SHAPE, "mask", swiftcnn_dropout_forward(0.5, 0, x, y, tensor(bytes, 1, 12, 0, 0, 0)));
  REJECTED(TYPE, "mask", swiftcnn_dropout_backward(0.5, x, x, y));
  REJECTED(ARGUMENT, "count", swiftcnn_set_threads(-1));
  REJECTED(ARGUMENT, "count", swiftcnn_set_threads(100000));
  REJECTED(ARGUMENT, "count", swiftcnn_threads(NULL));
  REJECTED(ARGUMENT, "name", swiftcnn_isa(NULL));
}

int main(void) {
  swiftcnn_convolution c = SWIFTCNN_CONVOLUTION_DEFAULTS;
  const char *isa = NULL;
  int32_t threads = 0;
  int i;
  for (i = 0; i < ROOM; i++) in[i] = i % 5, out[i] = 7, bytes[i] = 7;
  CHECK(swiftcnn_abi_version() == SWIFTCNN_ABI_VERSION && strcmp(swiftcnn_version(), SWIFTCNN_VERSION) == 0);
  CHECK(swiftcnn_isa(&isa) == SWIFTCNN_OK && isa != NULL);
  CHECK(swiftcnn_threads(&threads) == SWIFTCNN_OK && threads >= 1);
  convolutions();
  windows();
  dense();
  CHECK(passed >= 100);
  CHECK(swiftcnn_convolution_forward(&c, X, W, NULL, Y) == SWIFTCNN_OK && out[0] == 0); /* other is all zeros */
  CHECK(swiftcnn_relu_forward(X, X, NULL) == SWIFTCNN_OK);                               /* in place */
  CHECK(swiftcnn_release_memory() == SWIFTCNN_OK);
  return finish();
}
