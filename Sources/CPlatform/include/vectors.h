/* Vectors of 2 to 16 floating-point numbers, as Swift types. Swift's own SIMD types do arithmetic lane by lane in generic
 * code, and leave it to the compiler to put the lanes together again; these are one instruction each wherever they are used.
 * What an instruction is depends on the flags of the module that uses it: that is how the kernel modules differ. */
#ifndef SWIFTCNN_VECTORS_H
#define SWIFTCNN_VECTORS_H

#include <stdint.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#pragma clang assume_nonnull begin

/* A function that Swift sees as a static member of `type`, always inlined: it has no code of its own. */
#define MEMBER(type, signature) static inline __attribute__((always_inline, swift_name(#type "." signature)))

/* `type`: `count` numbers of type `scalar`, and `type##_integers`: as many integers of the same size, which are also what
 * comparisons give (-1 for true, 0 for false). `load_some` and `store_some` move only the first n lanes, n <= count, and
 * `load_where` those where a condition is true; none touches other memory, and the other lanes are loaded as 0. */
#define VECTOR(type, scalar, integer, count, load_some, store_some, load_some_int32, store_some_int32, load_where,             \
               load_where_int32)                                                                                               \
  typedef scalar type##_lanes __attribute__((ext_vector_type(count)));                                                         \
  typedef integer type##_signs __attribute__((ext_vector_type(count)));                                                        \
  typedef int32_t type##_int32 __attribute__((ext_vector_type(count)));                                                        \
  typedef uint8_t type##_bytes __attribute__((ext_vector_type(count)));                                                        \
  /* Swift takes no alignment over 16; every load and store here is for any address. */                                        \
  typedef type##_lanes type##_member __attribute__((aligned(8)));                                                              \
  typedef type##_signs type##_integer_member __attribute__((aligned(8)));                                                      \
  typedef struct type { type##_member lanes; } type;                                                                           \
  typedef struct type##_integers { type##_integer_member lanes; } type##_integers;                                             \
  MEMBER(type, "repeating(_:)") type type##_repeating(scalar x) { return (type){(type##_lanes)(x)}; }                          \
  MEMBER(type, "load(_:)") type type##_load(const scalar *p) {                                                                 \
    type v;                                                                                                                    \
    __builtin_memcpy(&v, p, sizeof v);                                                                                         \
    return v;                                                                                                                  \
  }                                                                                                                            \
  MEMBER(type, "store(_:_:)") void type##_store(type v, scalar *p) { __builtin_memcpy(p, &v, sizeof v); }                      \
  /* Asks for what lies there to be brought into the second cache; any address will do. */                                    \
  MEMBER(type, "prefetch(_:)") void type##_prefetch(const scalar *p) { __builtin_prefetch(p, 0, 2); }                          \
  MEMBER(type, "prefetchNear(_:)") void type##_prefetchNear(const scalar *p) { __builtin_prefetch(p, 0, 3); }                  \
  MEMBER(type, "load(_:first:)") type type##_load_first(const scalar *p, intptr_t n) { return (type){load_some}; }             \
  MEMBER(type, "store(_:_:first:)") void type##_store_first(type v, scalar *p, intptr_t n) { store_some; }                     \
  MEMBER(type, "load(_:where:)") type type##_load_where(const scalar *p, type##_integers where) {                              \
    return (type){load_where};                                                                                                 \
  }                                                                                                                            \
  MEMBER(type, "lane(_:_:)") scalar type##_lane(type v, intptr_t i) { return v.lanes[i]; }                                     \
  MEMBER(type, "plus(_:_:)") type type##_plus(type a, type b) { return (type){a.lanes + b.lanes}; }                            \
  MEMBER(type, "minus(_:_:)") type type##_minus(type a, type b) { return (type){a.lanes - b.lanes}; }                          \
  MEMBER(type, "times(_:_:)") type type##_times(type a, type b) { return (type){a.lanes * b.lanes}; }                          \
  MEMBER(type, "over(_:_:)") type type##_over(type a, type b) { return (type){a.lanes / b.lanes}; }                            \
  /* a*b + c: in one rounding where the instruction set can, which a call of fma() for every lane would not be. */            \
  MEMBER(type, "multiplyAdd(_:_:_:)") type type##_multiply_add(type a, type b, type c) {                                       \
    return (type){MULTIPLY_ADD(a.lanes, b.lanes, c.lanes)};                                                                    \
  }                                                                                                                            \
  MEMBER(type, "squareRoot(_:)") type type##_square_root(type a) { return (type){__builtin_elementwise_sqrt(a.lanes)}; }       \
  MEMBER(type, "isLess(_:_:)") type##_integers type##_is_less(type a, type b) {                                                \
    return (type##_integers){a.lanes < b.lanes};                                                                               \
  }                                                                                                                            \
  MEMBER(type, "isLessOrEqual(_:_:)") type##_integers type##_is_less_or_equal(type a, type b) {                                \
    return (type##_integers){a.lanes <= b.lanes};                                                                              \
  }                                                                                                                            \
  MEMBER(type, "isNaN(_:)") type##_integers type##_is_nan(type a) { return (type##_integers){a.lanes != a.lanes}; }            \
  MEMBER(type, "and(_:_:)") type##_integers type##_and(type##_integers a, type##_integers b) {                                 \
    return (type##_integers){a.lanes & b.lanes};                                                                               \
  }                                                                                                                            \
  MEMBER(type, "or(_:_:)") type##_integers type##_or(type##_integers a, type##_integers b) {                                   \
    return (type##_integers){a.lanes | b.lanes};                                                                               \
  }                                                                                                                            \
  MEMBER(type, "not(_:)") type##_integers type##_not(type##_integers a) { return (type##_integers){~a.lanes}; }                \
  /* v, but a NaN where the condition is true, which takes one instruction: all bits of that number are set. */                \
  MEMBER(type, "nan(where:else:)") type type##_nan_where(type##_integers where, type v) {                                      \
    return (type){(type##_lanes)(where.lanes | (type##_signs)v.lanes)};                                                        \
  }                                                                                                                            \
  /* True in lanes low to high - 1. */                                                                                         \
  MEMBER(type, "lanes(_:_:)") type##_integers type##_lanes_between(intptr_t low, intptr_t high) {                              \
    type##_signs v;                                                                                                            \
    for (int i = 0; i < count; i++) v[i] = i;                                                                                  \
    return (type##_integers){(v >= (type##_signs)((integer)low)) & (v < (type##_signs)((integer)high))};                       \
  }                                                                                                                            \
  MEMBER(type, "select(_:_:_:)") type type##_select(type##_integers where, type a, type b) {                                   \
    return (type){where.lanes ? a.lanes : b.lanes};                                                                            \
  }                                                                                                                            \
  MEMBER(type, "select(_:_:_:)") type##_integers type##_select_integers(type##_integers where, type##_integers a,              \
                                                                        type##_integers b) {                                   \
    return (type##_integers){where.lanes ? a.lanes : b.lanes};                                                                 \
  }                                                                                                                            \
  MEMBER(type, "integers(_:)") type##_integers type##_integers_repeating(int32_t x) {                                          \
    return (type##_integers){(type##_signs)((integer)(x))};                                                                    \
  }                                                                                                                            \
  MEMBER(type, "isEqual(_:_:)") type##_integers type##_is_equal(type##_integers a, type##_integers b) {                        \
    return (type##_integers){a.lanes == b.lanes};                                                                              \
  }                                                                                                                            \
  MEMBER(type, "loadInt32(_:first:)") type##_integers type##_load_int32(const int32_t *p, intptr_t n) {                        \
    type##_int32 v;                                                                                                            \
    if (n == count) __builtin_memcpy(&v, p, sizeof v);                                                                         \
    else v = (type##_int32)load_some_int32;                                                                                    \
    return (type##_integers){__builtin_convertvector(v, type##_signs)};                                                        \
  }                                                                                                                            \
  MEMBER(type, "loadInt32(_:where:)") type##_integers type##_load_int32_where(const int32_t *p, type##_integers where) {       \
    type##_int32 v = (type##_int32)load_where_int32;                                                                           \
    return (type##_integers){__builtin_convertvector(v, type##_signs)};                                                        \
  }                                                                                                                            \
  MEMBER(type, "storeInt32(_:_:first:)") void type##_store_int32(type##_integers v, int32_t *p, intptr_t n) {                  \
    type##_int32 lanes = __builtin_convertvector(v.lanes, type##_int32);                                                       \
    if (n == count) __builtin_memcpy(p, &lanes, sizeof lanes);                                                                 \
    else { store_some_int32; }                                                                                                 \
  }                                                                                                                            \
  /* Booleans as bytes: 1 where a comparison was true; true where a byte equals `wanted`. */                                   \
  MEMBER(type, "storeBytes(_:_:first:)") void type##_store_bytes(type##_integers v, uint8_t *p, intptr_t n) {                  \
    type##_bytes narrow = __builtin_convertvector(v.lanes, type##_bytes) & 1;                                                  \
    if (n == count) __builtin_memcpy(p, &narrow, count);                                                                       \
    else for (intptr_t i = 0; i < n; i++) p[i] = narrow[i];                                                                    \
  }                                                                                                                            \
  MEMBER(type, "areBytes(_:_:first:)") type##_integers type##_are_bytes(const uint8_t *p, uint8_t wanted, intptr_t n) {        \
    type##_bytes v = 0;                                                                                                        \
    if (n == count) __builtin_memcpy(&v, p, count);                                                                            \
    else for (intptr_t i = 0; i < n; i++) v[i] = p[i];                                                                         \
    return (type##_integers){__builtin_convertvector(v, type##_signs) == (integer)wanted};                                     \
  }                                                                                                                            \
  /* 2^n of a number n + 1.5 * 2^mantissa, whose last bits are the integer n. */                                               \
  MEMBER(type, "powerOfTwo(_:)") type type##_power_of_two(type shifted) {                                                      \
    type##_signs one = (type##_signs)(type##_lanes)(1), bits = (type##_signs)shifted.lanes;                                    \
    return (type){(type##_lanes)((bits << (sizeof(scalar) == 4 ? 23 : 52)) + one)};                                            \
  }                                                                                                                            \
  /* (a0 b0 a1 b1 ...) of the lower and of the upper halves; and the way back, (v0 v2 ...) and (v1 v3 ...) of (a, b). */       \
  MEMBER(type, "interleavedLow(_:_:)") type type##_interleaved_low(type a, type b) {                                           \
    type##_lanes v;                                                                                                            \
    v.even = a.lanes.lo;                                                                                                       \
    v.odd = b.lanes.lo;                                                                                                        \
    return (type){v};                                                                                                          \
  }                                                                                                                            \
  MEMBER(type, "interleavedHigh(_:_:)") type type##_interleaved_high(type a, type b) {                                         \
    type##_lanes v;                                                                                                            \
    v.even = a.lanes.hi;                                                                                                       \
    v.odd = b.lanes.hi;                                                                                                        \
    return (type){v};                                                                                                          \
  }                                                                                                                            \
  MEMBER(type, "even(_:_:)") type type##_even(type a, type b) {                                                                \
    type##_lanes v;                                                                                                            \
    v.lo = a.lanes.even;                                                                                                       \
    v.hi = b.lanes.even;                                                                                                       \
    return (type){v};                                                                                                          \
  }                                                                                                                            \
  MEMBER(type, "odd(_:_:)") type type##_odd(type a, type b) {                                                                  \
    type##_lanes v;                                                                                                            \
    v.lo = a.lanes.odd;                                                                                                        \
    v.hi = b.lanes.odd;                                                                                                        \
    return (type){v};                                                                                                          \
  }

