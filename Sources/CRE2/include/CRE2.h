#ifndef LAPWING_CRE2_H
#define LAPWING_CRE2_H

// A C face of RE2 (libre2): linear-time matching on untrusted patterns, the syntax that PromQL documents.
// Patterns are compiled with dot matching newline; callers anchor them themselves where they need to.

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cre2_pattern cre2_pattern;

/// Compiles `pattern`. On failure returns NULL, RE2's number of the error (0 where memory ran out), and as a NUL-terminated
/// text of at most `capacity` bytes the part of the pattern that it is about.
cre2_pattern *_Nullable cre2_compile(const char *_Nonnull pattern, size_t length, size_t memory_limit,
                                     int *_Nonnull error, char *_Nonnull part, size_t capacity);
void cre2_free(cre2_pattern *_Nullable pattern);

/// Whether the whole text matches.
bool cre2_full_match(const cre2_pattern *_Nonnull pattern, const char *_Nonnull text, size_t length);

/// Whether some part of the text matches.
bool cre2_partial_match(const cre2_pattern *_Nonnull pattern, const char *_Nonnull text, size_t length);

/// The number of capture groups, the whole match not counted.
int cre2_group_count(const cre2_pattern *_Nonnull pattern);

/// The index of a named group, or -1.
int cre2_group_index(const cre2_pattern *_Nonnull pattern, const char *_Nonnull name, size_t length);

/// Finds the first match at or after `start`. Group i (0 is the whole match) lies at offsets[2i] ..< offsets[2i+1];
/// both are -1 for a group that took no part. `capacity` counts groups, the whole match included.
bool cre2_match(const cre2_pattern *_Nonnull pattern, const char *_Nonnull text, size_t length, size_t start,
                bool anchor_both, ptrdiff_t *_Nonnull offsets, int capacity);

#ifdef __cplusplus
}
#endif
#endif
