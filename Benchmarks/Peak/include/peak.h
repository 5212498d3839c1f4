/* The most multiply-adds a core can do: what a kernel is held against. */
#ifndef PEAK_H
#define PEAK_H
#include <stdbool.h>

double peak_seconds(void); /* a clock */
/* GFLOP/s of independent multiply-adds in registers, over `seconds`; of vectors of 64, 32 or 16 bytes. */
double peak_gflops(int vector_bytes, bool single, double seconds);
#endif
