#ifndef LAPWING_CSHIPPEDRULES_H
#define LAPWING_CSHIPPEDRULES_H

// The rule files of the folder rules/, inside the binary.

#include <stddef.h>

typedef struct cshipped_rule {
    const char *_Nonnull path;
    const unsigned char *_Nonnull bytes;
    size_t length;
} cshipped_rule;

/// The table; its entries are never freed.
const cshipped_rule *_Nonnull cshipped_rule_table(void);
extern const size_t cshipped_rule_count;

#endif
