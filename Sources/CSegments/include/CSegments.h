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

// Makes the program's constants read-only that its linker left among the variables, and says where they are.
//
// Swift's descriptors of conformances are constants in a section `.rodata` that is marked as writable, and a linker
// that merges sections of one name (System V ABI, chapter 4) makes all of `.rodata` so, 3.5 MB. No relocation lies
// there, and nobody writes there; who did would be ended by SIGSEGV from now on. Whole pages inside the section; false
// where the constants are in a segment of their own, or the file of the program does not tell.
bool csegments_protect_constants(struct csegment *segment);

#endif
