#include "CColumns.h"

#include "Dispatch.h"

enum { block = 16 };

LOOP size_t first_fall(const double *values, size_t count, size_t from) {
    size_t i = from;
    for (; i + block <= count; i += block) {
        uint64_t falls = 0;
        WIDE for (size_t j = 0; j < block; j++) falls |= (uint64_t)(values[i + j] < values[i + j - 1]);
        if (falls) break;
    }
    while (i < count && !(values[i] < values[i - 1])) i++;
    return i;
}

LOOP int has_nan(const double *values, size_t count) {
    uint64_t found = 0;
    WIDE for (size_t i = 0; i < count; i++) found |= (uint64_t)(values[i] != values[i]);
    return found != 0;
}

// The staleness marker and the absent value are neighbours: one comparison finds both.
LOOP size_t count_special(const double *values, size_t count) {
    uint64_t found = 0;
    WIDE for (size_t i = 0; i < count; i++) found += (bits_of(values[i]) & ~(uint64_t)1) == 0x7ff0000000000002;
    return found;
}

typedef double four_values __attribute__((vector_size(32)));

// Sixteen values at a time; what is no number is never greater or less.
LOOP double extreme(const double *restrict values, size_t count, int takes_maximum) {
    const double start = takes_maximum ? -__builtin_inf() : __builtin_inf();
    four_values best[4];
    for (int lane = 0; lane < 4; lane++) best[lane] = (four_values){start, start, start, start};
    size_t i = 0;
    for (; i + block <= count; i += block) {
        for (int lane = 0; lane < 4; lane++) {
            four_values next;
            memcpy(&next, values + i + 4 * lane, 32);
            for (int j = 0; j < 4; j++) {
                const double value = next[j], known = best[lane][j];
                best[lane][j] = (takes_maximum ? value > known : value < known) ? value : known;
            }
        }
    }
    double result = start;
    for (int lane = 0; lane < 4; lane++) {
        for (int j = 0; j < 4; j++) {
            const double value = best[lane][j];
            result = (takes_maximum ? value > result : value < result) ? value : result;
        }
    }
    for (; i < count; i++) result = (takes_maximum ? values[i] > result : values[i] < result) ? values[i] : result;
    if (result != 0) return result;
    // Of equal numbers the first counts, which only zeros tell apart.
    for (i = 0; values[i] != 0; i++) {
    }
    return values[i];
}

LOOP double maximum(const double *values, size_t count) { return extreme(values, count, 1); }

LOOP double minimum(const double *values, size_t count) { return extreme(values, count, 0); }

// As in the arguments of ccolumns_rates.
struct ccolumns_windows {
    const int32_t *first;
    const int32_t *end;
    const double *extrapolations;
    size_t count;
};

// First and last values of the windows in, rates out.
LOOP void rates_of_block(
    const double *restrict first, const double *restrict last, const struct ccolumns_windows *windows, size_t start,
    size_t length, const struct ccolumns_rate *rate, double *restrict results) {
    const double *restrict sampled_seconds = windows->extrapolations + start;
    const double *restrict seconds_to_start = sampled_seconds + windows->count;
    const double *restrict seconds_to_end = seconds_to_start + windows->count;
    const double *restrict whole_factors = seconds_to_end + windows->count;
    const double margin = rate->margin, least_limit = rate->least_limit, divisor = rate->divisor;
    double differences[block];
    for (size_t i = 0; i < length; i++) differences[i] = last[i] - first[i];
    uint64_t near = 0;
    if (rate->is_counter) {
        for (size_t i = 0; i < length; i++) {
            const double limit = seconds_to_start[i] * differences[i] * margin;
            const int is_far = (sampled_seconds[i] * first[i] > limit) & (limit > least_limit);
            near |= (uint64_t)((differences[i] > 0) & (first[i] >= 0) & !is_far);
        }
    }
    if (!near) {
        for (size_t i = 0; i < length; i++) results[i] = differences[i] * whole_factors[i];
        return;
    }
    for (size_t i = 0; i < length; i++) {
        const double sampled = sampled_seconds[i], to_start = seconds_to_start[i];
        const double reached = sampled * (first[i] / differences[i]);
        const int is_near = (differences[i] > 0) & (first[i] >= 0) & (reached < to_start);
        const double whole = sampled + (is_near ? reached : to_start) + seconds_to_end[i];
        const double factor = sampled == 0 ? 1 : whole / sampled;
        results[i] = differences[i] * (factor / divisor);
    }
}

