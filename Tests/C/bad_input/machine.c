/* Bad input to what concerns the whole process. */
#include "bad_input.h"

CALL(isa, name_pointer)
CALL(threads, count_pointer)
static int32_t wanted_threads;
static swiftcnn_status set_threads(void) { return swiftcnn_set_threads(wanted_threads); }
static void no_change(void) { canary(), wanted_threads = 0; }

void machine_rows(void) {
  fixture = canary;
  BAD(isa, ARGUMENT, "name", name_pointer = NULL);
  BAD(threads, ARGUMENT, "count", count_pointer = NULL);

  const int32_t bad[] = {-1, INT32_MIN, 1025, 100000, INT32_MAX};
  fixture = no_change;
  for (int i = 0; i < 5; i++) BAD(set_threads, ARGUMENT, "count", wanted_threads = bad[i]);
}
