// What is mapped of program and libraries, from the headers of their files (elf(5)).
#ifndef CSEGMENTS_H
#define CSEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct csegment {
    // Whole pages that are those of the file alone.
    uintptr_t start;
    uintptr_t end;
    // Code and constants: nothing is written there, not even by the linker that loads them.
    bool is_read_only;
};

// Writes the segments, as many as there is room for, and returns their number.
size_t csegments_list(struct csegment *room, size_t count);

#endif
