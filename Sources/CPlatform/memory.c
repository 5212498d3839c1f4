/* Aligned memory, this thread's message, and the environment. */
#define _GNU_SOURCE
#include "platform.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *platform_allocate(size_t bytes) {
  /* From 4 MiB on, huge pages save most of the page faults and address look-ups. */
  const size_t huge = (size_t)2 << 20;
  size_t alignment = bytes >= 2 * huge ? huge : 64;
  void *memory = NULL;
  if (bytes > SIZE_MAX - alignment || posix_memalign(&memory, alignment, bytes ? bytes : 1)) return NULL;
#ifdef MADV_HUGEPAGE
  if (alignment == huge) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return memory;
}
void platform_free(void *memory) { free(memory); }

void *platform_reserve(size_t bytes, bool huge) {
  const size_t alignment = (size_t)2 << 20;
  huge = huge && bytes >= 2 * alignment;
  size_t room = huge ? bytes + alignment : bytes;
  if (room < bytes) return NULL;
  char *memory = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return NULL;
  if (!huge) return memory;
  /* What lies before the first huge page, and behind the last byte, is given back: `bytes` are whole pages. */
  size_t before = -(uintptr_t)memory % alignment, behind = alignment - before;
  if (before) munmap(memory, before);
  if (behind) munmap(memory + before + bytes, behind);
#ifdef MADV_HUGEPAGE
  madvise(memory + before, bytes, MADV_HUGEPAGE);
#endif
  return memory + before;
}
void platform_unreserve(void *memory, size_t bytes) { munmap(memory, bytes); }
void platform_copy(void *destination, const void *source, size_t bytes) { memcpy(destination, source, bytes); }
void platform_zero(void *destination, size_t bytes) { memset(destination, 0, bytes); }

const char *platform_environment(const char *name) { return getenv(name); }

static _Thread_local char message[1024];
void platform_set_message(const char *utf8, size_t length) {
  if (length > sizeof message - 1) length = sizeof message - 1;
  memcpy(message, utf8, length);
  message[length] = 0;
}
const char *platform_message(void) { return message; }

double platform_log(double x) { return log(x); }
double platform_exp(double x) { return exp(x); }
double platform_cos(double x) { return cos(x); }
double platform_sin(double x) { return sin(x); }
double platform_tan(double x) { return tan(x); }
double platform_asin(double x) { return asin(x); }
double platform_acos(double x) { return acos(x); }
double platform_atan(double x) { return atan(x); }
double platform_sinh(double x) { return sinh(x); }
double platform_cosh(double x) { return cosh(x); }
double platform_asinh(double x) { return asinh(x); }
double platform_acosh(double x) { return acosh(x); }
double platform_atanh(double x) { return atanh(x); }
double platform_erf(double x) { return erf(x); }
double platform_log1p(double x) { return log1p(x); }
double platform_expm1(double x) { return expm1(x); }
double platform_erfc(double x) { return erfc(x); }
double platform_pow(double x, double y) { return pow(x, y); }
