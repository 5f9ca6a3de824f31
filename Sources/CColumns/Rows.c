#include "CColumns.h"

#include "RowBytes.h"

static const uint64_t stale_bits = 0x7ff0000000000002, absent_bits = 0x7ff0000000000003;

LOOP int64_t unzigzag(uint64_t number) { return (int64_t)(number >> 1 ^ (0 - (number & 1))); }

LOOP int64_t sum(int64_t left, int64_t right) { return (int64_t)((uint64_t)left + (uint64_t)right); }

// A value that lies some units in the last place off its decimal.
LOOP uint64_t near(uint64_t code, int64_t mantissa, double power) {
    const int64_t step = (int64_t)code - (code < 6 ? 6 : 5);
    return bits_of((double)mantissa / power) + (uint64_t)step;
}

// Decodes what stands behind the first number of a wanted value that is not a difference of mantissas.
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
            *bits = near(code, *mantissa, powers[*exponent & 15]);
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

// What is known of the chosen slots of a group, and how far memory can be read from the row on.
struct slots {
    const int32_t *places;
    uint64_t *bits;
    const struct ccolumns_chosen *chosen;
    const uint8_t *readable;
};

// Decodes a wanted value, whose first number was read, for the slot `bit` of the group.
LOOP const uint8_t *decode(
    uint64_t number, const uint8_t *cursor, const uint8_t *end, int bit, const struct slots *slots) {
    const int32_t place = slots->places[bit];
    const struct ccolumns_chosen *const chosen = slots->chosen;
    if (number & 1) {
        return decode_rest(
            number >> 1, cursor, end, chosen->powers, slots->bits + place, chosen->mantissas + place,
            chosen->exponents + place);
    }
    const int64_t mantissa = sum(chosen->mantissas[place], unzigzag(number >> 1));
    chosen->mantissas[place] = mantissa;
    // Most numbers are whole, and a division takes longer than all the rest.
    const int exponent = chosen->exponents[place] & 15;
    slots->bits[place] = bits_of(exponent ? (double)mantissa / chosen->powers[exponent] : (double)mantissa);
    return cursor;
}

// Decodes or steps over the values of so many of the changed slots, the lowest ones, which are taken out of `changed`.
LOOP const uint8_t *one_by_one(
    const uint8_t *cursor, const uint8_t *end, int count, uint64_t *changed, uint64_t chosen,
    const struct slots *slots) {
    for (; *changed && count > 0 && cursor; count--, *changed &= *changed - 1) {
        const int bit = __builtin_ctzll(*changed);
        if (!(chosen >> bit & 1)) {
            cursor = skip(cursor, end);
        } else {
            uint64_t number;
            cursor = varint(cursor, end, &number);
            if (cursor) cursor = decode(number, cursor, end, bit, slots);
        }
    }
    return cursor;
}

#if defined(__x86_64__)
// Where values begin and end is found for many at once, so that no number waits for the one before, its length is not
// guessed, and those that nobody wants cost nothing. What is no number goes one by one, with a few behind it, because such
// values come in crowds.
AVX2_BITS static int changes_avx2(
    const uint8_t *cursor, const uint8_t *end, uint64_t changed, uint64_t chosen, const struct slots *slots) {
    enum { few = 4 };
    while (changed) {
        if (__builtin_popcountll(changed) < few) {
            cursor = one_by_one(cursor, end, few, &changed, chosen, slots);
            return cursor != NULL;
        }
        // At the end of the last row there is not enough.
        uint8_t copy[readable_bytes];
        const size_t rest = (size_t)(end - cursor);
        const uint8_t *bytes = cursor;
        if (slots->readable - cursor < readable_bytes) {
            memset(copy, 0, sizeof copy);
            memcpy(copy, cursor, rest);
            bytes = copy;
        }
        int is_cut;
        const uint32_t ends = value_ends(bytes, rest, &is_cut);
        // The slots whose values end here, and of them the wanted ones: their values' first bytes and last.
        const uint64_t told = _pdep_u64(((uint64_t)1 << __builtin_popcount(ends)) - 1, changed);
        const uint32_t numbers = (uint32_t)_pext_u64(told & chosen, told);
        uint32_t first_bytes = _pdep_u32(numbers, ends << 1 | 1), last_bytes = _pdep_u32(numbers, ends);
        for (uint64_t wanted = told & chosen; wanted; wanted &= wanted - 1) {
            const uint32_t first = _tzcnt_u32(first_bytes), last = _tzcnt_u32(last_bytes);
            uint64_t word;
            memcpy(&word, bytes + first, 8);
            const int bit = (int)_tzcnt_u64(wanted);
            first_bytes &= first_bytes - 1;
            last_bytes &= last_bytes - 1;
            if (__builtin_expect(last - first >= 8, 0)) {
                uint64_t number;
                const uint8_t *const behind = varint(bytes + first, bytes + readable_bytes, &number);
                if (!behind || !decode(number, behind, bytes + readable_bytes, bit, slots)) return 0;
                continue;
            }
            // A code is stepped over; the number is that behind it then.
            const int has_code = word & 1;
            const uint64_t code = (word & 0xff) >> 1;
            const uint64_t number = _pext_u64(
                _bzhi_u64(word, 8 * (last - first + 1)) >> 8 * has_code, 0x7f7f7f7f7f7f7f7f);
            if (!has_code) {
                decode(number, bytes, bytes, bit, slots);
            } else if (code <= last_ulp_code) {
                const int32_t place = slots->places[bit];
                int64_t *const mantissa = slots->chosen->mantissas + place;
                *mantissa = sum(*mantissa, unzigzag(number));
                slots->bits[place] = near(code, *mantissa, slots->chosen->powers[slots->chosen->exponents[place] & 15]);
            } else if (!decode(word & 0x7f, bytes + first + 1, bytes + readable_bytes, bit, slots)) {
                return 0;
            }
        }
        changed ^= told;
        cursor += window_bytes - _lzcnt_u32(ends);
        if (is_cut || ends == 0) {
            cursor = one_by_one(cursor, end, few, &changed, chosen, slots);
            if (!cursor) return 0;
        }
    }
    return 1;
}
#endif

