/* Checks that count. A program includes this once and ends with `return finish();`. */
#ifndef CHECK_H
#define CHECK_H
#include <stdio.h>
#include <string.h>
#include "swiftcnn.h"

static int passed, failed;
#define CHECK(condition)                                                                     \
  do {                                                                                       \
    if (condition) passed++;                                                                 \
    else failed++, printf("%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, swiftcnn_last_error()); \
  } while (0)

static int finish(void) {
  printf("%d passed, %d failed\n", passed, failed);
  return failed != 0;
}
#endif
