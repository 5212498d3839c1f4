#define _GNU_SOURCE
#include "hooks.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int64_t now, peak;

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WATCHED 1
#endif
#endif

#ifdef WATCHED
int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void *, size_t), void (*)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *);

static void taken(const volatile void *memory, size_t bytes) {
  (void)memory;
  int64_t here = __atomic_add_fetch(&now, (int64_t)bytes, __ATOMIC_RELAXED);
  if (here > __atomic_load_n(&peak, __ATOMIC_RELAXED)) __atomic_store_n(&peak, here, __ATOMIC_RELAXED);
}
static void given(const volatile void *memory) {
  if (memory) __atomic_sub_fetch(&now, (int64_t)__sanitizer_get_allocated_size(memory), __ATOMIC_RELAXED);
}
int fuzz_watch_memory(void) { return __sanitizer_install_malloc_and_free_hooks(taken, given) != 0; }
/* Arrays that a file makes too large are an error of the library's, not of the sanitizer's. */
const char *__asan_default_options(void) {
  return "allocator_may_return_null=1:max_allocation_size_mb=256:hard_rss_limit_mb=3000:detect_leaks=0:quarantine_size_mb=16:"
         "detect_stack_use_after_return=0";
}
#else
int fuzz_watch_memory(void) { return 0; }
#endif

int64_t fuzz_peak(void) { return peak - now > 0 ? peak : now; }
void fuzz_reset_peak(void) { peak = now; }

double fuzz_seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static char text[256];
static void ended(int signal) {
  (void)signal;
  ssize_t written = write(2, text, strlen(text));
  (void)written;
  _exit(3);
}
void fuzz_deadline(unsigned seconds, const char *message) {
  strncpy(text, message, sizeof text - 1);
  signal(SIGALRM, ended);
  alarm(seconds);
}
