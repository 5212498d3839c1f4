/* Processor features, the processors this process may use, and the denormal mode. */
#define _GNU_SOURCE
#include "platform.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
bool platform_has_avx2(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("x86-64-v3");
}
bool platform_has_avx512(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("x86-64-v4");
}
#define FLUSH_TO_ZERO_AND_DENORMALS_ARE_ZERO 0x8040u
unsigned platform_flush_denormals(void) {
  unsigned mode = _mm_getcsr();
  if ((mode & FLUSH_TO_ZERO_AND_DENORMALS_ARE_ZERO) != FLUSH_TO_ZERO_AND_DENORMALS_ARE_ZERO)
    _mm_setcsr(mode | FLUSH_TO_ZERO_AND_DENORMALS_ARE_ZERO);
  return mode;
}
/* Only the two mode bits go back: exception flags that the call raised stay raised, as in any arithmetic. */
void platform_restore_denormals(unsigned mode) {
  unsigned now = _mm_getcsr();
  unsigned then = (now & ~FLUSH_TO_ZERO_AND_DENORMALS_ARE_ZERO) | (mode & FLUSH_TO_ZERO_AND_DENORMALS_ARE_ZERO);
  if (now != then) _mm_setcsr(then);
}
#elif defined(__aarch64__)
bool platform_has_avx2(void) { return false; }
bool platform_has_avx512(void) { return false; }
#define FLUSH_TO_ZERO (1ul << 24)
unsigned platform_flush_denormals(void) {
  unsigned long mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  __asm__ volatile("msr fpcr, %0" : : "r"(mode | FLUSH_TO_ZERO));
  return (unsigned)mode;
}
void platform_restore_denormals(unsigned mode) {
  __asm__ volatile("msr fpcr, %0" : : "r"((unsigned long)mode));
}
#else
bool platform_has_avx2(void) { return false; }
bool platform_has_avx512(void) { return false; }
unsigned platform_flush_denormals(void) { return 0; }
void platform_restore_denormals(unsigned mode) { (void)mode; }
#endif

int64_t platform_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The first numbers of a small control file; the count read. "max" reads as -1. */
static int read_numbers(const char *path, long long *first, long long *second) {
  FILE *file = fopen(path, "re");
  if (!file) return 0;
  char a[32] = "", b[32] = "";
  int count = fscanf(file, "%31s %31s", a, b);
  fclose(file);
  if (count >= 1) *first = strcmp(a, "max") == 0 ? -1 : atoll(a);
  if (count >= 2) *second = atoll(b);
  return count < 0 ? 0 : count;
}

static int rounded_up(long long quota, long long period) {
  return quota > 0 && period > 0 ? (int)((quota + period - 1) / period) : 0;
}

/* The tightest processor quota on the way from this process's control group (version 2) up to the root; 0: none. */
static int quota_of_group_v2(void) {
  char line[512], group[512] = "/";
  FILE *file = fopen("/proc/self/cgroup", "re");
  if (file) {
    while (fgets(line, sizeof line, file))
      if (strncmp(line, "0::", 3) == 0) {
        line[strcspn(line, "\n")] = 0;
        snprintf(group, sizeof group, "%s", line + 3);
      }
    fclose(file);
  }
  int tightest = 0;
  for (;;) {
    char path[600];
    long long quota = -1, period = 0;
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", strcmp(group, "/") == 0 ? "" : group);
    if (read_numbers(path, &quota, &period) == 2) {
      int here = rounded_up(quota, period);
      if (here && (!tightest || here < tightest)) tightest = here;
    }
    char *slash = strrchr(group, '/');
    if (!slash || strcmp(group, "/") == 0) return tightest;
    if (slash == group) slash[1] = 0; else *slash = 0;
  }
}

static int quota_of_group_v1(void) {
  long long quota = -1, period = 0, unused;
  if (read_numbers("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", &quota, &unused) < 1) return 0;
  if (read_numbers("/sys/fs/cgroup/cpu/cpu.cfs_period_us", &period, &unused) < 1) return 0;
  return rounded_up(quota, period);
}

int platform_processors(void) {
  int count = 0;
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) count = CPU_COUNT(&set);
  if (count < 1) count = (int)sysconf(_SC_NPROCESSORS_ONLN); /* more processors than the set holds */
  int quota = quota_of_group_v2();
  if (!quota) quota = quota_of_group_v1();
  if (quota && quota < count) count = quota;
  return count < 1 ? 1 : count;
}
