#ifndef LAPWING_CCOLUMNS_H
#define LAPWING_CCOLUMNS_H

// The loops over columns: encoding and decoding them, the windows and the sums over them. The compiler turns them into
// vector instructions, twice: for every processor of the family and for those with AVX2 (decoding also for those with
// AVX-512), of which the right ones are taken when they run. Swift has no such choice.

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

// Decoding.

/// Reads an integer column of `count` numbers, one at least, in the form that TSDB's `IntegerColumn` draws, which goes no
/// further than `end`. Where it ends; null where the bytes are damaged, and `numbers` holds anything then.
const uint8_t *_Nullable ccolumns_integers(
    const uint8_t *_Nonnull cursor, const uint8_t *_Nonnull end, size_t count, int64_t *_Nonnull numbers);

/// The same, and writes those of the numbers from `from` to below `to`, one at least, divided by the power, both steps rounded.
/// `scratch` has room for all. `rises` is set where it is known that no value is below the one before.
const uint8_t *_Nullable ccolumns_decimals(
    const uint8_t *_Nonnull cursor, const uint8_t *_Nonnull end, size_t count, size_t from, size_t to, double power,
    int64_t *_Nonnull scratch, double *_Nonnull values, int *_Nonnull rises);

/// Adds to the bit patterns of values.
void ccolumns_correct(double *_Nonnull values, const int64_t *_Nonnull corrections, size_t count);

// Rows of the head.

/// Where a row stands in its block, and what else the head knows of it.
struct ccolumns_row {
    uint64_t sequence;
    uint32_t block, offset, byte_count;
};

/// A group of 64 slots, and the chosen ones of it by bit: one at least.
struct ccolumns_page {
    size_t number;
    uint64_t chosen;
};

/// What a slot's exponent is while no decimal form is known.
enum { ccolumns_no_exponent = 0x80 };

/// The slots that are decoded, and what is known of them besides their values.
struct ccolumns_chosen {
    size_t width;
    /// Ascending.
    const struct ccolumns_page *_Nonnull pages;
    size_t page_count;
    /// For each slot of the pages its place among the chosen ones.
    const int32_t *_Nonnull places;
    /// Those of ten, from 0 to 15.
    const double *_Nonnull powers;
    /// By place.
    int64_t *_Nonnull mantissas;
    uint8_t *_Nonnull exponents;
};

/// Decodes rows of one block that follow each other; TSDB's `RowFormat` and `ValueCodec` say in which form. Each is written as the
/// bits of the chosen slots, by place: the first to `bits`, and `stride` further on with each row. `before` are those of the row
/// before the first; they may stand where the first goes. Values of other slots are stepped over, and only where they end is
/// looked at. Zero where the bytes are not of this form; bits and state are anything then.
int ccolumns_rows(
    const uint8_t *_Nonnull block, const struct ccolumns_row *_Nonnull rows, size_t count,
    const struct ccolumns_chosen *_Nonnull chosen, const uint64_t *_Nonnull before, uint64_t *_Nonnull bits,
    size_t stride);

/// A group of 64 slots, and by bit those that have a sample, and those that have had one at each wanted row.
struct ccolumns_presence {
    size_t number;
    uint64_t present, always;
};

/// Follows over rows of one block, which follow each other, which slots have a sample; a staleness marker is none. Values are stepped
/// over. Zero where the bytes are not of this form.
int ccolumns_follow_samples(
    const uint8_t *_Nonnull block, const struct ccolumns_row *_Nonnull rows, size_t count, int are_wanted,
    struct ccolumns_presence *_Nonnull pages, size_t page_count);

/// Writes rows that follow each other, `width` values each, into columns that begin `column_stride` values apart.
void ccolumns_turn(
    const uint64_t *_Nonnull rows, size_t row_count, size_t width, double *_Nonnull columns, size_t column_stride);

// Tables.

/// Asks memory for the entries of a table, whose length is a power of two and one more than `mask`, that are looked up soon.
void ccolumns_fetch(
    const uint64_t *_Nonnull table, size_t mask, const uint32_t *_Nonnull places, size_t count);

// Windows and sums.

/// The first index, `from` or later, at which a value is less than the one before; the count where there is none. `from`
/// is at least 1.
size_t ccolumns_first_fall(const double *_Nonnull values, size_t count, size_t from);

/// The greatest and the least value, of zeros the first, where anything but NaN is below or above infinity; else that
/// infinity.
double ccolumns_maximum(const double *_Nonnull values, size_t count);
double ccolumns_minimum(const double *_Nonnull values, size_t count);

