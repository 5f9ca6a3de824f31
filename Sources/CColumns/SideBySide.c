// Functions that must look at the values of each window in order, eight windows at a time: one window has to wait for each
// addition before the next, eight that do not depend on each other keep the processor busy.

#include "CColumns.h"

#include "Dispatch.h"

enum { lanes = ccolumns_lanes, parts = lanes / 4 };

typedef double four_values __attribute__((vector_size(32)));
typedef int64_t four_numbers __attribute__((vector_size(32)));

struct values {
    four_values part[parts];
};

struct sums {
    struct values sum, compensation;
};

// What an addition loses is a number, and Knuth's six operations find it just as Neumaier's comparison does: equal bits, as
// long as nothing overflows. Where something does, a sum or a compensation stays infinite or NaN, and the window is told.
#define ADD(sum, compensation, value)                                                                                  \
    do {                                                                                                               \
        const __typeof__(sum) total = (sum) + (value), added = total - (sum);                                          \
        (compensation) += ((sum) - (total - added)) + ((value) - added);                                               \
        (sum) = total;                                                                                                 \
    } while (0)

// Windows as they lie in a column, and how many values all of them have.
struct octet {
    const double *start[lanes];
    size_t count[lanes];
    size_t shared;
};

LOOP void find_octet(struct octet *octet, const double *values, const int32_t *first, const int32_t *end) {
    octet->shared = SIZE_MAX;
    for (int lane = 0; lane < lanes; lane++) {
        octet->start[lane] = values + first[lane];
        octet->count[lane] = (size_t)(end[lane] - first[lane]);
        if (octet->count[lane] < octet->shared) octet->shared = octet->count[lane];
    }
}

LOOP void take(struct values *next, const struct octet *octet, size_t i) {
    for (int part = 0; part < parts; part++) {
        const double *const *start = octet->start + 4 * part;
        next->part[part] = (four_values){start[0][i], start[1][i], start[2][i], start[3][i]};
    }
}

LOOP int is_finite(double sum, double compensation) {
    return (__builtin_fabs(sum) < __builtin_inf()) & (__builtin_fabs(compensation) < __builtin_inf());
}

LOOP unsigned sum_windows(
    const double *values, const int32_t *first, const int32_t *end, int takes_mean, double *results) {
    struct octet octet;
    find_octet(&octet, values, first, end);
    struct sums all = {0};
    size_t i = 0;
    // A mean begins with its first value, a sum with zero: that tells zeros apart.
    if (takes_mean) take(&all.sum, &octet, i++);
    for (; i < octet.shared; i++) {
        struct values next;
        take(&next, &octet, i);
        for (int part = 0; part < parts; part++) ADD(all.sum.part[part], all.compensation.part[part], next.part[part]);
    }
    unsigned doubtful = 0;
    for (int lane = 0; lane < lanes; lane++) {
        double sum = all.sum.part[lane / 4][lane % 4], compensation = all.compensation.part[lane / 4][lane % 4];
        for (i = octet.shared; i < octet.count[lane]; i++) ADD(sum, compensation, octet.start[lane][i]);
        const double count = (double)octet.count[lane];
        results[lane] = takes_mean ? sum / count + compensation / count : sum + compensation;
        if (!is_finite(sum, compensation)) doubtful |= 1u << lane;
    }
    return doubtful;
}

#define ADD_DEVIATION(mean, mean_rest, squares, squares_rest, value, count)                                            \
    do {                                                                                                               \
        const __typeof__(mean) delta = (value) - ((mean) + (mean_rest)), share = delta / (count);                      \
        ADD(mean, mean_rest, share);                                                                                   \
        const __typeof__(mean) square = delta * ((value) - ((mean) + (mean_rest)));                                    \
        ADD(squares, squares_rest, square);                                                                            \
    } while (0)

