// Takes the place of glibc's malloc in a benchmark, counts, and goes on to the real one.
#include "counted_allocations.h"
#include <stddef.h>
#include <errno.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static __thread unsigned long count;
static __thread unsigned long buffer_count;

unsigned long lapwing_allocation_count(void) { return count; }
unsigned long lapwing_buffer_allocation_count(void) { return buffer_count; }

static void note(size_t size) {
    count++;
    if (size >= 512) buffer_count++;
}

void *malloc(size_t size) { note(size); return __libc_malloc(size); }
void *calloc(size_t number, size_t size) { note(number * size); return __libc_calloc(number, size); }
void *realloc(void *block, size_t size) { note(size); return __libc_realloc(block, size); }
void *aligned_alloc(size_t alignment, size_t size) { note(size); return __libc_memalign(alignment, size); }
void *memalign(size_t alignment, size_t size) { note(size); return __libc_memalign(alignment, size); }
int posix_memalign(void **block, size_t alignment, size_t size) {
    note(size);
    *block = __libc_memalign(alignment, size);
    return *block ? 0 : ENOMEM;
}