/// How many of the values are staleness markers or the absent value.
size_t ccolumns_count_special(const double *_Nonnull values, size_t count);

int ccolumns_has_nan(const double *_Nonnull values, size_t count);

struct ccolumns_rate {
    int is_counter;
    /// Each window begins and ends a value behind the one before.
    int windows_go_by_one;
    /// What extrapolated differences are divided by; 1 for none.
    double divisor;
    /// A zero that is farther away than a window reaches by products, with this margin and at least this much, is farther
    /// away by quotients.
    double margin;
    double least_limit;
};

/// Writes the rates of the steps from `start_step` to below `end_step`, for a column without resets.
///
/// Each step's window goes from `first` to below `end` and holds two values at least. The extrapolations are four columns
/// of `window_count` numbers: seconds between first and last sample, seconds to the window's start and to its end as far as
/// they are extrapolated, and the factor of windows inside which the counter cannot have been zero.
void ccolumns_rates(
    const double *_Nonnull values, const int32_t *_Nonnull first, const int32_t *_Nonnull end,
    const double *_Nonnull extrapolations, size_t window_count, size_t start_step, size_t end_step,
    const struct ccolumns_rate *_Nonnull rate, double *_Nonnull results);

/// Writes the last value of each window, the absent one where the window is empty or its last value is a staleness marker;
/// how many have one. The windows go over a clock of which the values are those from `offset` on; there is one at least.
size_t ccolumns_newest(
    const double *_Nonnull values, size_t count, const int32_t *_Nonnull first, const int32_t *_Nonnull end,
    int32_t offset, size_t step_count, double *_Nonnull results);

/// Windows that are looked at side by side.
enum { ccolumns_lanes = 8 };

// Of that many windows, each from `first` to below `end` and not empty, one result a window. The bits of the number that
// comes back are set for windows whose sums overflow or are NaN: their results may differ from those of a value after the
// other.

/// Compensated sums or means.
unsigned ccolumns_sum_windows(
    const double *_Nonnull values, const int32_t *_Nonnull first, const int32_t *_Nonnull end, int takes_mean,
    double *_Nonnull results);

/// Population variances after Welford, compensated.
unsigned ccolumns_variances(
    const double *_Nonnull values, const int32_t *_Nonnull first, const int32_t *_Nonnull end, double *_Nonnull results);

/// Least squares over the windows: slopes in seconds, and the values at the origins. Times, which belong to the values, and
/// origins are milliseconds, less than 2^51 of them apart.
unsigned ccolumns_lines(
    const double *_Nonnull values, const int64_t *_Nonnull times, const int32_t *_Nonnull first,
    const int32_t *_Nonnull end, const int64_t *_Nonnull origins, double *_Nonnull slopes, double *_Nonnull intercepts);

/// Double exponential smoothing with factors for each window; bits are set for windows of one value, too.
unsigned ccolumns_smooth_windows(
    const double *_Nonnull values, const int32_t *_Nonnull first, const int32_t *_Nonnull end,
    const double *_Nonnull smoothings, const double *_Nonnull trends, double *_Nonnull results);

/// Adds each value to the sum at its place, compensated as Neumaier does; where the value is the absent one nothing is
/// done. Sums begin as the absent value, compensations as 0.
void ccolumns_add_to_sums(
    const double *_Nonnull column, size_t count, double *_Nonnull sums, double *_Nonnull compensations);

/// Adds the compensations to the sums, which is the end of it.
void ccolumns_finish_sums(double *_Nonnull sums, const double *_Nonnull compensations, size_t count);

/// Makes the means of sums: sum and compensation are divided each by how many values there were, as Prometheus does.
void ccolumns_finish_means(
    double *_Nonnull sums, const double *_Nonnull compensations, const double *_Nonnull counts, size_t count);

/// Whether any sum is infinite, or would be with the value at its place.
int ccolumns_overflows(const double *_Nonnull column, size_t count, const double *_Nonnull sums);

/// Adds one where there is a value.
void ccolumns_count_present(const double *_Nonnull column, size_t count, double *_Nonnull counts);

/// Keeps the greater of two values, the value where there was none or a NaN.
void ccolumns_add_to_maxima(const double *_Nonnull column, size_t count, double *_Nonnull maxima);

/// Keeps the lesser of two values, the value where there was none or a NaN.
void ccolumns_add_to_minima(const double *_Nonnull column, size_t count, double *_Nonnull minima);

#endif
