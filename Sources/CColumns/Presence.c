#include "CColumns.h"

#include "RowBytes.h"

// Notes which of so many of the changed slots, the lowest ones, have no sample any more, and takes them out of `changed`.
LOOP const uint8_t *note_one_by_one(
    const uint8_t *cursor, const uint8_t *end, int count, uint64_t *changed, uint64_t *gone) {
    for (; *changed && count > 0 && cursor; count--, *changed &= *changed - 1) {
        const uint8_t *const value = cursor;
        cursor = skip(cursor, end);
        uint64_t number;
        // The two markers are the codes 0 and 1.
        if (cursor && *value & 1 && varint(value, end, &number) && number <= 3) *gone |= *changed & (0 - *changed);
    }
    return cursor;
}

#if defined(__x86_64__)
// In nearly all rows no value is a marker, which is seen for as many values at a time as end among the bytes looked at.
AVX2_BITS static int note_avx2(
    const uint8_t *cursor, const uint8_t *end, const uint8_t *readable, uint64_t changed, uint64_t *gone) {
    enum { few = 4 };
    while (changed) {
        int is_cut = 1;
        uint32_t ends = 0;
        if (readable - cursor >= window_bytes) {
            ends = value_ends(cursor, (size_t)(end - cursor), &is_cut);
            changed ^= _pdep_u64(((uint64_t)1 << __builtin_popcount(ends)) - 1, changed);
            cursor += window_bytes - _lzcnt_u32(ends);
        }
        if (is_cut || ends == 0) {
            cursor = note_one_by_one(cursor, end, few, &changed, gone);
            if (!cursor) return 0;
        }
    }
    return 1;
}
#endif

static int note_any(
    const uint8_t *cursor, const uint8_t *end, const uint8_t *readable, uint64_t changed, uint64_t *gone) {
    (void)readable;
    return note_one_by_one(cursor, end, 64, &changed, gone) != NULL;
}

typedef int noting(
    const uint8_t *cursor, const uint8_t *end, const uint8_t *readable, uint64_t changed, uint64_t *gone);

// Follows the slots of one group through a row.
LOOP int follow_page(
    const struct row_head *head, const uint8_t *readable, noting *note, struct ccolumns_presence *page) {
    if (head->is_key) page->present = 0;
    if (page->number >= head->pages) return 1;
    const uint64_t changed = changed_slots(head, page->number);
    if (!changed) return 1;
    const uint8_t *const values = changed_values(head, page->number);
    uint64_t gone = 0;
    if (!values || !note(values, head->row + head->size, readable, changed, &gone)) return 0;
    page->present = (page->present | changed) & ~gone;
    return 1;
}

int ccolumns_follow_samples(
    const uint8_t *block, const struct ccolumns_row *rows, size_t count, int are_wanted,
    struct ccolumns_presence *pages, size_t page_count) {
    noting *note = note_any;
#if defined(__x86_64__)
    if (HAS_AVX2_BITS) note = note_avx2;
#endif
    const struct ccolumns_presence *const pages_end = pages + page_count;
    const uint8_t *const readable = rows_end(block, rows, count);
    for (size_t i = 0; i < count; i++) {
        fetch_ahead(block, rows, count, i);
        struct row_head head;
        if (!read_head(block + rows[i].offset, rows[i].byte_count, &head)) return 0;
        for (struct ccolumns_presence *page = pages; page < pages_end; page++) {
            if (!follow_page(&head, readable, note, page)) return 0;
            if (are_wanted) page->always &= page->present;
        }
    }
    return 1;
}