// Everything that differs between steps, one rounding after the other as Prometheus has them. A block of steps of which
// no counter can have been zero inside its window takes the factors that were computed for the clock.
LOOP void rates(
    const double *values, const struct ccolumns_windows *windows, size_t start, size_t end,
    const struct ccolumns_rate *rate, double *results) {
    size_t step = start;
    if (rate->windows_go_by_one) {
        const double *first = values + windows->first[start], *last = values + windows->end[start] - 1;
        for (; step + block <= end; step += block, first += block, last += block) {
            rates_of_block(first, last, windows, step, block, rate, results + step);
        }
        if (step < end) rates_of_block(first, last, windows, step, end - step, rate, results + step);
        return;
    }
    double first[block], last[block];
    while (step < end) {
        const size_t length = end - step < block ? end - step : block;
        for (size_t i = 0; i < length; i++) {
            first[i] = values[windows->first[step + i]];
            last[i] = values[windows->end[step + i] - 1];
        }
        if (length == block) {
            rates_of_block(first, last, windows, step, block, rate, results + step);
        } else {
            rates_of_block(first, last, windows, step, length, rate, results + step);
        }
        step += length;
    }
}

static const uint64_t absent_bits = 0x7ff0000000000003, stale_bits = 0x7ff0000000000002;

LOOP size_t newest(
    const double *restrict values, size_t count, const int32_t *restrict first, const int32_t *restrict end,
    int32_t offset, size_t steps, double *restrict results) {
    size_t found = 0;
    for (size_t i = 0; i < steps; i++) {
        const int32_t low = first[i] > offset ? first[i] - offset : 0;
        const int32_t high = end[i] - offset < (int32_t)count ? end[i] - offset : (int32_t)count;
        const int has_any = low < high;
        const uint64_t bits = bits_of(values[has_any ? high - 1 : 0]);
        const int is_kept = has_any & (bits != stale_bits);
        results[i] = value_of(is_kept ? bits : absent_bits);
        found += (size_t)is_kept;
    }
    return found;
}

LOOP void add_to_sums(
    const double *restrict column, size_t count, double *restrict sums, double *restrict compensations) {
    WIDE for (size_t i = 0; i < count; i++) {
        const double value = column[i], known = sums[i], compensation = compensations[i];
        const int is_absent = bits_of(value) == absent_bits;
        // No addition gives the absent value, which is a signalling NaN: it stands where nothing was added.
        const double sum = bits_of(known) == absent_bits ? -0.0 : known;
        const double total = sum + value;
        const double lost =
            __builtin_fabs(sum) >= __builtin_fabs(value) ? (sum - total) + value : (value - total) + sum;
        const double rest = __builtin_fabs(total) == __builtin_inf() ? 0 : compensation + lost;
        sums[i] = is_absent ? known : total;
        compensations[i] = is_absent ? compensation : rest;
    }
}

LOOP void finish_sums(double *restrict sums, const double *restrict compensations, size_t count) {
    WIDE for (size_t i = 0; i < count; i++) {
        const double sum = sums[i], whole = sum + compensations[i];
        const int is_final = (bits_of(sum) == absent_bits) | (__builtin_fabs(sum) == __builtin_inf());
        sums[i] = is_final ? sum : whole;
    }
}

LOOP void finish_means(
    double *restrict sums, const double *restrict compensations, const double *restrict counts, size_t count) {
    WIDE for (size_t i = 0; i < count; i++) {
        const double sum = sums[i], mean = sum / counts[i] + compensations[i] / counts[i];
        sums[i] = bits_of(sum) == absent_bits ? sum : mean;
    }
}

LOOP int overflows(const double *restrict column, size_t count, const double *restrict sums) {
    uint64_t found = 0;
    WIDE for (size_t i = 0; i < count; i++) {
        const double value = column[i], known = sums[i];
        const double total = (bits_of(known) == absent_bits ? 0.0 : known) + value;
        found |= (uint64_t)(bits_of(value) != absent_bits) &
                 (uint64_t)((__builtin_fabs(total) == __builtin_inf()) | (__builtin_fabs(known) == __builtin_inf()));
    }
    return found != 0;
}

LOOP void count_present(const double *restrict column, size_t count, double *restrict counts) {
    WIDE for (size_t i = 0; i < count; i++) counts[i] += bits_of(column[i]) == absent_bits ? 0.0 : 1.0;
}

LOOP void add_to_maxima(const double *restrict column, size_t count, double *restrict maxima) {
    WIDE for (size_t i = 0; i < count; i++) {
        const double value = column[i], known = maxima[i];
        const int is_more = (bits_of(value) != absent_bits) & ((value > known) | (known != known));
        maxima[i] = is_more ? value : known;
    }
}

