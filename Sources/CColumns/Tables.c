#include "CColumns.h"

void ccolumns_fetch(const uint64_t *table, size_t mask, const uint32_t *places, size_t count) {
    for (size_t i = 0; i < count; i++) __builtin_prefetch(table + (places[i] & mask), 1);
}
