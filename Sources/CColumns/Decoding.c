#include "CColumns.h"

#include "Dispatch.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "columns are stored with the lowest byte first");

LOOP void unpack(const uint8_t *restrict data, size_t count, int width, uint64_t *restrict numbers) {
    switch (width) {
    case 0: memset(numbers, 0, count * 8); return;
    case 1:
        WIDE for (size_t i = 0; i < count; i++) numbers[i] = data[i];
        return;
    case 2:
        WIDE for (size_t i = 0; i < count; i++) {
            uint16_t number;
            memcpy(&number, data + 2 * i, 2);
            numbers[i] = number;
        }
        return;
    case 4:
        WIDE for (size_t i = 0; i < count; i++) {
            uint32_t number;
            memcpy(&number, data + 4 * i, 4);
            numbers[i] = number;
        }
        return;
    case 8: memcpy(numbers, data, count * 8); return;
    default: break;
    }
    const uint64_t mask = ((uint64_t)1 << 8 * width) - 1;
    const size_t bytes = count * (size_t)width;
    // Up to where a number can be read with what stands behind it.
    const size_t whole = bytes < 8 ? 0 : (bytes - 8) / (size_t)width + 1;
    for (size_t i = 0; i < whole; i++) {
        uint64_t number;
        memcpy(&number, data + i * (size_t)width, 8);
        numbers[i] = number & mask;
    }
    for (size_t i = whole; i < count; i++) {
        uint64_t number = 0;
        memcpy(&number, data + i * (size_t)width, (size_t)width);
        numbers[i] = number;
    }
}

LOOP void rebuild(
    uint64_t *numbers, size_t count, int order, int shift, uint64_t least, uint64_t first, uint64_t first_difference) {
    if (order == 0) {
        WIDE for (size_t i = 0; i < count; i++) numbers[i] = least + (numbers[i] << shift);
    } else if (order == 1) {
        uint64_t value = first;
        numbers[0] = value;
        for (size_t i = 1; i < count; i++) {
            value += least + (numbers[i] << shift);
            numbers[i] = value;
        }
    } else {
        uint64_t difference = first_difference, value = first + first_difference;
        numbers[0] = first;
        numbers[1] = value;
        for (size_t i = 2; i < count; i++) {
            difference += least + (numbers[i] << shift);
            value += difference;
            numbers[i] = value;
        }
    }
}

// A 64-bit integer as the nearest number, in operations that vectors have: its halves become the low bits of 2^84 and
// 2^52, the first difference is exact, and the only rounding is that of the last sum.
LOOP double rounded(int64_t integer) {
    const uint64_t moved = (uint64_t)integer ^ 0x8000000000000000;
    const double high = value_of(moved >> 32 | 0x4530000000000000) - (0x1p84 + 0x1p63 + 0x1p52);
    return high + value_of((moved & 0xffffffff) | 0x4330000000000000);
}

LOOP void quotients(const int64_t *restrict integers, size_t count, double power, double *restrict values) {
    if (power == 1) {
        WIDE for (size_t i = 0; i < count; i++) values[i] = rounded(integers[i]);
    } else {
        WIDE for (size_t i = 0; i < count; i++) values[i] = rounded(integers[i]) / power;
    }
}

typedef uint64_t four __attribute__((vector_size(32)));
typedef double four_values __attribute__((vector_size(32)));

// Values and sums of differences, four at a time, each with the bits of the magic number on top: what is converted then
// is one subtraction. Says no where a number does not stay below 2^51.
LOOP int small_decimals(
    const uint64_t *restrict numbers, size_t count, int order, int shift, uint64_t least, uint64_t first,
    double power, int divides, double *restrict values) {
    const uint64_t moved = bits_of(magic);
    const four zero = {0, 0, 0, 0};
    uint64_t sum = moved + first;
    uint64_t wrong = 0;
    size_t i = 0;
    if (order == 1) {
        const double value = value_of(sum) - magic;
        values[0] = divides ? value / power : value;
        wrong = sum ^ moved;
        i = 1;
    }
    four wrongs = zero, sums = zero + sum;
    for (; i + 4 <= count; i += 4) {
        four next;
        memcpy(&next, numbers + i, 32);
        next = (next << (uint64_t)shift) + least;
        if (order == 1) {
            next += __builtin_shufflevector(zero, next, 0, 4, 2, 6);
            next += __builtin_shufflevector(zero, next, 0, 0, 5, 5);
            const four last = __builtin_shufflevector(next, next, 3, 3, 3, 3);
            next += sums;
            sums += last;
        } else {
            next += moved;
        }
        wrongs |= next ^ moved;
        four_values converted;
        memcpy(&converted, &next, 32);
        converted -= magic;
        if (divides) converted /= power;
        memcpy(values + i, &converted, 32);
    }
    sum = sums[0];
    for (; i < count; i++) {
        const uint64_t next = least + (numbers[i] << shift);
        sum = order == 1 ? sum + next : moved + next;
        wrong |= sum ^ moved;
        const double value = value_of(sum) - magic;
        values[i] = divides ? value / power : value;
    }
    return ((wrong | wrongs[0] | wrongs[1] | wrongs[2] | wrongs[3]) >> 52) == 0;
}

