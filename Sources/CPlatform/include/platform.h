/* What the library needs of the system, and nothing more: threads, processor features, the denormal mode, aligned memory, files,
 * one message per thread, and vectors. Swift sees no other C. */
#ifndef SWIFTCNN_PLATFORM_H
#define SWIFTCNN_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __clang__
#include "vectors.h"
#endif

/* ---- Processor ---- */
bool platform_has_avx2(void);   /* x86-64-v3: AVX2, FMA, BMI, and the system saves their registers */
bool platform_has_avx512(void); /* x86-64-v4: AVX-512 F, BW, CD, DQ, VL */
/* Processors this process may really use: its affinity, and the quota of its control group, rounded up. */
int platform_processors(void);

/* Flush denormals to zero in this thread; returns the mode before, for platform_restore_denormals. */
unsigned platform_flush_denormals(void);
void platform_restore_denormals(unsigned mode);

/* Of a clock that only goes forward. */
int64_t platform_nanoseconds(void);

/* ---- Memory ---- */
void *platform_allocate(size_t bytes); /* 64-byte aligned, or NULL */
void platform_free(void *memory);
/* Memory whose bytes are 0, and that takes no room before it is touched; or NULL. `huge`: in huge pages, where it is large. */
void *platform_reserve(size_t bytes, bool huge);
void platform_unreserve(void *memory, size_t bytes);
void platform_copy(void *destination, const void *source, size_t bytes);
void platform_zero(void *destination, size_t bytes);

/* ---- Text ---- */
const char *platform_environment(const char *name); /* or NULL */
void platform_set_message(const char *utf8, size_t length); /* this thread's message; a copy is kept */
const char *platform_message(void);

/* ---- Files: each returns 0 or an errno ---- */
/* An open file, and what tells whether it is as it was when it was opened. */
typedef struct platform_file {
  int descriptor;
  size_t bytes;
  int64_t changed; /* nanoseconds */
} platform_file;
int platform_open_file(const char *path, platform_file *file);
void platform_close_file(const platform_file *file);
/* The whole of it, to be read; NULL for an empty one. It stays when the file is closed. */
int platform_map_file(const platform_file *file, const void **memory);
void platform_unmap_file(const void *memory, size_t bytes);
/* Some bytes of it; platform_file_changed where it is not as it was any more. */
enum { platform_file_changed = -1 };
int platform_read_file(const platform_file *file, void *to, size_t bytes, size_t offset);
typedef struct platform_span {
  const void *memory;
  size_t bytes;
} platform_span;
/* All parts one after the other: a failure or a crash leaves the file that was there before, or none. */
int platform_write_file(const char *path, const platform_span *parts, size_t count);
const char *platform_error_text(int error, char text[128]);

/* ---- Workers: a fixed crew that runs one job at a time ---- */
typedef void (*platform_work)(void *context, int worker);
/* Runs work(context, w) for w = 0 on the caller's thread, and at the same time for some or all of w = 1..<workers, each at most
 * once, on threads that come in time; returns when all that came are done. So each asks for tasks until there are none. Starts
 * threads as needed. Where another caller has the crew, or threads cannot be started, returns false and has run nothing. */
bool platform_run(int workers, int64_t tasks, platform_work work, void *context);
/* For the work of a job, as one of its workers: one of 0..<tasks that nobody has had, or -1. */
int64_t platform_next_task(int worker);
/* Whether there are workers and all of them wait for a job without sleeping: it will have them in half a microsecond. */
bool platform_crew_is_awake(void);

/* ---- One lock for the library's few shared lists; survives fork() ---- */
void platform_lock(void);
void platform_unlock(void);

/* ---- Mathematics that has no vector form here ---- */
double platform_log(double x);
double platform_exp(double x);
double platform_cos(double x);
double platform_sin(double x);
double platform_tan(double x);
double platform_asin(double x);
double platform_acos(double x);
double platform_atan(double x);
double platform_sinh(double x);
double platform_cosh(double x);
double platform_asinh(double x);
double platform_acosh(double x);
double platform_atanh(double x);
double platform_erf(double x);
double platform_log1p(double x);
double platform_expm1(double x);
double platform_erfc(double x);
double platform_pow(double x, double y);

#endif