LOOP unsigned variances(const double *values, const int32_t *first, const int32_t *end, double *results) {
    struct octet octet;
    find_octet(&octet, values, first, end);
    struct sums mean = {0}, squares = {0};
    double count = 0;
    for (size_t i = 0; i < octet.shared; i++) {
        struct values next;
        take(&next, &octet, i);
        count += 1;
        for (int part = 0; part < parts; part++) {
            ADD_DEVIATION(
                mean.sum.part[part], mean.compensation.part[part], squares.sum.part[part],
                squares.compensation.part[part], next.part[part], count);
        }
    }
    unsigned doubtful = 0;
    for (int lane = 0; lane < lanes; lane++) {
        const int part = lane / 4, place = lane % 4;
        double sum = mean.sum.part[part][place], rest = mean.compensation.part[part][place];
        double square_sum = squares.sum.part[part][place], square_rest = squares.compensation.part[part][place];
        double number = count;
        for (size_t i = octet.shared; i < octet.count[lane]; i++) {
            number += 1;
            ADD_DEVIATION(sum, rest, square_sum, square_rest, octet.start[lane][i], number);
        }
        results[lane] = (square_sum + square_rest) / number;
        if (!is_finite(sum, rest) || !is_finite(square_sum, square_rest)) doubtful |= 1u << lane;
    }
    return doubtful;
}

// The sums of a regression, of times, values, their products and the squares of times.
struct line_sums {
    double x, x_rest, y, y_rest, xy, xy_rest, xx, xx_rest;
};

// One line of several windows' sums.
#define LINE_SUM(sums, lane) (sums).sum.part[(lane) / 4][(lane) % 4], (sums).compensation.part[(lane) / 4][(lane) % 4]

LOOP int finish_line(const struct line_sums *sums, double count, double *slope, double *intercept) {
    const double x = sums->x + sums->x_rest, y = sums->y + sums->y_rest;
    const double xy = sums->xy + sums->xy_rest, xx = sums->xx + sums->xx_rest;
    const double covariance = xy - x * y / count;
    const double variance = xx - x * x / count;
    *slope = covariance / variance;
    *intercept = y / count - *slope * x / count;
    return is_finite(sums->x, sums->x_rest) & is_finite(sums->y, sums->y_rest) & is_finite(sums->xy, sums->xy_rest) &
           is_finite(sums->xx, sums->xx_rest);
}

LOOP unsigned lines(
    const double *values, const int64_t *times, const int32_t *first, const int32_t *end, const int64_t *origins,
    double *slopes, double *intercepts) {
    struct octet octet, time_octet;
    find_octet(&octet, values, first, end);
    // The loop below moves the bits of times as it does those of values.
    find_octet(&time_octet, (const double *)(const void *)times, first, end);
    struct sums x = {0}, y = {0}, xy = {0}, xx = {0};
    const four_values zero = {magic, magic, magic, magic};
    for (size_t i = 0; i < octet.shared; i++) {
        struct values next, time;
        take(&next, &octet, i);
        take(&time, &time_octet, i);
        for (int part = 0; part < parts; part++) {
            four_numbers origin;
            memcpy(&origin, origins + 4 * part, 32);
            const four_values milliseconds = (four_values)((four_numbers)time.part[part] - origin + (four_numbers)zero);
            const four_values seconds = (milliseconds - zero) / 1e3, value = next.part[part];
            const four_values product = seconds * value, square = seconds * seconds;
            ADD(x.sum.part[part], x.compensation.part[part], seconds);
            ADD(y.sum.part[part], y.compensation.part[part], value);
            ADD(xy.sum.part[part], xy.compensation.part[part], product);
            ADD(xx.sum.part[part], xx.compensation.part[part], square);
        }
    }
    unsigned doubtful = 0;
    for (int lane = 0; lane < lanes; lane++) {
        struct line_sums sums = {LINE_SUM(x, lane), LINE_SUM(y, lane), LINE_SUM(xy, lane), LINE_SUM(xx, lane)};
        for (size_t i = octet.shared; i < octet.count[lane]; i++) {
            const double seconds = (double)(times[(size_t)first[lane] + i] - origins[lane]) / 1e3;
            const double value = octet.start[lane][i], product = seconds * value, square = seconds * seconds;
            ADD(sums.x, sums.x_rest, seconds);
            ADD(sums.y, sums.y_rest, value);
            ADD(sums.xy, sums.xy_rest, product);
            ADD(sums.xx, sums.xx_rest, square);
        }
        if (!finish_line(&sums, (double)octet.count[lane], slopes + lane, intercepts + lane)) doubtful |= 1u << lane;
    }
    return doubtful;
}

