/* What the fuzzer needs of the address sanitizer: how much memory there is in use, and how much there was at most. */
#ifndef FUZZ_HOOKS_H
#define FUZZ_HOOKS_H
#include <stddef.h>
#include <stdint.h>

/* Whether memory is watched: whether the program was built with the sanitizer. */
int fuzz_watch_memory(void);
/* Bytes that were in use at most since the last call of this. */
int64_t fuzz_peak(void);
void fuzz_reset_peak(void);
/* Seconds of processor time of this process. */
double fuzz_seconds(void);
/* Ends the process, with this message, unless it is called again within so many seconds. */
void fuzz_deadline(unsigned seconds, const char *message);
#endif
