/* Twelve chains of multiply-adds, enough to keep two units of a latency of four or five cycles busy. */
#define _GNU_SOURCE
#include "peak.h"

#include <time.h>

double peak_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

enum { CHAINS = 12, TURNS = 20000 };

#define PEAK(name, scalar, lanes, target)                                                                       \
  typedef scalar name##_vector __attribute__((vector_size(lanes * sizeof(scalar))));                            \
  target static double name(double seconds) {                                                                   \
    name##_vector a[CHAINS], x = {0}, y = {0};                                                                  \
    for (int i = 0; i < CHAINS; i++) a[i] = x;                                                                  \
    __asm__ volatile("" : "+m"(x), "+m"(y));                                                                    \
    double best = 0, end = peak_seconds() + seconds;                                                            \
    do {                                                                                                        \
      double start = peak_seconds();                                                                            \
      for (int turn = 0; turn < TURNS; turn++) {                                                                \
        _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) a[i] = a[i] * x + y;                          \
        __asm__ volatile("");                                                                                   \
      }                                                                                                         \
      double rate = 2e-9 * TURNS * CHAINS * lanes / (peak_seconds() - start);                                   \
      if (rate > best) best = rate;                                                                             \
    } while (peak_seconds() < end);                                                                             \
    name##_vector sum = a[0];                                                                                   \
    for (int i = 1; i < CHAINS; i++) sum += a[i];                                                               \
    volatile scalar used = sum[0]; /* so that the chains are computed */                                        \
    (void)used;                                                                                                 \
    return best;                                                                                                \
  }

#if defined(__x86_64__)
#pragma STDC FP_CONTRACT ON
PEAK(single_64, float, 16, __attribute__((target("avx512f"))))
PEAK(double_64, double, 8, __attribute__((target("avx512f"))))
PEAK(single_32, float, 8, __attribute__((target("avx2,fma"))))
PEAK(double_32, double, 4, __attribute__((target("avx2,fma"))))
#endif
PEAK(single_16, float, 4, )
PEAK(double_16, double, 2, )

double peak_gflops(int vector_bytes, bool single, double seconds) {
#if defined(__x86_64__)
  if (vector_bytes == 64) return single ? single_64(seconds) : double_64(seconds);
  if (vector_bytes == 32) return single ? single_32(seconds) : double_32(seconds);
#endif
  return single ? single_16(seconds) : double_16(seconds);
}
