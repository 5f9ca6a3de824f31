#ifndef LAPWING_CCOLUMNS_H
#define LAPWING_CCOLUMNS_H

// The loops of encoding a column, which the compiler turns into vector instructions: twice, for every processor of the
// family and for those with AVX2, of which the right one is taken when it runs. Swift has no such choice.

#include <stddef.h>
#include <stdint.h>

/// Least and greatest of some numbers, their differences, and the differences of those; differences that are zero.
struct ccolumns_spans {
    int64_t least[3];
    int64_t greatest[3];
    size_t zero_differences;
};

/// Looks at at least three numbers. Differences wrap around.
void ccolumns_find_spans(const int64_t *_Nonnull numbers, size_t count, struct ccolumns_spans *_Nonnull spans);

/// Writes the numbers (order 0), their differences (1) or the differences of those (2), each less `least`; all bits that
/// are set in any.
uint64_t ccolumns_residuals(
    const int64_t *_Nonnull numbers, size_t count, int order, int64_t least, uint64_t *_Nonnull residuals);

void ccolumns_shift_right(uint64_t *_Nonnull numbers, size_t count, int bits);

/// For each width from 0 to below `widths`, how many numbers take more bytes than it.
void ccolumns_count_wider(
    const uint64_t *_Nonnull numbers, size_t count, int widths, uint32_t *_Nonnull wider);

/// Writes m for each value that is m / power, bit for bit, with m below 2^51; stops within 16 values of the first that
/// is not, and says how many were written.
size_t ccolumns_mantissas(
    const double *_Nonnull values, size_t count, double power, int64_t *_Nonnull mantissas);

#endif
