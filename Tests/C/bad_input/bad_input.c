/* The driver of the tables of bad input: the arguments, the checks of a row, and the whole in float32 and in float64. */
#include <ctype.h>
#include <signal.h>

#include "../check.h"
#include "bad_input.h"

/* ---- The arguments ------------------------------------------------------------------------------------------------------- */

enum { SLOTS = 20 };
static argument slots[SLOTS], before[SLOTS];
argument *const x = &slots[0], *const weight = &slots[1], *const bias = &slots[2], *const y = &slots[3];
argument *const grad_y = &slots[4], *const grad_x = &slots[5], *const grad_weight = &slots[6];
argument *const grad_bias = &slots[7], *const col = &slots[8], *const winners = &slots[9], *const mask = &slots[10];
argument *const target = &slots[11], *const probabilities = &slots[12], *const scale = &slots[13];
argument *const mean = &slots[14], *const inverse_deviation = &slots[15], *const variance = &slots[16];
argument *const running_mean = &slots[17], *const running_variance = &slots[18], *const grad_scale = &slots[19];

int64_t x_shape[4], weight_shape[4], y_shape[4], *x_shape_pointer, *weight_shape_pointer, *y_shape_pointer;
double loss, *loss_pointer;
int32_t thread_count, *count_pointer;
const char *name, **name_pointer;
swiftcnn_type element, other;

void canary(void) {
  memset(slots, 0xA5, sizeof slots);
  for (int i = 0; i < SLOTS; i++) slots[i].tensor.rank = 0;
  loss = -77;
  loss_pointer = &loss;
  thread_count = -77;
  count_pointer = &thread_count;
  name = "untouched";
  name_pointer = &name;
  x_shape_pointer = x_shape;
  weight_shape_pointer = weight_shape;
  y_shape_pointer = y_shape;
  extents(y_shape, -77, -77, -77, -77);
  other = element == SWIFTCNN_FLOAT32 ? SWIFTCNN_FLOAT64 : SWIFTCNN_FLOAT32;
}
void array(argument *a, swiftcnn_type type, int32_t rank, int64_t n0, int64_t n1, int64_t n2, int64_t n3) {
  a->shape[0] = n0;
  a->shape[1] = n1;
  a->shape[2] = n2;
  a->shape[3] = n3;
  a->tensor = tensor_of(a->storage, type, rank, a->shape);
  a->absent = 0;
}
void extents(int64_t *shape, int64_t n0, int64_t n1, int64_t n2, int64_t n3) {
  shape[0] = n0;
  shape[1] = n1;
  shape[2] = n2;
  shape[3] = n3;
}
void fill(argument *a) {
  for (int i = 0; i < 1024; i++) {
    if (a->tensor.type == SWIFTCNN_FLOAT32) ((float *)a->storage)[i] = 0.25f * (float)(i % 7 + 1);
    else a->storage[i] = 0.25 * (i % 7 + 1);
  }
}
void clear(argument *a) { memset(a->storage, 0, sizeof a->storage); }
swiftcnn_tensor *optional(argument *a) { return a->absent ? NULL : &a->tensor; }

/* ---- Ways to break an argument ------------------------------------------------------------------------------------------ */

/* C++ has no cast that may make a value outside an enum. */
void set_code(argument *a, int32_t code) { memcpy(&a->tensor.type, &code, sizeof code); }
void set_rank(argument *a, int32_t rank) {
  a->tensor.rank = rank;
  for (int i = 4; i < 12; i++) a->shape[i] = 1;
}
void overlap(argument *a, argument *b) { a->tensor.data = b->storage + 1; }
void same(argument *a, argument *b) { a->tensor.data = b->storage; }
void misalign(argument *a) { a->tensor.data = (char *)a->storage + 1; }
void empty_but_huge(argument *a) {
  extents(a->shape, 0, a->shape[1], HUGE_EXTENT, HUGE_EXTENT);
  a->tensor.data = NULL;
}

/* ---- Rows ---------------------------------------------------------------------------------------------------------------- */

void (*fixture)(void) = canary;
const char *current_row = "";
static int kinds = 0;

/* A trap in the library is this program's end: at least say which row it was. */
static void died(int number) {
  printf("died with signal %d in the row: %s\n", number, current_row);
  fflush(stdout);
  signal(number, SIG_DFL);
  raise(number);
}

/* Whether `word` stands in `text` by itself. */
static int names(const char *text, const char *word) {
  size_t length = strlen(word);
  for (const char *at = strstr(text, word); at; at = strstr(at + 1, word)) {
    int starts = at == text || !(isalnum((unsigned char)at[-1]) || at[-1] == '_');
    int ends = !(isalnum((unsigned char)at[length]) || at[length] == '_');
    if (starts && ends) return 1;
  }
  return 0;
}

static int outputs_untouched(void) {
  for (int i = 0; i < SLOTS; i++)
    if (memcmp(slots[i].storage, before[i].storage, sizeof slots[i].storage)) return 0;
  for (int i = 0; i < 4; i++)
    if (y_shape[i] != -77) return 0;
  return loss == -77 && thread_count == -77 && !strcmp(name, "untouched");
}

void expect_ok(call_under_test call, const char *file, int line, const char *row) { check_status(call(), file, line, row); }

void expect_refusal(call_under_test call, swiftcnn_status wanted, const char *argument_name, const char *file, int line) {
  memcpy(before, slots, sizeof slots);
  swiftcnn_set_threads(-7); /* another message, so that a stale one cannot pass */
  swiftcnn_status status = call();
  const char *message = swiftcnn_last_error();
  int untouched = outputs_untouched();
  int good = status == wanted && names(message, argument_name) && untouched;
  if (!good)
    printf("status %d, wanted %d; %s; message \"%s\" should name %s\n", (int)status, (int)wanted,
           untouched ? "nothing written" : "AN OUTPUT WAS WRITTEN", message, argument_name);
  check_one(good, file, line, current_row);
  kinds++;
}

int main(void) {
  const swiftcnn_type types[] = {SWIFTCNN_FLOAT32, SWIFTCNN_FLOAT64};
  signal(SIGILL, died);
  signal(SIGSEGV, died);
  signal(SIGFPE, died);
  signal(SIGABRT, died);
#ifdef SIGTRAP
  signal(SIGTRAP, died);
#endif
  for (int i = 0; i < 2; i++) {
    element = types[i];
    kinds = 0;
    machine_rows();
    im2col_rows();
    convolution_rows();
    pooling_rows();
    affine_rows();
    activation_rows();
    softmax_rows();
    normalization_rows();
    network_rows();
  }
  printf("%d kinds of bad input, in float32 and float64\n", kinds);
  CHECK(kinds >= 100);
  return check_summary();
}
