#include "CColumns.h"

#include "Dispatch.h"

// Byte by byte: near the end of the bytes, and numbers of more than 56 bits.
static __attribute__((noinline)) const uint8_t *long_varint(
    const uint8_t *cursor, const uint8_t *end, uint64_t *number) {
    uint64_t result = 0;
    for (int shift = 0; cursor < end && shift < 70; shift += 7) {
        const uint8_t byte = *cursor++;
        if (shift < 64) result |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *number = result;
            return cursor;
        }
    }
    return NULL;
}

// Where the number ends, NULL where it does not.
LOOP const uint8_t *varint(const uint8_t *cursor, const uint8_t *end, uint64_t *number) {
    if (end - cursor < 8) return long_varint(cursor, end, number);
    // Most are one byte, and where that is guessed the next number need not wait for where this one ends.
    if (*cursor < 0x80) {
        *number = *cursor;
        return cursor + 1;
    }
    uint64_t word;
    memcpy(&word, cursor, 8);
    // The highest bit of the last byte is the lowest one that is clear.
    const uint64_t stop = ~word & 0x8080808080808080;
    if (stop == 0) return long_varint(cursor, end, number);
    // Groups of seven bits are put together two, four and eight at a time.
    uint64_t groups = word & (stop ^ (stop - 1)) & 0x7f7f7f7f7f7f7f7f;
    groups = (groups & 0x007f007f007f007f) | (groups & 0x7f007f007f007f00) >> 1;
    groups = (groups & 0x00003fff00003fff) | (groups & 0x3fff00003fff0000) >> 2;
    *number = (groups & 0x000000000fffffff) | (groups & 0x0fffffff00000000) >> 4;
    return cursor + (__builtin_ctzll(stop) >> 3) + 1;
}

LOOP int64_t unzigzag(uint64_t number) { return (int64_t)(number >> 1 ^ (0 - (number & 1))); }

LOOP int64_t sum(int64_t left, int64_t right) { return (int64_t)((uint64_t)left + (uint64_t)right); }

static const uint64_t stale_bits = 0x7ff0000000000002, absent_bits = 0x7ff0000000000003;

enum { last_ulp_code = 9, first_exponent_code = 10, last_exponent_code = 25, last_code = 33 };

// What stands behind the first number of a value that is not a difference of mantissas.
static __attribute__((noinline)) const uint8_t *skip_rest(uint64_t code, const uint8_t *cursor, const uint8_t *end) {
    uint64_t number;
    if (code < 2) return cursor;
    if (code <= last_exponent_code) return varint(cursor, end, &number);
    const ptrdiff_t bytes = (ptrdiff_t)code - last_exponent_code;
    return code <= last_code && end - cursor >= bytes ? cursor + bytes : NULL;
}

// Where a value ends that is not wanted, NULL where it does not. Whether it is one number or two is chosen and not guessed.
LOOP const uint8_t *skip(const uint8_t *cursor, const uint8_t *end) {
    uint64_t number;
    if (end - cursor >= 8) {
        uint64_t word;
        memcpy(&word, cursor, 8);
        const uint64_t stops = ~word & 0x8080808080808080, later_stops = stops & (stops - 1);
        const uint64_t code = (word & 0xff) >> 1;
        // A code is one byte, and an odd one.
        const int has_code = (word & 0x81) == 1;
        const uint64_t chosen = has_code ? later_stops : stops;
        const int is_usual = (!has_code | ((code >= 2) & (code <= last_exponent_code))) & !((word & 1) > (uint64_t)has_code);
        if (__builtin_expect(is_usual & (chosen != 0), 1)) return cursor + (__builtin_ctzll(chosen) >> 3) + 1;
    }
    cursor = varint(cursor, end, &number);
    return cursor && (number & 1) ? skip_rest(number >> 1, cursor, end) : cursor;
}

// The same for a value that is wanted.
static __attribute__((noinline)) const uint8_t *decode_rest(
    uint64_t code, const uint8_t *cursor, const uint8_t *end, const double *powers, uint64_t *bits, int64_t *mantissa,
    uint8_t *exponent) {
    uint64_t number;
    if (code < 2) {
        *bits = code == 0 ? stale_bits : absent_bits;
        return cursor;
    }
    if (code <= last_exponent_code) {
        cursor = varint(cursor, end, &number);
        if (!cursor) return NULL;
        if (code <= last_ulp_code) {
            *mantissa = sum(*mantissa, unzigzag(number));
            const int64_t step = (int64_t)code - (code < 6 ? 6 : 5);
            *bits = bits_of((double)*mantissa / powers[*exponent & 15]) + (uint64_t)step;
        } else {
            *mantissa = unzigzag(number);
            *exponent = (uint8_t)(code - first_exponent_code);
            *bits = bits_of((double)*mantissa / powers[*exponent]);
        }
        return cursor;
    }
    const ptrdiff_t bytes = (ptrdiff_t)code - last_exponent_code;
    if (code > last_code || end - cursor < bytes) return NULL;
    uint64_t difference = 0;
    memcpy(&difference, cursor, (size_t)bytes);
    *bits ^= difference;
    return cursor + bytes;
}

int ccolumns_row_changes(
    const uint8_t *cursor, const uint8_t *end, uint64_t changed, uint64_t chosen, const int32_t *places,
    const double *powers, uint64_t *bits, int64_t *mantissas, uint8_t *exponents) {
    for (; changed; changed &= changed - 1) {
        const int bit = __builtin_ctzll(changed);
        if (!(chosen >> bit & 1)) {
            cursor = skip(cursor, end);
        } else {
            uint64_t number;
            cursor = varint(cursor, end, &number);
            if (!cursor) return 0;
            const int32_t place = places[bit];
            if (number & 1) {
                cursor = decode_rest(
                    number >> 1, cursor, end, powers, bits + place, mantissas + place, exponents + place);
            } else {
                const int64_t mantissa = sum(mantissas[place], unzigzag(number >> 1));
                mantissas[place] = mantissa;
                // Most numbers are whole, and a division takes longer than all the rest.
                const int exponent = exponents[place] & 15;
                bits[place] = bits_of(exponent ? (double)mantissa / powers[exponent] : (double)mantissa);
            }
        }
        if (!cursor) return 0;
    }
    return 1;
}

void ccolumns_turn(const uint64_t *rows, size_t row_count, size_t width, double *columns, size_t column_stride) {
    for (size_t column = 0; column < width; column++) {
        double *target = columns + column * column_stride;
        for (size_t row = 0; row < row_count; row++) target[row] = value_of(rows[row * width + column]);
    }
}