LOOP int decimals(
    uint64_t *numbers, size_t count, int order, int shift, uint64_t least, uint64_t first, uint64_t first_difference,
    double power, double *values) {
    if (order == 1) {
        const int small = power == 1 ? small_decimals(numbers, count, 1, shift, least, first, power, 0, values)
                                     : small_decimals(numbers, count, 1, shift, least, first, power, 1, values);
        if (small) return (int64_t)least >= 0;
    } else if (order == 0) {
        const int small = power == 1 ? small_decimals(numbers, count, 0, shift, least, first, power, 0, values)
                                     : small_decimals(numbers, count, 0, shift, least, first, power, 1, values);
        if (small) return 0;
    }
    rebuild(numbers, count, order, shift, least, first, first_difference);
    quotients((const int64_t *)numbers, count, power, values);
    return 0;
}

LOOP void correct(double *restrict values, const int64_t *restrict corrections, size_t count) {
    WIDE for (size_t i = 0; i < count; i++) values[i] = value_of(bits_of(values[i]) + (uint64_t)corrections[i]);
}

#define ENTRIES(suffix, attributes)                                                                                    \
    attributes static void unpack_##suffix(const uint8_t *d, size_t c, int w, uint64_t *n) { unpack(d, c, w, n); }     \
    attributes static void rebuild_##suffix(                                                                           \
        uint64_t *n, size_t c, int o, int s, uint64_t l, uint64_t f, uint64_t d) {                                     \
        rebuild(n, c, o, s, l, f, d);                                                                                  \
    }                                                                                                                  \
    attributes static void quotients_##suffix(const int64_t *n, size_t c, double p, double *v) {                       \
        quotients(n, c, p, v);                                                                                         \
    }                                                                                                                  \
    attributes static int decimals_##suffix(                                                                           \
        uint64_t *n, size_t c, int o, int s, uint64_t l, uint64_t f, uint64_t d, double p, double *v) {                \
        return decimals(n, c, o, s, l, f, d, p, v);                                                                    \
    }                                                                                                                  \
    attributes static void correct_##suffix(double *v, const int64_t *k, size_t c) { correct(v, k, c); }

ENTRIES(any, )
#if defined(__x86_64__)
ENTRIES(avx2, AVX2)
#endif

void ccolumns_unpack(const void *data, size_t count, int width, int64_t *numbers) {
    CHOOSE(unpack, (const uint8_t *)data, count, width, (uint64_t *)numbers);
}

void ccolumns_rebuild(
    int64_t *numbers, size_t count, int order, int shift, int64_t least, int64_t first, int64_t first_difference) {
    CHOOSE(rebuild, (uint64_t *)numbers, count, order, shift, (uint64_t)least, (uint64_t)first,
           (uint64_t)first_difference);
}

int ccolumns_decimals(
    int64_t *numbers, size_t count, int order, int shift, int64_t least, int64_t first, int64_t first_difference,
    double power, double *values) {
    CHOOSE(decimals, (uint64_t *)numbers, count, order, shift, (uint64_t)least, (uint64_t)first,
           (uint64_t)first_difference, power, values);
}

void ccolumns_quotients(const int64_t *integers, size_t count, double power, double *values) {
    CHOOSE(quotients, integers, count, power, values);
}

void ccolumns_correct(double *values, const int64_t *corrections, size_t count) {
    CHOOSE(correct, values, corrections, count);
}
