#ifndef LAPWING_CCOLUMNS_ROW_BYTES_H
#define LAPWING_CCOLUMNS_ROW_BYTES_H

// The bytes of a row of the head: its head, and where its values begin and end. TSDB's `RowFormat` and `ValueCodec` draw them.

#include "Dispatch.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { last_ulp_code = 9, first_exponent_code = 10, last_exponent_code = 25, last_code = 33 };

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
#endif

// A row's head: where its lists begin, and how many groups of 64 slots it has.
struct row_head {
    const uint8_t *row;
    uint32_t size, is_key, is_wide;
    size_t pages, offsets, payload;
};

// 0 where the bytes cannot be a row.
LOOP int read_head(const uint8_t *row, size_t byte_count, struct row_head *head) {
    enum { head_bytes = 16, key_flag = 1, wide_flag = 4 };
    if (byte_count < head_bytes) return 0;
    uint32_t slots_and_flags;
    memcpy(&head->size, row, 4);
    memcpy(&slots_and_flags, row + 4, 4);
    const uint32_t flags = slots_and_flags >> 24;
    head->row = row;
    head->is_key = flags & key_flag;
    head->is_wide = flags & wide_flag;
    head->pages = ((slots_and_flags & 0xffffff) + 63) >> 6;
    head->offsets = head_bytes + 8 * head->pages;
    head->payload = head->offsets + (head->is_wide ? 4 : 2) * head->pages;
    return head->size <= byte_count && head->size >= head->payload;
}

// The slots of a group that the row changes.
LOOP uint64_t changed_slots(const struct row_head *head, size_t page) {
    uint64_t changed;
    memcpy(&changed, head->row + head->offsets - 8 * (head->pages - page), 8);
    return changed;
}

// Where the values of a group begin, NULL where that is not inside the row.
LOOP const uint8_t *changed_values(const struct row_head *head, size_t page) {
    const uint8_t *const offsets = head->row + head->offsets;
    uint32_t offset;
    uint16_t narrow;
    if (head->is_wide) {
        memcpy(&offset, offsets + 4 * page, 4);
    } else {
        memcpy(&narrow, offsets + 2 * page, 2);
        offset = narrow;
    }
    return offset <= head->size - head->payload ? head->row + head->payload + offset : NULL;
}

// Asks memory for the beginnings of rows that are read soon, because those of many sources are not in the cache: for the first ones
// before row 0, for one more before each row behind it.
LOOP void fetch_ahead(const uint8_t *block, const struct ccolumns_row *rows, size_t count, size_t next) {
    enum { ahead = 3 };
    for (size_t i = next == 0 ? 0 : next + ahead; i <= next + ahead && i < count; i++) {
        for (int line = 0; line < 4; line++) __builtin_prefetch(block + rows[i].offset + 64 * line);
    }
}

// How far memory can be read from rows on: what is behind them may be written meanwhile.
LOOP const uint8_t *rows_end(const uint8_t *block, const struct ccolumns_row *rows, size_t count) {
    return count > 0 ? block + rows[count - 1].offset + rows[count - 1].byte_count : block;
}

#endif
