/* What the C tests share: checks that count and say where they failed, and arrays. C99 and C++17. */
#ifndef CHECK_H
#define CHECK_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "swiftcnn.h"

static int checks_passed = 0, checks_failed = 0;

/* Counts, and prints what failed. Each gives the condition, so that what depends on it can be skipped. */
#define CHECK(condition) check_one((condition) ? 1 : 0, __FILE__, __LINE__, #condition)
#define CHECK_OK(call) check_status((call), __FILE__, __LINE__, #call)
#define CHECK_NEAR(a, b, tolerance) check_near((a), (b), (tolerance), __FILE__, __LINE__, #a " is " #b)

static inline int check_one(int condition, const char *file, int line, const char *text) {
  if (condition) {
    checks_passed++;
  } else {
    checks_failed++;
    printf("%s:%d: failed: %s\n", file, line, text);
  }
  return condition;
}

static inline int check_status(swiftcnn_status status, const char *file, int line, const char *text) {
  if (status != SWIFTCNN_OK) printf("status %d: %s\n", (int)status, swiftcnn_last_error());
  return check_one(status == SWIFTCNN_OK, file, line, text);
}

static inline int check_near(double a, double b, double tolerance, const char *file, int line, const char *text) {
  int near = fabs(a - b) <= tolerance; /* false for NaN */
  if (!near) printf("%.17g and %.17g differ by %.3g, allowed %.3g\n", a, b, fabs(a - b), tolerance);
  return check_one(near, file, line, text);
}

/* The last line of each program, and its exit status. */
static inline int check_summary(void) {
  printf("%d passed, %d failed\n", checks_passed, checks_failed);
  return checks_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* A tensor of `rank` extents over data. */
static inline swiftcnn_tensor tensor_of(void *data, swiftcnn_type type, int32_t rank, const int64_t *shape) {
  swiftcnn_tensor tensor;
  tensor.data = data;
  tensor.shape = shape;
  tensor.rank = rank;
  tensor.type = type;
  return tensor;
}

/* Uniform in [-1, 1), the same on every machine. */
static inline double uniform(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return (double)(*state >> 8) / 8388608.0 - 1.0;
}

#endif /* CHECK_H */