#define SMOOTH(level, slope, before, value, smoothing, trend, is_second)                                               \
    do {                                                                                                               \
        const __typeof__(level) scaled = (smoothing) * (value);                                                        \
        if (!(is_second)) (slope) = (trend) * ((level) - (before)) + (1 - (trend)) * (slope);                          \
        const __typeof__(level) rest = (1 - (smoothing)) * ((level) + (slope));                                        \
        (before) = (level);                                                                                            \
        (level) = scaled + rest;                                                                                       \
    } while (0)

LOOP unsigned smooth_windows(
    const double *values, const int32_t *first, const int32_t *end, const double *smoothings, const double *trends,
    double *results) {
    struct octet octet;
    find_octet(&octet, values, first, end);
    if (octet.shared < 2) return (1u << lanes) - 1;
    struct values level, second, slope, before = {0}, smoothing, trend;
    take(&level, &octet, 0);
    take(&second, &octet, 1);
    for (int part = 0; part < parts; part++) slope.part[part] = second.part[part] - level.part[part];
    memcpy(&smoothing, smoothings, sizeof smoothing);
    memcpy(&trend, trends, sizeof trend);
    for (size_t i = 1; i < octet.shared; i++) {
        struct values next;
        take(&next, &octet, i);
        for (int part = 0; part < parts; part++) {
            SMOOTH(
                level.part[part], slope.part[part], before.part[part], next.part[part], smoothing.part[part],
                trend.part[part], i == 1);
        }
    }
    unsigned doubtful = 0;
    for (int lane = 0; lane < lanes; lane++) {
        const int part = lane / 4, place = lane % 4;
        double last = level.part[part][place], rise = slope.part[part][place], earlier = before.part[part][place];
        for (size_t i = octet.shared; i < octet.count[lane]; i++) {
            SMOOTH(last, rise, earlier, octet.start[lane][i], smoothings[lane], trends[lane], 0);
        }
        results[lane] = last;
        if (!is_finite(last, rise)) doubtful |= 1u << lane;
    }
    return doubtful;
}

#define ENTRIES(suffix, attributes)                                                                                    \
    attributes static unsigned sum_windows_##suffix(                                                                   \
        const double *v, const int32_t *f, const int32_t *e, int m, double *r) {                                       \
        return sum_windows(v, f, e, m, r);                                                                             \
    }                                                                                                                  \
    attributes static unsigned variances_##suffix(                                                                     \
        const double *v, const int32_t *f, const int32_t *e, double *r) {                                              \
        return variances(v, f, e, r);                                                                                  \
    }                                                                                                                  \
    attributes static unsigned lines_##suffix(                                                                         \
        const double *v, const int64_t *t, const int32_t *f, const int32_t *e, const int64_t *o, double *s,            \
        double *i) {                                                                                                   \
        return lines(v, t, f, e, o, s, i);                                                                             \
    }                                                                                                                  \
    attributes static unsigned smooth_windows_##suffix(                                                                \
        const double *v, const int32_t *f, const int32_t *e, const double *s, const double *t, double *r) {            \
        return smooth_windows(v, f, e, s, t, r);                                                                       \
    }

ENTRIES(any, )
#if defined(__x86_64__)
ENTRIES(avx2, AVX2)
#endif

unsigned ccolumns_sum_windows(
    const double *values, const int32_t *first, const int32_t *end, int takes_mean, double *results) {
    CHOOSE(sum_windows, values, first, end, takes_mean, results);
}

unsigned ccolumns_variances(const double *values, const int32_t *first, const int32_t *end, double *results) {
    CHOOSE(variances, values, first, end, results);
}

unsigned ccolumns_lines(
    const double *values, const int64_t *times, const int32_t *first, const int32_t *end, const int64_t *origins,
    double *slopes, double *intercepts) {
    CHOOSE(lines, values, times, first, end, origins, slopes, intercepts);
}

unsigned ccolumns_smooth_windows(
    const double *values, const int32_t *first, const int32_t *end, const double *smoothings, const double *trends,
    double *results) {
    CHOOSE(smooth_windows, values, first, end, smoothings, trends, results);
}
