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

// What stands before the blocks of an integer column; TSDB's `IntegerColumn` draws the form.
struct packing {
    int order, shift;
    // Whether what becomes of the numbers is divided by more than one.
    int divides;
    uint64_t first, first_difference, least;
};

struct block {
    int width, patch_count;
    const uint8_t *patches, *data;
    // What the patches add to all numbers together.
    uint64_t patch_sum;
};

enum { block_count = 128, patch_mark = 0x10 };

// Each of these answers where what it has read ends, nothing where it is damaged.

LOOP const uint8_t *read_varint(const uint8_t *cursor, const uint8_t *end, uint64_t *value) {
    uint64_t read = 0;
    for (int shift = 0; cursor < end && shift < 64; shift += 7) {
        const uint8_t byte = *cursor++;
        read |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value = read;
            return cursor;
        }
    }
    return NULL;
}

LOOP const uint8_t *read_zigzag(const uint8_t *cursor, const uint8_t *end, uint64_t *value) {
    uint64_t read = 0;
    cursor = read_varint(cursor, end, &read);
    *value = read >> 1 ^ (0 - (read & 1));
    return cursor;
}

LOOP const uint8_t *read_packing(const uint8_t *cursor, const uint8_t *end, size_t count, struct packing *packing) {
    if (cursor == end) return NULL;
    const uint8_t head = *cursor++;
    packing->order = head >> 6;
    packing->shift = head & 63;
    packing->divides = 0;
    packing->first = packing->first_difference = 0;
    if (packing->order > 2 || (size_t)packing->order >= count) return NULL;
    if (packing->order > 0 && !(cursor = read_zigzag(cursor, end, &packing->first))) return NULL;
    if (packing->order > 1 && !(cursor = read_zigzag(cursor, end, &packing->first_difference))) return NULL;
    return read_zigzag(cursor, end, &packing->least);
}

// A number's bits above the width of its block, behind the number's place; they are nearly always one byte.
LOOP const uint8_t *read_patch(const uint8_t *cursor, const uint8_t *end, size_t *place, uint64_t *high) {
    if (end - cursor < 2) return NULL;
    *place = cursor[0];
    *high = cursor[1];
    return cursor[1] < 0x80 ? cursor + 2 : read_varint(cursor + 1, end, high);
}

// Steps over patches of one byte each, four at a time as long as there are four, and sums them; none where one of them is
// longer or stands at no place of the block.
LOOP int short_patches(const uint8_t *cursor, const uint8_t *end, size_t count, struct block *block) {
    const uint64_t places = 0x00ff00ff00ff00ff, tops = 0x8080808080808080, beyond = (128 - count) * 0x0001000100010001;
    const int whole = block->patch_count & ~3;
    if (whole == 0 || end - cursor < 2 * whole || count > 128) return 0;
    uint64_t wrong = 0, sums = 0;
    for (int i = 0; i < whole; i += 4) {
        uint64_t four;
        memcpy(&four, cursor + 2 * i, 8);
        // A place at or behind the end of the block has its highest bit set by the sum, like one that has it already.
        wrong |= four | ((four & places) + beyond);
        sums += four >> 8 & places;
    }
    if (wrong & tops) return 0;
    block->patch_sum = sums * 0x0001000100010001 >> 48;
    return whole;
}

LOOP const uint8_t *read_block(const uint8_t *cursor, const uint8_t *end, size_t count, struct block *block) {
    if (cursor == end) return NULL;
    const uint8_t head = *cursor++;
    block->width = head & 0x0f;
    block->patch_count = 0;
    if (block->width > 8 || (head & ~(patch_mark | 0x0f)) != 0) return NULL;
    if (head & patch_mark) {
        if (cursor == end) return NULL;
        block->patch_count = *cursor++;
    }
    // Patches come before the data: they are stepped over, and read once the data is there.
    block->patches = cursor;
    block->patch_sum = 0;
    const int skipped = short_patches(cursor, end, count, block);
    cursor += 2 * skipped;
    for (int i = skipped; i < block->patch_count; i++) {
        size_t place;
        uint64_t high;
        if (!(cursor = read_patch(cursor, end, &place, &high)) || place >= count) return NULL;
        block->patch_sum += high;
    }
    block->data = cursor;
    const size_t bytes = count * (size_t)block->width;
    return (size_t)(end - cursor) < bytes ? NULL : cursor + bytes;
}

// Numbers of a block or column: those from `from` to below `to`.
struct wanted {
    size_t from, to;
};

