/* Bad input through C: what the tables share. Every row breaks one argument of a valid call, which must then give the right
 * status, name the argument, write nothing, and leave the library working. bad_input.c is the driver; each group of functions
 * has a file with its valid arguments (a fixture), its calls and its rows. */
#ifndef BAD_INPUT_H
#define BAD_INPUT_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "swiftcnn.h"

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

extern argument *const x, *const weight, *const bias, *const y, *const grad_y, *const grad_x, *const grad_weight;
extern argument *const grad_bias, *const col, *const winners, *const mask, *const target, *const probabilities, *const scale;
extern argument *const mean, *const inverse_deviation, *const variance, *const running_mean, *const running_variance;
extern argument *const grad_scale;

extern int64_t x_shape[4], weight_shape[4], y_shape[4], *x_shape_pointer, *weight_shape_pointer, *y_shape_pointer;
extern double loss, *loss_pointer;
extern int32_t thread_count, *count_pointer;
extern const char *name, **name_pointer;
/* The type that the whole table runs in, and the other one. */
extern swiftcnn_type element, other;

/* What every fixture begins with: nothing is an array, and outputs hold what no call would write. */
void canary(void);
/* An array of this type and shape, passed. */
void array(argument *a, swiftcnn_type type, int32_t rank, int64_t n0, int64_t n1, int64_t n2, int64_t n3);
void fill(argument *a);
void clear(argument *a);
void extents(int64_t *shape, int64_t n0, int64_t n1, int64_t n2, int64_t n3);
swiftcnn_tensor *optional(argument *a);

/* ---- Ways to break an argument ------------------------------------------------------------------------------------------ */

/* A type code that the enum does not name. */
void set_code(argument *a, int32_t code);
/* Another rank, with extents of 1 where there were none. */
void set_rank(argument *a, int32_t rank);
/* One element into another array; at another array; not at a multiple of its elements' size. */
void overlap(argument *a, argument *b);
void same(argument *a, argument *b);
void misalign(argument *a);
/* No elements, and yet extents whose product overflows. */
void empty_but_huge(argument *a);

/* ---- Rows ---------------------------------------------------------------------------------------------------------------- */

typedef swiftcnn_status (*call_under_test)(void);

/* What makes the valid arguments of the rows that follow. */
extern void (*fixture)(void);
/* What the row says, for messages. */
extern const char *current_row;

void expect_ok(call_under_test call, const char *file, int line, const char *row);
void expect_refusal(call_under_test call, swiftcnn_status wanted, const char *argument_name, const char *file, int line);

