/* What the processor can do at most, to hold times against:
 *
 *     machine THREADS MILLISECONDS [fma | read | copy | triad] [MiB of an array, for each thread]
 *
 * prints GFLOP/s of multiply-adds (float32), or GB/s of arrays read and written; all threads together, each one's best turn. What a
 * cache fetches before it is overwritten does not count. Built by harness/machine.py, with Clang. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../Peak/include/peak.h"

#if defined(__AVX512F__)
enum { BYTES = 64 };
#elif defined(__AVX2__)
enum { BYTES = 32 };
#else
enum { BYTES = 16 };
#endif
typedef float vector __attribute__((vector_size(BYTES)));

static const char *mode = "fma";
static double budget;
static size_t count; /* of vectors in an array */
static pthread_barrier_t together;

#define TURN(body) \
  for (size_t repeat = 0; repeat < repeats; repeat++) { \
    for (size_t i = 0; i < count; i += 4) { body(0) body(1) body(2) body(3) } \
    __asm__ volatile("" ::: "memory"); \
  }
#define READ(k) sums[k] += b[i + k];
#define COPY(k) a[i + k] = b[i + k];
#define COPY_PAST(k) __builtin_nontemporal_store(b[i + k], a + i + k);
#define TRIAD(k) a[i + k] = b[i + k] + c[i + k] * half;
#define TRIAD_PAST(k) __builtin_nontemporal_store(b[i + k] + c[i + k] * half, a + i + k);

static vector *array(float value) {
  float *made = aligned_alloc(64, count * BYTES);
  if (!made) exit(1);
  for (size_t i = 0; i < count * BYTES / 4; i++) made[i] = value;
  return (vector *)made;
}

static double bandwidth(void) {
  vector *a = array(0), *b = array(1), *c = array(2), sums[4] = {{0}}, half = (vector){0} + 0.5f;
  size_t repeats = (4u << 20) / (count * BYTES) + 1;
  int arrays = !strcmp(mode, "triad") ? 3 : !strcmp(mode, "copy") ? 2 : 1;
  int past_caches = count * BYTES > 8u << 20;
  double best = 0, end = peak_seconds() + budget;
  pthread_barrier_wait(&together);
  do {
    double start = peak_seconds();
    if (arrays == 1) { TURN(READ) }
    else if (arrays == 2 && past_caches) { TURN(COPY_PAST) }
    else if (arrays == 2) { TURN(COPY) }
    else if (past_caches) { TURN(TRIAD_PAST) }
    else { TURN(TRIAD) }
    double rate = 1e-9 * repeats * arrays * count * BYTES / (peak_seconds() - start);
    if (rate > best) best = rate;
  } while (peak_seconds() < end);
  volatile float used = (sums[0] + sums[1] + sums[2] + sums[3])[0] + a[count / 2][0];
  (void)used;
  free(a), free(b), free(c);
  return best;
}

static void *work(void *rate) {
  if (strcmp(mode, "fma")) {
    *(double *)rate = bandwidth();
  } else {
    pthread_barrier_wait(&together);
    *(double *)rate = peak_gflops(BYTES, true, budget);
  }
  return NULL;
}

int main(int argc, char **argv) {
  enum { MOST = 256 };
  int threads = argc > 1 ? atoi(argv[1]) : 1;
  if (threads < 1 || threads > MOST) return 2;
  budget = 1e-3 * (argc > 2 ? atof(argv[2]) : 50);
  if (argc > 3) mode = argv[3];
  count = (size_t)((argc > 4 ? atof(argv[4]) : 128) * (1 << 20)) / BYTES / 4 * 4;
  pthread_t handles[MOST];
  double rates[MOST], sum = 0;
  pthread_barrier_init(&together, NULL, (unsigned)threads);
  for (int i = 0; i < threads; i++)
    if (pthread_create(&handles[i], NULL, work, &rates[i])) return 1;
  for (int i = 0; i < threads; i++) {
    pthread_join(handles[i], NULL);
    sum += rates[i];
  }
  printf("%.3f\n", sum);
  return 0;
}