LOOP void unpack_block(const struct block *block, struct wanted wanted, uint64_t *numbers) {
    const size_t count = wanted.to - wanted.from;
    unpack(block->data + wanted.from * (size_t)block->width, count, block->width, numbers);
    const uint8_t *cursor = block->patches;
    for (int i = 0; i < block->patch_count; i++) {
        size_t place = 0;
        uint64_t high = 0;
        cursor = read_patch(cursor, block->data, &place, &high);
        if (place - wanted.from < count && block->width < 8) numbers[place - wanted.from] |= high << 8 * block->width;
    }
}

LOOP uint64_t load_one(const uint8_t *data, int width) {
    uint64_t number = 0;
    memcpy(&number, data, (size_t)width);
    return number;
}

typedef uint8_t sixteen_bytes __attribute__((vector_size(16)));
typedef uint32_t four_words __attribute__((vector_size(16)));
typedef uint64_t two_longs __attribute__((vector_size(16)));

// The sum of numbers of three or of five to seven bytes, at most a block of them. Sixteen bytes at a time are spread over four
// or two places, as long as there are sixteen; sums of three bytes fit four.
LOOP uint64_t uneven_sum(const uint8_t *restrict data, size_t count, int width) {
    const size_t together = width == 3 ? 4 : 2, bytes = count * (size_t)width;
    const sixteen_bytes zero = {0};
    four_words narrow_sums = {0};
    two_longs wide_sums = {0};
    size_t i = 0;
    for (; i * (size_t)width + 16 <= bytes; i += together) {
        sixteen_bytes packed;
        memcpy(&packed, data + i * (size_t)width, 16);
        switch (width) {
        case 3:
            narrow_sums += (four_words)__builtin_shufflevector(
                packed, zero, 0, 1, 2, 16, 3, 4, 5, 16, 6, 7, 8, 16, 9, 10, 11, 16);
            break;
        case 5:
            wide_sums += (two_longs)__builtin_shufflevector(
                packed, zero, 0, 1, 2, 3, 4, 16, 16, 16, 5, 6, 7, 8, 9, 16, 16, 16);
            break;
        case 6:
            wide_sums += (two_longs)__builtin_shufflevector(
                packed, zero, 0, 1, 2, 3, 4, 5, 16, 16, 6, 7, 8, 9, 10, 11, 16, 16);
            break;
        default: // 7
            wide_sums += (two_longs)__builtin_shufflevector(
                packed, zero, 0, 1, 2, 3, 4, 5, 6, 16, 7, 8, 9, 10, 11, 12, 13, 16);
        }
    }
    uint64_t sum = wide_sums[0] + wide_sums[1];
    for (int place = 0; place < 4; place++) sum += narrow_sums[place];
    for (; i < count; i++) sum += load_one(data + i * (size_t)width, width);
    return sum;
}

// The sum of numbers as they are packed, at most a block of them: those of narrow ones fit four bytes.
LOOP uint64_t packed_sum(const uint8_t *restrict data, size_t count, int width) {
    uint32_t narrow_sum = 0;
    uint64_t sum = 0;
    switch (width) {
    case 0: return 0;
    case 1:
        WIDE for (size_t i = 0; i < count; i++) narrow_sum += data[i];
        return narrow_sum;
    case 2:
        WIDE for (size_t i = 0; i < count; i++) {
            uint16_t number;
            memcpy(&number, data + 2 * i, 2);
            narrow_sum += number;
        }
        return narrow_sum;
    case 4:
        WIDE for (size_t i = 0; i < count; i++) {
            uint32_t number;
            memcpy(&number, data + 4 * i, 4);
            sum += number;
        }
        return sum;
    case 3: return uneven_sum(data, count, 3);
    case 5: return uneven_sum(data, count, 5);
    case 6: return uneven_sum(data, count, 6);
    case 7: return uneven_sum(data, count, 7);
    default: break;
    }
    for (size_t i = 0; i < count; i++) sum += load_one(data + 8 * i, 8);
    return sum;
}

// The sum of the first of a block's `length` numbers.
LOOP uint64_t sum_of(const struct block *block, size_t count, size_t length) {
    const uint64_t sum = packed_sum(block->data, count, block->width);
    if (block->width == 8) return sum;
    uint64_t patched = block->patch_sum;
    if (count < length) {
        patched = 0;
        const uint8_t *cursor = block->patches;
        for (int i = 0; i < block->patch_count; i++) {
            size_t place = 0;
            uint64_t high = 0;
            cursor = read_patch(cursor, block->data, &place, &high);
            if (place < count) patched += high;
        }
    }
    return sum + (patched << 8 * block->width);
}

LOOP const uint8_t *unpack_all(
    const uint8_t *cursor, const uint8_t *end, size_t count, const struct packing *packing, uint64_t *numbers) {
    for (size_t start = (size_t)packing->order; start < count; start += block_count) {
        const size_t length = count - start < block_count ? count - start : block_count;
        struct block block;
        if (!(cursor = read_block(cursor, end, length, &block))) return NULL;
        unpack_block(&block, (struct wanted){0, length}, numbers + start);
    }
    return cursor;
}