static int changes_any(
    const uint8_t *cursor, const uint8_t *end, uint64_t changed, uint64_t chosen, const struct slots *slots) {
    return one_by_one(cursor, end, 64, &changed, chosen, slots) != NULL;
}

typedef int decoding(
    const uint8_t *cursor, const uint8_t *end, uint64_t changed, uint64_t chosen, const struct slots *slots);

// Every slot has no sample and no decimals.
static void reset(const struct ccolumns_chosen *chosen, uint64_t *bits) {
    for (size_t i = 0; i < chosen->width; i++) bits[i] = absent_bits;
    memset(chosen->mantissas, 0, chosen->width * sizeof *chosen->mantissas);
    memset(chosen->exponents, ccolumns_no_exponent, chosen->width);
}

// Decodes what a row changes in the chosen slots; the form is that of `RowFormat`.
LOOP int decode_row(
    const uint8_t *row, size_t byte_count, const uint8_t *readable, const struct ccolumns_chosen *chosen, uint64_t *bits,
    decoding *changes) {
    struct row_head head;
    if (!read_head(row, byte_count, &head)) return 0;
    if (head.is_key) reset(chosen, bits);
    for (size_t i = 0; i < chosen->page_count; i++) {
        const struct ccolumns_page *const page = chosen->pages + i;
        if (page->number >= head.pages) break;
        const uint64_t changed = changed_slots(&head, page->number);
        if (!(changed & page->chosen)) continue;
        const uint8_t *const values = changed_values(&head, page->number);
        if (!values) return 0;
        // Nothing is to be had behind the last chosen one.
        const uint64_t mask = changed & (~(uint64_t)0 >> __builtin_clzll(page->chosen));
        const struct slots slots = {chosen->places + 64 * i, bits, chosen, readable};
        if (!changes(values, row + head.size, mask, page->chosen, &slots)) return 0;
    }
    return 1;
}

LOOP void copy(const uint64_t *from, size_t count, uint64_t *to) {
    // Often one series of a source is wanted.
    if (count == 1) *to = *from; else memcpy(to, from, count * sizeof *to);
}

int ccolumns_rows(
    const uint8_t *block, const struct ccolumns_row *rows, size_t count, const struct ccolumns_chosen *chosen,
    const uint64_t *before, uint64_t *bits, size_t stride) {
    decoding *changes = changes_any;
#if defined(__x86_64__)
    if (HAS_AVX2_BITS) changes = changes_avx2;
#endif
    const uint8_t *const readable = rows_end(block, rows, count);
    for (size_t i = 0; i < count; i++) {
        fetch_ahead(block, rows, count, i);
        if (bits != before) copy(before, chosen->width, bits);
        if (!decode_row(block + rows[i].offset, rows[i].byte_count, readable, chosen, bits, changes)) return 0;
        before = bits;
        bits += stride;
    }
    return 1;
}

void ccolumns_turn(const uint64_t *rows, size_t row_count, size_t width, double *columns, size_t column_stride) {
    for (size_t column = 0; column < width; column++) {
        double *target = columns + column * column_stride;
        for (size_t row = 0; row < row_count; row++) target[row] = value_of(rows[row * width + column]);
    }
}
