#include "CColumns.h"

#include "Dispatch.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

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

// A value that lies some units in the last place off its decimal.
LOOP uint64_t near(uint64_t code, int64_t mantissa, double power) {
    const int64_t step = (int64_t)code - (code < 6 ? 6 : 5);
    return bits_of((double)mantissa / power) + (uint64_t)step;
}

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
#define AVX2_BITS __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))
#define HAS_AVX2_BITS                                                                                                  \
    (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")                \
     && __builtin_cpu_supports("lzcnt") && __builtin_cpu_supports("popcnt"))

// Bytes that are looked at together, and how many must be there so that a word can be read from each of them.
enum { window_bytes = 32, readable_bytes = window_bytes + 8 };

// Of bits that stand for bytes, those of codes: in a run of candidates every second is the number that belongs to the one
// before. The subtraction finds them as it finds escaped quotes in JSON (Langdale and Lemire, "Parsing gigabytes of JSON per
// second", 2019).
LOOP uint32_t codes_among(uint32_t candidates) {
    const uint32_t odd = 0xaaaaaaaa;
    return (((candidates << 1 | odd) - candidates) ^ odd) & candidates;
}

// A bit for each of the bytes in which a value ends, as far as all values are numbers, or codes with a number behind them;
// `is_cut` tells whether another one follows.
AVX2_BITS static inline uint32_t value_ends(const uint8_t *bytes, size_t count, int *is_cut) {
    const __m256i all = _mm256_loadu_si256((const __m256i_u *)bytes);
    const uint32_t going_on = (uint32_t)_mm256_movemask_epi8(all), stops = ~going_on;
    const uint32_t odds = (uint32_t)_mm256_movemask_epi8(_mm256_slli_epi16(all, 7)) & (stops << 1 | 1);
    const uint32_t codes = codes_among(odds & stops);
    // The two codes below 2, and those behind the last one with a number.
    const __m256i markers = _mm256_cmpeq_epi8(_mm256_or_si256(all, _mm256_set1_epi8(2)), _mm256_set1_epi8(3));
    const __m256i exclusive = _mm256_cmpgt_epi8(all, _mm256_set1_epi8(last_exponent_code << 1 | 1));
    const uint32_t without_number = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(markers, exclusive)) & codes;
    // No code has more than one byte.
    const uint32_t others = without_number | (odds & going_on & ~(codes << 1));
    *is_cut = others != 0;
    const uint32_t there = count < window_bytes ? ((uint32_t)1 << count) - 1 : ~(uint32_t)0;
    return stops & ~codes & there & ((others & (0 - others)) - 1);
}

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

LOOP uint32_t payload_offset(const uint8_t *offsets, size_t page, uint32_t is_wide) {
    uint32_t offset;
    uint16_t narrow;
    if (is_wide) {
        memcpy(&offset, offsets + 4 * page, 4);
        return offset;
    }
    memcpy(&narrow, offsets + 2 * page, 2);
    return narrow;
}

// Decodes what a row changes in the chosen slots; the form is that of `RowFormat`.
LOOP int decode_row(
    const uint8_t *row, size_t byte_count, const uint8_t *readable, const struct ccolumns_chosen *chosen, uint64_t *bits,
    decoding *changes) {
    enum { head_bytes = 16, key_flag = 1, wide_flag = 4 };
    if (byte_count < head_bytes) return 0;
    uint32_t size, slots_and_flags;
    memcpy(&size, row, 4);
    memcpy(&slots_and_flags, row + 4, 4);
    const uint32_t flags = slots_and_flags >> 24, is_wide = flags & wide_flag;
    const size_t pages = ((slots_and_flags & 0xffffff) + 63) >> 6, offsets = head_bytes + 8 * pages;
    const size_t payload = offsets + (is_wide ? 4 : 2) * pages;
    if (size > byte_count || size < payload) return 0;
    if (flags & key_flag) reset(chosen, bits);
    for (size_t i = 0; i < chosen->page_count; i++) {
        const struct ccolumns_page *const page = chosen->pages + i;
        if (page->number >= pages) break;
        uint64_t changed;
        memcpy(&changed, row + head_bytes + 8 * page->number, 8);
        if (!(changed & page->chosen)) continue;
        const uint32_t offset = payload_offset(row + offsets, page->number, is_wide);
        if (offset > size - payload) return 0;
        // Nothing is to be had behind the last chosen one.
        const uint64_t mask = changed & (~(uint64_t)0 >> __builtin_clzll(page->chosen));
        const struct slots slots = {chosen->places + 64 * i, bits, chosen, readable};
        if (!changes(row + payload + offset, row + size, mask, page->chosen, &slots)) return 0;
    }
    return 1;
}

LOOP void fetch(const uint8_t *block, const struct ccolumns_row *row) {
    for (int line = 0; line < 4; line++) __builtin_prefetch(block + row->offset + 64 * line);
}

LOOP void copy(const uint64_t *from, size_t count, uint64_t *to) {
    // Often one series of a source is wanted.
    if (count == 1) *to = *from; else memcpy(to, from, count * sizeof *to);
}

int ccolumns_rows(
    const uint8_t *block, const struct ccolumns_row *rows, size_t count, const struct ccolumns_chosen *chosen,
    const uint64_t *before, uint64_t *bits, size_t stride) {
    // Rows of many sources are not in the cache; so many are asked for ahead.
    enum { ahead = 3 };
    decoding *changes = changes_any;
#if defined(__x86_64__)
    if (HAS_AVX2_BITS) changes = changes_avx2;
#endif
    // What is behind the rows may be written meanwhile.
    const uint8_t *const readable = count > 0 ? block + rows[count - 1].offset + rows[count - 1].byte_count : block;
    for (size_t i = 0; i < ahead && i < count; i++) fetch(block, rows + i);
    for (size_t i = 0; i < count; i++) {
        if (i + ahead < count) fetch(block, rows + i + ahead);
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