LOOP const uint8_t *integers(const uint8_t *cursor, const uint8_t *end, size_t count, uint64_t *numbers) {
    struct packing packing;
    if (!(cursor = read_packing(cursor, end, count, &packing))) return NULL;
    if (!(cursor = unpack_all(cursor, end, count, &packing, numbers))) return NULL;
    rebuild(
        numbers, count, packing.order, packing.shift, packing.least, packing.first, packing.first_difference);
    return cursor;
}

// The compiler makes one, two or four vectors of each, as the processor has them.
typedef uint8_t eight_bytes __attribute__((vector_size(8)));
typedef uint16_t eight_shorts __attribute__((vector_size(16)));
typedef uint32_t eight_words __attribute__((vector_size(32)));
typedef uint64_t eight __attribute__((vector_size(64)));
typedef double eight_values __attribute__((vector_size(64)));

// What small_block carries from number to number: the sum so far in every place, and the bits that were ever set above
// those of the magic number.
struct running {
    eight sums, wrongs;
};

// Eight numbers of 1, 2, 4 or 8 bytes.
LOOP void load_eight(const uint8_t *data, int width, eight *numbers) {
    if (width == 1) {
        eight_bytes narrow;
        memcpy(&narrow, data, sizeof narrow);
        *numbers = __builtin_convertvector(narrow, eight);
    } else if (width == 2) {
        eight_shorts narrow;
        memcpy(&narrow, data, sizeof narrow);
        *numbers = __builtin_convertvector(narrow, eight);
    } else if (width == 4) {
        eight_words narrow;
        memcpy(&narrow, data, sizeof narrow);
        *numbers = __builtin_convertvector(narrow, eight);
    } else {
        memcpy(numbers, data, sizeof *numbers);
    }
}

// Eight values, or sums of differences, each with the bits of the magic number on top: what is converted then is one
// subtraction. True only where all stay below 2^51.
LOOP void small_eight(
    eight *residuals, const struct packing *packing, double power, struct running *running, eight_values *values) {
    const eight zero = {0};
    eight next = (*residuals << (uint64_t)packing->shift) + packing->least;
    if (packing->order == 1) {
        next += __builtin_shufflevector(zero, next, 0, 8, 0, 10, 0, 12, 0, 14);
        next += __builtin_shufflevector(zero, next, 0, 0, 9, 9, 0, 0, 13, 13);
        next += __builtin_shufflevector(zero, next, 0, 0, 0, 0, 11, 11, 11, 11);
        const eight last = __builtin_shufflevector(next, next, 7, 7, 7, 7, 7, 7, 7, 7);
        next += running->sums;
        running->sums += last;
    } else {
        next += running->sums;
    }
    running->wrongs |= next ^ bits_of(magic);
    memcpy(values, &next, sizeof next);
    *values -= magic;
    if (packing->divides) *values /= power;
}

// Numbers straight from their bytes.
LOOP void small_numbers(
    const uint8_t *data, int width, size_t count, const struct packing *packing, double power,
    struct running *carried, double *restrict values) {
    struct running running = *carried;
    eight residuals = {0};
    eight_values converted;
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        if (width > 0) load_eight(data + i * (size_t)width, width, &residuals);
        small_eight(&residuals, packing, power, &running, &converted);
        memcpy(values + i, &converted, sizeof converted);
    }
    // One after the other where no eight are left; the sum so far is in every place.
    const uint64_t before = running.sums[0], least = packing->least, kept = packing->order == 1 ? ~(uint64_t)0 : 0;
    const int shift = packing->shift;
    uint64_t sum = before, wrong = 0;
    for (; i < count; i++) {
        const uint64_t next = (load_one(data + i * (size_t)width, width) << shift) + least + sum;
        sum += (next - sum) & kept;
        wrong |= next ^ bits_of(magic);
        values[i] = (value_of(next) - magic) / power;
    }
    running.sums += sum - before;
    running.wrongs[0] |= wrong;
    *carried = running;
}

LOOP void small_numbers_of(
    const uint8_t *data, int width, size_t count, const struct packing *packing, double power,
    struct running *running, double *restrict values) {
    switch (width) {
    case 0: small_numbers(data, 0, count, packing, power, running, values); return;
    case 1: small_numbers(data, 1, count, packing, power, running, values); return;
    case 2: small_numbers(data, 2, count, packing, power, running, values); return;
    case 4: small_numbers(data, 4, count, packing, power, running, values); return;
    default: small_numbers(data, 8, count, packing, power, running, values); return;
    }
}

