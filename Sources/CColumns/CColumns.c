#include "CColumns.h"

#include "Dispatch.h"

LOOP void span(const uint64_t *numbers, size_t count, int order, int64_t *least, int64_t *greatest) {
    int64_t low = INT64_MAX, high = INT64_MIN;
    if (order == 0) {
        WIDE for (size_t i = 0; i < count; i++) {
            int64_t number = (int64_t)numbers[i];
            low = number < low ? number : low;
            high = number > high ? number : high;
        }
    } else if (order == 1) {
        WIDE for (size_t i = 1; i < count; i++) {
            int64_t number = (int64_t)(numbers[i] - numbers[i - 1]);
            low = number < low ? number : low;
            high = number > high ? number : high;
        }
    } else {
        WIDE for (size_t i = 2; i < count; i++) {
            int64_t number = (int64_t)(numbers[i] - 2 * numbers[i - 1] + numbers[i - 2]);
            low = number < low ? number : low;
            high = number > high ? number : high;
        }
    }
    *least = low;
    *greatest = high;
}

LOOP void all_spans(const int64_t *signed_numbers, size_t count, struct ccolumns_spans *spans) {
    const uint64_t *numbers = (const uint64_t *)signed_numbers;
    for (int order = 0; order < 3; order++) span(numbers, count, order, &spans->least[order], &spans->greatest[order]);
    uint64_t zeros = 0;
    // The first difference does not count: what only grows is seen by the others.
    WIDE for (size_t i = 2; i < count; i++) zeros += numbers[i] == numbers[i - 1];
    spans->zero_differences = zeros;
}

LOOP uint64_t residuals_of(
    const int64_t *signed_numbers, size_t count, int order, int64_t signed_least, uint64_t *residuals) {
    const uint64_t *numbers = (const uint64_t *)signed_numbers;
    const uint64_t least = (uint64_t)signed_least;
    uint64_t all = 0;
    if (order == 0) {
        WIDE for (size_t i = 0; i < count; i++) {
            uint64_t residual = numbers[i] - least;
            residuals[i] = residual;
            all |= residual;
        }
    } else if (order == 1) {
        WIDE for (size_t i = 1; i < count; i++) {
            uint64_t residual = numbers[i] - numbers[i - 1] - least;
            residuals[i - 1] = residual;
            all |= residual;
        }
    } else {
        WIDE for (size_t i = 2; i < count; i++) {
            uint64_t residual = numbers[i] - 2 * numbers[i - 1] + numbers[i - 2] - least;
            residuals[i - 2] = residual;
            all |= residual;
        }
    }
    return all;
}

LOOP void shift(uint64_t *numbers, size_t count, int bits) {
    WIDE for (size_t i = 0; i < count; i++) numbers[i] >>= bits;
}

LOOP void count_wider(const uint64_t *numbers, size_t count, int widths, uint32_t *wider) {
    for (int width = 0; width < widths; width++) {
        const int bits = 8 * width;
        uint64_t found = 0;
        WIDE for (size_t i = 0; i < count; i++) found += (numbers[i] >> bits) != 0;
        wider[width] = (uint32_t)found;
    }
}

enum { block = 16 };

LOOP size_t mantissas_of(const double *values, size_t count, double power, int64_t *mantissas) {
    const uint64_t magic_bits = bits_of(magic);
    for (size_t start = 0; start < count; start += block) {
        const size_t length = count - start < block ? count - start : block;
        uint64_t wrong = 0;
        if (power == 1) {
            for (size_t i = 0; i < length; i++) {
                const double value = values[start + i];
                const double moved = value + magic;
                mantissas[start + i] = (int64_t)(bits_of(moved) - magic_bits);
                wrong |= (bits_of(moved - magic) ^ bits_of(value)) | (uint64_t)!(__builtin_fabs(value) < 0x1p51);
            }
        } else {
            for (size_t i = 0; i < length; i++) {
                const double value = values[start + i];
                const double scaled = value * power;
                const double moved = scaled + magic;
                mantissas[start + i] = (int64_t)(bits_of(moved) - magic_bits);
                wrong |= (bits_of((moved - magic) / power) ^ bits_of(value)) |
                         (uint64_t)!(__builtin_fabs(scaled) < 0x1p51);
            }
        }
        if (wrong) return start;
    }
    return count;
}

#define ENTRIES(suffix, attributes)                                                                                    \
    attributes static void spans_##suffix(const int64_t *n, size_t c, struct ccolumns_spans *s) {                      \
        all_spans(n, c, s);                                                                                            \
    }                                                                                                                  \
    attributes static uint64_t residuals_##suffix(const int64_t *n, size_t c, int o, int64_t l, uint64_t *r) {         \
        return residuals_of(n, c, o, l, r);                                                                            \
    }                                                                                                                  \
    attributes static void shift_##suffix(uint64_t *n, size_t c, int b) { shift(n, c, b); }                            \
    attributes static void wider_##suffix(const uint64_t *n, size_t c, int w, uint32_t *f) { count_wider(n, c, w, f); } \
    attributes static size_t mantissas_##suffix(const double *v, size_t c, double p, int64_t *m) {                     \
        return mantissas_of(v, c, p, m);                                                                               \
    }

ENTRIES(any, )
#if defined(__x86_64__)
ENTRIES(avx2, AVX2)
#endif

void ccolumns_find_spans(const int64_t *numbers, size_t count, struct ccolumns_spans *spans) {
    CHOOSE(spans, numbers, count, spans);
}

uint64_t ccolumns_residuals(
    const int64_t *numbers, size_t count, int order, int64_t least, uint64_t *residuals) {
    CHOOSE(residuals, numbers, count, order, least, residuals);
}

void ccolumns_shift_right(uint64_t *numbers, size_t count, int bits) { CHOOSE(shift, numbers, count, bits); }

void ccolumns_count_wider(const uint64_t *numbers, size_t count, int widths, uint32_t *wider) {
    CHOOSE(wider, numbers, count, widths, wider);
}

size_t ccolumns_mantissas(const double *values, size_t count, double power, int64_t *mantissas) {
    CHOOSE(mantissas, values, count, power, mantissas);
}