#define CALL(function, ...) \
  static swiftcnn_status function(void) { return swiftcnn_##function(__VA_ARGS__); }

/* A row: the call is valid; with the change it is refused, naming the argument; and then it is valid again. */
#define BAD(call, wanted, argument_name, ...)                            \
  do {                                                                   \
    current_row = #call ": " #__VA_ARGS__;                               \
    fixture();                                                           \
    expect_ok(call, __FILE__, __LINE__, #call " before: " #__VA_ARGS__); \
    fixture();                                                           \
    __VA_ARGS__;                                                         \
    expect_refusal(call, wanted, argument_name, __FILE__, __LINE__);     \
    fixture();                                                           \
    expect_ok(call, __FILE__, __LINE__, #call " after: " #__VA_ARGS__);  \
  } while (0)

/* What can be wrong with any tensor. */
#define BAD_TENSOR(call, a)                                                     \
  do {                                                                          \
    BAD(call, ARGUMENT, #a, a->tensor.data = NULL);                             \
    BAD(call, ARGUMENT, #a, a->tensor.shape = NULL);                            \
    BAD(call, SHAPE, #a, a->tensor.rank = -1);                                  \
    BAD(call, SHAPE, #a, a->tensor.rank = INT32_MIN);                           \
    BAD(call, SHAPE, #a, a->tensor.rank = INT32_MAX);                           \
    BAD(call, SHAPE, #a, set_rank(a, 9));                                       \
    BAD(call, SHAPE, #a, set_rank(a, a->tensor.rank + 1));                      \
    BAD(call, SHAPE, #a, a->tensor.rank--);                                     \
    BAD(call, SHAPE, #a, a->shape[0] = -1);                                     \
    BAD(call, SHAPE, #a, a->shape[a->tensor.rank - 1] = INT64_MIN);             \
    BAD(call, SHAPE, #a, a->shape[0] = HUGE_EXTENT);                            \
    BAD(call, SHAPE, #a, a->shape[0] = INT64_MAX);                              \
    BAD(call, TYPE, #a, set_code(a, 0));                                        \
    BAD(call, TYPE, #a, set_code(a, 6));                                        \
    BAD(call, TYPE, #a, set_code(a, -1));                                       \
    BAD(call, TYPE, #a, set_code(a, 1 << 20));                                  \
    if (a->tensor.type != SWIFTCNN_UINT8) BAD(call, ARGUMENT, #a, misalign(a)); \
  } while (0)
/* The same where the rank is free: a change of it or of extents is blamed on the array that should have followed. */
#define BAD_TENSOR_OF_ANY_RANK(call, a)              \
  do {                                               \
    BAD(call, ARGUMENT, #a, a->tensor.data = NULL);  \
    BAD(call, ARGUMENT, #a, a->tensor.shape = NULL); \
    BAD(call, SHAPE, #a, a->tensor.rank = -1);       \
    BAD(call, SHAPE, #a, set_rank(a, 9));            \
    BAD(call, SHAPE, #a, a->shape[0] = -1);          \
    BAD(call, SHAPE, #a, a->shape[0] = HUGE_EXTENT); \
    BAD(call, TYPE, #a, set_code(a, 0));             \
    BAD(call, TYPE, #a, set_code(a, 77));            \
    BAD(call, ARGUMENT, #a, misalign(a));            \
  } while (0)
/* An array whose type or shape is decided by another argument. */
#define BAD_FOLLOWER(call, a, another_type)               \
  do {                                                    \
    BAD_TENSOR(call, a);                                  \
    BAD(call, TYPE, #a, a->tensor.type = another_type);   \
    BAD(call, SHAPE, #a, a->shape[0]++);                  \
    BAD(call, SHAPE, #a, a->shape[a->tensor.rank - 1]--); \
  } while (0)
/* What can be wrong with the numbers of a window. */
#define BAD_WINDOW(call, s)                                             \
  do {                                                                  \
    BAD(call, ARGUMENT, #s, s##_pointer = NULL);                        \
    BAD(call, ARGUMENT, #s, s.struct_size = 0);                         \
    BAD(call, ARGUMENT, #s, s.struct_size = sizeof s - 8);              \
    BAD(call, ARGUMENT, #s, s.struct_size = SIZE_MAX);                  \
    BAD(call, ARGUMENT, "strides", s.strides[0] = 0);                   \
    BAD(call, ARGUMENT, "strides", s.strides[1] = -1);                  \
    BAD(call, ARGUMENT, "strides", s.strides[1] = INT64_MIN);           \
    BAD(call, ARGUMENT, "strides", s.strides[0] = INT64_MAX);           \
    BAD(call, ARGUMENT, "dilations", s.dilations[0] = 0);               \
    BAD(call, ARGUMENT, "dilations", s.dilations[1] = -2);              \
    BAD(call, ARGUMENT, "dilations", s.dilations[1] = INT64_MAX);       \
    BAD(call, ARGUMENT, "pads", s.pads[0] = -1);                        \
    BAD(call, ARGUMENT, "pads", s.pads[3] = INT64_MIN);                 \
    BAD(call, ARGUMENT, "pads", s.pads[1] = INT64_MAX);                 \
    BAD(call, ARGUMENT, "pads", s.pads[2] = s.pads[0] = INT64_MAX / 2); \
    BAD(call, SHAPE, "kernel", s.dilations[0] = s.dilations[1] = 1000); \
  } while (0)
#define BAD_KERNEL(call, s)                                 \
  do {                                                      \
    BAD(call, ARGUMENT, "kernel", s.kernel[0] = 0);         \
    BAD(call, ARGUMENT, "kernel", s.kernel[1] = -3);        \
    BAD(call, ARGUMENT, "kernel", s.kernel[1] = INT64_MAX); \
    BAD(call, SHAPE, "kernel", s.kernel[0] = 7);            \
    BAD(call, SHAPE, "kernel", s.kernel[1] = 1000000);      \
  } while (0)
#define BAD_X_SHAPE(call)                                                             \
  do {                                                                                \
    BAD(call, ARGUMENT, "x_shape", x_shape_pointer = NULL);                           \
    BAD(call, SHAPE, "x_shape", x_shape[0] = -1);                                     \
    BAD(call, SHAPE, "x_shape", x_shape[3] = INT64_MIN);                              \
    BAD(call, SHAPE, "x_shape", x_shape[0] = HUGE_EXTENT);                            \
    BAD(call, SHAPE, "x_shape", x_shape[0] = x_shape[2] = (int64_t)1 << 31);          \
    BAD(call, SHAPE, "x_shape", x_shape[0] = 0, x_shape[2] = x_shape[3] = INT64_MAX); \
    BAD(call, SHAPE, "kernel", x_shape[2] = 0);                                       \
  } while (0)
/* An output that shares memory with an input. */
#define BAD_OVERLAP(call, output, input)                  \
  do {                                                    \
    BAD(call, ARGUMENT, #output, overlap(output, input)); \
    BAD(call, ARGUMENT, #output, same(output, input));    \
  } while (0)

/* ---- The tables ---------------------------------------------------------------------------------------------------------- */

void machine_rows(void);
void im2col_rows(void);
void convolution_rows(void);
void pooling_rows(void);
void affine_rows(void);
void activation_rows(void);
void softmax_rows(void);
void normalization_rows(void);
void network_rows(void);

#endif /* BAD_INPUT_H */
