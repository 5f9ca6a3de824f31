#define _GNU_SOURCE
#include "CSegments.h"

#include <link.h>
#include <unistd.h>

struct list {
    struct csegment *room;
    size_t capacity;
    size_t count;
    uintptr_t page;
};

static int add(struct dl_phdr_info *image, size_t size, void *context) {
    (void)size;
    struct list *list = context;
    for (size_t index = 0; index < image->dlpi_phnum && list->count < list->capacity; index++) {
        const ElfW(Phdr) *header = &image->dlpi_phdr[index];
        if (header->p_type != PT_LOAD) continue;
        struct csegment segment = {.is_read_only = (header->p_flags & PF_W) == 0};
        uintptr_t start = image->dlpi_addr + header->p_vaddr;
        uintptr_t end = start + header->p_filesz;
        segment.start = start / list->page * list->page;
        // Behind the end of the file in its last page of variables are variables, too.
        segment.end = (segment.is_read_only ? end + list->page - 1 : end) / list->page * list->page;
        if (segment.start < segment.end) list->room[list->count++] = segment;
    }
    return 0;
}

size_t csegments_list(struct csegment *room, size_t count) {
    struct list list = {room, count, 0, (uintptr_t)sysconf(_SC_PAGESIZE)};
    dl_iterate_phdr(add, &list);
    return list.count;
}