#if defined(__FMA__) || defined(__aarch64__)
#define MULTIPLY_ADD(a, b, c) __builtin_elementwise_fma(a, b, c)
#else
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#endif

/* Without masked moves, lane by lane. */
#define LOAD_LANES(vector)                                                                                                     \
  ({                                                                                                                           \
    vector lanes = 0;                                                                                                          \
    for (intptr_t i = 0; i < n; i++) lanes[i] = p[i];                                                                          \
    lanes;                                                                                                                     \
  })
#define STORE_LANES(lanes) for (intptr_t i = 0; i < n; i++) p[i] = (lanes)[i]
#define LOAD_WHERE(vector)                                                                                                     \
  ({                                                                                                                           \
    vector lanes = 0;                                                                                                          \
    for (intptr_t i = 0; i < (intptr_t)(sizeof lanes / sizeof *p); i++) if (where.lanes[i]) lanes[i] = p[i];                    \
    lanes;                                                                                                                     \
  })
#define PLAIN(type)                                                                                                            \
  LOAD_LANES(type##_lanes), STORE_LANES(v.lanes), LOAD_LANES(type##_int32), STORE_LANES(lanes), LOAD_WHERE(type##_lanes),      \
      LOAD_WHERE(type##_int32)

#if defined(__AVX512F__)
#define FIRST_OF_16 ((__mmask16)((1u << n) - 1))
#define FIRST_OF_8 ((__mmask8)((1u << n) - 1))
#define WHERE_16 _mm512_test_epi32_mask((__m512i)where.lanes, (__m512i)where.lanes)
#define WHERE_8 _mm512_test_epi64_mask((__m512i)where.lanes, (__m512i)where.lanes)
#define MASKED_F32X16                                                                                                          \
  (F32x16_lanes)_mm512_maskz_loadu_ps(FIRST_OF_16, p), _mm512_mask_storeu_ps(p, FIRST_OF_16, (__m512)v.lanes),                 \
      _mm512_maskz_loadu_epi32(FIRST_OF_16, p), _mm512_mask_storeu_epi32(p, FIRST_OF_16, (__m512i)lanes),               \
      (F32x16_lanes)_mm512_maskz_loadu_ps(WHERE_16, p), _mm512_maskz_loadu_epi32(WHERE_16, p)
#define MASKED_F64X8                                                                                                           \
  (F64x8_lanes)_mm512_maskz_loadu_pd(FIRST_OF_8, p), _mm512_mask_storeu_pd(p, FIRST_OF_8, (__m512d)v.lanes),                   \
      _mm256_maskz_loadu_epi32(FIRST_OF_8, p), _mm256_mask_storeu_epi32(p, FIRST_OF_8, (__m256i)lanes),                 \
      (F64x8_lanes)_mm512_maskz_loadu_pd(WHERE_8, p), _mm256_maskz_loadu_epi32(WHERE_8, p)
#else
#define MASKED_F32X16 PLAIN(F32x16)
#define MASKED_F64X8 PLAIN(F64x8)
#endif
#if defined(__AVX2__)
/* The first n of 8 words, by halves: Zen processors take a dozen cycles and more for a masked store, though not for a masked load. */
typedef int32_t words_8 __attribute__((ext_vector_type(8)));
typedef int32_t words_4 __attribute__((ext_vector_type(4)));
typedef int32_t words_2 __attribute__((ext_vector_type(2)));
static inline __attribute__((always_inline)) void store_words(void *to, words_8 whole, intptr_t n) {
  if (n == 8) {
    __builtin_memcpy(to, &whole, sizeof whole);
    return;
  }
  words_4 half = whole.lo;
  if (n & 4) {
    __builtin_memcpy(to, &half, sizeof half);
    to = (char *)to + sizeof half;
    half = whole.hi;
  }
  words_2 pair = half.lo;
  if (n & 2) {
    __builtin_memcpy(to, &pair, sizeof pair);
    to = (char *)to + sizeof pair;
    pair = half.hi;
  }
  int32_t word = pair.x;
  if (n & 1) __builtin_memcpy(to, &word, sizeof word);
}
#define FIRST_8 (__m256i)((F32x8_signs){0, 1, 2, 3, 4, 5, 6, 7} < (F32x8_signs)((int32_t)n))
#define FIRST_4_OF_64 (__m256i)((F64x4_signs){0, 1, 2, 3} < (F64x4_signs)((int64_t)n))
#define FIRST_4_OF_32 (__m128i)((F64x4_int32){0, 1, 2, 3} < (F64x4_int32)((int32_t)n))
#define MASKED_F32X8                                                                                                           \
  (F32x8_lanes)_mm256_maskload_ps(p, FIRST_8), store_words(p, (words_8)v.lanes, n),                                            \
      _mm256_maskload_epi32(p, FIRST_8), store_words(p, (words_8)lanes, n),                                                    \
      (F32x8_lanes)_mm256_maskload_ps(p, (__m256i)where.lanes), _mm256_maskload_epi32(p, (__m256i)where.lanes)
#define MASKED_F64X4                                                                                                           \
  (F64x4_lanes)_mm256_maskload_pd(p, FIRST_4_OF_64), store_words(p, (words_8)v.lanes, 2 * n),                                 \
      _mm_maskload_epi32(p, FIRST_4_OF_32), _mm_maskstore_epi32(p, FIRST_4_OF_32, (__m128i)lanes),                      \
      (F64x4_lanes)_mm256_maskload_pd(p, (__m256i)where.lanes),                                                                \
      _mm_maskload_epi32(p, (__m128i)__builtin_convertvector(where.lanes, F64x4_int32))
#else
#define MASKED_F32X8 PLAIN(F32x8)
#define MASKED_F64X4 PLAIN(F64x4)
#endif

/* The moves are several arguments of VECTOR: an expansion more takes them apart. */
#define VECTOR_WITH(...) VECTOR(__VA_ARGS__)
VECTOR_WITH(F32x16, float, int32_t, 16, MASKED_F32X16)
VECTOR_WITH(F64x8, double, int64_t, 8, MASKED_F64X8)
VECTOR_WITH(F32x8, float, int32_t, 8, MASKED_F32X8)
VECTOR_WITH(F64x4, double, int64_t, 4, MASKED_F64X4)
VECTOR_WITH(F32x4, float, int32_t, 4, PLAIN(F32x4))
VECTOR_WITH(F64x2, double, int64_t, 2, PLAIN(F64x2))

/* The integers of float64 as words of a random generator, and as the bits of numbers. `product` is of the lower 32 bits. */
#define WORDS(type, count)                                                                                                     \
  typedef uint64_t type##_unsigned __attribute__((ext_vector_type(count)));                                                    \
  MEMBER(type, "words(_:)") type##_integers type##_words(uint64_t x) {                                                         \
    return (type##_integers){(type##_signs)(type##_unsigned)(x)};                                                              \
  }                                                                                                                            \
  MEMBER(type, "laneNumbers()") type##_integers type##_lane_numbers(void) {                                                    \
    type##_signs v;                                                                                                            \
    for (int i = 0; i < count; i++) v[i] = i;                                                                                  \
    return (type##_integers){v};                                                                                               \
  }                                                                                                                            \
  MEMBER(type, "sum(_:_:)") type##_integers type##_sum(type##_integers a, type##_integers b) {                                 \
    return (type##_integers){(type##_signs)((type##_unsigned)a.lanes + (type##_unsigned)b.lanes)};                             \
  }                                                                                                                            \
  MEMBER(type, "product(_:_:)") type##_integers type##_product(type##_integers a, type##_integers b) {                         \
    type##_unsigned low = (type##_unsigned)(0xffffffffu);                                                                      \
    return (type##_integers){(type##_signs)(((type##_unsigned)a.lanes & low) * ((type##_unsigned)b.lanes & low))};             \
  }                                                                                                                            \
  MEMBER(type, "exclusiveOr(_:_:)") type##_integers type##_exclusive_or(type##_integers a, type##_integers b) {                \
    return (type##_integers){a.lanes ^ b.lanes};                                                                               \
  }                                                                                                                            \
  MEMBER(type, "shiftedRight(_:by:)") type##_integers type##_shifted_right(type##_integers a, uint64_t bits) {                 \
    return (type##_integers){(type##_signs)((type##_unsigned)a.lanes >> (type##_unsigned)(bits))};                             \
  }                                                                                                                            \
  MEMBER(type, "bits(_:)") type##_integers type##_bits(type x) { return (type##_integers){(type##_signs)x.lanes}; }            \
  MEMBER(type, "number(bits:)") type type##_number(type##_integers x) { return (type){(type##_lanes)x.lanes}; }

WORDS(F64x8, 8)
WORDS(F64x4, 4)
WORDS(F64x2, 2)

/* to[column][row] = from[row][column] of a square of as many rows and columns as there are lanes. Two half rows are loaded side by side, so
 * that no element has to cross over within a vector, which takes as long as all else. */
#define HALVES(vector, a, b) \
  ({ \
    vector low, high; \
    __builtin_memcpy(&low, a, sizeof low); \
    __builtin_memcpy(&high, b, sizeof high); \
    __builtin_shufflevector(low, high, JOINED_##vector); \
  })
#define JOINED_F32x4_lanes 0, 1, 2, 3, 4, 5, 6, 7
#define JOINED_F64x2_lanes 0, 1, 2, 3
MEMBER(F32x8, "transposeSquare(_:_:_:_:)")
void F32x8_transpose_square(const float *from, intptr_t from_step, float *to, intptr_t to_step) {
  for (intptr_t half = 0; half < 2; half++) {
    F32x8_lanes rows[4], low, high, columns[4];
    for (intptr_t i = 0; i < 4; i++) {
      rows[i] = HALVES(F32x4_lanes, from + i * from_step + 4 * half, from + (i + 4) * from_step + 4 * half);
    }
    low = __builtin_shufflevector(rows[0], rows[1], 0, 8, 1, 9, 4, 12, 5, 13);
    high = __builtin_shufflevector(rows[2], rows[3], 0, 8, 1, 9, 4, 12, 5, 13);
    columns[0] = __builtin_shufflevector(low, high, 0, 1, 8, 9, 4, 5, 12, 13);
    columns[1] = __builtin_shufflevector(low, high, 2, 3, 10, 11, 6, 7, 14, 15);
    low = __builtin_shufflevector(rows[0], rows[1], 2, 10, 3, 11, 6, 14, 7, 15);
    high = __builtin_shufflevector(rows[2], rows[3], 2, 10, 3, 11, 6, 14, 7, 15);
    columns[2] = __builtin_shufflevector(low, high, 0, 1, 8, 9, 4, 5, 12, 13);
    columns[3] = __builtin_shufflevector(low, high, 2, 3, 10, 11, 6, 7, 14, 15);
    for (intptr_t i = 0; i < 4; i++) __builtin_memcpy(to + (4 * half + i) * to_step, &columns[i], sizeof columns[i]);
  }
}
MEMBER(F64x4, "transposeSquare(_:_:_:_:)")
void F64x4_transpose_square(const double *from, intptr_t from_step, double *to, intptr_t to_step) {
  for (intptr_t half = 0; half < 2; half++) {
    F64x4_lanes even = HALVES(F64x2_lanes, from + 2 * half, from + 2 * from_step + 2 * half), column;
    F64x4_lanes odd = HALVES(F64x2_lanes, from + from_step + 2 * half, from + 3 * from_step + 2 * half);
    column = __builtin_shufflevector(even, odd, 0, 4, 2, 6);
    __builtin_memcpy(to + 2 * half * to_step, &column, sizeof column);
    column = __builtin_shufflevector(even, odd, 1, 5, 3, 7);
    __builtin_memcpy(to + (2 * half + 1) * to_step, &column, sizeof column);
  }
}

#pragma clang assume_nonnull end
#endif