// Numbers before the wanted ones are only summed, and where values are no sums they are not looked at.
LOOP const uint8_t *small_decimals(
    const uint8_t *cursor, const uint8_t *end, size_t count, struct wanted wanted, const struct packing *packing,
    double power, double *values, int *are_small) {
    const uint64_t moved = bits_of(magic);
    struct running running = {{0}, {0}};
    running.sums += packing->order == 1 ? moved + packing->first : moved;
    if (packing->order == 1) {
        const double value = value_of(moved + packing->first) - magic;
        if (wanted.from == 0) values[0] = power == 1 ? value : value / power;
        running.wrongs[0] = (moved + packing->first) ^ moved;
    }
    for (size_t start = (size_t)packing->order; start < count; start += block_count) {
        const size_t length = count - start < block_count ? count - start : block_count;
        struct block block;
        if (!(cursor = read_block(cursor, end, length, &block))) return NULL;
        if (start >= wanted.to) continue;
        const size_t before = wanted.from > start ? wanted.from - start : 0, rest = wanted.to - start;
        const struct wanted here = {before < length ? before : length, rest < length ? rest : length};
        if (packing->order == 1 && here.from > 0) {
            running.sums += (sum_of(&block, here.from, length) << packing->shift) + here.from * packing->least;
        }
        if (here.from == here.to) continue;
        const int is_direct = block.patch_count == 0 && (block.width & (block.width - 1)) == 0;
        uint64_t numbers[block_count];
        if (!is_direct) unpack_block(&block, here, numbers);
        small_numbers_of(
            is_direct ? block.data + here.from * (size_t)block.width : (const uint8_t *)numbers,
            is_direct ? block.width : 8, here.to - here.from, packing, power, &running,
            values + (start + here.from - wanted.from));
    }
    uint64_t wrong = 0;
    for (int i = 0; i < 8; i++) wrong |= running.wrongs[i];
    *are_small = wrong >> 52 == 0;
    return cursor;
}

LOOP const uint8_t *decimals(
    const uint8_t *cursor, const uint8_t *end, size_t count, struct wanted wanted, double power, uint64_t *scratch,
    double *values, int *rises) {
    struct packing packing;
    *rises = 0;
    const uint8_t *const start = read_packing(cursor, end, count, &packing);
    if (!start) return NULL;
    packing.divides = power != 1;
    if (packing.order < 2) {
        int are_small;
        const uint8_t *const after = small_decimals(
            start, end, count, wanted, &packing, power, values, &are_small);
        if (!after) return NULL;
        if (are_small) {
            *rises = packing.order == 1 && (int64_t)packing.least >= 0;
            return after;
        }
    }
    const uint8_t *const after = unpack_all(start, end, count, &packing, scratch);
    if (!after) return NULL;
    rebuild(
        scratch, count, packing.order, packing.shift, packing.least, packing.first, packing.first_difference);
    quotients((const int64_t *)scratch + wanted.from, wanted.to - wanted.from, power, values);
    return after;
}

LOOP void correct(double *restrict values, const int64_t *restrict corrections, size_t count) {
    WIDE for (size_t i = 0; i < count; i++) values[i] = value_of(bits_of(values[i]) + (uint64_t)corrections[i]);
}

#define ENTRIES(suffix, attributes)                                                                                    \
    attributes static const uint8_t *integers_##suffix(                                                                \
        const uint8_t *d, const uint8_t *e, size_t c, uint64_t *n) {                                                   \
        return integers(d, e, c, n);                                                                                   \
    }                                                                                                                  \
    attributes static const uint8_t *decimals_##suffix(                                                                \
        const uint8_t *d, const uint8_t *e, size_t c, struct wanted w, double p, uint64_t *s, double *v, int *r) {     \
        return decimals(d, e, c, w, p, s, v, r);                                                                       \
    }                                                                                                                  \
    attributes static void correct_##suffix(double *v, const int64_t *k, size_t c) { correct(v, k, c); }

ENTRIES(any, )
#if defined(__x86_64__)
ENTRIES(avx2, AVX2)
ENTRIES(avx512, AVX512)
#endif

const uint8_t *ccolumns_integers(const uint8_t *cursor, const uint8_t *end, size_t count, int64_t *numbers) {
    CHOOSE_WIDEST(integers, cursor, end, count, (uint64_t *)numbers);
}

const uint8_t *ccolumns_decimals(
    const uint8_t *cursor, const uint8_t *end, size_t count, size_t from, size_t to, double power, int64_t *scratch,
    double *values, int *rises) {
    const struct wanted wanted = {from, to};
    CHOOSE_WIDEST(decimals, cursor, end, count, wanted, power, (uint64_t *)scratch, values, rises);
}

void ccolumns_correct(double *values, const int64_t *corrections, size_t count) {
    CHOOSE_WIDEST(correct, values, corrections, count);
}