LOOP void add_to_minima(const double *restrict column, size_t count, double *restrict minima) {
    WIDE for (size_t i = 0; i < count; i++) {
        const double value = column[i], known = minima[i];
        const int is_less = (bits_of(value) != absent_bits) & ((value < known) | (known != known));
        minima[i] = is_less ? value : known;
    }
}

#define ENTRIES(suffix, attributes)                                                                                    \
    attributes static size_t first_fall_##suffix(const double *v, size_t c, size_t f) { return first_fall(v, c, f); }  \
    attributes static int has_nan_##suffix(const double *v, size_t c) { return has_nan(v, c); }                        \
    attributes static size_t count_special_##suffix(const double *v, size_t c) { return count_special(v, c); }         \
    attributes static double maximum_##suffix(const double *v, size_t c) { return maximum(v, c); }                     \
    attributes static double minimum_##suffix(const double *v, size_t c) { return minimum(v, c); }                     \
    attributes static void rates_##suffix(                                                                             \
        const double *v, const struct ccolumns_windows *w, size_t s, size_t e, const struct ccolumns_rate *k,          \
        double *r) {                                                                                                   \
        rates(v, w, s, e, k, r);                                                                                       \
    }                                                                                                                  \
    attributes static size_t newest_##suffix(                                                                          \
        const double *v, size_t c, const int32_t *f, const int32_t *e, int32_t o, size_t n, double *r) {               \
        return newest(v, c, f, e, o, n, r);                                                                            \
    }                                                                                                                  \
    attributes static void add_to_sums_##suffix(const double *v, size_t c, double *s, double *k) {                     \
        add_to_sums(v, c, s, k);                                                                                       \
    }                                                                                                                  \
    attributes static int overflows_##suffix(const double *v, size_t c, const double *s) { return overflows(v, c, s); }\
    attributes static void count_present_##suffix(const double *v, size_t c, double *n) { count_present(v, c, n); }    \
    attributes static void add_to_maxima_##suffix(const double *v, size_t c, double *m) { add_to_maxima(v, c, m); }    \
    attributes static void add_to_minima_##suffix(const double *v, size_t c, double *m) { add_to_minima(v, c, m); }    \
    attributes static void finish_sums_##suffix(double *s, const double *k, size_t c) { finish_sums(s, k, c); }        \
    attributes static void finish_means_##suffix(double *s, const double *k, const double *n, size_t c) {              \
        finish_means(s, k, n, c);                                                                                      \
    }

ENTRIES(any, )
#if defined(__x86_64__)
ENTRIES(avx2, AVX2)
#endif

size_t ccolumns_first_fall(const double *values, size_t count, size_t from) {
    CHOOSE(first_fall, values, count, from);
}

size_t ccolumns_count_special(const double *values, size_t count) { CHOOSE(count_special, values, count); }

int ccolumns_has_nan(const double *values, size_t count) { CHOOSE(has_nan, values, count); }

double ccolumns_maximum(const double *values, size_t count) { CHOOSE(maximum, values, count); }

double ccolumns_minimum(const double *values, size_t count) { CHOOSE(minimum, values, count); }

void ccolumns_rates(
    const double *values, const int32_t *first, const int32_t *end, const double *extrapolations, size_t window_count,
    size_t start_step, size_t end_step, const struct ccolumns_rate *rate, double *results) {
    const struct ccolumns_windows windows = {first, end, extrapolations, window_count};
    CHOOSE(rates, values, &windows, start_step, end_step, rate, results);
}

size_t ccolumns_newest(
    const double *values, size_t count, const int32_t *first, const int32_t *end, int32_t offset, size_t step_count,
    double *results) {
    CHOOSE(newest, values, count, first, end, offset, step_count, results);
}

void ccolumns_add_to_sums(const double *column, size_t count, double *sums, double *compensations) {
    CHOOSE(add_to_sums, column, count, sums, compensations);
}

void ccolumns_finish_sums(double *sums, const double *compensations, size_t count) {
    CHOOSE(finish_sums, sums, compensations, count);
}

void ccolumns_finish_means(double *sums, const double *compensations, const double *counts, size_t count) {
    CHOOSE(finish_means, sums, compensations, counts, count);
}

int ccolumns_overflows(const double *column, size_t count, const double *sums) {
    CHOOSE(overflows, column, count, sums);
}

void ccolumns_count_present(const double *column, size_t count, double *counts) {
    CHOOSE(count_present, column, count, counts);
}

void ccolumns_add_to_maxima(const double *column, size_t count, double *maxima) {
    CHOOSE(add_to_maxima, column, count, maxima);
}

void ccolumns_add_to_minima(const double *column, size_t count, double *minima) {
    CHOOSE(add_to_minima, column, count, minima);
}
