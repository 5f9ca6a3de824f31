#define _GNU_SOURCE
#include "CSegments.h"

#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// A program has 51 sections and 600 bytes of their names.
enum { SECTION_LIMIT = 256, SECTION_NAMES_LIMIT = 8192 };

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

static bool read_at(int file, void *into, size_t size, uint64_t offset) {
    return pread(file, into, size, (off_t)offset) == (ssize_t)size;
}

// Where the file of the program says that its constants are, before the program is moved to where it is loaded.
static bool find_constants(int file, ElfW(Addr) *start, ElfW(Addr) *end) {
    ElfW(Ehdr) header;
    ElfW(Shdr) sections[SECTION_LIMIT];
    char names[SECTION_NAMES_LIMIT];
    if (!read_at(file, &header, sizeof header, 0) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return false;
    if (header.e_shentsize != sizeof sections[0] || header.e_shnum > SECTION_LIMIT) return false;
    if (header.e_shstrndx >= header.e_shnum) return false;
    if (!read_at(file, sections, header.e_shnum * sizeof sections[0], header.e_shoff)) return false;
    size_t size = sections[header.e_shstrndx].sh_size;
    if (size == 0 || size > sizeof names) return false;
    if (!read_at(file, names, size, sections[header.e_shstrndx].sh_offset)) return false;
    names[size - 1] = 0;
    for (size_t index = 0; index < header.e_shnum; index++) {
        if (sections[index].sh_name >= size || strcmp(names + sections[index].sh_name, ".rodata") != 0) continue;
        *start = sections[index].sh_addr;
        *end = *start + sections[index].sh_size;
        return true;
    }
    return false;
}

struct constants {
    ElfW(Addr) start;
    ElfW(Addr) end;
    struct csegment segment;
};

// The first image is the program.
static int place(struct dl_phdr_info *image, size_t size, void *context) {
    (void)size;
    struct constants *constants = context;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (size_t index = 0; index < image->dlpi_phnum; index++) {
        const ElfW(Phdr) *header = &image->dlpi_phdr[index];
        if (header->p_type != PT_LOAD || (header->p_flags & PF_W) == 0) continue;
        if (constants->start < header->p_vaddr || constants->end > header->p_vaddr + header->p_filesz) continue;
        constants->segment.start = (image->dlpi_addr + constants->start + page - 1) / page * page;
        constants->segment.end = (image->dlpi_addr + constants->end) / page * page;
    }
    return 1;
}

bool csegments_protect_constants(struct csegment *segment) {
    struct constants constants = {0};
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    bool is_found = find_constants(file, &constants.start, &constants.end);
    close(file);
    if (!is_found) return false;
    dl_iterate_phdr(place, &constants);
    if (constants.segment.start >= constants.segment.end) return false;
    size_t size = constants.segment.end - constants.segment.start;
    if (mprotect((void *)constants.segment.start, size, PROT_READ) != 0) return false;
    constants.segment.is_read_only = true;
    *segment = constants.segment;
    return true;
}
