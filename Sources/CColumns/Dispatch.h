#ifndef LAPWING_CCOLUMNS_DISPATCH_H
#define LAPWING_CCOLUMNS_DISPATCH_H

// Each loop is compiled twice, for every processor of the family and for those with AVX2, and where that is worth it for
// those with AVX-512 as well; the right one is taken when it runs.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// A product and a sum must be rounded one after the other.
#pragma STDC FP_CONTRACT OFF

#define LOOP static inline __attribute__((always_inline))
#define WIDE _Pragma("clang loop vectorize(enable) interleave_count(2)")

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2")))
#define CHOOSE(name, ...) return __builtin_cpu_supports("avx2") ? name##_avx2(__VA_ARGS__) : name##_any(__VA_ARGS__)
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define HAS_AVX512                                                                                                     \
    (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
#define CHOOSE_WIDEST(name, ...) \
    if (HAS_AVX512) return name##_avx512(__VA_ARGS__); \
    CHOOSE(name, __VA_ARGS__)
#else
#define AVX2 __attribute__((unused))
#define CHOOSE(name, ...) return name##_any(__VA_ARGS__)
#define CHOOSE_WIDEST(name, ...) CHOOSE(name, __VA_ARGS__)
#endif

LOOP uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, 8);
    return bits;
}

LOOP double value_of(uint64_t bits) {
    double value;
    memcpy(&value, &bits, 8);
    return value;
}

// A whole number below 2^51 either way plus the bits of this one are the bits of this one plus the number.
static const double magic = 6755399441055744.0;

#endif
