#ifndef LAPWING_CCHECKSUM_H
#define LAPWING_CCHECKSUM_H

// CRC-32C by the processor's own instruction (SSE 4.2), which Swift has no name for. It may be called only where the
// processor has it.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Whether this processor has the instruction.
bool cchecksum_has_crc32c(void);

/// The state of the register after `length` more bytes; neither inverted before nor after.
uint32_t cchecksum_crc32c(uint32_t state, const void *_Nonnull bytes, size_t length);

#endif
