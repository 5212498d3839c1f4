/* Bad input to im2col and col2im: a matrix col[40][16] of images x[2][4][6][5]. */
#include "bad_input.h"

static swiftcnn_window window, *window_pointer;

static void im2col_arguments(void) {
  swiftcnn_window fresh = SWIFTCNN_WINDOW_DEFAULTS(2, 2);
  canary();
  window = fresh;
  window_pointer = &window;
  extents(x_shape, 2, 4, 6, 5);
  array(x, element, 4, 2, 4, 6, 5);
  array(col, element, 2, 40, 16, 0, 0);
}
static void im2col_fixture(void) { im2col_arguments(), fill(x); }
static void col2im_fixture(void) { im2col_arguments(), fill(col); }

CALL(im2col_shape, window_pointer, x_shape_pointer, y_shape_pointer)
CALL(im2col, window_pointer, x->tensor, col->tensor)
CALL(col2im, window_pointer, col->tensor, x->tensor)

void im2col_rows(void) {
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
